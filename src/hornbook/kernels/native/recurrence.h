// A recurrent cell over all timesteps, forward and backward: the products of input and state with
// their kernels, and the cell's formula for the same samples and units while they are in the cache.
//
// A step computes a few sums for each unit, in one or two stages; the second stage multiplies a
// result of the first. A `Cell` defines:
//
//   kWidth               columns of each kernel, in units
//   kTerms               for each sum: its columns in the two kernels, in units, or none (-1); the
//                        array in which it is kept, the place in a row of it, and the stage that
//                        computes it
//   kWidths              widths of the arrays that are kept, in units
//   kStates              the number of states; the first is the output
//   kSecond              the array that the second stage multiplies, as the first multiplies the
//                        output; none (-1) for a single stage
//   kBack                the arrays that the backward pass multiplies by the recurrent kernel, in
//                        the order of its columns, and the stage of each
//   kDirect              whether part of the state's gradient goes to the old state directly
//   Forward, Backward    the formula that follows the sums of a stage, for some units of a sample
//
// Samples are independent, so if the kernel fits a core's cache, each thread takes some samples
// through all steps. Otherwise threads synchronize after each step, and a part is some units of
// some samples: each thread first takes the samples of the step before, whose data are in its
// cache, and then helps with others.
#pragma once

#include <iterator>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "gates.h"
#include "handler.h"
#include "memory.h"
#include "team.h"
#include "tile.h"

namespace hornbook {

namespace ffi = xla::ffi;
using Numbers = ffi::BufferR1<ffi::F32>;
using Matrix = ffi::BufferR2<ffi::F32>;
using Stack = ffi::BufferR3<ffi::F32>;
using Booleans = ffi::BufferR1<ffi::PRED>;
using Ids = ffi::BufferR1<ffi::S32>;

constexpr int64_t kCached = 96 << 10;     // elements of a kernel that stay in a core's cache
constexpr int64_t kWorthAPart = 1 << 16;  // multiplications of a step
constexpr int64_t kDeep = 512;            // terms summed at a time: factors stay in the cache
constexpr int64_t kMany = 24;     // least samples for which a core reads a whole kernel every step
constexpr int64_t kSamples = 96;  // samples at a time in the backward pass

struct Term {
  int of_input, of_state, array, place, stage = 0;
};

struct BackTerm {
  int array, stage = 0;
};

template <class Cell>
constexpr int kSums = std::size(Cell::kTerms);

template <class Cell>
constexpr int kArrays = std::size(Cell::kWidths);

template <class Cell>
constexpr int kStages = Cell::kSecond < 0 ? 1 : 2;

struct Sizes {
  int64_t steps, batch, units, features;

  int64_t States() const { return batch * units; }
  int64_t Panels() const { return Up(units, kColumns) / kColumns; }
  int64_t Width(int64_t panel) const {
    return std::min<int64_t>(kColumns, units - panel * kColumns);
  }
};

// The arrays that a step keeps, or their gradients: one for each of Cell::kWidths.
template <class Cell>
struct Kept {
  float* arrays[kArrays<Cell>];
  int64_t batch, units;

  float* Row(int array, int64_t step, int64_t sample) const {
    return arrays[array] + (step * batch + sample) * Cell::kWidths[array] * units;
  }
  float* Of(int term, int64_t step, int64_t sample, int64_t unit) const {
    const Term& t = Cell::kTerms[term];
    return Row(t.array, step, sample) + t.place * units + unit;
  }
  int64_t Distance(int term) const { return Cell::kWidths[Cell::kTerms[term].array] * units; }
};

// Whether a step counts for a sample; all do without a mask.
struct Mask {
  const bool* counts;
  int64_t batch;

  bool operator()(int64_t step, int64_t sample) const {
    return !counts || counts[step * batch + sample];
  }
};

// Calls f(first row, rows) for tiles of nearly equal numbers of rows.
template <class F>
void InTiles(int64_t from, int64_t to, const F& f) {
  const int64_t rows = to - from, tiles = Up(rows, kRows) / kRows;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t first = i * rows / tiles;
    f(from + first, (i + 1) * rows / tiles - first);
  }
}

