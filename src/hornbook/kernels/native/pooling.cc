// The gradient of max pooling, channels last.

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
