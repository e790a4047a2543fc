// An LSTM with tanh and sigmoid; gates in the order i, f, c, o.
#include "recurrence.h"

namespace hornbook {
namespace {

struct Lstm {
  static constexpr int kWidth = 4, kArrays = 1, kStates = 2;
  static constexpr Term kTerms[] = {{0, 0, 0, 0}, {1, 1, 0, 1}, {2, 2, 0, 2}, {3, 3, 0, 3}};
  static constexpr int kWidths[] = {4}, kBack[] = {0};
  static constexpr bool kDirect = false;

  template <class F>
  static void Forward(int64_t width, const F& sum, float* const* gates, const float* const* old,
                      float* const* now, int64_t at) {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector i = Sigmoid(sum(0, u)), f = Sigmoid(sum(1, u)), g = Tanh(sum(2, u)),
                   o = Sigmoid(sum(3, u));
      const Vector c = f * Some(old[1] + at + u, n) + i * g;
      Put(gates[0] + u, i, n);
      Put(gates[1] + u, f, n);
      Put(gates[2] + u, g, n);
      Put(gates[3] + u, o, n);
      Put(now[1] + at + u, c, n);
      Put(now[0] + at + u, o * Tanh(c), n);
    }
  }

  // What is carried is the gradient of c.
  static void Backward(int64_t width, const float* d_h, float* const* gates, const float* c_old,
                       const float* c_new, float* d_c, float* sums, int64_t units) {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector i = Some(gates[0] + u, n), f = Some(gates[1] + u, n), g = Some(gates[2] + u, n),
                   o = Some(gates[3] + u, n);
      const Vector a = Tanh(Some(c_new + u, n)), dh = Some(d_h + u, n);
      const Vector dc = Some(d_c + u, n) + dh * o * (1.0f - a * a);
      const Vector dz[] = {dc * g * i * (1.0f - i), dc * Some(c_old + u, n) * f * (1.0f - f),
                           dc * i * (1.0f - g * g), dh * a * o * (1.0f - o)};
      for (int k = 0; k < 4; ++k) {
        Put(gates[k] + u, dz[k], n);
        float* const sum = sums + k * units + u;
        Put(sum, Some(sum, n) + dz[k], n);
      }
      Put(d_c + u, dc * f, n);
    }
  }
};

ffi::Error Forward(ffi::ThreadPool pool, Stack x, Ids ids, Matrix h0, Matrix c0, Matrix kernel,
                   Matrix recurrent, Numbers bias, Booleans mask, ffi::Result<Stack> gates,
                   ffi::Result<Stack> old_h, ffi::Result<Stack> old_c, ffi::Result<Matrix> last_h,
                   ffi::Result<Matrix> last_c) {
  const Sizes s{x.dimensions()[0], x.dimensions()[1], h0.dimensions()[1], x.dimensions()[2]};
  const int64_t size = s.States(), all = s.steps * size;
  if (!all || !Have(4 * all, *gates) || !Have(all, *old_h, *old_c) ||
      !Have(size, h0, c0, *last_h, *last_c) || !Fits(s, 4, x, ids, kernel) ||
      !Have(4 * s.units * s.units, recurrent) || bias.element_count() % (4 * s.units) ||
      mask.element_count() % (s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of an LSTM do not fit");
  std::memcpy(old_h->typed_data(), h0.typed_data(), h0.size_bytes());
  std::memcpy(old_c->typed_data(), c0.typed_data(), c0.size_bytes());
  RunForward<Lstm>(pool,
                   {s,
                    {x.typed_data(), Optional(ids), kernel.typed_data(), kernel.dimensions()[0]},
                    recurrent.typed_data(),
                    Optional(bias),
                    {Optional(mask), s.batch},
                    {{gates->typed_data()}, s.batch, s.units},
                    {old_h->typed_data(), old_c->typed_data()},
                    {last_h->typed_data(), last_c->typed_data()}});
  return ffi::Error::Success();
}

ffi::Error Backward(ffi::ThreadPool pool, Stack d_hs, Matrix d_last_h, Matrix d_last_c, Stack gates,
                    Stack old_c, Matrix last_c, Matrix recurrent, Booleans mask,
                    ffi::Result<Stack> dz, ffi::Result<Matrix> d_h, ffi::Result<Matrix> d_c,
                    ffi::Result<Numbers> d_bias) {
  const Sizes s{old_c.dimensions()[0], old_c.dimensions()[1], old_c.dimensions()[2], 0};
  const int64_t size = s.States(), all = s.steps * size;
  if (!all || !Have(4 * all, gates, *dz) || d_hs.element_count() % all ||
      !Have(size, d_last_h, d_last_c, last_c, *d_h, *d_c) || !Have(4 * s.units, *d_bias) ||
      !Have(4 * s.units * s.units, recurrent) || mask.element_count() % (s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of an LSTM do not fit");
  Taken(gates.typed_data(), dz->typed_data(), gates.size_bytes());
  std::memcpy(d_c->typed_data(), d_last_c.typed_data(), d_last_c.size_bytes());
  RunBackward<Lstm>(pool, {s,
                           Optional(d_hs),
                           d_last_h.typed_data(),
                           old_c.typed_data(),
                           last_c.typed_data(),
                           recurrent.typed_data(),
                           {Optional(mask), s.batch},
                           {{dz->typed_data()}, s.batch, s.units},
                           d_h->typed_data(),
                           d_c->typed_data(),
                           d_bias->typed_data()});
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_lstm, hornbook::Forward);

HORNBOOK_KERNEL(hornbook_lstm_back, hornbook::Backward);
