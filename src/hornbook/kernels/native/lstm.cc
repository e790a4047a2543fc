// The recurrence of an LSTM over all its steps, forward and backward: the product of the state with
// the recurrent kernel, and what follows it for the same units while they are in the cache.
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
  return x * p / q;
}

inline Vector Sigmoid(Vector x) { return 0.5f * Tanh(0.5f * x) + 0.5f; }

struct Shape {
  int64_t steps, batch, units;
  bool reverse;

  int64_t Time(int64_t k) const { return reverse ? steps - 1 - k : k; }
  int64_t Panels() const { return Up(units, kColumns) / kColumns; }
  int64_t Width(int64_t panel) const {
    return std::min<int64_t>(kColumns, units - panel * kColumns);
  }
};

// One sample, the units of one panel: `z` is the product for each gate, `x` the projected input,
// whose place the gates take.
inline void StepForward(int64_t units, int64_t width, const float* z, int64_t z_gate,
                        const float* bias, float* x, const float* c_old, float* c_new,
                        float* h_new) {
  for (int64_t u = 0; u < width; u += kLanes) {
    const int64_t n = width - u;
    const auto sum = [&](int64_t gate) {
      return Some(x + gate * units + u, n) + Load(z + gate * z_gate + u) +
             Some(bias + gate * units + u, n);
    };
    const Vector i = Sigmoid(sum(0)), f = Sigmoid(sum(1)), g = Tanh(sum(2)), o = Sigmoid(sum(3));
    const Vector c = f * Some(c_old + u, n) + i * g;
    Put(x + u, i, n);
    Put(x + units + u, f, n);
    Put(x + 2 * units + u, g, n);
    Put(x + 3 * units + u, o, n);
    Put(c_new + u, c, n);
    Put(h_new + u, o * Tanh(c), n);
  }
}

// The same backward: the gates' gradients take their place, and `dc` becomes that of the old state.
inline void StepBackward(int64_t units, int64_t width, const float* d_h, const float* c_old,
                         const float* c_new, float* gates, float* d_c) {
  for (int64_t u = 0; u < width; u += kLanes) {
    const int64_t n = width - u;
    float* const gate = gates + u;
    const Vector i = Some(gate, n), f = Some(gate + units, n), g = Some(gate + 2 * units, n),
                 o = Some(gate + 3 * units, n);
    const Vector a = Tanh(Some(c_new + u, n)), dh = Some(d_h + u, n);
    const Vector dc = Some(d_c + u, n) + dh * o * (1.0f - a * a);
    Put(gate, dc * g * i * (1.0f - i), n);
    Put(gate + units, dc * Some(c_old + u, n) * f * (1.0f - f), n);
    Put(gate + 2 * units, dc * i * (1.0f - g * g), n);
    Put(gate + 3 * units, dh * a * o * (1.0f - o), n);
    Put(d_c + u, dc * f, n);
  }
}

