// An LSTM over all its steps, forward and backward: the product of input and state with their
// kernels, and what follows it for the same samples and units while they are in the cache.
//
// Gates lie in the order i, f, c, o. Samples do not depend on each other, so where the kernel fits
// a core's cache each thread takes some samples through all steps. Where it does not, each takes
// some units, and waits for the others after each step.
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "memory.h"
#include "team.h"
#include "tile.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Vector1 = ffi::BufferR1<ffi::F32>;
using Matrix = ffi::BufferR2<ffi::F32>;
using Stack = ffi::BufferR3<ffi::F32>;
using Mask = ffi::BufferR1<ffi::PRED>;

constexpr int64_t kCached = 96 << 10;  // numbers of a kernel that stay in a core's cache
constexpr int64_t kPart = 1 << 16;     // multiplications of a step worth a part of their own

// The first n numbers of a vector, from memory and to it.
inline Vector Some(const float* p, int64_t n) {
  if (n >= kLanes) return Load(p);
  Vector v{};
  std::memcpy(&v, p, n * sizeof(float));
  return v;
}

inline void Put(float* p, Vector v, int64_t n) {
  if (n >= kLanes) return Store(p, v);
  std::memcpy(p, &v, n * sizeof(float));
}

inline Vector Clamp(Vector x, float limit) {
  const Vector high = Vector{} + limit;
#if defined(__AVX512F__)  // one instruction each, which gcc does not find by itself
  return _mm512_max_ps(_mm512_min_ps(x, high), -high);
#else
  x = x > high ? high : x;
  return x < -high ? -high : x;
#endif
}

// By the reciprocal and a correction, which takes half as long as a division, to the last bit but
// one. AVX2's reciprocal is too coarse for that.
inline Vector Divide(Vector a, Vector b) {
#if defined(__AVX512F__)
  const Vector r = _mm512_rcp14_ps(b), first = a * r;
  return first + r * (a - b * first);
#else
  return a / b;
#endif
}

// x P(x^2) / Q(x^2), the best fit to tanh up to 9, from where on it is 1; its error is 4e-7.
inline Vector Tanh(Vector x) {
  x = Clamp(x, 9);
  const Vector s = x * x;
  Vector p = Vector{} + 9.785020016472856e-12f, q = Vector{} + 3.4797764669747266e-07f;
  p = p * s - 9.91418169782321e-10f;
  p = p * s + 1.4319741239887662e-05f;
  p = p * s + 3.176303580403328e-03f;
  p = p * s + 1.3124671578407288e-01f;
  p = p * s + 1.0f;
  q = q * s + 2.727718383539468e-04f;
  q = q * s + 2.470322884619236e-02f;
  q = q * s + 4.6457991003990173e-01f;
  q = q * s + 1.0f;
  return Divide(x * p, q);
}

inline Vector Sigmoid(Vector x) { return 0.5f * Tanh(0.5f * x) + 0.5f; }

struct Shape {
  int64_t steps, batch, units, features;

  int64_t Panels() const { return Up(units, kColumns) / kColumns; }
  int64_t Width(int64_t panel) const {
    return std::min<int64_t>(kColumns, units - panel * kColumns);
  }
};

// One sample, the units of one panel: `z` is the product for each gate.
inline void StepForward(int64_t units, int64_t width, const float* z, int64_t z_gate,
                        const float* bias, float* gates, const float* c_old, float* c_new,
                        float* h_new) {
  for (int64_t u = 0; u < width; u += kLanes) {
    const int64_t n = width - u;
    const auto sum = [&](int64_t gate) {
      return Load(z + gate * z_gate + u) + Some(bias + gate * units + u, n);
    };
    const Vector i = Sigmoid(sum(0)), f = Sigmoid(sum(1)), g = Tanh(sum(2)), o = Sigmoid(sum(3));
    const Vector c = f * Some(c_old + u, n) + i * g;
    Put(gates + u, i, n);
    Put(gates + units + u, f, n);
    Put(gates + 2 * units + u, g, n);
    Put(gates + 3 * units + u, o, n);
    Put(c_new + u, c, n);
    Put(h_new + u, o * Tanh(c), n);
  }
}

