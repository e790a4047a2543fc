// Adam for tables of which a step needs few rows: what a row without a gradient has missed is made
// up for when it is next needed.
//
// In a step whose gradient is zero Adam still moves a number, along the mean of gradients so far,
// which shrinks by beta_1, and the mean of squares by beta_2. So k missed steps add up to
//
//   sum over i = 1..k of  rate c(t + i) beta_1^i mean / (beta_2^(i/2) root + epsilon)
//
// with root = sqrt(square) at step t, when the row was last right, and c(t) the correction of the
// start from zero. With q = beta_1 / sqrt(beta_2) and r = 1 / sqrt(beta_2) this is
//
//   mean * sum of  rate c(t + i) q^i / (root + epsilon r^i),
//
// and as r^i stays near 1 where q^i is not small, it is summed once a row instead of once a number:
// by the expansion around the mean of r^i to the second order. What is left out is, for beta_1 <=
// 0.9 and beta_2 >= 0.999, below 3e-7 of a step even where root is far below epsilon.
#include <mutex>

#include "adam.h"
#include "memory.h"
#include "team.h"
#include "tile.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

using Table = ffi::BufferR2<ffi::F32>;
using Rows = ffi::BufferR1<ffi::S32>;
using Step = ffi::BufferR0<ffi::S32>;
using Rate = ffi::BufferR0<ffi::F32>;

constexpr int kMemory = 256;        // steps after which beta_1^i has no effect in float32
constexpr int64_t kPart = 1 << 14;  // numbers that a part has at least

// Powers and corrections for one beta_1 and beta_2, made once.
class Past {
 public:
  static const Past& Of(double beta_1, double beta_2) {
    static std::mutex& mutex = *new std::mutex;
    static auto& all = *new std::vector<std::unique_ptr<const Past>>;
    const std::lock_guard<std::mutex> lock(mutex);
    for (const auto& past : all)
      if (past->beta_1_ == beta_1 && past->beta_2_ == beta_2) return *past;
    all.emplace_back(new Past(beta_1, beta_2));
    return *all.back();
  }

  // The correction of step t >= 1.
  float Correction(int64_t t) const {
    return t < static_cast<int64_t>(corrections_.size()) ? corrections_[t] : 1;
  }

  // What steps without a gradient do to a number.
  struct Sum {
    float total, mean, variance;  // of c q^i; of r^i, weighted by these
    float mean_kept, square_kept;
  };

  // Of so many steps, the last of which is step t.
  Sum Until(int64_t t, int64_t missed) const {
    if (missed > kMemory) {
      const Sums sums = Fold(t - missed + kMemory, kMemory, [](int64_t, const Sums&) {});
      return Of(sums, static_cast<float>(std::pow(beta_1_, missed)),
                static_cast<float>(std::pow(beta_2_, missed)));
    }
    // Most rows that a step asks for have missed few: all such sums are made once a step.
    thread_local const Past* past = nullptr;
    thread_local int64_t last = -1;
    thread_local Sum recent[kMemory + 1];
    if (past != this || last != t) {
      Fold(t, std::min<int64_t>(t, kMemory), [this](int64_t many, const Sums& sums) {
        recent[many] = Of(sums, kept_[0][many], kept_[1][many]);
      });
      past = this;
      last = t;
    }
    return recent[missed];
  }

 private:
  struct Sums {
    double of[3];  // of c q^i times r^i to the power 0, 1 and 2
  };

  Past(double one, double two) : beta_1_(one), beta_2_(two) {
    for (int i = 0; i < 3; ++i) ratios_[i] = one / std::pow(two, 0.5 * (i + 1));
    for (int i = 0; i <= kMemory; ++i) {
      kept_[0][i] = std::pow(one, i);
      kept_[1][i] = std::pow(two, i);
    }
    corrections_.push_back(0);
    for (double a = one, b = two; a > 1e-9 || b > 1e-9; a *= one, b *= two)
      corrections_.push_back(std::sqrt(1 - b) / (1 - a));
  }

  // The sums over `most` steps, the last of which is step t; calls f with those of 1, 2, ... steps.
  template <class F>
  Sums Fold(int64_t t, int64_t most, const F& f) const {
    Sums sums{};
    for (int64_t many = 1; many <= most; ++many) {
      const double correction = Correction(t - many + 1);
      for (int i = 0; i < 3; ++i) sums.of[i] = ratios_[i] * (correction + sums.of[i]);
      f(many, sums);
    }
    return sums;
  }

