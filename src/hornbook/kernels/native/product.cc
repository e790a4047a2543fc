// Matrix products out = op(a) op(b), where op transposes or does nothing; single or batched.

#include "memory.h"
#include "team.h"
#include "tile.h"
#include "zeros.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Matrix = ffi::Buffer<ffi::F32, 2>;
using Stack = ffi::Buffer<ffi::F32, 3>;
using Bias = ffi::Buffer<ffi::F32, 1>;

constexpr int64_t kDepth = 1024;       // block depth for few rows: one panel stays in the cache
constexpr int64_t kDepthOfMany = 512;  // for many rows: the sums are read again rarely
constexpr int64_t kBlock = 128 << 10;  // elements of `a` in a block
constexpr int64_t kPart = 1 << 18;     // multiplications worth a part of their own
constexpr int64_t kOften = 96;         // least rows for which packing a panel pays
constexpr int64_t kLeast = 128;        // least terms per core
constexpr int64_t kFar = 1024;         // row distance of a page, in elements

// The memory layout of the right operand.
enum class Order : int64_t { kPlain = 0, kTransposed = 1, kPacked = 2 };

struct Problem {
  int64_t rows, columns, depth;
  Left a;
  const float* b;
  int64_t b_row;
  Order order;
  float* out;
  const float* bias = nullptr;  // if not null, the result is max(product + bias, 0)
};

// The epilogue of a product, on a tile.
void AddBiasCutNegative(int64_t rows, int64_t columns, const float* bias, float* out, int64_t row) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      out[r * row + c] = std::max(out[r * row + c] + bias[c], 0.0f);
}

// The part of the result in rows [r0, r1) and columns [c0, c1).
void Part(const Problem& p, int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
  const int64_t panels = Up(c1 - c0, kColumns) / kColumns;
  const int64_t most = std::min(p.depth, r1 - r0 >= kOften ? kDepthOfMany : kDepth);
  const int64_t block =
      std::min(std::max<int64_t>(kBlock / most / kRows * kRows, 64), Up(r1 - r0, kRows));
  const bool pack_b = r1 - r0 >= kOften || (r1 - r0 >= 4 * kRows && p.b_row >= kFar);
  const bool pack_a = p.a.step != 1 && panels > 2 && p.depth > 64;
  const int64_t panel_size = kColumns * most;
  // A tile of few rows is multiplied with many panels, so finding its zeros pays.
  Terms terms(panels > 1 && p.depth >= kLanes, Up(block, kRows) / kRows, most);
  float* const panels_in_order = Scratch(panels * panel_size + (pack_a ? block * most : 0));
  float* const a_in_order = panels_in_order + panels * panel_size;
  for (int64_t k0 = 0; k0 < p.depth; k0 += most) {
    const int64_t depth = std::min(most, p.depth - k0);
    for (int64_t m0 = r0; m0 < r1; m0 += block) {
      const int64_t m1 = std::min(m0 + block, r1);
      if (pack_a)
        PackColumns(p.a.data + m0 * p.a.row + k0 * p.a.step, p.a.step, depth, m1 - m0, a_in_order);
      const auto rows_of = [&](int64_t i) { return std::min<int64_t>(kRows, m1 - m0 - i * kRows); };
      const auto left_of = [&](int64_t i) {
        return pack_a
                   ? Left{a_in_order + i * kRows * depth, 1, kRows}
                   : Left{p.a.data + (m0 + i * kRows) * p.a.row + k0 * p.a.step, p.a.row, p.a.step};
      };
      const int64_t tiles = Up(m1 - m0, kRows) / kRows;
      terms.LookAt(tiles, depth, left_of, rows_of);
      for (int64_t panel = 0; panel < panels; ++panel) {
        int64_t c = c0 + panel * kColumns;
        // The last panel overlaps finished columns rather than reach beyond the matrix.
        if (p.order == Order::kPlain && c + kColumns > c1 && c1 - c0 >= kColumns && p.depth <= most)
          c = c1 - kColumns;
        const int64_t columns = std::min<int64_t>(kColumns, c1 - c);
        Right right{p.b + k0 * p.b_row + c, p.b_row};
        if (p.order == Order::kPacked) {
          right = {p.b + c * p.depth + k0 * kColumns, kColumns};
        } else if (p.order == Order::kTransposed || columns < kColumns || pack_b) {
          float* const packed = panels_in_order + panel * panel_size;
          if (m0 == r0 && p.order == Order::kTransposed)
            PackTransposed(p.b + c * p.b_row + k0, p.b_row, depth, columns, packed);
          else if (m0 == r0)
            PackRows(right.data, right.row, depth, columns, packed);
          right = {packed, kColumns};
        }
        for (int64_t i = 0; i < tiles; ++i) {
          const int64_t rows = rows_of(i);
          float* const out = p.out + (m0 + i * kRows) * p.columns + c;
          Fetch<1>(out + kRows * p.columns, p.columns, rows, kColumns);
          AnyTile(rows, columns, terms.Of(i), left_of(i), right, out, p.columns, k0 > 0);
          if (p.bias && k0 + depth == p.depth)
            AddBiasCutNegative(rows, columns, p.bias + c, out, p.columns);
        }
      }
    }
  }
}

