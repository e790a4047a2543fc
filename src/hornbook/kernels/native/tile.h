// The inner loop of all products: a small tile of the result, kept in registers.
//
// Written with the vector extensions that gcc and clang share, so that the same source compiles to
// AVX-512, AVX2 or NEON, depending on the flags.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace hornbook {

inline int64_t Up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

#if defined(__AVX512F__)
constexpr int kLanes = 16, kRows = 8;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kRows = 6;
#else
constexpr int kLanes = 4, kRows = 6;
#endif
constexpr int kColumns = 2 * kLanes;  // columns of a tile: two vectors
constexpr int kLine = 16;             // floats of a cache line

typedef float Vector __attribute__((vector_size(4 * kLanes)));

inline Vector Load(const float* p) {
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void Store(float* p, Vector v) { std::memcpy(p, &v, sizeof v); }

// A number in all lanes. `- 0` compiles to nothing; `+ 0` would be an operation because it turns -0
// into 0.
inline Vector All(float x) { return x - Vector{}; }

// Prefetches rows of `width` elements, `row` apart, to be read, or written if `writes` is 1.
template <int writes = 0>
inline void Fetch(const float* first, int64_t row, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; ++r, first += row)
    for (int64_t i = 0; i < width; i += kLine) __builtin_prefetch(first + i, writes);
}

// The left operand: element (i, k) is data[i * row + k * step].
struct Left {
  const float* data;
  int64_t row, step;
};

// The right operand: rows of at least kColumns contiguous elements, `row` apart.
struct Right {
  const float* data;
  int64_t row;
};

// The terms of a sum: `times` runs of `depth` terms, each at another offset; or a single run over
// the listed terms only.
struct Sum {
  int64_t depth;
  int64_t times = 1;
  int64_t left = 0, right = 0;  // offset from one run to the next
  const int32_t* listed = nullptr;
};

// out[r, c] (+)= sum of left[r, k] right[k, c], for `rows` rows and one or two vectors of columns.
template <int rows, bool two, bool listed>
void Tile(const Sum& sum, const Left& left, const Right& right, float* out, int64_t out_row,
          bool add) {
  Vector low[rows], high[rows];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
    low[r] = add ? Load(out + r * out_row) : Vector{};
    if constexpr (two) high[r] = add ? Load(out + r * out_row + kLanes) : Vector{};
  }
  for (int64_t time = 0; time < sum.times; ++time) {
    const float* a = left.data + time * sum.left;
    const float* b = right.data + time * sum.right;
    for (int64_t k = 0; k < sum.depth; ++k) {
      if constexpr (listed) {
        a = left.data + sum.listed[k] * left.step;
        b = right.data + sum.listed[k] * right.row;
      }
      const Vector b_low = Load(b), b_high = two ? Load(b + kLanes) : Vector{};
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        const Vector one = All(a[r * left.row]);
        low[r] += one * b_low;
        if constexpr (two) high[r] += one * b_high;
      }
      if constexpr (!listed) a += left.step, b += right.row;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
    Store(out + r * out_row, low[r]);
    if constexpr (two) Store(out + r * out_row + kLanes, high[r]);
  }
}

using TileFunction = void (*)(const Sum&, const Left&, const Right&, float*, int64_t, bool);

template <bool two, int... n>
inline TileFunction TileOf(int rows, bool listed, std::integer_sequence<int, n...>) {
  static constexpr TileFunction table[][kRows] = {{Tile<n + 1, two, false>...},
                                                  {Tile<n + 1, two, true>...}};
  return table[listed][rows - 1];
}

// A tile of up to kRows rows and kColumns columns. With fewer columns it still reads one or two
// whole vectors of `right`, but writes only the columns that exist.
inline void AnyTile(int64_t rows, int64_t columns, const Sum& sum, const Left& left,
                    const Right& right, float* out, int64_t out_row, bool add) {
  constexpr auto each = std::make_integer_sequence<int, kRows>();
  const int n = static_cast<int>(rows);
  const TileFunction tile =
      columns > kLanes ? TileOf<true>(n, sum.listed, each) : TileOf<false>(n, sum.listed, each);
  if (columns == kColumns || columns == kLanes) return tile(sum, left, right, out, out_row, add);
  float whole[kRows * kColumns];
  tile(sum, left, right, whole, kColumns, false);
  for (int64_t r = 0; r < rows; ++r) {
    float* const to = out + r * out_row;
    const float* const from = whole + r * kColumns;
    if (columns >= kLanes) {  // two overlapping vectors
      const int64_t last = columns - kLanes;
      Vector first = Load(from), second = Load(from + last);
      if (add) first += Load(to), second += Load(to + last);
      Store(to, first);
      Store(to + last, second);
    } else {
      for (int64_t c = 0; c < columns; ++c) to[c] = from[c] + (add ? to[c] : 0.0f);
    }
  }
}

