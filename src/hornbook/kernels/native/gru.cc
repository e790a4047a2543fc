// A GRU with tanh and sigmoid whose reset gate is applied after the product: gates in the order
// z, r, h. The fourth sum is what the reset gate meets.
#include "recurrence.h"

namespace hornbook {
namespace {

struct Gru {
  static constexpr int kWidth = 3, kArrays = 3, kStates = 1;
  static constexpr Term kTerms[] = {{0, 0, 0, 0}, {1, 1, 0, 1}, {2, -1, 1, 0}, {-1, 2, 2, 0}};
  static constexpr int kWidths[] = {2, 1, 1}, kBack[] = {0, 2};
  static constexpr bool kDirect = true;

  template <class F>
  static void Forward(int64_t width, const F& sum, float* const* kept, const float* const* old,
                      float* const* now, int64_t at) {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector z = Sigmoid(sum(0, u)), r = Sigmoid(sum(1, u)), inner = sum(3, u),
                   a = Tanh(sum(2, u) + r * inner);
      Put(kept[0] + u, z, n);
      Put(kept[1] + u, r, n);
      Put(kept[2] + u, a, n);
      Put(kept[3] + u, inner, n);
      Put(now[0] + at + u, a + z * (Some(old[0] + at + u, n) - a), n);
    }
  }

  // What is carried is the part of the state's gradient that does not go through the product.
  static void Backward(int64_t width, const float* d_h, float* const* kept, const float* h_old,
                       const float*, float* carried, float* sums, int64_t units) {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector z = Some(kept[0] + u, n), r = Some(kept[1] + u, n), a = Some(kept[2] + u, n),
                   inner = Some(kept[3] + u, n), dh = Some(d_h + u, n);
      const Vector da = dh * (1.0f - z) * (1.0f - a * a);
      const Vector d[] = {dh * (Some(h_old + u, n) - a) * z * (1.0f - z),
                          da * inner * r * (1.0f - r), da, da * r};
      for (int k = 0; k < 4; ++k) {
        Put(kept[k] + u, d[k], n);
        float* const sum = sums + k * units + u;
        Put(sum, Some(sum, n) + d[k], n);
      }
      Put(carried + u, dh * z, n);
    }
  }
};

ffi::Error Forward(ffi::ThreadPool pool, Stack x, Ids ids, Matrix h0, Matrix kernel,
                   Matrix recurrent, Numbers bias, Booleans mask, ffi::Result<Stack> zr,
                   ffi::Result<Stack> a, ffi::Result<Stack> inner, ffi::Result<Stack> old_h,
                   ffi::Result<Matrix> last_h) {
  const Sizes s{x.dimensions()[0], x.dimensions()[1], h0.dimensions()[1], x.dimensions()[2]};
  const int64_t size = s.States(), all = s.steps * size;
  if (!all || !Have(2 * all, *zr) || !Have(all, *a, *inner, *old_h) || !Have(size, h0, *last_h) ||
      !Fits(s, 3, x, ids, kernel) || !Have(3 * s.units * s.units, recurrent) ||
      bias.element_count() % (4 * s.units) || mask.element_count() % (s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of a GRU do not fit");
  std::memcpy(old_h->typed_data(), h0.typed_data(), h0.size_bytes());
  RunForward<Gru>(pool,
                  {s,
                   {x.typed_data(), Optional(ids), kernel.typed_data(), kernel.dimensions()[0]},
                   recurrent.typed_data(),
                   Optional(bias),
                   {Optional(mask), s.batch},
                   {{zr->typed_data(), a->typed_data(), inner->typed_data()}, s.batch, s.units},
                   {old_h->typed_data()},
                   {last_h->typed_data()}});
  return ffi::Error::Success();
}

ffi::Error Backward(ffi::ThreadPool pool, Stack d_hs, Matrix d_last_h, Stack zr, Stack a,
                    Stack inner, Stack old_h, Matrix recurrent, Booleans mask,
                    ffi::Result<Stack> d_zr, ffi::Result<Stack> da, ffi::Result<Stack> d_inner,
                    ffi::Result<Matrix> d_h, ffi::Result<Numbers> d_bias) {
  const Sizes s{old_h.dimensions()[0], old_h.dimensions()[1], old_h.dimensions()[2], 0};
  const int64_t size = s.States(), all = s.steps * size;
  if (!all || !Have(2 * all, zr, *d_zr) || !Have(all, a, inner, *da, *d_inner) ||
      d_hs.element_count() % all || !Have(size, d_last_h, *d_h) || !Have(4 * s.units, *d_bias) ||
      !Have(3 * s.units * s.units, recurrent) || mask.element_count() % (s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of a GRU do not fit");
  Taken(zr.typed_data(), d_zr->typed_data(), zr.size_bytes());
  Taken(a.typed_data(), da->typed_data(), a.size_bytes());
  Taken(inner.typed_data(), d_inner->typed_data(), inner.size_bytes());
  RunBackward<Gru>(
      pool, {s,
             Optional(d_hs),
             d_last_h.typed_data(),
             old_h.typed_data(),
             old_h.typed_data(),
             recurrent.typed_data(),
             {Optional(mask), s.batch},
             {{d_zr->typed_data(), da->typed_data(), d_inner->typed_data()}, s.batch, s.units},
             d_h->typed_data(),
             d_h->typed_data(),
             d_bias->typed_data()});
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_gru, hornbook::Forward);

HORNBOOK_KERNEL(hornbook_gru_back, hornbook::Backward);
