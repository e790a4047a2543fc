// Matrix products: out = op(a) op(b), where op transposes or does nothing.

#include "team.h"
#include "tile.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Matrix = ffi::Buffer<ffi::F32, 2>;
using Cube = ffi::Buffer<ffi::F32, 3>;
using Result = ffi::Result<Matrix>;

constexpr int64_t kDepth = 1024;       // of a block: so many rows of a panel stay in the cache
constexpr int64_t kBlock = 128 << 10;  // numbers of `a` in a block
constexpr int64_t kPart = 1 << 18;     // multiplications worth a part of their own
constexpr int64_t kOften = 96;         // rows for which it pays to put a panel in order

// How the right operand lies in memory.
enum class Order : int64_t { kPlain = 0, kTransposed = 1, kPacked = 2 };

struct Problem {
  int64_t rows, columns, depth;
  Left a;
  const float* b;
  int64_t b_row;
  Order order;
  float* out;
};

// The part of the result in rows [r0, r1) and columns [c0, c1).
void Part(const Problem& p, int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
  const int64_t panels = (c1 - c0 + kColumns - 1) / kColumns;
  const int64_t block = std::clamp<int64_t>(kBlock / std::min(p.depth, kDepth), 64, r1 - r0 + 64);
  const bool pack_a = p.a.step != 1 && panels > 2 && p.depth > 64;
  const int64_t panel_size = kColumns * std::min(p.depth, kDepth);
  float* const panels_in_order = Scratch(panels * panel_size + (pack_a ? (block + kRows) * kDepth : 0));
  float* const a_in_order = panels_in_order + panels * panel_size;
  for (int64_t k0 = 0; k0 < p.depth; k0 += kDepth) {
    const int64_t depth = std::min(kDepth, p.depth - k0);
    for (int64_t m0 = r0; m0 < r1; m0 += block) {
      const int64_t m1 = std::min(m0 + block, r1);
      if (pack_a)
        for (int64_t r = m0; r < m1; r += kRows)
          PackColumns(p.a.data + r * p.a.row + k0 * p.a.step, p.a.step, depth,
                      std::min<int64_t>(kRows, m1 - r), a_in_order + (r - m0) * depth);
      for (int64_t panel = 0; panel < panels; ++panel) {
        int64_t c = c0 + panel * kColumns;
        // The last panel goes back over columns that are done rather than beyond the matrix.
        if (p.order == Order::kPlain && c + kColumns > c1 && c1 - c0 >= kColumns && p.depth <= kDepth)
          c = c1 - kColumns;
        const int64_t columns = std::min<int64_t>(kColumns, c1 - c);
        Right right{p.b + k0 * p.b_row + c, p.b_row};
        if (p.order == Order::kPacked) {
          right = {p.b + c * p.depth + k0 * kColumns, kColumns};
        } else if (p.order == Order::kTransposed || columns < kColumns || r1 - r0 >= kOften) {
          float* const packed = panels_in_order + panel * panel_size;
          if (m0 == r0 && p.order == Order::kTransposed)
            PackTransposed(p.b + c * p.b_row + k0, p.b_row, depth, columns, packed);
          else if (m0 == r0)
            PackRows(right.data, right.row, depth, columns, packed);
          right = {packed, kColumns};
        }
        for (int64_t r = m0; r < m1; r += kRows) {
          const Left left = pack_a ? Left{a_in_order + (r - m0) * depth, 1, kRows}
                                   : Left{p.a.data + r * p.a.row + k0 * p.a.step, p.a.row, p.a.step};
          AnyTile(std::min<int64_t>(kRows, m1 - r), columns, {depth}, left, right,
                  p.out + r * p.columns + c, p.columns, k0 > 0);
        }
      }
    }
  }
}

void Multiply(ffi::ThreadPool pool, const Problem& p) {
  if (p.depth == 0) return std::fill_n(p.out, p.rows * p.columns, 0.0f), void();
  const int64_t threads = pool.num_threads(), most = threads == 1 ? 1 : 2 * threads;
  int64_t parts = std::clamp<int64_t>(p.rows * p.columns * p.depth / kPart, 1, most);
  const bool by_columns = p.columns >= parts * kColumns;
  const int64_t size = by_columns ? p.columns : p.rows, unit = by_columns ? kColumns : kRows;
  parts = std::min(parts, Up(size, unit) / unit);
  const auto run = [&](int64_t part) {
    const int64_t from = Up(part * size / parts, unit);
    const int64_t to = std::min(Up((part + 1) * size / parts, unit), size);
    if (from >= to) return;
    if (by_columns)
      Part(p, 0, p.rows, from, to);
    else
      Part(p, from, to, 0, p.columns);
  };
  if (parts == 1)
    run(0);
  else
    Team(pool, parts).Run(run);
}

ffi::Error Product(ffi::ThreadPool pool, Matrix a, Matrix b, Result out, bool a_transposed,
                   bool b_transposed) {
  const auto a_shape = a.dimensions(), b_shape = b.dimensions(), shape = out->dimensions();
  const int64_t rows = shape[0], columns = shape[1], depth = a_shape[a_transposed ? 0 : 1];
  if (a_shape[a_transposed ? 1 : 0] != rows || b_shape[b_transposed ? 1 : 0] != depth ||
      b_shape[b_transposed ? 0 : 1] != columns)
    return ffi::Error::InvalidArgument("the shapes of a product do not fit");
  const Left left = a_transposed ? Left{a.typed_data(), 1, rows} : Left{a.typed_data(), depth, 1};
  Multiply(pool, {rows, columns, depth, left, b.typed_data(), b_shape[1],
                  b_transposed ? Order::kTransposed : Order::kPlain, out->typed_data()});
  return ffi::Error::Success();
}

// Puts a matrix in the order in which ProductPacked reads it: (panels, depth, kColumns).
ffi::Error Pack(Matrix b, ffi::Result<Cube> out, bool transposed) {
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

ffi::Error ProductPacked(ffi::ThreadPool pool, Matrix a, Cube b, Result out) {
  const auto a_shape = a.dimensions(), b_shape = b.dimensions(), shape = out->dimensions();
  if (a_shape[0] != shape[0] || a_shape[1] != b_shape[1] || b_shape[2] != kColumns ||
      b_shape[0] != Up(shape[1], kColumns) / kColumns)
    return ffi::Error::InvalidArgument("the shapes of a product do not fit");
  Multiply(pool, {shape[0], shape[1], a_shape[1], Left{a.typed_data(), a_shape[1], 1},
                  b.typed_data(), kColumns, Order::kPacked, out->typed_data()});
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_product, hornbook::Product,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Matrix>()
                                  .Ret<hornbook::Matrix>()
                                  .Attr<bool>("a_transposed")
                                  .Attr<bool>("b_transposed"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_pack, hornbook::Pack,
                              xla::ffi::Ffi::Bind()
                                  .Arg<hornbook::Matrix>()
                                  .Ret<hornbook::Cube>()
                                  .Attr<bool>("transposed"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_product_packed, hornbook::ProductPacked,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<hornbook::Matrix>()
                                  .Arg<hornbook::Cube>()
                                  .Ret<hornbook::Matrix>());

extern "C" int64_t hornbook_columns() { return hornbook::kColumns; }
