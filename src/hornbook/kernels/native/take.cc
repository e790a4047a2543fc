// Rows of an array by their numbers. They lie anywhere in it, and what a copy waits for is memory:
// two threads wait half as long.
#include "team.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kPart = 32 << 10;  // bytes that a part has at least

// out[i] = from[ids[i]], of any dtype; numbers outside stand for the first and last row.
ffi::Error Take(ffi::ThreadPool pool, ffi::AnyBuffer from, ffi::BufferR1<ffi::S32> ids,
                ffi::Result<ffi::AnyBuffer> out) {
  const int64_t count = ids.dimensions()[0];
  const int64_t rows = from.dimensions().size() ? from.dimensions()[0] : 0;
  const int64_t row = rows ? from.size_bytes() / rows : 0;
  if (!row || out->element_type() != from.element_type() ||
      static_cast<int64_t>(out->size_bytes()) != count * row)
    return ffi::Error::InvalidArgument("rows and what takes them do not fit");
  const char* const in = static_cast<const char*>(from.untyped_data());
  char* const to = static_cast<char*>(out->untyped_data());
  const int64_t parts = std::clamp<int64_t>(count * row / kPart, 1, pool.num_threads());
  Share(pool, count, 1, parts, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t chosen = std::clamp<int64_t>(ids.typed_data()[i], 0, rows - 1);
      std::copy_n(in + chosen * row, row, to + i * row);
    }
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_take, hornbook::Take,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::BufferR1<xla::ffi::S32>>()
                                  .Ret<xla::ffi::AnyBuffer>());
