// Memory that kernels work in.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace hornbook {

// Products and sums of sizes. One that no number holds is of more memory than there is.
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

// Memory of this thread's own for numbers put in order, of which each use has its own; what it held
// before is lost.
template <int use = 0>
float* Scratch(int64_t size) {
  thread_local std::unique_ptr<float[]> memory;
  thread_local int64_t capacity = 0;
  if (size > capacity) {
    memory.reset();  // first, so that both are never there at once
    capacity = 0;    // until there is memory again
    memory.reset(new float[size]);
    capacity = size;
  }
  return memory.get();
}

// Gives a result an argument's numbers, to be worked on: they are the same memory, wherever XLA
// could arrange it. Returns the result.
template <class T>
T* Taken(const T* from, T* to, size_t bytes) {
  if (to != from) std::memcpy(to, from, bytes);
  return to;
}

}  // namespace hornbook