  static Sum Of(const Sums& sums, float mean_kept, float square_kept) {
    const double total = sums.of[0], first = sums.of[1] / total, second = sums.of[2] / total;
    const double variance = std::max(second - first * first, 0.0);
    return {static_cast<float>(total), static_cast<float>(first), static_cast<float>(variance),
            mean_kept, square_kept};
  }

  double beta_1_, beta_2_;
  double ratios_[3];
  float kept_[2][kMemory + 1];
  std::vector<float> corrections_;
};

// A table as it is right for some of its rows: row r had its last step at last[r].
struct Lazy {
  Rule rule;  // with the rate before the correction
  const Past& past;
  int64_t rows, width;
  Trained numbers;
  int32_t* last;

  // From the arguments and results that are the same everywhere: value, mean, square and last.
  Lazy(Rule rule, const Past& past, ffi::RemainingArgs args, ffi::RemainingRets rets)
      : rule(rule), past(past), rows(0), width(0) {
    if (args.size() != 4 || rets.size() != 4) return;
    const ffi::AnyBuffer value = *args.get<ffi::AnyBuffer>(0);
    if (value.dimensions().size() != 2) return;
    void* all[4];
    for (size_t i = 0; i < 4; ++i) {
      const ffi::AnyBuffer from = *args.get<ffi::AnyBuffer>(i);
      const ffi::AnyBuffer to = **rets.get<ffi::AnyBuffer>(i);
      const size_t size = i < 3 ? value.element_count() : value.dimensions()[0];
      if (from.element_type() != (i < 3 ? ffi::F32 : ffi::S32) || from.element_count() != size ||
          to.size_bytes() != from.size_bytes())
        return;
      all[i] = Taken(from.untyped_data(), to.untyped_data(), from.size_bytes());
    }
    numbers = {static_cast<float*>(all[0]), static_cast<float*>(all[1]),
               static_cast<float*>(all[2])};
    last = static_cast<int32_t*>(all[3]);
    rows = value.dimensions()[0];
    width = value.dimensions()[1];
  }

  bool Fits(int64_t width) const { return rows > 0 && width > 0 && this->width == width; }

  Trained Row(int64_t row) const { return numbers + row * width; }

  // Makes a row right for the end of step t.
  void CatchUp(int64_t row, int32_t t) const {
    if (last[row] >= t) return;
    const Past::Sum sum = past.Until(t, t - last[row]);
    const float step = rule.rate * sum.total, epsilon = rule.epsilon * sum.mean;
    const float spread = rule.epsilon * rule.epsilon * sum.variance;
    const Trained a = Row(row);
    float* __restrict const value = a.value;
    float* __restrict const mean = a.mean;
    float* __restrict const square = a.square;
    for (int64_t i = 0; i < width; ++i) {
      const float inverse = 1 / (std::sqrt(square[i]) + epsilon);
      value[i] -= step * mean[i] * inverse * (1 + spread * inverse * inverse);
      mean[i] *= sum.mean_kept;
      square[i] *= sum.square_kept;
    }
    last[row] = t;
  }

  // The row that a number stands for: those outside the table stand for its first and last.
  int64_t Clipped(int64_t row) const { return std::clamp<int64_t>(row, 0, rows - 1); }
};

const char kMisfit[] = "the shapes of a table, its means and its rows do not fit";

int64_t Parts(ffi::ThreadPool pool, int64_t numbers) {
  return std::clamp<int64_t>(numbers / kPart, 1, pool.num_threads());
}

// The rows of these numbers as they are after step t.
ffi::Error AdamLookup(ffi::ThreadPool pool, Step t, Rate rate, Rows ids, ffi::RemainingArgs args,
                      ffi::Result<Table> out, ffi::RemainingRets rets, double beta_1, double beta_2,
                      double epsilon) {
  const Lazy table({*rate.typed_data(), beta_1, beta_2, epsilon}, Past::Of(beta_1, beta_2), args,
                   rets);
  const int64_t count = ids.dimensions()[0], width = out->dimensions()[1];
  if (!table.Fits(width) || out->dimensions()[0] != count)
    return ffi::Error::InvalidArgument(kMisfit);
  // A row belongs to one part alone. By remainders: frequent words have numbers close together.
  const int64_t parts = Parts(pool, count * width);
  InParts(pool, parts, [&](int64_t part) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = table.Clipped(ids.typed_data()[i]);
      if (row % parts != part) continue;
      table.CatchUp(row, *t.typed_data());
      std::memcpy(out->typed_data() + i * width, table.Row(row).value, width * sizeof(float));
    }
  });
  return ffi::Error::Success();
}

