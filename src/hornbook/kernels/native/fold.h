// One number from all those of a vector.
#pragma once

#include "tile.h"

namespace hornbook {

typedef int32_t Integers __attribute__((vector_size(4 * kLanes)));

// The vector with every number in the place that is `by` places away, each pair of halves swapped.
template <int by, int... n>
inline Vector Swap(Vector v, std::integer_sequence<int, n...>) {
#if defined(__clang__)
  return __builtin_shufflevector(v, v, (n ^ by)...);
#else
  return __builtin_shuffle(v, Integers{(n ^ by)...});
#endif
}

// f of all numbers of a vector, where f takes two vectors, number by number.
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

}  // namespace hornbook
