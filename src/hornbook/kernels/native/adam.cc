// Adam's step for all variables at once: one pass over each instead of one for every array written.
#include "adam.h"

#include "memory.h"
#include "team.h"
#include "tile.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kPart = 8192;  // numbers that a part has at least: fewer are not worth a helper

struct Variable {
  int64_t size;
  const float* gradient;
  Trained state;
};

// Arguments: for each variable its gradient, value, mean of gradients and mean of squares. Results:
// the last three anew, in the same memory.
ffi::Error Adam(ffi::ThreadPool pool, ffi::BufferR0<ffi::F32> rate, ffi::RemainingArgs args,
                ffi::RemainingRets rets, double beta_1, double beta_2, double epsilon) {
  if (args.size() % 4 || rets.size() != args.size() / 4 * 3)
    return ffi::Error::InvalidArgument("Adam takes four arrays a variable and gives three");
  const Rule rule(*rate.typed_data(), beta_1, beta_2, epsilon);
  std::vector<Variable> all;
  int64_t total = 0;
  for (size_t i = 0; i < args.size() / 4; ++i) {
    const ffi::AnyBuffer gradient = *args.get<ffi::AnyBuffer>(4 * i);
    float* state[3];
    for (size_t j = 0; j < 3; ++j) {
      const ffi::AnyBuffer from = *args.get<ffi::AnyBuffer>(4 * i + j + 1);
      if (gradient.element_type() != ffi::F32 || from.element_type() != ffi::F32 ||
          from.element_count() != gradient.element_count())
        return ffi::Error::InvalidArgument("a variable's arrays differ in shape or dtype");
      const ffi::AnyBuffer to = **rets.get<ffi::AnyBuffer>(3 * i + j);
      state[j] =
          static_cast<float*>(Taken(from.untyped_data(), to.untyped_data(), from.size_bytes()));
    }
    all.push_back({static_cast<int64_t>(gradient.element_count()),
                   static_cast<const float*>(gradient.untyped_data()),
                   {state[0], state[1], state[2]}});
    total += all.back().size;
  }
  const int64_t parts = std::clamp<int64_t>(total / kPart, 1, 2 * pool.num_threads());
  InParts(pool, parts, [&](int64_t part) {
    // Of all numbers in a row, those from `from` to `to`.
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

XLA_FFI_DEFINE_HANDLER_SYMBOL(hornbook_adam, hornbook::Adam,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::BufferR0<xla::ffi::F32>>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<double>("beta_1")
                                  .Attr<double>("beta_2")
                                  .Attr<double>("epsilon"));
