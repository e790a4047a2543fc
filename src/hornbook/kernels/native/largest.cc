// The largest absolute value in each of many arrays, and so whether all their numbers are finite.
#include <cstring>

#include "team.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kPart = 32 << 10;  // numbers that a part has at least

// Of floats without their sign the larger has the larger bits, and NaN the largest.
uint32_t LargestBits(const float* array, int64_t size) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < size; ++i) {
    uint32_t bits;
    std::memcpy(&bits, array + i, sizeof bits);
    largest = std::max(largest, bits & 0x7fffffffu);
  }
  return largest;
}

ffi::Error Largest(ffi::ThreadPool pool, ffi::RemainingArgs args,
                   ffi::Result<ffi::BufferR1<ffi::F32>> out) {
  const int64_t count = args.size();
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto array = args.get<ffi::AnyBuffer>(i);
    if (!array.has_value() || array->element_type() != ffi::F32)
      return ffi::Error::InvalidArgument("an array is not of float32");
    total += array->element_count();
  }
  if (out->dimensions()[0] != count) return ffi::Error::InvalidArgument("a number for each array");
  const int64_t parts = std::clamp<int64_t>(total / kPart, 1, pool.num_threads());
  std::vector<uint32_t> found(parts * count);
  InParts(pool, parts, [&](int64_t part) {
    // Of all numbers in a row, those from `from` to `to`.
    int64_t from = part * total / parts, to = (part + 1) * total / parts;
    for (int64_t i = 0; i < count; ++i) {
      const auto array = args.get<ffi::AnyBuffer>(i);
      const int64_t size = array->element_count();
      const int64_t begin = std::max<int64_t>(from, 0), end = std::min(to, size);
      if (begin < end)
        found[part * count + i] = LargestBits(array->typed_data<float>() + begin, end - begin);
      from -= size;
      to -= size;
    }
  });
  for (int64_t i = 0; i < count; ++i) {
    uint32_t largest = 0;
    for (int64_t part = 0; part < parts; ++part)
      largest = std::max(largest, found[part * count + i]);
    std::memcpy(out->typed_data() + i, &largest, sizeof largest);
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_largest, hornbook::Largest,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .RemainingArgs()
                                  .Ret<xla::ffi::BufferR1<xla::ffi::F32>>());
