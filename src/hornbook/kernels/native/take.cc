// Gathers rows of an array by index; the gradient is a scatter-add. The rows are scattered, so
// memory latency dominates, and two threads take half the time.
#include <limits>

#include "team.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kPart = 32 << 10;  // least bytes per part

// out[i] = from[ids[i]], of any dtype. Ids out of range give NaN if requested (float32 only), else
// they are clamped to the first and last row.
ffi::Error Take(ffi::ThreadPool pool, ffi::AnyBuffer from, ffi::BufferR1<ffi::S32> ids,
                ffi::Result<ffi::AnyBuffer> out, bool nan) {
  const int64_t count = ids.dimensions()[0];
  const int64_t rows = from.dimensions().size() ? from.dimensions()[0] : 0;
  const int64_t row = rows ? from.size_bytes() / rows : 0;
  if (!row || (nan && from.element_type() != ffi::F32) ||
      out->element_type() != from.element_type() ||
      static_cast<int64_t>(out->size_bytes()) != count * row)
    return ffi::Error::InvalidArgument("rows and what takes them do not fit");
  const char* const in = static_cast<const char*>(from.untyped_data());
  char* const to = static_cast<char*>(out->untyped_data());
  const int64_t parts = std::clamp<int64_t>(count * row / kPart, 1, pool.num_threads());
  Share(pool, count, 1, parts, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t chosen = std::clamp<int64_t>(ids.typed_data()[i], 0, rows - 1);
      if (nan && chosen != ids.typed_data()[i])
        std::fill_n(reinterpret_cast<float*>(to + i * row), row / sizeof(float),
                    std::numeric_limits<float>::quiet_NaN());
      else
        std::copy_n(in + chosen * row, row, to + i * row);
    }
  });
  return ffi::Error::Success();
}

// out[ids[i]] += d[i], starting from zeros. Each thread owns some columns, so rows are added in the
// same order for any number of threads.
ffi::Error SumRows(ffi::ThreadPool pool, ffi::BufferR2<ffi::F32> d, ffi::BufferR1<ffi::S32> ids,
                   ffi::Result<ffi::BufferR2<ffi::F32>> out) {
  const int64_t count = ids.dimensions()[0], rows = out->dimensions()[0];
  const int64_t width = out->dimensions()[1];
  if (d.dimensions()[0] != count || d.dimensions()[1] != width || !rows)
    return ffi::Error::InvalidArgument("rows and their sums do not fit");
  const int64_t bytes = (count + rows) * width * static_cast<int64_t>(sizeof(float));
  const int64_t parts = std::clamp<int64_t>(bytes / kPart, 1, pool.num_threads());
  Share(pool, width, kLine, parts, [&](int64_t first, int64_t last) {
    for (int64_t row = 0; row < rows; ++row)
      std::fill_n(out->typed_data() + row * width + first, last - first, 0.0f);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t chosen = std::clamp<int64_t>(ids.typed_data()[i], 0, rows - 1);
      float* const sum = out->typed_data() + chosen * width;
      const float* const row = d.typed_data() + i * width;
      for (int64_t c = first; c < last; ++c) sum[c] += row[c];
    }
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_take, hornbook::Take,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<xla::ffi::AnyBuffer>()
                    .Arg<xla::ffi::BufferR1<xla::ffi::S32>>()
                    .Ret<xla::ffi::AnyBuffer>()
                    .Attr<bool>("nan"));

HORNBOOK_KERNEL(hornbook_sum_rows, hornbook::SumRows);
