// The gradient of max pooling, channels last; the maximum over all steps, and its gradient.

#include "picture.h"
#include "tile.h"

namespace hornbook {
namespace {

typedef int32_t Bits __attribute__((vector_size(4 * kLanes)));

// Adds d to the first of the elements at `taps` that equals the largest; in each lane of vectors.
inline void AddToFirst(Vector largest, Vector d, const float* x, float* to,
                       const std::vector<int64_t>& taps) {
  Bits open = ~Bits{};
  for (const int64_t tap : taps) {
    const Bits here = (Load(x + tap) == largest) & open;
    const Bits kept = reinterpret_cast<Bits>(d) & here;
    Store(to + tap, Load(to + tap) + reinterpret_cast<Vector>(kept));
    open &= ~here;
  }
}

inline void AddToFirst(float largest, float d, const float* x, float* to,
                       const std::vector<int64_t>& taps) {
  for (const int64_t tap : taps)
    if (x[tap] == largest) {
      to[tap] += d;
      return;
    }
}

// d_x: the sum of the elements of d whose window has its first maximum there. `out` is the result
// of the pooling of x.
ffi::Error MaxPoolBack(ffi::ThreadPool pool, Pictures x, Pictures out, Pictures d,
                       ffi::Result<Pictures> d_x, int64_t taps_down, int64_t stride_down,
                       int64_t before_down, int64_t taps_across, int64_t stride_across,
                       int64_t before_across) {
  const auto in = x.dimensions(), to = out.dimensions();
  const int64_t samples = in[0], height = in[1], width = in[2], channels = in[3];
  if (!(d.dimensions() == to) || !(d_x->dimensions() == in) || to[0] != samples ||
      to[3] != channels || std::min({taps_down, taps_across, stride_down, stride_across}) < 1)
    return DoesNotFit();
  const int64_t size = height * width * channels, windows = to[1] * to[2];
  const auto run = [&](int64_t sample) {
    const float* const from = x.typed_data() + sample * size;
    float* const sums = d_x->typed_data() + sample * size;
    std::fill_n(sums, size, 0.0f);
    std::vector<int64_t> taps;
    for (int64_t window = 0; window < windows; ++window) {
      const int64_t top = window / to[2] * stride_down - before_down;
      const int64_t left = window % to[2] * stride_across - before_across;
      taps.clear();
      for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + taps_down, height); ++y)
        for (int64_t w = std::max<int64_t>(left, 0); w < std::min(left + taps_across, width); ++w)
          taps.push_back((y * width + w) * channels);
      const int64_t at = (sample * windows + window) * channels;
      const float *const largest = out.typed_data() + at, *const given = d.typed_data() + at;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes)
        AddToFirst(Load(largest + c), Load(given + c), from + c, sums + c, taps);
      for (; c < channels; ++c) AddToFirst(largest[c], given[c], from + c, sums + c, taps);
    }
  };
  InParts(pool, samples, run);
  return ffi::Error::Success();
}

using Steps = ffi::Buffer<ffi::F32, 3>;
using Rows = ffi::Buffer<ffi::F32, 2>;

bool OneRowEach(Steps x, Rows rows) {
  const auto in = x.dimensions(), of = rows.dimensions();
  return x.element_count() && in[0] == of[0] && in[2] == of[1];
}

// out[n, c] = the largest x[n, t, c]; NaN if one is.
ffi::Error MaxOfSteps(ffi::ThreadPool pool, Steps x, ffi::Result<Rows> out) {
  if (!OneRowEach(x, *out)) return DoesNotFit();
  const int64_t steps = x.dimensions()[1], channels = x.dimensions()[2];
  InParts(pool, x.dimensions()[0], [&](int64_t n) {
    const float* from = x.typed_data() + n * steps * channels;
    float* const most = out->typed_data() + n * channels;
    std::copy_n(from, channels, most);
    for (int64_t t = 1; t < steps; ++t) {
      from += channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c)
        most[c] = most[c] >= from[c] || most[c] != most[c] ? most[c] : from[c];
    }
  });
  return ffi::Error::Success();
}

// d_x[n, t, c] = d[n, c] / the number of largest elements, where x is one of them, else 0.
ffi::Error MaxOfStepsBack(ffi::ThreadPool pool, Steps x, Rows out, Rows d, ffi::Result<Steps> d_x) {
  if (!OneRowEach(x, out) || !OneRowEach(x, d) || !(d_x->dimensions() == x.dimensions()))
    return DoesNotFit();
  const int64_t steps = x.dimensions()[1], channels = x.dimensions()[2];
  InParts(pool, x.dimensions()[0], [&](int64_t n) {
    const float *const from = x.typed_data() + n * steps * channels, *const most =
                                                                         out.typed_data() +
                                                                         n * channels;
    float* const to = d_x->typed_data() + n * steps * channels;
    float* const share = Scratch(channels);
    std::fill_n(share, channels, 0.0f);
    for (int64_t t = 0; t < steps; ++t)
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c)
        share[c] += from[t * channels + c] == most[c] ? 1.0f : 0.0f;
    for (int64_t c = 0; c < channels; ++c) share[c] = d.typed_data()[n * channels + c] / share[c];
    for (int64_t t = 0; t < steps; ++t)
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c)
        to[t * channels + c] = from[t * channels + c] == most[c] ? share[c] : 0.0f;
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_max_pool_back, hornbook::MaxPoolBack,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<hornbook::Pictures>()
                    .Arg<hornbook::Pictures>()
                    .Arg<hornbook::Pictures>()
                    .Ret<hornbook::Pictures>()
                    .Attr<int64_t>("taps_down")
                    .Attr<int64_t>("stride_down")
                    .Attr<int64_t>("before_down")
                    .Attr<int64_t>("taps_across")
                    .Attr<int64_t>("stride_across")
                    .Attr<int64_t>("before_across"));

HORNBOOK_KERNEL(hornbook_max_of_steps, hornbook::MaxOfSteps);

HORNBOOK_KERNEL(hornbook_max_of_steps_back, hornbook::MaxOfStepsBack);
