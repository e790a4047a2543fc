// Layer normalization, forward and backward: a row's mean and variance, and everything computed
// from them, while the row is in the cache. Row lengths are multiples of the vector width.
#include <cmath>

#include "fold.h"
#include "memory.h"
#include "team.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Weight = ffi::BufferR1<ffi::F32>;
using Matrix = ffi::BufferR2<ffi::F32>;

constexpr int64_t kPart = 1 << 14;  // elements worth a part of their own

struct Moments {
  float mean, rate;  // rate: 1 / sqrt(variance + epsilon)
};

inline Moments Of(const float* x, int64_t width, float epsilon) {
  const float part = 1.0f / static_cast<float>(width);
  Vector sum{}, squares{};
  for (int64_t i = 0; i < width; i += kLanes) sum += Load(x + i);
  const float mean = Sum(sum) * part;
  for (int64_t i = 0; i < width; i += kLanes) {
    const Vector d = Load(x + i) - mean;
    squares += d * d;
  }
  return {mean, 1.0f / std::sqrt(Sum(squares) * part + epsilon)};
}

// Calls f(part, first row, end row) for each part of the rows; returns the number of parts.
template <class F>
void Over(ffi::ThreadPool pool, int64_t rows, int64_t parts, const F& f) {
  InParts(pool, parts,
          [&](int64_t part) { f(part, part * rows / parts, (part + 1) * rows / parts); });
}

int64_t Parts(ffi::ThreadPool pool, int64_t rows, int64_t width) {
  return std::clamp<int64_t>(rows * width / kPart, 1, std::min(rows, 2 * pool.num_threads()));
}

bool Fits(Matrix x, Weight gamma, Weight beta) {
  const auto width = x.dimensions()[1];
  return width > 0 && width % kLanes == 0 && gamma.dimensions()[0] == width &&
         beta.dimensions()[0] == width && x.dimensions()[0] > 0;
}

ffi::Error Normalize(ffi::ThreadPool pool, Matrix x, Weight gamma, Weight beta,
                     ffi::Result<Matrix> out, float epsilon) {
  if (!Fits(x, gamma, beta) || !(out->dimensions() == x.dimensions()))
    return ffi::Error::InvalidArgument("the shapes of a normalization do not fit");
  const int64_t rows = x.dimensions()[0], width = x.dimensions()[1];
  Over(pool, rows, Parts(pool, rows, width), [&](int64_t, int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* const from = x.typed_data() + r * width;
      float* const to = out->typed_data() + r * width;
      const Moments m = Of(from, width, epsilon);
      for (int64_t i = 0; i < width; i += kLanes)
        Store(to + i, (Load(from + i) - m.mean) * m.rate * Load(gamma.typed_data() + i) +
                          Load(beta.typed_data() + i));
    }
  });
  return ffi::Error::Success();
}

ffi::Error NormalizeBack(ffi::ThreadPool pool, Matrix x, Weight gamma, Matrix d,
                         ffi::Result<Matrix> d_x, ffi::Result<Weight> d_gamma,
                         ffi::Result<Weight> d_beta, float epsilon) {
  if (!Fits(x, gamma, *d_beta) || !(d.dimensions() == x.dimensions()) ||
      !(d_x->dimensions() == x.dimensions()) || !(d_gamma->dimensions() == gamma.dimensions()))
    return ffi::Error::InvalidArgument("the shapes of a normalization do not fit");
  const int64_t rows = x.dimensions()[0], width = x.dimensions()[1];
  const int64_t parts = Parts(pool, rows, width);
  float* const sums = Scratch<8>(2 * width * parts);  // for each part: sums for gamma, for beta
  std::fill_n(sums, 2 * width * parts, 0.0f);
  Over(pool, rows, parts, [&](int64_t part, int64_t first, int64_t last) {
    float* const of_gamma = sums + 2 * width * part;
    float* const of_beta = of_gamma + width;
    for (int64_t r = first; r < last; ++r) {
      const float* const from = x.typed_data() + r * width;
      const float* const given = d.typed_data() + r * width;
      float* const to = d_x->typed_data() + r * width;
      const Moments m = Of(from, width, epsilon);
      Vector sum{}, product{};
      for (int64_t i = 0; i < width; i += kLanes) {
        const Vector normal = (Load(from + i) - m.mean) * m.rate, now = Load(given + i);
        Store(of_gamma + i, Load(of_gamma + i) + now * normal);
        Store(of_beta + i, Load(of_beta + i) + now);
        const Vector scaled = now * Load(gamma.typed_data() + i);
        sum += scaled;
        product += scaled * normal;
      }
      const float mean = Sum(sum) / static_cast<float>(width);
      const float slope = Sum(product) / static_cast<float>(width);
      for (int64_t i = 0; i < width; i += kLanes) {
        const Vector normal = (Load(from + i) - m.mean) * m.rate;
        const Vector scaled = Load(given + i) * Load(gamma.typed_data() + i);
        Store(to + i, (scaled - mean - normal * slope) * m.rate);
      }
    }
  });
  for (int64_t i = 0; i < width; i += kLanes) {
    Vector of_gamma{}, of_beta{};
    for (int64_t part = 0; part < parts; ++part) {
      of_gamma += Load(sums + 2 * width * part + i);
      of_beta += Load(sums + 2 * width * part + width + i);
    }
    Store(d_gamma->typed_data() + i, of_gamma);
    Store(d_beta->typed_data() + i, of_beta);
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_normalize, hornbook::Normalize,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<hornbook::Matrix>()
                    .Arg<hornbook::Weight>()
                    .Arg<hornbook::Weight>()
                    .Ret<hornbook::Matrix>()
                    .Attr<float>("epsilon"));

HORNBOOK_KERNEL(hornbook_normalize_back, hornbook::NormalizeBack,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<hornbook::Matrix>()
                    .Arg<hornbook::Weight>()
                    .Arg<hornbook::Matrix>()
                    .Ret<hornbook::Matrix>()
                    .Ret<hornbook::Weight>()
                    .Ret<hornbook::Weight>()
                    .Attr<float>("epsilon"));
