// The XLA call of `largest.h`.
#include "largest.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

ffi::Error Largest(ffi::ThreadPool pool, ffi::RemainingArgs args,
                   ffi::Result<ffi::BufferR1<ffi::F32>> out) {
  std::vector<Numbers> arrays;
  for (size_t i = 0; i < args.size(); ++i) {
    const auto array = args.get<ffi::AnyBuffer>(i);
    if (!array.has_value() || array->element_type() != ffi::F32)
      return ffi::Error::InvalidArgument("an array is not of float32");
    arrays.push_back({array->typed_data<float>(), static_cast<int64_t>(array->element_count())});
  }
  if (out->element_count() != arrays.size())
    return ffi::Error::InvalidArgument("a number for each array");
  const std::vector<uint32_t> found = LargestBits(pool, arrays);
  std::memcpy(out->typed_data(), found.data(), found.size() * sizeof(float));
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_largest, hornbook::Largest,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .RemainingArgs()
                    .Ret<xla::ffi::BufferR1<xla::ffi::F32>>());
