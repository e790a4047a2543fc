// Adam for tables of which a step uses few rows. Rows are updated lazily: the steps in which a row
// had no gradient are applied when it is next looked up.
//
// In a step with a zero gradient Adam still changes a weight, by the mean of past gradients; that
// mean decays by beta_1, and the mean of squares by beta_2. So k missed steps add up to
//
//   sum over i = 1..k of  rate c(t + i) beta_1^i mean / (beta_2^(i/2) root + epsilon)
//
// with root = sqrt(square) at step t, when the row was last up to date, and c(t) the bias
// correction. With q = beta_1 / sqrt(beta_2) and r = 1 / sqrt(beta_2) this is
//
//   mean * sum of  rate c(t + i) q^i / (root + epsilon r^i),
//
// and because r^i stays near 1 where q^i is not small, the sum is computed once per row instead of
// once per element, by a second-order expansion around the mean of r^i. For beta_1 <= 0.9 and
// beta_2 >= 0.999 the error is below 3e-7 of a step, even where root is far below epsilon.
#include <array>
#include <mutex>
#include <numeric>

#include "adam.h"
#include "table.h"
#include "tile.h"

namespace hornbook {
namespace {

constexpr int kMemory = 256;  // steps after which beta_1^i has no effect in float32

// Powers and bias corrections for a pair (beta_1, beta_2), computed once.
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

  // The bias correction of step t >= 1.
  float Correction(int64_t t) const { return static_cast<float>(*CorrectionsFrom(t)); }

  // The total effect of steps without a gradient on an element.
  struct Sum {
    float total, mean, variance;  // of c q^i; of r^i, weighted with c q^i
    float mean_kept, square_kept;
  };

  // The end of step t, for one thread: it caches the lookup of thread-local data, which is slow.
  class Moment {
   public:
    Moment(const Past& past, int32_t t) : t(t), past_(past), recent_(past.RecentTo(t)) {}

    // The sum over the last `missed` steps, up to step t.
    Sum Over(int64_t missed) const {
      if (missed <= kMemory)
        return Of(recent_[0][missed], recent_[1][missed], recent_[2][missed],
                  past_.kept_[0][missed], past_.kept_[1][missed]);
      const double* const corrections = past_.CorrectionsFrom(t - missed + 1);
      return Of(Dot(corrections, past_.powers_[0] + 1), Dot(corrections, past_.powers_[1] + 1),
                Dot(corrections, past_.powers_[2] + 1),
                static_cast<float>(std::pow(past_.beta_1_, missed)),
                static_cast<float>(std::pow(past_.beta_2_, missed)));
    }

    const int32_t t;

   private:
    const Past& past_;
    const std::array<const double*, 3> recent_;
  };

 private:
  // The sums over the last 1, 2, ... kMemory steps. At the next step, each sum moves up one place
  // and gains a term.
  class Recent {
   public:
    void MoveTo(const Past& past, int64_t t) {
      if (past_ == &past && last_ == t) return;
      if (past_ != &past || last_ + 1 != t) {
        past_ = &past;
        first_ = kRoom;
        std::memset(sums_, 0, sizeof sums_);
        for (last_ = std::max<int64_t>(t - kMemory, 0); last_ < t;) Step();
      } else {
        Step();
      }
    }

    std::array<const double*, 3> Sums() const {
      return {sums_[0] + first_, sums_[1] + first_, sums_[2] + first_};
    }

   private:
    static constexpr int64_t kRoom = 1024;

    void Step() {
      if (first_ == 0) {
        for (auto& sums : sums_) std::memmove(sums + kRoom, sums, (kMemory + 1) * sizeof(double));
        first_ = kRoom;
      }
      --first_;
      const double correction = past_->Correction(++last_);
      for (int i = 0; i < 3; ++i) {
        double* const sums = sums_[i] + first_;
        const double* const powers = past_->powers_[i];
        sums[0] = sums[1] = 0;
        for (int k = 1; k <= kMemory; ++k) sums[k] += correction * powers[k];
      }
    }

    const Past* past_ = nullptr;
    int64_t last_ = 0, first_ = kRoom;
    double sums_[3][kRoom + kMemory + 1];
  };