// The same backward: the gates' gradients take their place and are added to the bias's, and `dc`
// becomes that of the old state.
inline void StepBackward(int64_t units, int64_t width, const float* d_h, const float* c_old,
                         const float* c_new, float* gates, float* d_c, float* d_bias) {
  for (int64_t u = 0; u < width; u += kLanes) {
    const int64_t n = width - u;
    float* const gate = gates + u;
    const Vector i = Some(gate, n), f = Some(gate + units, n), g = Some(gate + 2 * units, n),
                 o = Some(gate + 3 * units, n);
    const Vector a = Tanh(Some(c_new + u, n)), dh = Some(d_h + u, n);
    const Vector dc = Some(d_c + u, n) + dh * o * (1.0f - a * a);
    const Vector dz[] = {dc * g * i * (1.0f - i), dc * Some(c_old + u, n) * f * (1.0f - f),
                         dc * i * (1.0f - g * g), dh * a * o * (1.0f - o)};
    for (int64_t k = 0; k < 4; ++k) {
      Put(gate + k * units, dz[k], n);
      float* const sum = d_bias + k * units + u;
      Put(sum, Some(sum, n) + dz[k], n);
    }
    Put(d_c + u, dc * f, n);
  }
}

// Calls step(k, first row, one after the last, first panel, one after the last) for k = 0, 1, ...,
// for all rows and panels.
template <class F>
void Over(ffi::ThreadPool pool, const Shape& s, int64_t rounds, const F& step) {
  const int64_t numbers = 4 * s.units * (s.units + s.features), panels = s.Panels();
  const int64_t most = std::clamp<int64_t>(s.batch * numbers / kPart, 1, pool.num_threads());
  const int64_t tiles = Up(s.batch, kRows) / kRows;
  if (most == 1 || panels < most || numbers <= kCached) {
    const int64_t parts = std::min(most, tiles);
    return InParts(pool, parts, [&](int64_t part) {
      const int64_t from = part * tiles / parts * kRows;
      const int64_t to = std::min((part + 1) * tiles / parts * kRows, s.batch);
      for (int64_t k = 0; k < rounds; ++k) step(k, from, to, 0, panels);
    });
  }
  const int64_t parts = std::min(panels, 2 * most);
  Team team(pool, parts);
  for (int64_t k = 0; k < rounds; ++k)
    team.Run([&](int64_t part) {
      step(k, 0, s.batch, part * panels / parts, (part + 1) * panels / parts);
    });
}

bool Kept(const Mask& mask, const Shape& s, int64_t t, int64_t row) {
  return mask.element_count() == 0 || mask.typed_data()[t * s.batch + row];
}

