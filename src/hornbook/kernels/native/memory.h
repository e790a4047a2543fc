// Scratch memory of kernels.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace hornbook {

// Products and sums of sizes; an overflow is more memory than there is, so it throws bad_alloc.
inline int64_t Times(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) throw std::bad_alloc();
  return product;
}

inline int64_t Plus(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) throw std::bad_alloc();
  return sum;
}

// Thread-local scratch memory for packed data, one buffer per `use`; its previous content is lost.
template <int use = 0>
float* Scratch(int64_t size) {
  thread_local std::unique_ptr<float[]> memory;
  thread_local int64_t capacity = 0;
  if (size > capacity) {
    memory.reset();  // first, so that both never exist at once
    capacity = 0;    // until the new allocation succeeds
    memory.reset(new float[size]);
    capacity = size;
  }
  return memory.get();
}

// Copies an argument to a result, to be updated in place, unless XLA made them share memory.
// Returns the result.
template <class T>
T* Taken(const T* from, T* to, size_t bytes) {
  if (to != from) std::memcpy(to, from, bytes);
  return to;
}

}  // namespace hornbook
