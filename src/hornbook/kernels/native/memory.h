// Memory that kernels work in.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

namespace hornbook {

// Memory of this thread's own for numbers put in order, of which each use has its own; what it held
// before is lost.
template <int use = 0>
float* Scratch(int64_t size) {
  thread_local std::unique_ptr<float[]> memory;
  thread_local int64_t capacity = 0;
  if (size > capacity) {
    memory.reset();
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
