// Adam's formula for a range of elements.
#pragma once

#include <cmath>
#include <cstdint>

namespace hornbook {

struct Rule {
  Rule(float rate, double beta_1, double beta_2, double epsilon)
      : rate(rate), new_1(1 - beta_1), new_2(1 - beta_2), epsilon(epsilon) {}

  // The weights of the old means (beta) and of the new gradient (1 - beta). Computed in float32,
  // 1 - 0.999 would be wrong in the fifth digit.
  float rate, new_1, new_2, epsilon;
};

// The arrays of a variable: its value, the mean of its gradients and the mean of their squares.
struct Trained {
  float *value, *mean, *square;

  Trained operator+(int64_t i) const { return {value + i, mean + i, square + i}; }
};

// clang honors `__restrict` on parameters only.
inline void Descend(const Rule& rule, int64_t size, const float* gradient, float* __restrict value,
                    float* __restrict means, float* __restrict squares) {
  for (int64_t i = 0; i < size; ++i) {
    const float g = gradient[i];
    const float mean = means[i] + (g - means[i]) * rule.new_1;
    const float square = squares[i] + (g * g - squares[i]) * rule.new_2;
    means[i] = mean;
    squares[i] = square;
    value[i] -= rule.rate * mean / (std::sqrt(square) + rule.epsilon);
  }
}

inline void Descend(const Rule& rule, int64_t size, const float* gradient, Trained a) {
  Descend(rule, size, gradient, a.value, a.mean, a.square);
}

}  // namespace hornbook