// Calls step(k, first row, end row, first panel, end panel) for k = 0, 1, ..., for all rows and
// panels; `numbers`: the number of elements of the kernels.
template <class F>
void OverSteps(ffi::ThreadPool pool, const Sizes& s, int64_t numbers, int64_t rounds,
               const F& step) {
  const int64_t panels = s.Panels(), work = s.batch * numbers;
  const int64_t most = std::clamp<int64_t>(work / kWorthAPart, 1, pool.num_threads());
  if (most == 1 || panels < most || numbers <= kCached) {
    const int64_t parts = std::min(most, std::max<int64_t>(s.batch / kRows, 1));
    return InParts(pool, parts, [&](int64_t part) {
      for (int64_t k = 0; k < rounds; ++k)
        step(k, part * s.batch / parts, (part + 1) * s.batch / parts, 0, panels);
    });
  }
  const int64_t shares = s.batch >= most * kMany ? most : 1;
  const int64_t groups =
      std::clamp<int64_t>(work / shares / kWorthAPart, 2, std::min(panels, Job::kParts / shares));
  Team team(pool, shares * groups);
  for (int64_t k = 0; k < rounds; ++k)
    team.Run([&](int64_t part) {
      const int64_t share = part / groups, group = part % groups;
      step(k, share * s.batch / shares, (share + 1) * s.batch / shares, group * panels / groups,
           (group + 1) * panels / groups);
    });
}

// The input of the forward pass: features to multiply by a kernel, or ids of kernel rows to add.
struct Input {
  const float* x;
  const int32_t* ids;
  const float* kernel;
  int64_t rows;  // of the kernel

  // If the input is ids: the kernel row to add for a sample, of `size` elements, or `unknown` for
  // an id out of range.
  const float* Row(int64_t sample, int64_t size, const float* unknown) const {
    if (!ids) return nullptr;
    const int64_t id = ids[sample];
    return id >= 0 && id < rows ? kernel + id * size : unknown;
  }
};

// The arguments of the forward pass. `old`: the states before each step; those before the first are
// given. `bias`: for the sums, or null.
template <class Cell>
struct Ahead {
  Cell cell;
  Sizes s;
  Input input;
  const float *recurrent, *bias;
  Mask mask;
  Kept<Cell> kept;
  float *old[Cell::kStates], *last[Cell::kStates];
};

