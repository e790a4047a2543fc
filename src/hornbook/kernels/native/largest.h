// The largest absolute value of each of many arrays, which tells whether all elements are finite.
#pragma once

#include <cstring>
#include <vector>

#include "team.h"

namespace hornbook {

struct Numbers {
  const float* data;
  int64_t size;
};

// The bits of floats without the sign are ordered like their values, with NaN largest.
inline uint32_t LargestBits(const float* array, int64_t size) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < size; ++i) {
    uint32_t bits;
    std::memcpy(&bits, array + i, sizeof bits);
    largest = std::max(largest, bits & 0x7fffffffu);
  }
  return largest;
}

// The bits of the largest element of each array, found on several threads if that pays.
inline std::vector<uint32_t> LargestBits(xla::ffi::ThreadPool pool,
                                         const std::vector<Numbers>& arrays) {
  constexpr int64_t kPart = 32 << 10;  // least elements per part
  const size_t count = arrays.size();
  int64_t total = 0;
  for (const Numbers& array : arrays) total += array.size;
  const int64_t parts = std::clamp<int64_t>(total / kPart, 1, pool.num_threads());
  std::vector<uint32_t> found(parts * count);
  InParts(pool, parts, [&](int64_t part) {
    // The elements [from, to) of all arrays laid end to end.
    int64_t from = part * total / parts, to = (part + 1) * total / parts;
    for (size_t i = 0; i < count; ++i) {
      const int64_t begin = std::max<int64_t>(from, 0), end = std::min(to, arrays[i].size);
      if (begin < end) found[part * count + i] = LargestBits(arrays[i].data + begin, end - begin);
      from -= arrays[i].size;
      to -= arrays[i].size;
    }
  });
  for (size_t i = count; i < found.size(); ++i)
    found[i % count] = std::max(found[i % count], found[i]);
  found.resize(count);
  return found;
}

inline bool AreFinite(xla::ffi::ThreadPool pool, const std::vector<Numbers>& arrays) {
  constexpr uint32_t kInfinity = 0x7f800000u;
  for (const uint32_t bits : LargestBits(pool, arrays))
    if (bits >= kInfinity) return false;
  return true;
}

}  // namespace hornbook
