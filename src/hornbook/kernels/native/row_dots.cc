// Dot products of vectors: XLA's own loops go over memory twice, a part of a row at a time.
#include "tile.h"
#include "xla/ffi/api/ffi.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

using Rows = ffi::BufferR2<ffi::F32>;

// out[i] = sum over k of a[i, k] b[i, k].
ffi::Error RowDots(Rows a, Rows b, ffi::Result<ffi::BufferR1<ffi::F32>> out) {
  const int64_t rows = out->dimensions()[0], width = a.dimensions()[1];
  if (a.dimensions()[0] != rows || b.dimensions()[0] != rows || b.dimensions()[1] != width)
    return ffi::Error::InvalidArgument("the shapes of two lists of vectors do not fit");
  for (int64_t i = 0; i < rows; ++i) {
    const float* const x = a.typed_data() + i * width;
    const float* const y = b.typed_data() + i * width;
    Vector sums{};
    int64_t k = 0;
    for (; k + kLanes <= width; k += kLanes) sums += Load(x + k) * Load(y + k);
    float total = 0;
    for (int lane = 0; lane < kLanes; ++lane) total += sums[lane];
    for (; k < width; ++k) total += x[k] * y[k];
    out->typed_data()[i] = total;
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_row_dots, hornbook::RowDots,
                              xla::ffi::Ffi::Bind()
                                  .Arg<hornbook::Rows>()
                                  .Arg<hornbook::Rows>()
                                  .Ret<xla::ffi::BufferR1<xla::ffi::F32>>());