// Copies rows of up to kColumns elements into rows of kColumns, padded with zeros.
inline void PackRows(const float* from, int64_t from_row, int64_t rows, int64_t columns,
                     float* to) {
  for (int64_t k = 0; k < rows; ++k, from += from_row, to += kColumns) {
    if (columns == kColumns) {
      // The hardware prefetcher does not predict rows that are far apart.
      for (int64_t c = 0; c < kColumns; c += kLine) __builtin_prefetch(from + 12 * from_row + c);
      Store(to, Load(from));
      Store(to + kLanes, Load(from + kLanes));
    } else {
      Store(to, Vector{});
      Store(to + kLanes, Vector{});
      int64_t c = 0;
      for (; c + 4 <= columns; c += 4) std::memcpy(to + c, from + c, 4 * sizeof(float));
      for (; c < columns; ++c) to[c] = from[c];
    }
  }
}

// Packs `depth` contiguous rows: kRows elements of each, then the next kRows; the last ones are
// padded with zeros.
inline void PackColumns(const float* from, int64_t from_row, int64_t depth, int64_t rows,
                        float* to) {
  constexpr int64_t kAtOnce = 8;
  for (int64_t k0 = 0; k0 < depth; k0 += kAtOnce) {
    const int64_t k1 = std::min(k0 + kAtOnce, depth);
    for (int64_t r = 0; r < rows; r += kRows)
      for (int64_t k = k0; k < k1; ++k) {
        float* const out = to + r * depth + k * kRows;
        const float* const in = from + k * from_row + r;
        if (rows - r >= kRows)
          std::memcpy(out, in, kRows * sizeof(float));
        else
          std::fill(std::copy(in, in + rows - r, out), out + kRows, 0.0f);
      }
  }
}

// Interleaves the lower (or upper) halves of two vectors.
template <bool upper, int... n>
inline Vector Interleave(Vector a, Vector b, std::integer_sequence<int, n...>) {
  constexpr int from = upper ? kLanes / 2 : 0;
#if defined(__clang__)
  return __builtin_shufflevector(a, b, (from + n / 2 + (n % 2) * kLanes)...);
#else
  typedef int32_t Places __attribute__((vector_size(4 * kLanes)));
  return __builtin_shuffle(a, b, Places{(from + n / 2 + (n % 2) * kLanes)...});
#endif
}

// Writes the transpose of a square of kLanes rows.
inline void TransposeSquare(const float* from, int64_t from_row, float* to, int64_t to_row) {
  constexpr auto lanes = std::make_integer_sequence<int, kLanes>();
  Vector v[kLanes], w[kLanes];
  for (int i = 0; i < kLanes; ++i) v[i] = Load(from + i * from_row);
#pragma GCC unroll 4
  for (int round = 1; round < kLanes; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      w[2 * i] = Interleave<false>(v[i], v[i + kLanes / 2], lanes);
      w[2 * i + 1] = Interleave<true>(v[i], v[i + kLanes / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) v[i] = w[i];
  }
  for (int i = 0; i < kLanes; ++i) Store(to + i * to_row, v[i]);
}

// PackRows for the transpose of `from`: up to kColumns rows of `depth` elements each.
inline void PackTransposed(const float* from, int64_t from_row, int64_t depth, int64_t columns,
                           float* to) {
  for (int64_t c = 0; c < kColumns; c += kLanes)
    for (int64_t k = 0; k < depth; k += kLanes) {
      if (c + kLanes <= columns && k + kLanes <= depth) {
        TransposeSquare(from + c * from_row + k, from_row, to + k * kColumns + c, kColumns);
        continue;
      }
      for (int64_t j = k; j < std::min(k + kLanes, depth); ++j)
        for (int64_t i = c; i < c + kLanes; ++i)
          to[j * kColumns + i] = i < columns ? from[i * from_row + j] : 0.0f;
    }
}

}  // namespace hornbook
