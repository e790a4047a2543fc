// Images, channels last, and sliding windows over them.
#pragma once

#include "memory.h"
#include "team.h"

namespace hornbook {

namespace ffi = xla::ffi;
using Pictures = ffi::Buffer<ffi::F32, 4>;

struct Axis {
  int64_t stride, before, dilation;
};

struct Shape {
  int64_t height, width, channels;
  int64_t size() const { return height * width * channels; }
};

// The zero-padded part of an image that the windows of an output cover.
struct Frame {
  Shape picture, framed;
  int64_t out_height, size;  // size: the number of elements in it
  Axis down, across;

  Frame(Shape picture, Shape out, int64_t taps_down, int64_t taps_across, Axis down, Axis across)
      : picture(picture), out_height(out.height), down(down), across(across) {
    const auto cover = [](int64_t out, int64_t taps, Axis a) {
      return Plus(Times(out - 1, a.stride), Plus(Times(taps - 1, a.dilation), 1));
    };
    framed = {cover(out.height, taps_down, down), cover(out.width, taps_across, across),
              picture.channels};
    size = Times(Times(framed.height, framed.width), framed.channels);
  }

  // Copies what the windows of output rows [first, last) cover.
  void Copy(const float* from, float* to, int64_t first, int64_t last) const {
    const int64_t top = first * down.stride;
    const int64_t bottom = framed.height - (out_height - last) * down.stride;
    const int64_t c = picture.channels, row = framed.width * c;
    const int64_t left = std::clamp<int64_t>(across.before, 0, framed.width);
    const int64_t skip = std::max<int64_t>(-across.before, 0);
    const int64_t width = std::clamp<int64_t>(picture.width - skip, 0, framed.width - left);
    for (int64_t y = top; y < bottom; ++y, to += row) {
      const int64_t h = y - down.before;
      if (h < 0 || h >= picture.height || width == 0) {
        std::fill_n(to, row, 0.0f);
        continue;
      }
      std::fill_n(to, left * c, 0.0f);
      std::memcpy(to + left * c, from + (h * picture.width + skip) * c, width * c * sizeof(float));
      std::fill_n(to + (left + width) * c, row - (left + width) * c, 0.0f);
    }
  }
};

// A range of output rows of one sample.
struct Band {
  int64_t sample, first, last;
};

// Calls f(part, rows, whether they are the part's first) for all rows of all samples.
template <class F>
void ShareBands(ffi::ThreadPool pool, int64_t samples, int64_t height, int64_t parts, const F& f) {
  const int64_t cuts = std::min(Up(parts, samples) / samples, height);
  const int64_t items = samples * cuts;
  const auto run = [&](int64_t part) {
    const int64_t begin = part * items / parts, end = (part + 1) * items / parts;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t cut = i % cuts;
      f(part, Band{i / cuts, cut * height / cuts, (cut + 1) * height / cuts}, i == begin);
    }
  };
  InParts(pool, parts, run);
}

// The number of parts if each thread takes `each` of them.
inline int64_t Parts(ffi::ThreadPool pool, int64_t samples, int64_t height, int64_t each) {
  const int64_t threads = pool.num_threads();
  return threads <= 1 ? 1 : std::min(samples * height, threads * each);
}

// out = the sum of the arrays of all parts, each of `size` elements.
inline void AddParts(const float* sums, int64_t parts, int64_t size, float* out) {
  std::copy_n(sums, size, out);
  for (int64_t part = 1; part < parts; ++part)
    for (int64_t i = 0; i < size; ++i) out[i] += sums[part * size + i];
}

inline ffi::Error DoesNotFit() {
  return ffi::Error::InvalidArgument("the shapes of a convolution do not fit");
}

template <class B>
auto WithAxes(B binding) {
  return std::move(binding)
      .template Attr<int64_t>("stride_down")
      .template Attr<int64_t>("before_down")
      .template Attr<int64_t>("dilation_down")
      .template Attr<int64_t>("stride_across")
      .template Attr<int64_t>("before_across")
      .template Attr<int64_t>("dilation_across");
}

// Whether no array is empty, and strides and dilations are positive.
template <class... Buffers>
bool Sound(Axis down, Axis across, const Buffers&... buffers) {
  return std::min({down.stride, down.dilation, across.stride, across.dilation}) > 0 &&
         ((buffers.element_count() > 0) && ...);
}

inline auto Operands() {
  return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Pictures>().Arg<Pictures>();
}

}  // namespace hornbook