ffi::Error Forward(ffi::ThreadPool pool, Stack x, Matrix h0, Matrix c0, Matrix kernel,
                   Matrix recurrent, Vector1 bias, Mask mask, ffi::Result<Stack> gates,
                   ffi::Result<Stack> old_h, ffi::Result<Stack> old_c, ffi::Result<Matrix> last_h,
                   ffi::Result<Matrix> last_c) {
  const Shape s{x.dimensions()[0], x.dimensions()[1], h0.dimensions()[1], x.dimensions()[2]};
  const int64_t units = s.units, size = s.batch * units, features = s.features;
  const auto states = static_cast<size_t>(size), all = static_cast<size_t>(s.steps * size);
  if (!states || !s.steps || gates->element_count() != 4 * all || h0.element_count() != states ||
      c0.element_count() != states || old_h->element_count() != all ||
      old_c->element_count() != all || last_h->element_count() != states ||
      last_c->element_count() != states ||
      kernel.element_count() != static_cast<size_t>(4 * features * units) ||
      recurrent.element_count() != static_cast<size_t>(4 * units * units) ||
      bias.element_count() % (4 * units) ||
      mask.element_count() % static_cast<size_t>(s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of an LSTM do not fit");
  const std::vector<float> none(bias.element_count() ? 0 : 4 * units);
  const float* const add = bias.element_count() ? bias.typed_data() : none.data();
  // For each panel of units, four panels of both kernels, one for each gate.
  const int64_t panels = s.Panels(), panel_size = (features + units) * kColumns;
  float* const packed = Scratch<5>(4 * panels * panel_size);
  InParts(pool, panels, [&](int64_t panel) {
    for (int64_t gate = 0; gate < 4; ++gate) {
      const int64_t from = gate * units + panel * kColumns, width = s.Width(panel);
      float* const to = packed + (4 * panel + gate) * panel_size;
      PackRows(kernel.typed_data() + from, 4 * units, features, width, to);
      PackRows(recurrent.typed_data() + from, 4 * units, units, width, to + features * kColumns);
    }
  });
  std::memcpy(old_h->typed_data(), h0.typed_data(), h0.size_bytes());
  std::memcpy(old_c->typed_data(), c0.typed_data(), c0.size_bytes());
  Over(pool, s, s.steps, [&](int64_t k, int64_t r0, int64_t r1, int64_t p0, int64_t p1) {
    const bool last = k + 1 == s.steps;
    const float* const h = old_h->typed_data() + k * size;
    const float* const c = old_c->typed_data() + k * size;
    const float* const inputs = x.typed_data() + k * s.batch * features;
    float* const new_h = last ? last_h->typed_data() : old_h->typed_data() + (k + 1) * size;
    float* const new_c = last ? last_c->typed_data() : old_c->typed_data() + (k + 1) * size;
    float* const z = Scratch<6>(4 * (r1 - r0) * kColumns);
    for (int64_t panel = p0; panel < p1; ++panel) {
      const int64_t u = panel * kColumns, width = s.Width(panel);
      float* const now = gates->typed_data() + 4 * k * size + u;
      for (int64_t gate = 0; gate < 4; ++gate) {
        const float* const of_input = packed + (4 * panel + gate) * panel_size;
        const float* const of_state = of_input + features * kColumns;
        for (int64_t r = r0; r < r1; r += kRows) {
          const int64_t rows = std::min<int64_t>(kRows, r1 - r);
          float* const out = z + (gate * (r1 - r0) + r - r0) * kColumns;
          Fetch<1>(now + (4 * r + gate) * units, 4 * units, rows, kColumns);
          AnyTile(rows, kColumns, {features}, {inputs + r * features, features, 1},
                  {of_input, kColumns}, out, kColumns, false);
          AnyTile(rows, kColumns, {units}, {h + r * units, units, 1}, {of_state, kColumns}, out,
                  kColumns, true);
        }
      }
      for (int64_t r = r0; r < r1; ++r) {
        const int64_t at = r * units + u;
        StepForward(units, width, z + (r - r0) * kColumns, (r1 - r0) * kColumns, add + u,
                    now + 4 * r * units, c + at, new_c + at, new_h + at);
        if (Kept(mask, s, k, r)) continue;
        std::memcpy(new_h + at, h + at, width * sizeof(float));
        std::memcpy(new_c + at, c + at, width * sizeof(float));
      }
    }
  });
  return ffi::Error::Success();
}

ffi::Error Backward(ffi::ThreadPool pool, Stack d_hs, Matrix d_last_h, Matrix d_last_c, Stack gates,
                    Stack old_c, Matrix last_c, Matrix recurrent, Mask mask, ffi::Result<Stack> dz,
                    ffi::Result<Matrix> d_h, ffi::Result<Matrix> d_c, ffi::Result<Vector1> d_bias) {
  const Shape s{old_c.dimensions()[0], old_c.dimensions()[1], old_c.dimensions()[2], 0};
  const int64_t units = s.units, size = s.batch * units;
  const auto states = static_cast<size_t>(size), all = static_cast<size_t>(s.steps * size);
  if (!states || !s.steps || gates.element_count() != 4 * all || dz->element_count() != 4 * all ||
      d_hs.element_count() % all || d_last_h.element_count() != states ||
      d_last_c.element_count() != states || last_c.element_count() != states ||
      d_h->element_count() != states || d_c->element_count() != states ||
      d_bias->element_count() != static_cast<size_t>(4 * units) ||
      recurrent.element_count() != static_cast<size_t>(4 * units * units) ||
      mask.element_count() % static_cast<size_t>(s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of an LSTM do not fit");
  Taken(gates.typed_data(), dz->typed_data(), gates.size_bytes());
  const int64_t panels = s.Panels(), panel_size = 4 * units * kColumns;
  float* const packed = Scratch<5>(panels * panel_size);
  InParts(pool, panels, [&](int64_t panel) {
    PackTransposed(recurrent.typed_data() + panel * panel_size, 4 * units, 4 * units,
                   s.Width(panel), packed + panel * panel_size);
  });
  // A masked step hands the gradient of its state on.
  std::vector<float> passed(mask.element_count() ? size : 0);
  std::memcpy(d_c->typed_data(), d_last_c.typed_data(), d_last_c.size_bytes());
  // Those who share the samples have a sum each, which begins where their samples do.
  const int64_t tiles = Up(s.batch, kRows) / kRows;
  float* const sums = Scratch<7>(tiles * 4 * units);
  std::fill_n(sums, tiles * 4 * units, 0.0f);
  Over(pool, s, s.steps + 1, [&](int64_t round, int64_t r0, int64_t r1, int64_t p0, int64_t p1) {
    const int64_t k = s.steps - 1 - round;
    const float* const d_out =
        d_hs.element_count() && k >= 0 ? d_hs.typed_data() + k * size : nullptr;
    const float* const c = old_c.typed_data() + k * size;
    const float* const new_c = k + 1 < s.steps ? c + size : last_c.typed_data();
    float* const now = dz->typed_data() + 4 * k * size;
    for (int64_t panel = p0; panel < p1; ++panel) {
      const int64_t u = panel * kColumns, width = s.Width(panel);
      for (int64_t first = r0; first < r1; first += kRows) {
        const int64_t rows = std::min<int64_t>(kRows, r1 - first), at = first * units + u;
        if (k >= 0) {
          for (int64_t gate = 0; gate < 4; ++gate)
            Fetch<1>(now + 4 * first * units + gate * units + u, 4 * units, rows, kColumns);
          Fetch<1>(c + at, units, rows, kColumns);
          Fetch<1>(new_c + at, units, rows, kColumns);
          if (d_out) Fetch<1>(d_out + at, units, rows, kColumns);
        }
        float dh[kRows * kColumns];
        if (round > 0)
          AnyTile(rows, kColumns, {4 * units}, {now + 4 * (size + first * units), 4 * units, 1},
                  {packed + panel * panel_size, kColumns}, dh, kColumns, false);
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t at = (first + r) * units + u;
          float* const d = dh + r * kColumns;
          if (round == 0)
            std::memcpy(d, d_last_h.typed_data() + at, width * sizeof(float));
          else if (!passed.empty())
            for (int64_t i = 0; i < width; ++i) d[i] += passed[at + i];
          if (k < 0) {
            std::memcpy(d_h->typed_data() + at, d, width * sizeof(float));
            continue;
          }
          if (d_out)
            for (int64_t i = 0; i < width; ++i) d[i] += d_out[at + i];
          float* const gate = now + 4 * (first + r) * units + u;
          const bool kept = Kept(mask, s, k, first + r);
          if (!passed.empty())
            for (int64_t i = 0; i < width; ++i) passed[at + i] = kept ? 0 : d[i];
          if (kept)
            StepBackward(units, width, d, c + at, new_c + at, gate, d_c->typed_data() + at,
                         sums + r0 / kRows * 4 * units + u);
          else
            for (int64_t i = 0; i < 4; ++i) std::fill_n(gate + i * units, width, 0.0f);
        }
      }
    }
  });
  std::memcpy(d_bias->typed_data(), sums, d_bias->size_bytes());
  for (int64_t tile = 1; tile < tiles; ++tile)
    for (int64_t i = 0; i < 4 * units; ++i) d_bias->typed_data()[i] += sums[tile * 4 * units + i];
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_lstm, hornbook::Forward,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<hornbook::Stack>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Vector1>()
                                  .Arg<hornbook::Mask>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Matrix>()
                                  .Ret<hornbook::Matrix>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_lstm_back, hornbook::Backward,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<hornbook::Stack>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Stack>()
                                  .Arg<hornbook::Stack>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Mask>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Matrix>()
                                  .Ret<hornbook::Matrix>()
                                  .Ret<hornbook::Vector1>());
