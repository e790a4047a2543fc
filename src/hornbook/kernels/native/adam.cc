// An Adam step for all variables: one pass over each instead of one per array written.
#include "adam.h"

#include "memory.h"
#include "team.h"
#include "tile.h"
#include "zeros.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kPart = 8192;  // least elements per part: fewer are not worth a helper thread

struct Variable {
  int64_t size;
  const float* gradient;
  Trained state;
};

// A matrix whose gradient is a product left^T right of matrices with few rows.
struct Matrix {
  int64_t rows, columns, depth;
  const float *left, *right;
  Trained state;
};

// The step for rows [r0, r1). The gradient of a few rows at a time is computed and used while it is
// in the cache; writing and reading it would take as long as the multiplication.
void DescendAlongProduct(const Rule& rule, const Matrix& m, int64_t r0, int64_t r1) {
  const int64_t panels = Up(m.columns, kColumns) / kColumns, panel_size = kColumns * m.depth;
  float* const packed = Scratch(panels * panel_size + kRows * m.columns);
  float* const gradient = packed + panels * panel_size;
  const auto width = [&](int64_t panel) {
    return std::min<int64_t>(kColumns, m.columns - panel * kColumns);
  };
  for (int64_t i = 0; i < panels; ++i)
    PackRows(m.right + i * kColumns, m.columns, m.depth, width(i), packed + i * panel_size);
  const int64_t tiles = Up(r1 - r0, kRows) / kRows;
  Terms terms(true, tiles, m.depth);
  const auto left_of = [&](int64_t i) { return Left{m.left + r0 + i * kRows, 1, m.rows}; };
  const auto rows_of = [&](int64_t i) { return std::min<int64_t>(kRows, r1 - r0 - i * kRows); };
  terms.LookAt(tiles, m.depth, left_of, rows_of);
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t rows = rows_of(i);
    const Sum sum = terms.Of(i);
    const Left left = left_of(i);
    for (int64_t panel = 0; panel < panels; ++panel)
      AnyTile(rows, width(panel), sum, left, {packed + panel * panel_size, kColumns},
              gradient + panel * kColumns, m.columns, false);
    Descend(rule, rows * m.columns, gradient, m.state + (r0 + i * kRows) * m.columns);
  }
}

const char kMisfit[] = "a variable's arrays differ in shape or dtype";

// Arguments: for each variable its gradient, or the two matrices of which it is the product, then
// value, mean of gradients and mean of squares. `arrays`: the number of arrays of each gradient.
// Results: the last three of each, updated in place.
ffi::Error Adam(ffi::ThreadPool pool, ffi::BufferR0<ffi::F32> rate, ffi::RemainingArgs args,
                ffi::RemainingRets rets, ffi::Span<const int64_t> arrays, double beta_1,
                double beta_2, double epsilon) {
  const Rule rule(*rate.typed_data(), beta_1, beta_2, epsilon);
  std::vector<Variable> all;
  std::vector<Matrix> products;
  int64_t total = 0;
  size_t arg = 0, ret = 0;
  for (const int64_t count : arrays) {
    if (arg + count + 3 > args.size() || ret + 3 > rets.size())
      return ffi::Error::InvalidArgument("Adam takes four arrays a variable or five, gives three");
    const ffi::AnyBuffer gradient = *args.get<ffi::AnyBuffer>(arg);
    const ffi::AnyBuffer value = *args.get<ffi::AnyBuffer>(arg + count);
    const ffi::AnyBuffer right = *args.get<ffi::AnyBuffer>(arg + count - 1);
    arg += count;
    float* state[3];
    for (float*& array : state) {
      const ffi::AnyBuffer from = *args.get<ffi::AnyBuffer>(arg++);
      const ffi::AnyBuffer to = **rets.get<ffi::AnyBuffer>(ret++);
      if (from.element_type() != ffi::F32 || from.element_count() != value.element_count() ||
          to.size_bytes() != from.size_bytes())
        return ffi::Error::InvalidArgument(kMisfit);
      array = static_cast<float*>(Taken(from.untyped_data(), to.untyped_data(), from.size_bytes()));
    }
    const Trained trained{state[0], state[1], state[2]};
    if (gradient.element_type() != ffi::F32 || right.element_type() != ffi::F32)
      return ffi::Error::InvalidArgument(kMisfit);
    if (count == 1) {
      if (gradient.element_count() != value.element_count())
        return ffi::Error::InvalidArgument(kMisfit);
      all.push_back(
          {static_cast<int64_t>(gradient.element_count()), gradient.typed_data<float>(), trained});
      total += all.back().size;
      continue;
    }
    const auto a = gradient.dimensions(), b = right.dimensions(), shape = value.dimensions();
    if (count != 2 || a.size() != 2 || b.size() != 2 || shape.size() != 2 || a[0] != b[0] ||
        a[1] != shape[0] || b[1] != shape[1])
      return ffi::Error::InvalidArgument(kMisfit);
    products.push_back(
        {a[1], b[1], a[0], gradient.typed_data<float>(), right.typed_data<float>(), trained});
  }
  for (const Matrix& one : products) {
    const int64_t threads = pool.num_threads();
    const int64_t parts =
        threads <= 1 ? 1 : std::clamp<int64_t>(one.rows * one.columns / kPart, 1, 2 * threads);
    Share(pool, one.rows, kRows, parts,
          [&](int64_t from, int64_t to) { DescendAlongProduct(rule, one, from, to); });
  }
  const int64_t parts = std::clamp<int64_t>(total / kPart, 1, 2 * pool.num_threads());
  InParts(pool, parts, [&](int64_t part) {
    // The elements [from, to) of all variables laid end to end.
    int64_t from = Up(part * total / parts, kLanes), to = Up((part + 1) * total / parts, kLanes);
    for (const Variable& one : all) {
      const int64_t begin = std::max<int64_t>(from, 0), end = std::min(to, one.size);
      if (begin < end) Descend(rule, end - begin, one.gradient + begin, one.state + begin);
      from -= one.size;
      to -= one.size;
    }
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_adam, hornbook::Adam,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<xla::ffi::BufferR0<xla::ffi::F32>>()
                    .RemainingArgs()
                    .RemainingRets()
                    .Attr<xla::ffi::Span<const int64_t>>("arrays")
                    .Attr<double>("beta_1")
                    .Attr<double>("beta_2")
                    .Attr<double>("epsilon"));
