// The Gaussian error linear unit, x times the normal CDF at x, and its slope, of a matrix plus a
// bias, in one pass.
//
// XLA takes 60 operations for the complementary error function, and computes an exponential again
// for the slope. Here the upper tail Q of the normal distribution is exp(-a^2 / 2) times a
// polynomial in a / (a + 2.5), for a = |x|, and the slope has the same exponential. The relative
// error of Q is 1e-6 up to 2 and grows with a^2, which is rounded, to 1e-5 at 12.9. Beyond it, Q is
// 0.
#include "handler.h"
#include "power.h"
#include "team.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Weight = ffi::BufferR1<ffi::F32>;
using Matrix = ffi::BufferR2<ffi::F32>;

constexpr int64_t kPart = 1 << 13;   // elements worth a part of their own
constexpr int64_t kPiece = 1 << 12;  // columns of a row that are computed together, at most

struct Both {
  Vector value, slope;
};

inline Both Gelu(Vector x) {
  const Vector zero{}, most = All(16.0f);
  const Vector size = x < zero ? -x : x, a = size > most ? most : size;
  const Vector power = a * a * -0.72134752044448170f;  // of 2, -a^2 / 2 log2(e)
  const Vector e = power < All(-126.0f) ? zero : Power(power);
  const Vector u = a / (a + 2.5f);
  Vector p = -0.04003734514117241f * u + 0.11782199889421463f;
  p = p * u - 0.08077947795391083f;
  p = p * u - 0.0018140561878681183f;
  p = p * u - 0.114749476313591f;
  p = p * u + 0.05192745849490166f;
  p = p * u + 0.5649679899215698f;
  p = p * u - 0.9973498582839966f;
  p = p * u + 0.4999999701976776f;
  const Vector tail = p * e, density = e * a * 0.39894228040143268f;
  const auto negative = x < zero;
  return {(negative ? zero : x) - a * tail, negative ? tail - density : 1.0f - tail + density};
}

// One row or a piece of one. Without a slope it is not computed.
template <bool slopes>
void Row(const float* x, const float* bias, int64_t size, float* out, float* slope) {
  for (int64_t i = 0; i < size; i += kLanes) {
    const size_t bytes = std::min<int64_t>(kLanes, size - i) * sizeof(float);
    const bool whole = size - i >= kLanes;
    Vector v{}, offset{};
    if (whole) {
      v = Load(x + i);
      if (bias) v += Load(bias + i);
    } else {
      std::memcpy(&v, x + i, bytes);
      if (bias) std::memcpy(&offset, bias + i, bytes);
      v += offset;
    }
    const Both both = Gelu(v);
    if (whole) {
      Store(out + i, both.value);
      if constexpr (slopes) Store(slope + i, both.slope);
    } else {
      std::memcpy(out + i, &both.value, bytes);
      if constexpr (slopes) std::memcpy(slope + i, &both.slope, bytes);
    }
  }
}

template <bool slopes>
ffi::Error Rows(ffi::ThreadPool pool, Matrix x, Weight bias, Matrix out, float* slope) {
  const int64_t rows = x.dimensions()[0], columns = x.dimensions()[1];
  const int64_t biases = bias.element_count();
  if (!(out.dimensions() == x.dimensions()) || (biases && biases != columns))
    return ffi::Error::InvalidArgument("the shapes of an activation do not fit");
  const int64_t pieces = Up(columns, kPiece) / kPiece;
  const int64_t parts = std::clamp<int64_t>(rows * columns / kPart, 1, 4 * pool.num_threads());
  Share(pool, rows * pieces, 1, parts, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t first = i % pieces * kPiece, at = i / pieces * columns + first;
      Row<slopes>(x.typed_data() + at, biases ? bias.typed_data() + first : nullptr,
                  std::min(kPiece, columns - first), out.typed_data() + at,
                  slopes ? slope + at : nullptr);
    }
  });
  return ffi::Error::Success();
}

ffi::Error Values(ffi::ThreadPool pool, Matrix x, Weight bias, ffi::Result<Matrix> out) {
  return Rows<false>(pool, x, bias, *out, nullptr);
}

ffi::Error Slopes(ffi::ThreadPool pool, Matrix x, Weight bias, ffi::Result<Matrix> out,
                  ffi::Result<Matrix> slope) {
  if (!(slope->dimensions() == x.dimensions()))
    return ffi::Error::InvalidArgument("the shapes of a slope do not fit");
  return Rows<true>(pool, x, bias, *out, slope->typed_data());
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_gelu, hornbook::Values);

HORNBOOK_KERNEL(hornbook_gelu_slope, hornbook::Slopes);