  Past(double one, double two) : beta_1_(one), beta_2_(two) {
    for (int k = 0; k <= kMemory; ++k) {
      kept_[0][k] = std::pow(one, k);
      kept_[1][k] = std::pow(two, k);
      for (int i = 0; i < 3; ++i) powers_[i][k] = std::pow(one / std::pow(two, 0.5 * (i + 1)), k);
    }
    corrections_.push_back(0);
    for (double a = one, b = two; a > 1e-9 || b > 1e-9; a *= one, b *= two)
      corrections_.push_back(std::sqrt(1 - b) / (1 - a));
    corrections_.insert(corrections_.end(), kMemory, 1);
  }

  std::array<const double*, 3> RecentTo(int64_t t) const {
    thread_local Recent recent;
    recent.MoveTo(*this, t);
    return recent.Sums();
  }

  // The corrections of step t and of the kMemory - 1 steps after it; they converge to 1.
  const double* CorrectionsFrom(int64_t t) const {
    return corrections_.data() + std::min<int64_t>(t, corrections_.size() - kMemory);
  }

  // A dot product over kMemory elements, with several accumulators to hide the add latency.
  static double Dot(const double* a, const double* b) {
    double sums[2 * kLanes] = {};
    for (int k = 0; k < kMemory; k += 2 * kLanes)
      for (int i = 0; i < 2 * kLanes; ++i) sums[i] += a[k + i] * b[k + i];
    return std::accumulate(sums, sums + 2 * kLanes, 0.0);
  }

  static Sum Of(double total, double of_first, double of_second, float mean_kept,
                float square_kept) {
    const double one = 1 / total, first = of_first * one, second = of_second * one;
    const double variance = std::max(second - first * first, 0.0);
    return {static_cast<float>(total), static_cast<float>(first), static_cast<float>(variance),
            mean_kept, square_kept};
  }

  double beta_1_, beta_2_;
  double powers_[3][kMemory + 1];  // powers of q, q r and q r^2
  float kept_[2][kMemory + 1];
  std::vector<double> corrections_;
};

// A table that is updated lazily: row r is up to date as of step last[r].
struct Lazy : Table {
  Rule rule;  // with the rate before the bias correction
  const Past& past;

  Lazy(Rule rule, const Past& past, ffi::RemainingArgs args, ffi::RemainingRets rets,
       size_t arg = 0, size_t ret = 0)
      : Table(3, args, rets, arg, ret), rule(rule), past(past) {}

  Trained Row(int64_t row) const { return Trained{arrays[0], arrays[1], arrays[2]} + row * width; }

  // Applies the missed steps to a row.
  void CatchUp(int64_t row, const Past::Moment& now) const {
    if (last[row] >= now.t) return;
    const Past::Sum sum = now.Over(now.t - last[row]);
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
    last[row] = now.t;
  }
};

// Gathers rows as they are after step t; NaN for ids outside the table.
void LookUp(ffi::ThreadPool pool, const Lazy& table, int32_t t, Rows ids, float* out) {
  const int64_t count = ids.dimensions()[0], width = table.width;
  // Each row belongs to one part, by id modulo parts, because ids of frequent words are close.
  const int64_t parts = Parts(pool, count * width);
  InParts(pool, parts, [&](int64_t part) {
    const Past::Moment now(table.past, t);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = table.Clipped(ids.typed_data()[i]);
      if (row % parts != part) continue;
      table.CatchUp(row, now);
      if (table.Has(ids.typed_data()[i]))
        std::memcpy(out + i * width, table.Row(row).value, width * sizeof(float));
      else
        std::fill_n(out + i * width, width, std::numeric_limits<float>::quiet_NaN());
    }
  });
}

