// Activation functions of recurrent cells, for whole and partial vectors.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <limits>
#include <stdexcept>
#include <string_view>

#include "tile.h"

namespace hornbook {

// Loads and stores the first n elements of a vector.
inline Vector Some(const float* p, int64_t n) {
  if (n >= kLanes) return Load(p);
  Vector v{};
  std::memcpy(&v, p, n * sizeof(float));
  return v;
}

inline void Put(float* p, Vector v, int64_t n) {
  if (n >= kLanes) return Store(p, v);
  std::memcpy(p, &v, n * sizeof(float));
}

inline void Add(float* p, Vector v, int64_t n) { Put(p, Some(p, n) + v, n); }

inline Vector Clip(Vector x, Vector low, Vector high) {
  // One instruction each, which gcc does not generate by itself; for NaN they return the second.
#if defined(__AVX512F__)
  return _mm512_max_ps(low, _mm512_min_ps(high, x));
#elif defined(__AVX2__)
  return _mm256_max_ps(low, _mm256_min_ps(high, x));
#else
  x = x > high ? high : x;
  return x < low ? low : x;
#endif
}

// Division by the approximate reciprocal and one correction: half the time of a division, exact to
// 1 ulp. AVX2's reciprocal is not accurate enough for that.
inline Vector Divide(Vector a, Vector b) {
#if defined(__AVX512F__)
  const Vector r = _mm512_rcp14_ps(b), first = a * r;
  return first + r * (a - b * first);
#else
  return a / b;
#endif
}

// x P(x^2) / Q(x^2), a minimax fit to tanh up to 9, beyond which tanh is 1; the error is 4e-7.
inline Vector Tanh(Vector x) {
  x = Clip(x, All(-9), All(9));
  const Vector s = x * x;
  Vector p = Vector{} + 9.785020016472856e-12f, q = Vector{} + 3.4797764669747266e-07f;
  p = p * s - 9.91418169782321e-10f;
  p = p * s + 1.4319741239887662e-05f;
  p = p * s + 3.176303580403328e-03f;
  p = p * s + 1.3124671578407288e-01f;
  p = p * s + 1.0f;
  q = q * s + 2.727718383539468e-04f;
  q = q * s + 2.470322884619236e-02f;
  q = q * s + 4.6457991003990173e-01f;
  q = q * s + 1.0f;
  return Divide(x * p, q);
}

// The most common activations, each with its derivative as a function of its value y.
struct Tanhs {
  Vector operator()(Vector x) const { return Tanh(x); }
  Vector Slope(Vector y) const { return 1.0f - y * y; }
};

struct Sigmoids {
  Vector operator()(Vector x) const { return 0.5f * Tanh(0.5f * x) + 0.5f; }
  Vector Slope(Vector y) const { return y * (1.0f - y); }
};

// Any activation: slope tanh(slope x) + offset, or slope x + offset between two bounds.
struct Activation {
  std::string_view name;
  bool curved;
  float slope, offset, low, high;

  Vector operator()(Vector x) const {
    if (curved) return slope * Tanh(slope * x) + offset;
    return Clip(slope * x + offset, All(low), All(high));
  }
  Vector Slope(Vector y) const {
    if (curved) return slope * slope - (y - offset) * (y - offset);
    return (y > low) & (y < high) ? All(slope) : Vector{};
  }
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Activation kActivations[] = {
    {"tanh", true, 1, 0, -1, 1},
    {"sigmoid", true, 0.5f, 0.5f, 0, 1},
    {"relu", false, 1, 0, 0, kInfinity},
    {"linear", false, 1, 0, -kInfinity, kInfinity},
    {"hard_sigmoid", false, 1.0f / 6, 0.5f, 0, 1},
    {"steep_hard_sigmoid", false, 0.2f, 0.5f, 0, 1},
};

inline const Activation& Named(std::string_view name) {
  for (const Activation& activation : kActivations)
    if (activation.name == name) return activation;
  throw std::invalid_argument("an activation that recurrent kernels do not know");
}

}  // namespace hornbook
