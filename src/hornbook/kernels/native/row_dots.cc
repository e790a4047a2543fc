// Row-wise dot products. XLA's own loops pass over memory twice, part of a row at a time.
#include "fold.h"
#include "handler.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

using Rows = ffi::BufferR2<ffi::F32>;

// out[i] = sum over k of a[i, k] b[i, k].
ffi::Error RowDots(Rows a, Rows b, ffi::Result<ffi::BufferR1<ffi::F32>> out) {
  const int64_t rows = out->dimensions()[0], width = a.dimensions()[1];
  if (a.dimensions()[0] != rows || b.dimensions()[0] != rows || b.dimensions()[1] != width)
    return ffi::Error::InvalidArgument("the shapes of two lists of vectors do not fit");
  for (int64_t i = 0; i < rows; ++i)
    out->typed_data()[i] = Dot(a.typed_data() + i * width, b.typed_data() + i * width, width);
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_row_dots, hornbook::RowDots);