// Step t + 1 for the rows of these numbers, each with the sum of its gradients; nothing if not
// `go`.
ffi::Error AdamRows(ffi::ThreadPool pool, ffi::BufferR0<ffi::PRED> go, Step t, Rate rate, Rows ids,
                    Table gradients, ffi::RemainingArgs args, ffi::RemainingRets rets,
                    double beta_1, double beta_2, double epsilon) {
  const Lazy table({*rate.typed_data(), beta_1, beta_2, epsilon}, Past::Of(beta_1, beta_2), args,
                   rets);
  const int64_t count = ids.dimensions()[0], width = gradients.dimensions()[1];
  if (!table.Fits(width) || gradients.dimensions()[0] != count)
    return ffi::Error::InvalidArgument(kMisfit);
  if (!*go.typed_data()) return ffi::Error::Success();
  const int32_t now = *t.typed_data();
  Rule rule = table.rule;
  rule.rate *= table.past.Correction(now + 1);
  const int64_t parts = Parts(pool, count * width);
  InParts(pool, parts, [&](int64_t part) {
    // While a row's gradients are added up, `last` holds the complement of where its sum stands.
    float* const sums = Scratch<4>(count * width);
    std::vector<int32_t> rows;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = table.Clipped(ids.typed_data()[i]);
      if (row % parts != part) continue;
      const float* const gradient = gradients.typed_data() + i * width;
      if (table.last[row] < 0) {
        float* const sum = sums + ~table.last[row] * width;
        for (int64_t c = 0; c < width; ++c) sum[c] += gradient[c];
        continue;
      }
      table.CatchUp(row, now);
      std::memcpy(sums + rows.size() * width, gradient, width * sizeof(float));
      table.last[row] = ~static_cast<int32_t>(rows.size());
      rows.push_back(row);
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      Descend(rule, width, sums + i * width, table.Row(rows[i]));
      table.last[rows[i]] = now + 1;
    }
  });
  return ffi::Error::Success();
}

// The whole table as it is after step t.
ffi::Error AdamTable(ffi::ThreadPool pool, Step t, Rate rate, ffi::RemainingArgs args,
                     ffi::RemainingRets rets, double beta_1, double beta_2, double epsilon) {
  const Lazy table({*rate.typed_data(), beta_1, beta_2, epsilon}, Past::Of(beta_1, beta_2), args,
                   rets);
  if (!table.Fits(table.width)) return ffi::Error::InvalidArgument(kMisfit);
  const int64_t parts = Parts(pool, table.rows * table.width);
  InParts(pool, parts, [&](int64_t part) {
    for (int64_t row = part * table.rows / parts; row < (part + 1) * table.rows / parts; ++row)
      table.CatchUp(row, *t.typed_data());
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_adam_lookup, hornbook::AdamLookup,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<hornbook::Step>()
                                  .Arg<hornbook::Rate>()
                                  .Arg<hornbook::Rows>()
                                  .RemainingArgs()
                                  .Ret<hornbook::Table>()
                                  .RemainingRets()
                                  .Attr<double>("beta_1")
                                  .Attr<double>("beta_2")
                                  .Attr<double>("epsilon"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_adam_rows, hornbook::AdamRows,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::BufferR0<xla::ffi::PRED>>()
                                  .Arg<hornbook::Step>()
                                  .Arg<hornbook::Rate>()
                                  .Arg<hornbook::Rows>()
                                  .Arg<hornbook::Table>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<double>("beta_1")
                                  .Attr<double>("beta_2")
                                  .Attr<double>("epsilon"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_adam_table, hornbook::AdamTable,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<hornbook::Step>()
                                  .Arg<hornbook::Rate>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<double>("beta_1")
                                  .Attr<double>("beta_2")
                                  .Attr<double>("epsilon"));