// The same for several tables. Arguments: for each the ids, then value, mean, square and last.
// Results: the rows, and the last four, updated.
ffi::Error AdamLookup(ffi::ThreadPool pool, Step t, Rate rate, ffi::RemainingArgs args,
                      ffi::RemainingRets rets, double beta_1, double beta_2, double epsilon) {
  if (args.size() % 5 || rets.size() != args.size())
    return ffi::Error::InvalidArgument("a table takes five arrays and gives five");
  const Rule rule(*rate.typed_data(), beta_1, beta_2, epsilon);
  const Past& past = Past::Of(beta_1, beta_2);
  for (size_t i = 0; i < args.size(); i += 5) {
    const Lazy table(rule, past, args, rets, i + 1, i + 1);
    const auto ids = args.get<Rows>(i);
    auto out = rets.get<Matrix>(i);
    if (!ids.has_value() || !out.has_value() || !table.Fits((*out)->dimensions()[1]) ||
        (*out)->dimensions()[0] != ids->dimensions()[0])
      return Misfit();
    LookUp(pool, table, *t.typed_data(), *ids, (*out)->typed_data());
  }
  return ffi::Error::Success();
}

// Step t + 1 for the rows with these ids, each with the sum of its gradients.
void StepRows(ffi::ThreadPool pool, const Lazy& table, int32_t t, Rows ids, Matrix gradients) {
  Rule rule = table.rule;
  rule.rate *= table.past.Correction(t + 1);
  const int64_t parts = Parts(pool, gradients.element_count());
  InParts(pool, parts, [&](int64_t part) {
    const Past::Moment now(table.past, t);
    table.EachRow(
        ids, gradients, part, parts, [&](int64_t row) { table.CatchUp(row, now); },
        [&](int64_t row, const float* gradient) {
          Descend(rule, table.width, gradient, table.Row(row));
          table.last[row] = t + 1;
        });
  });
}

// The same for several tables, whose slots are mean and square; see `EachTable`.
ffi::Error AdamRows(ffi::ThreadPool pool, Go go, Step t, Rate rate, ffi::RemainingArgs args,
                    ffi::RemainingRets rets, double beta_1, double beta_2, double epsilon) {
  const Rule rule(*rate.typed_data(), beta_1, beta_2, epsilon);
  const Past& past = Past::Of(beta_1, beta_2);
  return EachTable(
      pool, *go.typed_data(), 2, args, rets,
      [&](size_t arg, size_t ret) { return Lazy(rule, past, args, rets, arg, ret); },
      [&](const Lazy& table, Rows ids, Matrix gradients) {
        StepRows(pool, table, *t.typed_data(), ids, gradients);
      });
}

// Brings the whole table up to step t.
ffi::Error AdamTable(ffi::ThreadPool pool, Step t, Rate rate, ffi::RemainingArgs args,
                     ffi::RemainingRets rets, double beta_1, double beta_2, double epsilon) {
  const Lazy table({*rate.typed_data(), beta_1, beta_2, epsilon}, Past::Of(beta_1, beta_2), args,
                   rets);
  if (!table.Fits(table.width)) return Misfit();
  const int64_t parts = Parts(pool, table.rows * table.width);
  InParts(pool, parts, [&](int64_t part) {
    const Past::Moment now(table.past, *t.typed_data());
    for (int64_t row = part * table.rows / parts; row < (part + 1) * table.rows / parts; ++row)
      table.CatchUp(row, now);
  });
  return ffi::Error::Success();
}

// The FFI binding of these kernels, with Adam's constants as attributes.
template <class Binding>
auto WithConstants(Binding&& binding) {
  return std::move(binding)
      .template Attr<double>("beta_1")
      .template Attr<double>("beta_2")
      .template Attr<double>("epsilon");
}

auto OfAMoment() {
  return ffi::Ffi::Bind()
      .Ctx<ffi::ThreadPool>()
      .Arg<Step>()
      .Arg<Rate>()
      .RemainingArgs()
      .RemainingRets();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_adam_lookup, hornbook::AdamLookup,
                hornbook::WithConstants(hornbook::OfAMoment()));
HORNBOOK_KERNEL(hornbook_adam_rows, hornbook::AdamRows,
                hornbook::WithConstants(hornbook::OfAStep()));
HORNBOOK_KERNEL(hornbook_adam_table, hornbook::AdamTable,
                hornbook::WithConstants(hornbook::OfAMoment()));
