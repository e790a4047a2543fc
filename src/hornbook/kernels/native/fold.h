// Horizontal reductions of vectors.
#pragma once

#include "tile.h"

namespace hornbook {

typedef int32_t Integers __attribute__((vector_size(4 * kLanes)));

// The vector with blocks of `by` elements swapped pairwise.
template <int by, int... n>
inline Vector Swap(Vector v, std::integer_sequence<int, n...>) {
#if defined(__clang__)
  return __builtin_shufflevector(v, v, (n ^ by)...);
#else
  return __builtin_shuffle(v, Integers{(n ^ by)...});
#endif
}

// The reduction of a vector by f, which combines two vectors elementwise.
template <int by = kLanes / 2, class F>
inline float Fold(Vector v, const F& f) {
  v = f(v, Swap<by>(v, std::make_integer_sequence<int, kLanes>()));
  if constexpr (by > 1)
    return Fold<by / 2>(v, f);
  else
    return v[0];
}

inline Vector Plus(Vector a, Vector b) { return a + b; }
inline Vector Larger(Vector a, Vector b) { return a > b ? a : b; }

inline float Sum(Vector v) { return Fold(v, Plus); }

// The dot product of two vectors of any length.
inline float Dot(const float* a, const float* b, int64_t size) {
  Vector products{};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) products += Load(a + i) * Load(b + i);
  float sum = Sum(products);
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace hornbook