template <class Cell>
void RunForward(ffi::ThreadPool pool, const Ahead<Cell>& a) {
  const Sizes& s = a.s;
  const int64_t units = s.units, size = s.States(), features = s.features;
  const std::vector<float> none(a.bias ? 0 : kSums<Cell> * units);
  const float* const bias = a.bias ? a.bias : none.data();
  // For each panel of units, the packed columns of each sum: of the input and recurrent kernels.
  int64_t begins[kSums<Cell>], rows = 0;
  for (int i = 0; i < kSums<Cell>; ++i) {
    begins[i] = rows * kColumns;
    rows +=
        (Cell::kTerms[i].of_input < 0 ? 0 : features) + (Cell::kTerms[i].of_state < 0 ? 0 : units);
  }
  const int64_t panels = s.Panels(), panel_size = rows * kColumns, row = Cell::kWidth * units;
  const std::vector<float> unknown(a.input.ids ? row : 0, std::numeric_limits<float>::quiet_NaN());
  float* const packed = Scratch<5>(panels * panel_size);
  InParts(pool, panels, [&](int64_t panel) {
    float* to = packed + panel * panel_size;
    const auto pack = [&](const float* from, int64_t depth, int column) {
      if (column < 0) return;
      PackRows(from + column * units + panel * kColumns, row, depth, s.Width(panel), to);
      to += depth * kColumns;
    };
    for (const Term& term : Cell::kTerms) {
      pack(a.input.kernel, features, term.of_input);
      pack(a.recurrent, units, term.of_state);
    }
  });
  const int64_t numbers = row * (units + features);
  OverSteps(pool, s, numbers, kStages<Cell> * s.steps,
            [&](int64_t round, int64_t r0, int64_t r1, int64_t p0, int64_t p1) {
              const int64_t k = round / kStages<Cell>;
              const int stage = round % kStages<Cell>;
              const float* old[Cell::kStates];
              float* now[Cell::kStates];
              for (int i = 0; i < Cell::kStates; ++i) {
                old[i] = a.old[i] + k * size;
                now[i] = k + 1 == s.steps ? a.last[i] : a.old[i] + (k + 1) * size;
              }
              const float* const state =
                  stage == 0 ? old[0] : a.kept.Row(std::max(Cell::kSecond, 0), k, 0);
              const float* const inputs = a.input.x + k * s.batch * features;
              const int64_t sum = (r1 - r0) * kColumns;
              float* const sums = Scratch<6>(kSums<Cell> * sum);
              for (int64_t panel = p0; panel < p1; ++panel) {
                const int64_t u = panel * kColumns, width = s.Width(panel);
                for (int term = 0; term < kSums<Cell>; ++term) {
                  if (Cell::kTerms[term].stage != stage) continue;
                  const bool of_state = Cell::kTerms[term].of_state >= 0;
                  const bool of_input = Cell::kTerms[term].of_input >= 0 && (features || !of_state);
                  const float* const first = packed + panel * panel_size + begins[term];
                  const float* const second = first + (of_input ? features * kColumns : 0);
                  InTiles(r0, r1, [&](int64_t r, int64_t some) {
                    float* const out = sums + term * sum + (r - r0) * kColumns;
                    Fetch<1>(a.kept.Of(term, k, r, u), a.kept.Distance(term), some, kColumns);
                    if (of_input)
                      AnyTile(some, kColumns, {features}, {inputs + r * features, features, 1},
                              {first, kColumns}, out, kColumns, false);
                    if (of_state)
                      AnyTile(some, kColumns, {units}, {state + r * units, units, 1},
                              {second, kColumns}, out, kColumns, of_input);
                  });
                }
                for (int64_t r = r0; r < r1; ++r) {
                  const int64_t at = r * units + u;
                  const float* const added = a.input.Row(k * s.batch + r, row, unknown.data());
                  const auto sum_of = [&](int term, int64_t i) {
                    const Vector v = Load(sums + term * sum + (r - r0) * kColumns + i) +
                                     Some(bias + term * units + u + i, width - i);
                    const int column = Cell::kTerms[term].of_input;
                    if (!added || column < 0) return v;
                    return v + Some(added + column * units + u + i, width - i);
                  };
                  float* kept[kSums<Cell>];
                  for (int term = 0; term < kSums<Cell>; ++term)
                    kept[term] = a.kept.Of(term, k, r, u);
                  a.cell.Forward(stage, width, sum_of, kept, old, now, at);
                  if (stage + 1 < kStages<Cell> || a.mask(k, r)) continue;
                  for (int i = 0; i < Cell::kStates; ++i)
                    std::memcpy(now[i] + at, old[i] + at, width * sizeof(float));
                }
              }
            });
}

// The arguments of the backward pass. The kept arrays are overwritten with the gradients of the
// sums. `memory`: the state that Cell::Backward needs, before each step and after the last.
// `carried`: what it passes on from step to step; the initial value is given. `sums`: sums of the
// gradients.
template <class Cell>
struct Back {
  Cell cell;
  Sizes s;
  const float *d_hs, *d_last, *memory, *last, *recurrent;
  Mask mask;
  Kept<Cell> kept;
  float *d_h, *carried, *sums;
};

