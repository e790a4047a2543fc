// Gradient descent and Adagrad for tables of which a step uses few rows; the others do not change.
#include <cmath>

#include "table.h"

namespace hornbook {
namespace {

// A step of one row: gradient descent, or Adagrad, whose slot holds the sum of squared gradients.
void Descend(int64_t width, float rate, const float* gradient, float* value) {
  for (int64_t c = 0; c < width; ++c) value[c] -= rate * gradient[c];
}

void Descend(int64_t width, float rate, float epsilon, const float* gradient,
             float* __restrict value, float* __restrict squares) {
  for (int64_t c = 0; c < width; ++c) {
    const float g = gradient[c], square = squares[c] + g * g;
    squares[c] = square;
    value[c] -= rate * g / std::sqrt(square + epsilon);
  }
}

// Step t + 1 for rows of several tables, with or without a slot; see `EachTable`.
ffi::Error DescentRows(ffi::ThreadPool pool, Go go, Step t, Rate rate, ffi::RemainingArgs args,
                       ffi::RemainingRets rets, int64_t slots, float epsilon) {
  if (slots != 0 && slots != 1) return Misfit();
  const float a = *rate.typed_data();
  return EachTable(
      pool, *go.typed_data(), slots, args, rets,
      [&](size_t arg, size_t ret) { return Table(slots + 1, args, rets, arg, ret); },
      [&](const Table& table, Rows ids, Matrix gradients) {
        const int64_t width = table.width, parts = Parts(pool, gradients.element_count());
        const auto step = [&](int64_t row, const float* gradient) {
          float* const value = table.arrays[0] + row * width;
          if (slots)
            Descend(width, a, epsilon, gradient, value, table.arrays[1] + row * width);
          else
            Descend(width, a, gradient, value);
          table.last[row] = *t.typed_data() + 1;
        };
        InParts(pool, parts, [&](int64_t part) {
          table.EachRow(ids, gradients, part, parts, [](int64_t) {}, step);
        });
      });
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_descent_rows, hornbook::DescentRows,
                hornbook::OfAStep().Attr<int64_t>("slots").Attr<float>("epsilon"));
