// 2-D convolution of images, channels last, and its kernel gradient.
//
// For each output pixel, the taps of one kernel row read taps * channels contiguous elements of an
// image row. So an output row is a sum, over the kernel rows, of matrix products that need no copy:
// the rows of the left matrix overlap in memory.

#include <mutex>

#include "few.h"

namespace hornbook {
namespace {

using Bias = ffi::Buffer<ffi::F32, 1>;

constexpr int64_t kCut = 1 << 13;       // elements worth a part of their own
constexpr int64_t kBlock = 64;          // pixels that are summed in single precision
constexpr int64_t kSums = 16 << 20;     // elements of the kernel gradients of all parts
constexpr int64_t kTogether = 16;       // tiles computed panel by panel
constexpr int64_t kInOrder = 96 << 10;  // elements packed at a time
constexpr int64_t kLarge = 16 << 10;    // elements of a kernel worth packing on two threads

// out = max(out + bias, 0), for a few rows that are still in the cache.
void AddBiasAndCut(float* out, int64_t out_row, int64_t rows, int64_t columns, const float* bias) {
  const int64_t last = columns - kLanes;
  const auto cut = [](auto sum) { return sum < 0.0f ? decltype(sum){} : sum; };  // keeps NaN
  for (int64_t r = 0; r < rows; ++r, out += out_row) {
    if (last >= 0) {  // two vectors that may overlap
      const Vector first = cut(Load(out) + Load(bias));
      const Vector second = cut(Load(out + last) + Load(bias + last));
      Store(out, first);
      Store(out + last, second);
    } else {
      for (int64_t c = 0; c < columns; ++c) out[c] = cut(out[c] + bias[c]);
    }
  }
}

// out[n, p, o] = sum over taps t and channels i of x[n, s p + d t - before, i] kernel[t, i, o].
// With `turned`, the kernel is flipped and i and o are swapped.
// If the bias is not empty, out = max(out + bias, 0).
ffi::Error Conv(ffi::ThreadPool pool, Pictures x, Pictures kernel, Bias bias,
                ffi::Result<Pictures> out, Axis down, Axis across, bool turned) {
  const auto in = x.dimensions(), taps = kernel.dimensions(), to = out->dimensions();
  const int64_t samples = in[0], channels = in[3], filters = to[3];
  const int64_t biases = bias.element_count();
  if (!Sound(down, across, x, kernel, *out) || to[0] != samples ||
      taps[turned ? 3 : 2] != channels || taps[turned ? 2 : 3] != filters ||
      (biases && biases != filters))
    return DoesNotFit();
  const Shape shape{in[1], in[2], in[3]}, out_shape{to[1], to[2], to[3]};
  const Frame frame(shape, out_shape, taps[0], taps[1], down, across);

  const int64_t rows = taps[0] * taps[1] * channels, panels = Up(filters, kColumns) / kColumns;
  float* const packed = Scratch<1>(panels * rows * kColumns);
  const auto pack = [&](int64_t panel) {
    const int64_t first = panel * kColumns;
    const int64_t columns = std::min<int64_t>(kColumns, filters - first);
    float* const here = packed + first * rows;
    if (!turned) return PackRows(kernel.typed_data() + first, filters, rows, columns, here);
    for (int64_t tap = 0; tap < taps[0] * taps[1]; ++tap) {
      const float* last = kernel.typed_data() + (taps[0] * taps[1] - 1 - tap) * channels * filters;
      PackTransposed(last + first * channels, channels, channels, columns,
                     here + tap * channels * kColumns);
    }
  };
  const int64_t shares = rows * filters < kLarge ? 1 : panels;
  InParts(pool, shares, [&](int64_t share) {
    for (int64_t panel = share; panel < panels; panel += shares) pack(panel);
  });

  const bool together = across.dilation == 1;  // the taps of a row form one sum
  const int64_t depth = together ? taps[1] * channels : channels;
  const int64_t row = frame.framed.width * channels;
  const int64_t tiles = Up(out_shape.width, kRows) / kRows;
  std::vector<int64_t> edges(tiles + 1);  // of the tiles of an output row
  for (int64_t i = 0; i <= tiles; ++i) edges[i] = i * out_shape.width / tiles;
  const int64_t parts = Parts(pool, samples, out_shape.height, 4);
  const bool may_be_few = turned && !biases && down.stride == 1 && across.stride == 1;
  std::once_flag once;
  std::unique_ptr<float[]> by_channel;
  ShareBands(pool, samples, out_shape.height, parts, [&](int64_t, Band of, bool) {
    const auto [n, top, bottom] = of;
    const float* const from = x.typed_data() + n * shape.size();
    float* const picture = out->typed_data() + n * out_shape.size();
    if (may_be_few && bottom - top == out_shape.height) {
      if (const Few few(from, shape.height * shape.width, channels); few) {
        std::call_once(once, [&] {
          by_channel.reset(new float[rows * filters]);
          ChannelsFirst(kernel.typed_data(), taps[0] * taps[1] * filters, channels,
                        by_channel.get());
        });
        std::fill_n(picture, out_shape.size(), 0.0f);
        return AddInputGradient(few, shape, by_channel.get(), taps[0], taps[1], down, across,
                                out_shape, picture);
      }
    }
    float* const framed = Scratch(frame.size);
    frame.Copy(from, framed, top, bottom);
    // A few output tiles stay in the cache until all their columns are written.
    const int64_t all = (bottom - top) * tiles;
    for (int64_t begin = 0; begin < all; begin += kTogether)
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t first = panel * kColumns;
        const int64_t columns = std::min<int64_t>(kColumns, filters - first);
        int64_t y = top + begin / tiles, tile = begin % tiles;
        for (int64_t i = begin; i < std::min(begin + kTogether, all); ++i) {
          const int64_t from = edges[tile], until = edges[tile + 1];
          const float* const window =
              framed + (y - top) * down.stride * row + from * across.stride * channels;
          float* const result = picture + (y * out_shape.width + from) * filters + first;
          const int64_t outer = together ? 1 : taps[0];
          const Sum sum = together
                              ? Sum{depth, taps[0], down.dilation * row, depth * kColumns}
                              : Sum{depth, taps[1], across.dilation * channels, depth * kColumns};
          Fetch<1>(result, filters, until - from, columns);
          for (int64_t tap = 0; tap < outer; ++tap)
            AnyTile(until - from, columns, sum,
                    {window + tap * down.dilation * row, across.stride * channels, 1},
                    {packed + first * rows + tap * taps[1] * depth * kColumns, kColumns}, result,
                    filters, tap > 0);
          if (biases)
            AddBiasAndCut(result, filters, until - from, columns, bias.typed_data() + first);
          if (++tile == tiles) tile = 0, ++y;
        }
      }
  });
  return ffi::Error::Success();
}

// out[t, i, o] = sum over samples n and pixels p of x[n, s p + d t - before, i] d[n, p, o].
ffi::Error ConvKernel(ffi::ThreadPool pool, Pictures x, Pictures d, ffi::Result<Pictures> out,
                      Axis down, Axis across) {
  const auto in = x.dimensions(), of = d.dimensions(), taps = out->dimensions();
  const int64_t samples = in[0], channels = in[3], filters = of[3];
  if (!Sound(down, across, x, d, *out) || of[0] != samples || taps[2] != channels ||
      taps[3] != filters)
    return DoesNotFit();
  const Shape shape{in[1], in[2], in[3]}, d_shape{of[1], of[2], of[3]};
  const Frame frame(shape, d_shape, taps[0], taps[1], down, across);

  const bool together = across.dilation == 1;
  const int64_t window = together ? taps[1] * channels : channels;
  const int64_t windows = taps[0] * (together ? 1 : taps[1]);
  const int64_t row = frame.framed.width * channels;
  const int64_t size = taps[0] * taps[1] * channels * filters;
  const int64_t parts =
      std::clamp<int64_t>(kSums / size, 1, Parts(pool, samples, d_shape.height, 1));
  // Each part has its own sums, and packs the output gradient a few rows at a time.
  const std::unique_ptr<float[]> sums(new float[parts * size]);
  // Samples whose output gradient has few nonzeros are summed apart, filters first.
  std::vector<std::unique_ptr<float[]>> of_few(parts);
  std::vector<char> began(parts, false);
  const int64_t panels = Up(filters, kColumns) / kColumns;
  const int64_t some =
      std::clamp<int64_t>(kInOrder / (d_shape.width * panels * kColumns), 1, d_shape.height);
  ShareBands(pool, samples, d_shape.height, parts, [&](int64_t part, Band rows, bool) {
    const auto [n, top, bottom] = rows;
    const float* const d_rows =
        d.typed_data() + (n * d_shape.height + top) * d_shape.width * filters;
    float* const framed = Scratch(frame.size);
    frame.Copy(x.typed_data() + n * shape.size(), framed, top, bottom);
    if (const Few few(d_rows, (bottom - top) * d_shape.width, filters); few) {
      if (!of_few[part]) of_few[part].reset(new float[size]());
      return AddKernelGradient(few, frame, framed, d_shape.width, taps[0], taps[1],
                               of_few[part].get());
    }
    const bool first = !std::exchange(began[part], true);
    const int64_t most = some * d_shape.width;
    float* const packed = Scratch<1>(panels * most * kColumns);
    for (int64_t y = top; y < bottom; y += some) {
      const int64_t height = std::min(some, bottom - y), pixels = height * d_shape.width;
      const float* const picture = d_rows + (y - top) * d_shape.width * filters;
      for (int64_t i = 0; i < pixels; ++i)
        for (int64_t panel = 0; panel < panels; ++panel)
          PackRows(picture + i * filters + panel * kColumns, 0, 1,
                   std::min<int64_t>(kColumns, filters - panel * kColumns),
                   packed + (panel * most + i) * kColumns);
      const Sum sum{d_shape.width, height, down.stride * row, d_shape.width * kColumns};
      for (int64_t w = 0; w < windows; ++w) {
        const int64_t tap = together ? w : w / taps[1], beside = together ? 0 : w % taps[1];
        const float* const base = framed + ((y - top) * down.stride + tap * down.dilation) * row +
                                  beside * across.dilation * channels;
        for (int64_t c = 0; c < window; c += kRows)
          for (int64_t panel = 0; panel < panels; ++panel) {
            const int64_t o = panel * kColumns;
            AnyTile(std::min<int64_t>(kRows, window - c), std::min<int64_t>(kColumns, filters - o),
                    sum, {base + c, 1, across.stride * channels},
                    {packed + panel * most * kColumns, kColumns},
                    sums.get() + part * size + (w * window + c) * filters + o, filters,
                    !first || y > top);
          }
      }
    }
  });
  for (int64_t part = 0; part < parts; ++part)
    if (!began[part]) std::fill_n(sums.get() + part * size, size, 0.0f);
  AddParts(sums.get(), parts, size, out->typed_data());
  for (const auto& some : of_few)
    if (some) AddTransposed(some.get(), size / filters, filters, out->typed_data());
  return ffi::Error::Success();
}

// cut = d where out > 0, else 0; sums = the sum of cut over all pixels. `out` is the result of Conv
// with a bias.
ffi::Error Cut(ffi::ThreadPool pool, Pictures d, Pictures out, ffi::Result<Pictures> cut,
               ffi::Result<Bias> sums) {
  const auto shape = out.dimensions();
  const int64_t filters = shape[3], pixels = shape[0] * shape[1] * shape[2];
  const int64_t size = pixels * filters;
  const auto counts = [](const auto& buffer) {
    return static_cast<int64_t>(buffer.element_count());
  };
  if (counts(d) != size || counts(*cut) != size || counts(*sums) != filters) return DoesNotFit();
  const int64_t parts =
      std::min(Parts(pool, shape[0], shape[1] * shape[2], 1), std::max<int64_t>(size / kCut, 1));
  std::vector<double> totals(parts * filters);
  const auto run = [&](int64_t part) {
    float* const block = Scratch(filters);
    const int64_t end = (part + 1) * pixels / parts;
    for (int64_t begin = part * pixels / parts; begin < end; begin += kBlock) {
      std::fill_n(block, filters, 0.0f);
      for (int64_t p = begin; p < std::min(begin + kBlock, end); ++p) {
        const float *const from = d.typed_data() + p * filters, *const by =
                                                                    out.typed_data() + p * filters;
        float* const to = cut->typed_data() + p * filters;
#pragma GCC ivdep
        for (int64_t c = 0; c < filters; ++c) {
          const float kept = by[c] > 0.0f ? from[c] : 0.0f;
          to[c] = kept;
          block[c] += kept;
        }
      }
      for (int64_t c = 0; c < filters; ++c) totals[part * filters + c] += block[c];
    }
  };
  InParts(pool, parts, run);
  for (int64_t c = 0; c < filters; ++c) {
    double total = 0;
    for (int64_t part = 0; part < parts; ++part) total += totals[part * filters + c];
    sums->typed_data()[c] = static_cast<float>(total);
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(
    hornbook_conv,
    [](xla::ffi::ThreadPool pool, hornbook::Pictures x, hornbook::Pictures kernel,
       hornbook::Bias bias, xla::ffi::Result<hornbook::Pictures> out, int64_t sd, int64_t bd,
       int64_t dd, int64_t sa, int64_t ba, int64_t da, bool turned) {
      return hornbook::Conv(pool, x, kernel, bias, out, {sd, bd, dd}, {sa, ba, da}, turned);
    },
    hornbook::WithAxes(hornbook::Operands().Arg<hornbook::Bias>().Ret<hornbook::Pictures>())
        .Attr<bool>("turned"));

HORNBOOK_KERNEL(
    hornbook_conv_kernel,
    [](xla::ffi::ThreadPool pool, hornbook::Pictures x, hornbook::Pictures d,
       xla::ffi::Result<hornbook::Pictures> out, int64_t sd, int64_t bd, int64_t dd, int64_t sa,
       int64_t ba,
       int64_t da) { return hornbook::ConvKernel(pool, x, d, out, {sd, bd, dd}, {sa, ba, da}); },
    hornbook::WithAxes(hornbook::Operands().Ret<hornbook::Pictures>()));

HORNBOOK_KERNEL(hornbook_cut, hornbook::Cut);