// Calls step(k, first row, one after the last, first panel, one after the last) for k = 0, 1, ...,
// for all rows and panels.
template <class F>
void Over(ffi::ThreadPool pool, const Shape& s, int64_t rounds, const F& step) {
  const int64_t work = s.batch * s.units * s.units * 4, panels = s.Panels();
  const int64_t most = std::clamp<int64_t>(work / kPart, 1, pool.num_threads());
  const int64_t tiles = Up(s.batch, kRows) / kRows;
  if (most == 1 || panels < most || s.units * s.units * 4 <= kCached) {
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

// out = left times one packed panel, for rows of kColumns numbers.
void Multiply(int64_t rows, int64_t depth, Left left, const float* panel, float* out) {
  for (int64_t r = 0; r < rows; r += kRows)
    AnyTile(std::min<int64_t>(kRows, rows - r), kColumns, {depth},
            {left.data + r * left.row, left.row, left.step}, {panel, kColumns}, out + r * kColumns,
            kColumns, false);
}

bool Kept(const Mask& mask, const Shape& s, int64_t t, int64_t row) {
  return mask.element_count() == 0 || mask.typed_data()[t * s.batch + row];
}

ffi::Error Forward(ffi::ThreadPool pool, Stack x, Matrix h0, Matrix c0, Matrix kernel, Vector1 bias,
                   Mask mask, ffi::Result<Stack> gates, ffi::Result<Stack> old_h,
                   ffi::Result<Stack> old_c, ffi::Result<Matrix> last_h, ffi::Result<Matrix> last_c,
                   bool reverse) {
  const Shape s{x.dimensions()[0], x.dimensions()[1], h0.dimensions()[1], reverse};
  const int64_t units = s.units, size = s.batch * units;
  const auto states = static_cast<size_t>(size), all = static_cast<size_t>(s.steps * size);
  if (!states || !s.steps || x.element_count() != 4 * all || gates->element_count() != 4 * all ||
      h0.element_count() != states || c0.element_count() != states ||
      old_h->element_count() != all || old_c->element_count() != all ||
      last_h->element_count() != states || last_c->element_count() != states ||
      kernel.element_count() != static_cast<size_t>(4 * units * units) ||
      bias.element_count() % (4 * units) ||
      mask.element_count() % static_cast<size_t>(s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of an LSTM do not fit");
  Taken(x.typed_data(), gates->typed_data(), x.size_bytes());
  const std::vector<float> none(bias.element_count() ? 0 : 4 * units);
  const float* const add = bias.element_count() ? bias.typed_data() : none.data();
  // For each panel of units, four panels of the kernel, one for each gate.
  const int64_t panels = s.Panels(), panel_size = units * kColumns;
  float* const packed = Scratch<5>(4 * panels * panel_size);
  InParts(pool, panels, [&](int64_t panel) {
    for (int64_t gate = 0; gate < 4; ++gate)
      PackRows(kernel.typed_data() + gate * units + panel * kColumns, 4 * units, units,
               s.Width(panel), packed + (4 * panel + gate) * panel_size);
  });
  std::memcpy(old_h->typed_data(), h0.typed_data(), h0.size_bytes());
  std::memcpy(old_c->typed_data(), c0.typed_data(), c0.size_bytes());
  Over(pool, s, s.steps, [&](int64_t k, int64_t r0, int64_t r1, int64_t p0, int64_t p1) {
    const int64_t t = s.Time(k), rows = r1 - r0;
    const bool last = k + 1 == s.steps;
    const float* const h = old_h->typed_data() + k * size;
    const float* const c = old_c->typed_data() + k * size;
    float* const new_h = last ? last_h->typed_data() : old_h->typed_data() + (k + 1) * size;
    float* const new_c = last ? last_c->typed_data() : old_c->typed_data() + (k + 1) * size;
    float* const z = Scratch<6>(4 * rows * kColumns);
    for (int64_t panel = p0; panel < p1; ++panel) {
      for (int64_t gate = 0; gate < 4; ++gate)
        Multiply(rows, units, {h + r0 * units, units, 1}, packed + (4 * panel + gate) * panel_size,
                 z + gate * rows * kColumns);
      const int64_t u = panel * kColumns, width = s.Width(panel);
      for (int64_t r = r0; r < r1; ++r) {
        const int64_t at = r * units + u;
        StepForward(units, width, z + (r - r0) * kColumns, rows * kColumns, add + u,
                    gates->typed_data() + 4 * (t * size + r * units) + u, c + at, new_c + at,
                    new_h + at);
        if (Kept(mask, s, t, r)) continue;
        std::memcpy(new_h + at, h + at, width * sizeof(float));
        std::memcpy(new_c + at, c + at, width * sizeof(float));
      }
    }
  });
  return ffi::Error::Success();
}

ffi::Error Backward(ffi::ThreadPool pool, Stack d_hs, Matrix d_last_h, Matrix d_last_c, Stack gates,
                    Stack old_c, Matrix last_c, Matrix kernel, Mask mask, ffi::Result<Stack> dz,
                    ffi::Result<Matrix> d_h, ffi::Result<Matrix> d_c, bool reverse) {
  const Shape s{old_c.dimensions()[0], old_c.dimensions()[1], old_c.dimensions()[2], reverse};
  const int64_t units = s.units, size = s.batch * units;
  const auto states = static_cast<size_t>(size), all = static_cast<size_t>(s.steps * size);
  if (!states || !s.steps || gates.element_count() != 4 * all || dz->element_count() != 4 * all ||
      d_hs.element_count() % all || d_last_h.element_count() != states ||
      d_last_c.element_count() != states || last_c.element_count() != states ||
      d_h->element_count() != states || d_c->element_count() != states ||
      kernel.element_count() != static_cast<size_t>(4 * units * units) ||
      mask.element_count() % static_cast<size_t>(s.steps * s.batch))
    return ffi::Error::InvalidArgument("the shapes of an LSTM do not fit");
  Taken(gates.typed_data(), dz->typed_data(), gates.size_bytes());
  const int64_t panels = s.Panels(), panel_size = 4 * units * kColumns;
  float* const packed = Scratch<5>(panels * panel_size);
  InParts(pool, panels, [&](int64_t panel) {
    PackTransposed(kernel.typed_data() + panel * panel_size, 4 * units, 4 * units, s.Width(panel),
                   packed + panel * panel_size);
  });
  // A masked step hands the gradient of its state on.
  std::vector<float> passed(mask.element_count() ? size : 0);
  std::memcpy(d_c->typed_data(), d_last_c.typed_data(), d_last_c.size_bytes());
  Over(pool, s, s.steps + 1, [&](int64_t round, int64_t r0, int64_t r1, int64_t p0, int64_t p1) {
    const int64_t k = s.steps - 1 - round, rows = r1 - r0;
    float* const dh = Scratch<6>(rows * kColumns);
    for (int64_t panel = p0; panel < p1; ++panel) {
      const int64_t u = panel * kColumns, width = s.Width(panel);
      if (round > 0)
        Multiply(rows, 4 * units,
                 {dz->typed_data() + 4 * (s.Time(k + 1) * size + r0 * units), 4 * units, 1},
                 packed + panel * panel_size, dh);
      for (int64_t r = r0; r < r1; ++r) {
        const int64_t at = r * units + u;
        float* const d = dh + (r - r0) * kColumns;
        if (round == 0)
          std::memcpy(d, d_last_h.typed_data() + at, width * sizeof(float));
        else if (!passed.empty())
          for (int64_t i = 0; i < width; ++i) d[i] += passed[at + i];
        if (k < 0) {
          std::memcpy(d_h->typed_data() + at, d, width * sizeof(float));
          continue;
        }
        if (d_hs.element_count())
          for (int64_t i = 0; i < width; ++i) d[i] += d_hs.typed_data()[k * size + at + i];
        const int64_t t = s.Time(k);
        float* const now = dz->typed_data() + 4 * (t * size + r * units) + u;
        const bool kept = Kept(mask, s, t, r);
        if (!passed.empty())
          for (int64_t i = 0; i < width; ++i) passed[at + i] = kept ? 0 : d[i];
        if (kept)
          StepBackward(
              units, width, d, old_c.typed_data() + k * size + at,
              (k + 1 < s.steps ? old_c.typed_data() + (k + 1) * size : last_c.typed_data()) + at,
              now, d_c->typed_data() + at);
        else
          for (int64_t gate = 0; gate < 4; ++gate) std::fill_n(now + gate * units, width, 0.0f);
      }
    }
  });
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
                                  .Arg<hornbook::Vector1>()
                                  .Arg<hornbook::Mask>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Stack>()
                                  .Ret<hornbook::Matrix>()
                                  .Ret<hornbook::Matrix>()
                                  .Attr<bool>("reverse"));

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
                                  .Attr<bool>("reverse"));
