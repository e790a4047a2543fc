// The exponential function of a vector, accurate to 1 ulp.
#pragma once

#include "fold.h"
#include "tile.h"

namespace hornbook {

// 2^x for x up to 127. Smaller values than -126 are treated as -126; NaN stays NaN.
inline Vector Power(Vector x) {
  const Vector least = Vector{} - 126.0f,
               shift = Vector{} + 0x1.8p23f;  // adding it rounds to an integer
  x = least > x ? least : x;
  const Vector shifted = x + shift, f = x - (shifted - shift);
  Vector p = 1.5403530393381608e-4f * f + 1.3333558146428443e-3f;
  p = p * f + 9.618129107628477e-3f;
  p = p * f + 5.550410866482158e-2f;
  p = p * f + 2.402265069591007e-1f;
  p = p * f + 6.931471805599453e-1f;
  p = p * f + 1.0f;
  Integers whole;
  std::memcpy(&whole, &shifted, sizeof whole);
  whole = (whole + (127 - 0x4B400000)) << 23;
  Vector power;
  std::memcpy(&power, &whole, sizeof power);
  return p * power;
}

}  // namespace hornbook