int64_t Parts(ffi::ThreadPool pool, int64_t work) {
  const int64_t threads = pool.num_threads();
  if (threads <= 1) return 1;
  const int64_t parts = std::clamp<int64_t>(work / kPart, 1, 2 * threads);
  return parts > threads ? Up(parts, threads) : parts;
}

// Splits the depth among cores, and adds up their results. If there are many more terms than
// results, this moves the least data between cores: the share of arrays with a row per sample, or
// of a matrix that Adam updates, mostly stays with the same core from step to step.
void MultiplyByDepth(ffi::ThreadPool pool, const Problem& p, int64_t parts) {
  const int64_t size = p.rows * p.columns;
  float* const sums = Scratch<2>((parts - 1) * size);
  InParts(pool, parts, [&](int64_t part) {
    const int64_t from = Up(part * p.depth / parts, kRows);
    const int64_t to = std::min(Up((part + 1) * p.depth / parts, kRows), p.depth);
    const Left a{p.a.data + from * p.a.step, p.a.row, p.a.step};
    float* const out = part ? sums + (part - 1) * size : p.out;
    Part({p.rows, p.columns, to - from, a, p.b + from * p.b_row, p.b_row, p.order, out}, 0, p.rows,
         0, p.columns);
  });
  for (const float* sum = sums; sum < sums + (parts - 1) * size; sum += size)
    for (int64_t i = 0; i < size; ++i) p.out[i] += sum[i];
  if (p.bias) AddBiasCutNegative(p.rows, p.columns, p.bias, p.out, p.columns);
}

void Multiply(ffi::ThreadPool pool, const Problem& p) {
  const int64_t parts = Parts(pool, p.rows * p.columns * p.depth);
  const int64_t deep = std::min<int64_t>(pool.num_threads(), parts);
  if (deep > 1 && p.order == Order::kPlain && p.depth >= deep * kLeast &&
      (deep - 1) * p.rows * p.columns <= (p.rows + p.columns) * p.depth / 8)
    return MultiplyByDepth(pool, p, deep);
  if (p.columns >= parts * kColumns && p.columns >= p.rows)
    Share(pool, p.columns, kColumns, parts,
          [&](int64_t from, int64_t to) { Part(p, 0, p.rows, from, to); });
  else
    Share(pool, p.rows, kRows, parts,
          [&](int64_t from, int64_t to) { Part(p, from, to, 0, p.columns); });
}

// A product of two matrices, or of two stacks of as many matrices (leading axes).
ffi::Error Product(ffi::ThreadPool pool, ffi::AnyBuffer a, ffi::AnyBuffer b,
                   ffi::Result<ffi::AnyBuffer> out, bool a_transposed, bool b_transposed) {
  const auto a_shape = a.dimensions(), b_shape = b.dimensions(), shape = out->dimensions();
  const size_t row = shape.size() - 2, column = row + 1;
  if (shape.size() < 2 || a_shape.size() != shape.size() || b_shape.size() != shape.size() ||
      a.element_type() != ffi::F32 || b.element_type() != ffi::F32 ||
      out->element_type() != ffi::F32)
    return ffi::Error::InvalidArgument("a product is of float32 matrices, or stacks of them");
  const int64_t rows = shape[row], columns = shape[column];
  const int64_t depth = a_shape[a_transposed ? row : column];
  bool fits = a_shape[a_transposed ? column : row] == rows &&
              b_shape[b_transposed ? column : row] == depth &&
              b_shape[b_transposed ? row : column] == columns;
  int64_t many = 1;
  for (size_t i = 0; i < row; many *= shape[i++])
    fits = fits && a_shape[i] == shape[i] && b_shape[i] == shape[i];
  if (!fits) return ffi::Error::InvalidArgument("the shapes of a product do not fit");
  if (rows == 0 || columns == 0 || depth == 0) {
    std::fill_n(out->typed_data<float>(), many * rows * columns, 0.0f);
    return ffi::Error::Success();
  }
  const auto problem = [&](int64_t i) {
    const float* const matrix = a.typed_data<float>() + i * rows * depth;
    return Problem{rows,
                   columns,
                   depth,
                   a_transposed ? Left{matrix, 1, rows} : Left{matrix, depth, 1},
                   b.typed_data<float>() + i * depth * columns,
                   b_shape[column],
                   b_transposed ? Order::kTransposed : Order::kPlain,
                   out->typed_data<float>() + i * rows * columns};
  };
  if (many < pool.num_threads()) {
    for (int64_t i = 0; i < many; ++i) Multiply(pool, problem(i));
    return ffi::Error::Success();
  }
  Share(pool, many, 1, Parts(pool, many * rows * columns * depth), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) Part(problem(i), 0, rows, 0, columns);
  });
  return ffi::Error::Success();
}

