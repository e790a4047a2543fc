// The logarithm of the softmax denominator of each row, computed while the row is in the cache.
#include <cmath>

#include "handler.h"
#include "power.h"
#include "team.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kPart = 8192;  // elements worth a part of their own
constexpr float kLog2e = 1.44269504088896341f;

float LogSumExp(const float* x, int64_t size) {
  const int64_t whole = size / kLanes * kLanes;
  Vector large = All(x[0]), sums{};
  for (int64_t i = 0; i < whole; i += kLanes) large = Larger(Load(x + i), large);
  float largest = Fold(large, Larger);
  for (int64_t i = whole; i < size; ++i) largest = std::max(x[i], largest);
  if (!std::isfinite(largest)) return largest;  // infinite or NaN
  const auto power = [&](Vector v) { return Power((v - largest) * kLog2e); };
  for (int64_t i = 0; i < whole; i += kLanes) sums += power(Load(x + i));
  if (whole < size) {
    Vector rest = Vector{} - INFINITY;
    std::memcpy(&rest, x + whole, (size - whole) * sizeof(float));
    const Vector last = power(rest);
    for (int64_t i = 0; i < size - whole; ++i) sums[i] += last[i];
  }
  return largest + std::log(Sum(sums));
}

ffi::Error LogSumExps(ffi::ThreadPool pool, ffi::BufferR2<ffi::F32> x,
                      ffi::Result<ffi::BufferR1<ffi::F32>> out) {
  const int64_t rows = x.dimensions()[0], width = x.dimensions()[1];
  if (out->dimensions()[0] != rows || width < 1)
    return ffi::Error::InvalidArgument("a sum is of rows of numbers");
  const int64_t parts = std::clamp<int64_t>(rows * width / kPart, 1, 2 * pool.num_threads());
  Share(pool, rows, 1, parts, [&](int64_t from, int64_t to) {
    for (int64_t r = from; r < to; ++r)
      out->typed_data()[r] = LogSumExp(x.typed_data() + r * width, width);
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_log_sum_exp, hornbook::LogSumExps);
