// Sums over the rows of a matrix, as batch normalization needs them: the mean and variance of each
// column; for the gradient, the sum of each column and its sum weighted by a second matrix.
#include "memory.h"
#include "team.h"
#include "tile.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Weight = ffi::BufferR1<ffi::F32>;
using Matrix = ffi::BufferR2<ffi::F32>;

constexpr int64_t kPart = 1 << 15;  // elements worth a part of their own
constexpr int64_t kBlock = 128;     // rows that are summed in single precision
constexpr int64_t kAtOnce = 4;      // rows per update of the sums in memory

const auto kVector = [](const float* from) { return Load(from); };
const auto kNumber = [](const float* from) { return *from; };

// Calls terms(load, row, column, first, second), which adds an element's two terms to two sums, for
// all elements, some of them in vectors. Returns the sums of each column, `first` and `second` of
// all columns, in memory that is valid until the next call on this thread.
template <class F>
const double* SumRows(ffi::ThreadPool pool, int64_t rows, int64_t columns, const F& terms) {
  const int64_t parts =
      std::clamp<int64_t>(rows * columns / kPart, 1, std::min(rows, 2 * pool.num_threads()));
  thread_local std::vector<double> totals;
  totals.assign(Times(2 * parts, columns), 0.0);
  double* const all = totals.data();
  const auto run = [&](int64_t part) {
    double* const total = all + part * 2 * columns;
    float* const first = Scratch(2 * columns);
    float* const second = first + columns;
    const int64_t end = (part + 1) * rows / parts;
    for (int64_t begin = part * rows / parts; begin < end; begin += kBlock) {
      std::fill_n(first, 2 * columns, 0.0f);
      const int64_t stop = std::min(begin + kBlock, end);
      for (int64_t r = begin; r < stop; r += kAtOnce) {
        const int64_t last = std::min(r + kAtOnce, stop);
        const auto add = [&](auto load, auto store, int64_t c, int64_t r, int64_t last) {
          auto a = load(first + c), b = load(second + c);
          for (int64_t row = r; row < last; ++row) terms(load, row, c, a, b);
          store(first + c, a);
          store(second + c, b);
        };
        const auto put = [](float* to, auto value) { std::memcpy(to, &value, sizeof value); };
        int64_t c = 0;
        if (last - r == kAtOnce)  // a constant count, so that the loop is unrolled
          for (; c + kLanes <= columns; c += kLanes) add(kVector, put, c, r, r + kAtOnce);
        for (; c + kLanes <= columns; c += kLanes) add(kVector, put, c, r, last);
        for (; c < columns; ++c) add(kNumber, put, c, r, last);
      }
      for (int64_t c = 0; c < 2 * columns; ++c) total[c] += first[c];
    }
  };
  InParts(pool, parts, run);
  for (int64_t i = 2 * columns; i < 2 * columns * parts; ++i) all[i % (2 * columns)] += all[i];
  return all;
}

// The mean and variance of each column. The first row is subtracted from all, so that the
// difference of the mean square and the squared mean does not cancel.
ffi::Error Moments(ffi::ThreadPool pool, Matrix x, ffi::Result<Weight> mean,
                   ffi::Result<Weight> variance) {
  const int64_t rows = x.dimensions()[0], columns = x.dimensions()[1];
  if (rows == 0 || columns == 0 || mean->dimensions()[0] != columns ||
      variance->dimensions()[0] != columns)
    return ffi::Error::InvalidArgument("the shapes of a matrix and its moments do not fit");
  const float* const data = x.typed_data();
  const double* const sums =
      SumRows(pool, rows, columns, [=](auto load, int64_t r, int64_t c, auto& sum, auto& squares) {
        const auto d = load(data + r * columns + c) - load(data + c);
        sum += d;
        squares += d * d;
      });
  const double part = 1.0 / static_cast<double>(rows);
  for (int64_t c = 0; c < columns; ++c) {
    const double shifted = sums[c] * part, square = sums[columns + c] * part;
    mean->typed_data()[c] = static_cast<float>(data[c] + shifted);
    const double spread = square - shifted * shifted;
    variance->typed_data()[c] = spread < 0 ? 0.0f : static_cast<float>(spread);  // keeps NaN
  }
  return ffi::Error::Success();
}

// sums[c] = the sum over rows r of d[r, c], products[c] = that of d[r, c] (x[r, c] - mean[c]).
ffi::Error CenteredSums(ffi::ThreadPool pool, Matrix d, Matrix x, Weight mean,
                        ffi::Result<Weight> sums, ffi::Result<Weight> products) {
  const int64_t rows = x.dimensions()[0], columns = x.dimensions()[1];
  if (rows == 0 || columns == 0 || !(d.dimensions() == x.dimensions()) ||
      mean.dimensions()[0] != columns || sums->dimensions()[0] != columns ||
      products->dimensions()[0] != columns)
    return ffi::Error::InvalidArgument("the shapes of two matrices and their sums do not fit");
  const float *const of = d.typed_data(), *const by = x.typed_data(),
                     *const middle = mean.typed_data();
  const double* const found =
      SumRows(pool, rows, columns, [=](auto load, int64_t r, int64_t c, auto& sum, auto& product) {
        const auto one = load(of + r * columns + c);
        sum += one;
        product += one * (load(by + r * columns + c) - load(middle + c));
      });
  for (int64_t c = 0; c < columns; ++c) {
    sums->typed_data()[c] = static_cast<float>(found[c]);
    products->typed_data()[c] = static_cast<float>(found[columns + c]);
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_moments, hornbook::Moments);

HORNBOOK_KERNEL(hornbook_centered_sums, hornbook::CenteredSums);