// max(x kernel + bias, 0)
ffi::Error Dense(ffi::ThreadPool pool, Matrix x, Matrix kernel, Bias bias,
                 ffi::Result<Matrix> out) {
  const int64_t rows = out->dimensions()[0], columns = out->dimensions()[1];
  const int64_t depth = x.dimensions()[1];
  if (x.dimensions()[0] != rows || kernel.dimensions()[0] != depth ||
      kernel.dimensions()[1] != columns || bias.dimensions()[0] != columns || depth == 0)
    return ffi::Error::InvalidArgument("the shapes of a dense layer do not fit");
  if (rows && columns)
    Multiply(pool, {rows, columns, depth, Left{x.typed_data(), depth, 1}, kernel.typed_data(),
                    columns, Order::kPlain, out->typed_data(), bias.typed_data()});
  return ffi::Error::Success();
}

// Packs a matrix in the order in which ProductPacked reads it: (panels, depth, kColumns).
ffi::Error Pack(Matrix b, ffi::Result<Stack> out, bool transposed) {
  const auto shape = b.dimensions(), packed = out->dimensions();
  const int64_t depth = shape[transposed ? 1 : 0], columns = shape[transposed ? 0 : 1];
  if (packed[0] != Up(columns, kColumns) / kColumns || packed[1] != depth || packed[2] != kColumns)
    return ffi::Error::InvalidArgument("the shape of a packed matrix does not fit");
  for (int64_t c = 0; c < columns; c += kColumns) {
    const int64_t width = std::min<int64_t>(kColumns, columns - c);
    float* const to = out->typed_data() + c * depth;
    if (transposed)
      PackTransposed(b.typed_data() + c * depth, depth, depth, width, to);
    else
      PackRows(b.typed_data() + c, columns, depth, width, to);
  }
  return ffi::Error::Success();
}

ffi::Error ProductPacked(ffi::ThreadPool pool, Matrix a, Stack b, ffi::Result<Matrix> out) {
  const auto a_shape = a.dimensions(), b_shape = b.dimensions(), shape = out->dimensions();
  if (a_shape[0] != shape[0] || a_shape[1] != b_shape[1] || b_shape[2] != kColumns ||
      b_shape[0] != Up(shape[1], kColumns) / kColumns)
    return ffi::Error::InvalidArgument("the shapes of a product do not fit");
  if (!a_shape[1]) std::fill_n(out->typed_data(), out->element_count(), 0.0f);
  if (shape[0] && shape[1] && a_shape[1])
    Multiply(pool, {shape[0], shape[1], a_shape[1], Left{a.typed_data(), a_shape[1], 1},
                    b.typed_data(), kColumns, Order::kPacked, out->typed_data()});
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_product, hornbook::Product,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<xla::ffi::AnyBuffer>()
                    .Arg<xla::ffi::AnyBuffer>()
                    .Ret<xla::ffi::AnyBuffer>()
                    .Attr<bool>("a_transposed")
                    .Attr<bool>("b_transposed"));

HORNBOOK_KERNEL(hornbook_dense, hornbook::Dense);

HORNBOOK_KERNEL(
    hornbook_pack, hornbook::Pack,
    xla::ffi::Ffi::Bind().Arg<hornbook::Matrix>().Ret<hornbook::Stack>().Attr<bool>("transposed"));

HORNBOOK_KERNEL(hornbook_product_packed, hornbook::ProductPacked);

extern "C" int64_t hornbook_columns() { return hornbook::kColumns; }

extern "C" uint64_t hornbook_sources() { return HORNBOOK_SOURCES; }
