// The gradients of a convolution whose output gradient is mostly zero, such as that of a maximum
// over all pixels. Each of its nonzeros meets the taps of a kernel row, which lie side by side in
// the image.
#pragma once

#include <limits>

#include "picture.h"
#include "tile.h"
#include "zeros.h"

namespace hornbook {

constexpr int64_t kFew = 4;  // one nonzero in this many numbers, or fewer

// The places of an image's nonzeros, in memory that is valid until the next call on this thread.
struct Few {
  const float* picture;
  int64_t channels;
  const int32_t* list = nullptr;
  int64_t count = -1;  // -1: they are many

  Few(const float* picture, int64_t pixels, int64_t channels)
      : picture(picture), channels(channels) {
    const int64_t size = pixels * channels, most = size / kFew;
    if (size > std::numeric_limits<int32_t>::max()) return;
    int32_t* const places = reinterpret_cast<int32_t*>(Scratch<2>(RoomForFew(most)));
    count = ListFew(picture, size, most, places);
    list = places;
  }

  explicit operator bool() const { return count >= 0; }

  // Calls f(pixel, channel, value) for each.
  template <class F>
  void Each(const F& f) const {
    for (int64_t i = 0, pixel = 0; i < count; ++i) {
      while (list[i] >= (pixel + 1) * channels) ++pixel;
      f(pixel, list[i] - pixel * channels, picture[list[i]]);
    }
  }
};

// to += factor from
inline void AddTimes(float factor, const float* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(to + i, Load(to + i) + factor * Load(from + i));
  for (; i < count; ++i) to[i] += factor * from[i];
}

// out += the transpose of `from`, of `columns` rows.
inline void AddTransposed(const float* from, int64_t rows, int64_t columns, float* out) {
  for (int64_t first = 0; first < columns; first += kLine)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t c = first; c < std::min(first + kLine, columns); ++c)
        out[row * columns + c] += from[c * rows + row];
}

// The kernel, (taps down, taps across, filters, channels), with the channels first.
inline void ChannelsFirst(const float* kernel, int64_t rows, int64_t channels, float* out) {
  for (int64_t first = 0; first < channels; first += kLine)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t c = first; c < std::min(first + kLine, channels); ++c)
        out[c * rows + row] = kernel[row * channels + c];
}

// Adds the input gradient of an image to `out`, of shape `to`; `kernel` is from `ChannelsFirst`.
// The padding is that of the equivalent convolution with the flipped kernel.
inline void AddInputGradient(const Few& few, Shape of, const float* kernel, int64_t taps_down,
                             int64_t taps_across, Axis down, Axis across, Shape to, float* out) {
  const int64_t beside = across.dilation == 1 ? taps_across : 1, width = to.channels;
  few.Each([&](int64_t pixel, int64_t c, float d) {
    const int64_t y = pixel / of.width + down.before - down.dilation * (taps_down - 1);
    const int64_t x = pixel % of.width + across.before - across.dilation * (taps_across - 1);
    const float* taps = kernel + c * taps_down * taps_across * width;
    for (int64_t i = 0; i < taps_down; ++i) {
      const int64_t row = y + i * down.dilation;
      const bool inside = row >= 0 && row < to.height;
      for (int64_t j = 0; j < taps_across; j += beside, taps += beside * width) {
        const int64_t first = x + j * across.dilation, skip = std::max<int64_t>(-first, 0);
        const int64_t met = std::min(beside, to.width - first) - skip;
        if (inside && met > 0)
          AddTimes(d, taps + skip * width, met * width,
                   out + (row * to.width + first + skip) * width);
      }
    }
  });
}

// Adds the kernel gradient of a band of rows to `sums`, (filters, taps down, taps across,
// channels); `framed` is the padded image from the band's first row on.
inline void AddKernelGradient(const Few& few, const Frame& frame, const float* framed,
                              int64_t d_width, int64_t taps_down, int64_t taps_across,
                              float* sums) {
  const Axis down = frame.down, across = frame.across;
  const int64_t channels = frame.framed.channels, row = frame.framed.width * channels;
  const int64_t beside = across.dilation == 1 ? taps_across : 1, run = beside * channels;
  few.Each([&](int64_t pixel, int64_t o, float d) {
    const float* const at =
        framed + pixel / d_width * down.stride * row + pixel % d_width * across.stride * channels;
    float* to = sums + o * taps_down * taps_across * channels;
    for (int64_t i = 0; i < taps_down; ++i)
      for (int64_t j = 0; j < taps_across; j += beside, to += run)
        AddTimes(d, at + i * down.dilation * row + j * across.dilation * channels, run, to);
  });
}

}  // namespace hornbook