template <class Cell>
void RunBackward(ffi::ThreadPool pool, const Back<Cell>& a) {
  const Sizes& s = a.s;
  const int64_t units = s.units, size = s.States(), depth = Cell::kWidth * units;
  const int64_t panels = s.Panels(), panel_size = depth * kColumns;
  float* const packed = Scratch<5>(panels * panel_size);
  InParts(pool, panels, [&](int64_t panel) {
    PackTransposed(a.recurrent + panel * kColumns * depth, depth, depth, s.Width(panel),
                   packed + panel * panel_size);
  });
  // A piece of a sum over gradients: elements of one array, few enough for the cache.
  struct Block {
    int array;
    int64_t from, depth, row;  // from: in a row of the array; row: of the kernel
  };
  std::vector<Block> blocks_of[kStages<Cell>];
  int64_t row = 0;
  for (const BackTerm& back : Cell::kBack)
    for (int64_t from = 0, end = Cell::kWidths[back.array] * units; from < end; from += kDeep) {
      blocks_of[back.stage].push_back({back.array, from, std::min(kDeep, end - from), row});
      row += blocks_of[back.stage].back().depth;
    }
  // A masked step passes the gradient of its state on.
  std::vector<float> of_masked(a.mask.counts && !Cell::kDirect ? size : 0);
  float* const passed = Cell::kDirect ? a.d_h : of_masked.empty() ? nullptr : of_masked.data();
  // Parts that split the samples have a sum each, which starts at their first sample.
  const int64_t tiles = Up(s.batch, kRows) / kRows, biases = kSums<Cell> * units;
  float* const sums = Scratch<7>(tiles * biases);
  std::fill_n(sums, tiles * biases, 0.0f);
  OverSteps(
      pool, s, depth * units, kStages<Cell> * s.steps + 1,
      [&](int64_t round, int64_t r0, int64_t r1, int64_t p0, int64_t p1) {
        const int64_t k = s.steps - 1 - round / kStages<Cell>;
        const int stage = round % kStages<Cell>;
        const std::vector<Block>& blocks = blocks_of[stage];
        const float* const d_out = a.d_hs && k >= 0 ? a.d_hs + k * size : nullptr;
        const float* const old = a.memory + k * size;
        const float* const now = k + 1 < s.steps ? old + size : a.last;
        // The epilogue of the product, for a tile.
        const auto finish = [&](float* dh, int64_t first, int64_t rows, int64_t u, int64_t width) {
          for (int64_t r = first; r < first + rows; ++r, dh += kColumns) {
            const int64_t at = r * units + u;
            if (round == 0)
              std::memcpy(dh, a.d_last + at, width * sizeof(float));
            else if (passed && stage == 0)
              for (int64_t i = 0; i < width; ++i) dh[i] += passed[at + i];
            if (k < 0) {
              std::memcpy(a.d_h + at, dh, width * sizeof(float));
              continue;
            }
            if (d_out && stage == 0)
              for (int64_t i = 0; i < width; ++i) dh[i] += d_out[at + i];
            float* kept[kSums<Cell>];
            for (int term = 0; term < kSums<Cell>; ++term) kept[term] = a.kept.Of(term, k, r, u);
            if (stage > 0 || a.mask(k, r)) {
              if (!of_masked.empty()) std::fill_n(passed + at, width, 0.0f);
              a.cell.Backward(stage, width, dh, kept, old + at, now + at, a.carried + at,
                              sums + r0 / kRows * biases + u, units);
            } else {
              std::memcpy(passed + at, dh, width * sizeof(float));
              for (float* const gradient : kept) std::fill_n(gradient, width, 0.0f);
            }
          }
        };
        float* const products = Scratch<6>(std::min(kSamples, r1 - r0) * (p1 - p0) * kColumns);
        const size_t last = round > 0 ? blocks.size() - 1 : 0;
        for (int64_t from = r0; from < r1; from += kSamples) {
          const int64_t to = std::min(from + kSamples, r1);
          for (size_t i = 0; i <= last; ++i)
            for (int64_t panel = p0; panel < p1; ++panel)
              InTiles(from, to, [&](int64_t r, int64_t rows) {
                const int64_t u = panel * kColumns;
                float* const dh = products + ((panel - p0) * (to - from) + r - from) * kColumns;
                if (i == last && k >= 0) {
                  for (int term = 0; term < kSums<Cell>; ++term)
                    Fetch<1>(a.kept.Of(term, k, r, u), a.kept.Distance(term), rows, kColumns);
                  Fetch<1>(old + r * units + u, units, rows, kColumns);
                  if (Cell::kStates > 1) Fetch<1>(now + r * units + u, units, rows, kColumns);
                  if (d_out) Fetch<1>(d_out + r * units + u, units, rows, kColumns);
                }
                if (round > 0) {
                  const Block& block = blocks[i];
                  const int64_t step = Cell::kWidths[block.array] * units;
                  AnyTile(rows, kColumns, {block.depth},
                          {a.kept.Row(block.array, k + (stage == 0), r) + block.from, step, 1},
                          {packed + panel * panel_size + block.row * kColumns, kColumns}, dh,
                          kColumns, i > 0);
                }
                if (i == last) finish(dh, r, rows, u, s.Width(panel));
              });
        }
      });
  std::memcpy(a.sums, sums, biases * sizeof(float));
  for (int64_t tile = 1; tile < tiles; ++tile)
    for (int64_t i = 0; i < biases; ++i) a.sums[i] += sums[tile * biases + i];
}

