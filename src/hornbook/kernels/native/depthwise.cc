// The kernel gradient of a depthwise convolution: a sum over pixels for each tap and channel.
#include "picture.h"
#include "tile.h"

namespace hornbook {
namespace {

// sums[t] += sum over the pixels p of a row of x[offsets[t] + p step] d[p channels], for kLanes
// channels.
template <int taps>
void AddTaps(const float* x, const int64_t* offsets, int64_t step, const float* d, int64_t channels,
             int64_t pixels, float* const* sums) {
  Vector totals[taps] = {};
  for (int64_t p = 0; p < pixels; ++p) {
    const Vector here = Load(d + p * channels);
    for (int t = 0; t < taps; ++t) totals[t] += Load(x + offsets[t] + p * step) * here;
  }
  for (int t = 0; t < taps; ++t) Store(sums[t], Load(sums[t]) + totals[t]);
}

// out[t, c] = sum over samples n and pixels p of x[n, s p + d t - before, c] d[n, p, c].
ffi::Error DepthwiseKernel(ffi::ThreadPool pool, Pictures x, Pictures d,
                           ffi::Result<ffi::Buffer<ffi::F32, 3>> out, Axis down, Axis across) {
  const auto in = x.dimensions(), of = d.dimensions(), taps = out->dimensions();
  const int64_t samples = in[0], channels = in[3], width = of[2];
  if (!Sound(down, across, x, d, *out) || of[0] != samples || of[3] != channels ||
      taps[2] != channels)
    return DoesNotFit();
  const Shape shape{in[1], in[2], channels}, d_shape{of[1], width, channels};
  const Frame frame(shape, d_shape, taps[0], taps[1], down, across);
  const int64_t row = frame.framed.width * channels, step = across.stride * channels;
  const int64_t count = taps[0] * taps[1], size = count * channels;
  std::vector<int64_t> offsets;
  for (int64_t i = 0; i < taps[0]; ++i)
    for (int64_t j = 0; j < taps[1]; ++j)
      offsets.push_back(i * down.dilation * row + j * across.dilation * channels);

  const int64_t parts = Parts(pool, samples, d_shape.height, 1);
  const int64_t whole = channels / kLanes * kLanes;
  std::vector<float> sums(parts * size);
  ShareBands(pool, samples, d_shape.height, parts, [&](int64_t part, Band rows, bool) {
    const auto [n, top, bottom] = rows;
    float* const framed = Scratch(frame.size);
    frame.Copy(x.typed_data() + n * shape.size(), framed, top, bottom);
    float* const mine = sums.data() + part * size;
    for (int64_t y = top; y < bottom; ++y) {
      const float* const from = framed + (y - top) * down.stride * row;
      const float* const given = d.typed_data() + (n * d_shape.height + y) * width * channels;
      for (int64_t c = 0; c < whole; c += kLanes) {
        float* at[9];
        for (int64_t t = 0; t < count;) {
          const int64_t some = count - t >= 9 ? 9 : count - t >= 3 ? 3 : 1;
          for (int64_t i = 0; i < some; ++i) at[i] = mine + (t + i) * channels + c;
          const auto add = some == 9 ? AddTaps<9> : some == 3 ? AddTaps<3> : AddTaps<1>;
          add(from + c, offsets.data() + t, step, given + c, channels, width, at);
          t += some;
        }
      }
      for (int64_t c = whole; c < channels; ++c)
        for (int64_t t = 0; t < count; ++t) {
          const float* const met = from + offsets[t] + c;
          float total = 0;
          for (int64_t p = 0; p < width; ++p) total += met[p * step] * given[p * channels + c];
          mine[t * channels + c] += total;
        }
    }
  });
  AddParts(sums.data(), parts, size, out->typed_data());
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(
    hornbook_depthwise_kernel,
    [](xla::ffi::ThreadPool pool, hornbook::Pictures x, hornbook::Pictures d,
       xla::ffi::Result<xla::ffi::Buffer<xla::ffi::F32, 3>> out, int64_t sd, int64_t bd, int64_t dd,
       int64_t sa, int64_t ba, int64_t da) {
      return hornbook::DepthwiseKernel(pool, x, d, out, {sd, bd, dd}, {sa, ba, da});
    },
    hornbook::WithAxes(hornbook::Operands().Ret<xla::ffi::Buffer<xla::ffi::F32, 3>>()));
