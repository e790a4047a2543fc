// Tables of which a step uses few rows.
#pragma once

#include <limits>
#include <vector>

#include "largest.h"
#include "memory.h"

namespace hornbook {

namespace ffi = xla::ffi;

using Matrix = ffi::BufferR2<ffi::F32>;
using Rows = ffi::BufferR1<ffi::S32>;
using Step = ffi::BufferR0<ffi::S32>;
using Rate = ffi::BufferR0<ffi::F32>;
using Go = ffi::BufferR0<ffi::PRED>;

inline ffi::Error Misfit() {
  return ffi::Error::InvalidArgument("a table, its slots, its rows and their gradients do not fit");
}

// The number of parts that gives each enough work.
inline int64_t Parts(ffi::ThreadPool pool, int64_t numbers) {
  constexpr int64_t kPart = 1 << 14;
  return std::clamp<int64_t>(numbers / kPart, 1, pool.num_threads());
}

// A table, its slots, and the step as of which each row is up to date.
struct Table {
  int64_t rows = 0, width = 0;
  float* arrays[3] = {};  // the table and its slots, of the same shape
  int32_t* last = nullptr;

  // From arguments and results that share memory: `count` arrays and `last`, starting at this
  // argument and this result.
  Table(size_t count, ffi::RemainingArgs args, ffi::RemainingRets rets, size_t arg, size_t ret) {
    if (args.size() <= arg + count || rets.size() <= ret + count) return;
    const ffi::AnyBuffer value = *args.get<ffi::AnyBuffer>(arg);
    if (value.dimensions().size() != 2) return;
    void* all[4];
    for (size_t i = 0; i <= count; ++i) {
      const ffi::AnyBuffer from = *args.get<ffi::AnyBuffer>(arg + i);
      const ffi::AnyBuffer to = **rets.get<ffi::AnyBuffer>(ret + i);
      const size_t size = i < count ? value.element_count() : value.dimensions()[0];
      if (from.element_type() != (i < count ? ffi::F32 : ffi::S32) ||
          from.element_count() != size || to.size_bytes() != from.size_bytes())
        return;
      all[i] = Taken(from.untyped_data(), to.untyped_data(), from.size_bytes());
    }
    for (size_t i = 0; i < count; ++i) arrays[i] = static_cast<float*>(all[i]);
    last = static_cast<int32_t*>(all[count]);
    rows = value.dimensions()[0];
    width = value.dimensions()[1];
  }

  bool Has(int64_t row) const { return row >= 0 && row < rows; }
  bool Fits(int64_t width) const { return rows > 0 && width > 0 && this->width == width; }

  // The row of an id; ids out of range are clamped to the first and last row.
  int64_t Clipped(int64_t row) const { return std::clamp<int64_t>(row, 0, rows - 1); }

  // Calls `first(row)` when a row of this part is first met, and at the end
  // `each(row, sum of its gradients)`, which must set last[row]. Each row belongs to one part: its
  // id modulo `parts`, because ids of frequent words are close.
  template <class First, class Each>
  void EachRow(Rows ids, Matrix gradients, int64_t part, int64_t parts, First first,
               Each each) const {
    // While gradients are summed, `last` holds the complement of a row's index in `all`.
    struct Wanted {
      int64_t row;
      const float* gradient;
      float* sum;  // of its gradients, once there is a second one
    };
    thread_local std::vector<Wanted> of_thread;
    std::vector<Wanted>& all = of_thread;
    all.clear();
    const int64_t count = ids.dimensions()[0];
    float* sums = nullptr;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = Clipped(ids.typed_data()[i]);
      if (row % parts != part) continue;
      const float* const gradient = gradients.typed_data() + i * width;
      if (last[row] >= 0) {
        first(row);
        last[row] = ~static_cast<int32_t>(all.size());
        all.push_back({row, gradient, nullptr});
        continue;
      }
      Wanted& one = all[~last[row]];
      if (!one.sum) {
        if (!sums) sums = Scratch<4>(count * width);
        one.gradient = one.sum = std::copy_n(one.gradient, width, sums) - width;
        sums += width;
      }
      for (int64_t c = 0; c < width; ++c) one.sum[c] += gradient[c];
    }
    for (const Wanted& one : all) each(one.row, one.gradient);
  }
};

// Calls `step(table, ids, gradients)` for each table if `go` is set and all gradients are finite.
// Arguments: for each table ids, gradients, the table, its slots and `last`. Results: the table,
// slots and `last` of each, updated, and whether the step was made. `make(arg, ret)` returns the
// table that starts at this argument and this result.
template <class Make, class Do>
ffi::Error EachTable(ffi::ThreadPool pool, bool go, size_t slots, ffi::RemainingArgs args,
                     ffi::RemainingRets rets, Make make, Do step) {
  const size_t results = slots + 2, taken = results + 2, tables = args.size() / taken;
  if (args.size() % taken || rets.size() != tables * results + 1) return Misfit();
  auto went = rets.get<Go>(tables * results);
  if (!went.has_value()) return Misfit();
  std::vector<Numbers> all;
  for (size_t i = 0; go && i < tables; ++i) {
    const auto gradients = args.get<Matrix>(i * taken + 1);
    if (!gradients.has_value()) return Misfit();
    all.push_back({gradients->typed_data(), static_cast<int64_t>(gradients->element_count())});
  }
  go = go && AreFinite(pool, all);
  for (size_t i = 0; i < tables; ++i) {
    const auto table = make(i * taken + 2, i * results);
    const auto ids = args.get<Rows>(i * taken);
    const auto gradients = args.get<Matrix>(i * taken + 1);
    if (!ids.has_value() || !gradients.has_value() || !table.Fits(gradients->dimensions()[1]) ||
        gradients->dimensions()[0] != ids->dimensions()[0])
      return Misfit();
    if (go) step(table, *ids, *gradients);
  }
  *(*went)->typed_data() = go;
  return ffi::Error::Success();
}

// The FFI binding of a kernel that updates tables, without its attributes.
inline auto OfAStep() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<Go>()
      .Arg<Step>()
      .Arg<Rate>()
      .RemainingArgs()
      .RemainingRets();
}

}  // namespace hornbook