// The data of a buffer; null if it is empty.
template <class B>
auto* Optional(B& buffer) {
  return buffer.element_count() ? buffer.typed_data() : nullptr;
}

inline void Require(bool fits) {
  if (!fits) throw std::invalid_argument("the shapes of a recurrent layer do not fit");
}

// Whether a buffer is empty or has `count` elements.
template <class B>
bool EmptyOr(int64_t count, const B& buffer) {
  const int64_t numbers = buffer.element_count();
  return numbers == 0 || numbers == count;
}

// The data of a remaining argument or result of `count` elements.
template <class Buffers>
float* Remaining(const Buffers& buffers, size_t i, int64_t count) {
  Require(i < buffers.size());
  ffi::AnyBuffer buffer = [&] {
    if constexpr (std::is_same_v<Buffers, ffi::RemainingArgs>)
      return *buffers.template get<ffi::AnyBuffer>(i);
    else
      return **buffers.template get<ffi::AnyBuffer>(i);
  }();
  Require(buffer.element_type() == ffi::F32 &&
          static_cast<int64_t>(buffer.element_count()) == count);
  return buffer.typed_data<float>();
}

// Calls run(cell) with the cell that has these two activations.
template <template <class, class> class Of, class F>
ffi::Error WithActivations(std::string_view activation, std::string_view gate, const F& run) {
  if (activation == "tanh" && gate == "sigmoid")
    run(Of<Tanhs, Sigmoids>{});
  else
    run(Of<Activation, Activation>{Named(activation), Named(gate)});
  return ffi::Error::Success();
}

// The XLA calls. Forward: from the initial states to the kept arrays, the states before each step,
// and the final states.
template <template <class, class> class Of>
ffi::Error Forward(ffi::ThreadPool pool, Stack x, Ids ids, Matrix kernel, Matrix recurrent,
                   Numbers bias, Booleans mask, ffi::RemainingArgs states,
                   ffi::RemainingRets results, std::string_view activation, std::string_view gate) {
  return WithActivations<Of>(activation, gate, [&](const auto& cell) {
    using Cell = std::decay_t<decltype(cell)>;
    const auto shape = x.dimensions();
    const Sizes s{shape[0], shape[1], recurrent.dimensions()[0], shape[2]};
    const int64_t size = s.States(), all = s.steps * size, rows = kernel.dimensions()[0];
    Require(all && kernel.dimensions()[1] == Cell::kWidth * s.units &&
            recurrent.dimensions()[1] == Cell::kWidth * s.units &&
            EmptyOr(kSums<Cell> * s.units, bias) && EmptyOr(s.steps * s.batch, mask) &&
            EmptyOr(s.steps * s.batch, ids) &&
            (ids.element_count() ? rows && !s.features : rows == s.features));
    Ahead<Cell> a{cell,
                  s,
                  {x.typed_data(), Optional(ids), kernel.typed_data(), rows},
                  recurrent.typed_data(),
                  Optional(bias),
                  {Optional(mask), s.batch},
                  {{}, s.batch, s.units},
                  {},
                  {}};
    size_t next = 0;
    for (int i = 0; i < kArrays<Cell>; ++i)
      a.kept.arrays[i] = Remaining(results, next++, Cell::kWidths[i] * all);
    for (float*& old : a.old) old = Remaining(results, next++, all);
    for (float*& last : a.last) last = Remaining(results, next++, size);
    for (int i = 0; i < Cell::kStates; ++i)
      std::memcpy(a.old[i], Remaining(states, i, size), size * sizeof(float));
    RunForward(pool, a);
  });
}

