// Finds the zero terms of sums, as in images with dark borders or one-hot vectors.
#pragma once

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "memory.h"
#include "tile.h"

namespace hornbook {

typedef int32_t Integers __attribute__((vector_size(4 * kLanes)));

constexpr int64_t kFewAtOnce = 256;  // elements examined at a time by ListFew

constexpr int64_t RoomForFew(int64_t most) { return most + kFewAtOnce + kLanes + 1; }

// Appends k + i to a list for each nonzero lane i of a vector. Writes beyond the end of the list.
inline int32_t* Append(Integers chosen, int64_t k, int32_t* end) {
#if defined(__AVX512F__)
  Integers numbers;
  for (int i = 0; i < kLanes; ++i) numbers[i] = static_cast<int32_t>(k) + i;
  const auto all = reinterpret_cast<__m512i>(chosen);
  const __mmask16 some = _mm512_test_epi32_mask(all, all);
  const auto kept = _mm512_maskz_compress_epi32(some, reinterpret_cast<__m512i>(numbers));
  _mm512_storeu_si512(end, kept);
  return end + __builtin_popcount(some);
#else
  for (int i = 0; i < kLanes; ++i) {
    *end = static_cast<int32_t>(k + i);
    end += chosen[i] != 0;
  }
  return end;
#endif
}

inline bool AnyNotZero(const float* numbers, int64_t step, int64_t count) {
  uint32_t bits = 0;
  if (step == 1 && count == kRows) {  // the whole row at once
    uint32_t all[kRows];
    std::memcpy(all, numbers, sizeof all);
    for (int i = 0; i < kRows; ++i) bits |= all[i];
    return bits << 1;  // without the sign
  }
  for (int64_t i = 0; i < count; ++i)
    if (numbers[i * step] != 0) return true;
  return false;
}

// Lists the k for which left[r, k] is nonzero in any of up to kRows rows. The list has room for
// `depth` numbers and a vector. Returns their number.
inline int64_t ListNotZero(Left left, int64_t rows, int64_t depth, int32_t* const list) {
  int32_t* end = list;
  int64_t k = 0;
  for (; left.step == 1 && k + kLanes <= depth; k += kLanes) {
    Integers bits = {};
    for (int64_t r = 0; r < rows; ++r)
      bits |= reinterpret_cast<Integers>(Load(left.data + r * left.row + k));
    end = Append(bits + bits, k, end);  // without the sign
  }
  for (; k < depth; ++k) {
    *end = static_cast<int32_t>(k);
    end += AnyNotZero(left.data + k * left.step, left.row, rows);
  }
  return end - list;
}

// Lists the places of the nonzeros of an array; -1 if there are more than `most`, or many more than
// their share in the numbers so far, so that dense arrays are told at once. The list has room for
// `RoomForFew(most)` numbers.
inline int64_t ListFew(const float* numbers, int64_t count, int64_t most, int32_t* list) {
  int64_t found = 0;
  for (int64_t k = 0; k < count; k += kFewAtOnce) {
    if (found > std::min(most, most * k / count + kFewAtOnce / 2)) return -1;
    const int64_t some = std::min(kFewAtOnce, count - k);
    const int64_t end = found + ListNotZero({numbers + k, 0, 1}, 1, some, list + found);
    for (; found < end; ++found) list[found] += static_cast<int32_t>(k);
  }
  return found > most ? -1 : found;
}

// The terms that each tile of a block sums, a tile being kRows rows of the left operand.
class Terms {
 public:
  // For up to `tiles` tiles and `depth` terms. With `look`, terms that are zero in all rows of a
  // tile are skipped, unless the first tile has few of them.
  Terms(bool look, int64_t tiles, int64_t depth)
      : look_(look),
        room_(depth + kLanes + 1),
        lists_(look ? reinterpret_cast<int32_t*>(Scratch<1>(tiles * room_)) : nullptr) {}

  // Examines the next block, in which tile i begins at left_of(i) and has rows_of(i) rows.
  template <class F, class G>
  void LookAt(int64_t tiles, int64_t depth, const F& left_of, const G& rows_of) {
    depth_ = depth;
    for (int64_t i = 0; look_ && i < tiles; ++i) {
      int32_t* const list = lists_ + i * room_;
      const int64_t count = ListNotZero(left_of(i), rows_of(i), depth, list);
      list[room_ - 1] = static_cast<int32_t>(count);
      look_ = i > 0 || Few(count);
    }
  }

  Sum Of(int64_t i) const {
    if (!look_) return {depth_};
    const int32_t* const list = lists_ + i * room_;
    const int64_t count = list[room_ - 1];
    return Few(count) ? Sum{count, 1, 0, 0, list} : Sum{depth_};
  }

 private:
  bool Few(int64_t count) const { return count <= depth_ - depth_ / 8; }

  bool look_;
  const int64_t room_;
  int32_t* const lists_;
  int64_t depth_ = 0;
};

}  // namespace hornbook