// Backward: from the gradients of the final states and the kept arrays to the gradients of the sums
// (which overwrite the kept arrays), of the initial states, and of the bias. `memory`: the last
// state before each step.
template <template <class, class> class Of>
ffi::Error Backward(ffi::ThreadPool pool, Stack d_hs, Stack memory, Matrix last, Matrix recurrent,
                    Booleans mask, ffi::RemainingArgs given, ffi::RemainingRets results,
                    std::string_view activation, std::string_view gate) {
  return WithActivations<Of>(activation, gate, [&](const auto& cell) {
    using Cell = std::decay_t<decltype(cell)>;
    const auto shape = memory.dimensions();
    const Sizes s{shape[0], shape[1], shape[2], 0};
    const int64_t size = s.States(), all = s.steps * size, width = Cell::kWidth * s.units;
    Require(all && EmptyOr(all, d_hs) && EmptyOr(s.steps * s.batch, mask) &&
            static_cast<int64_t>(last.element_count()) == size &&
            static_cast<int64_t>(recurrent.element_count()) == width * s.units);
    size_t next = 0, from = Cell::kStates;
    Kept<Cell> kept{{}, s.batch, s.units};
    for (int i = 0; i < kArrays<Cell>; ++i) {
      const int64_t numbers = Cell::kWidths[i] * all;
      kept.arrays[i] = Taken(Remaining(given, from++, numbers), Remaining(results, next++, numbers),
                             numbers * sizeof(float));
    }
    float* d_states[Cell::kStates];
    for (int i = 0; i < Cell::kStates; ++i) {
      d_states[i] = Remaining(results, next++, size);
      if (i > 0) std::memcpy(d_states[i], Remaining(given, i, size), size * sizeof(float));
    }
    RunBackward(pool, Back<Cell>{cell,
                                 s,
                                 Optional(d_hs),
                                 Remaining(given, 0, size),
                                 memory.typed_data(),
                                 last.typed_data(),
                                 recurrent.typed_data(),
                                 {Optional(mask), s.batch},
                                 kept,
                                 d_states[0],
                                 d_states[Cell::kStates - 1],
                                 Remaining(results, next, kSums<Cell> * s.units)});
  });
}

inline auto OfForward() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<Stack>()
      .Arg<Ids>()
      .Arg<Matrix>()
      .Arg<Matrix>()
      .Arg<Numbers>()
      .Arg<Booleans>()
      .RemainingArgs()
      .RemainingRets()
      .Attr<std::string_view>("activation")
      .Attr<std::string_view>("recurrent_activation");
}

inline auto OfBackward() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<Stack>()
      .Arg<Stack>()
      .Arg<Matrix>()
      .Arg<Matrix>()
      .Arg<Booleans>()
      .RemainingArgs()
      .RemainingRets()
      .Attr<std::string_view>("activation")
      .Attr<std::string_view>("recurrent_activation");
}

}  // namespace hornbook

// Defines the two functions of a cell that XLA can call.
#define HORNBOOK_RECURRENCE(name, Cell)                                                       \
  HORNBOOK_KERNEL(hornbook_##name, hornbook::Forward<hornbook::Cell>, hornbook::OfForward()); \
  HORNBOOK_KERNEL(hornbook_##name##_back, hornbook::Backward<hornbook::Cell>,                 \
                  hornbook::OfBackward())
