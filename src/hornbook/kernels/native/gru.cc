// The GRU, with the reset gate after or before the product; gates in the order z, r, h.
#include "recurrence.h"

namespace hornbook {

// The fourth sum is the one that the reset gate multiplies.
template <class Act, class Gate>
struct Gru {
  static constexpr int kWidth = 3, kStates = 1, kSecond = -1;
  static constexpr Term kTerms[] = {{0, 0, 0, 0}, {1, 1, 0, 1}, {2, -1, 1, 0}, {-1, 2, 2, 0}};
  static constexpr int kWidths[] = {2, 1, 1};
  static constexpr BackTerm kBack[] = {{0}, {2}};
  static constexpr bool kDirect = true;

  Act act;
  Gate gate;

  template <class F>
  void Forward(int, int64_t width, const F& sum, float* const* kept, const float* const* old,
               float* const* now, int64_t at) const {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector z = gate(sum(0, u)), r = gate(sum(1, u)), inner = sum(3, u),
                   a = act(sum(2, u) + r * inner);
      Put(kept[0] + u, z, n);
      Put(kept[1] + u, r, n);
      Put(kept[2] + u, a, n);
      Put(kept[3] + u, inner, n);
      Put(now[0] + at + u, a + z * (Some(old[0] + at + u, n) - a), n);
    }
  }

  // `carried` is the part of the state's gradient that does not go through the product.
  void Backward(int, int64_t width, const float* d_h, float* const* kept, const float* h_old,
                const float*, float* carried, float* sums, int64_t units) const {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector z = Some(kept[0] + u, n), r = Some(kept[1] + u, n), a = Some(kept[2] + u, n),
                   inner = Some(kept[3] + u, n), dh = Some(d_h + u, n);
      const Vector da = dh * (1.0f - z) * act.Slope(a);
      const Vector d[] = {dh * (Some(h_old + u, n) - a) * gate.Slope(z), da * inner * gate.Slope(r),
                          da, da * r};
      for (int k = 0; k < 4; ++k) {
        Put(kept[k] + u, d[k], n);
        Add(sums + k * units + u, d[k], n);
      }
      Put(carried + u, dh * z, n);
    }
  }
};

// The candidate is a second stage, computed from r h, which is kept although it is not a sum.
template <class Act, class Gate>
struct GruBefore {
  static constexpr int kWidth = 3, kStates = 1, kSecond = 2;
  static constexpr Term kTerms[] = {{0, 0, 0, 0}, {1, 1, 0, 1}, {2, 2, 1, 0, 1}, {-1, -1, 2, 0}};
  static constexpr int kWidths[] = {2, 1, 1};
  static constexpr BackTerm kBack[] = {{0}, {1, 1}};
  static constexpr bool kDirect = true;

  Act act;
  Gate gate;

  template <class F>
  void Forward(int stage, int64_t width, const F& sum, float* const* kept, const float* const* old,
               float* const* now, int64_t at) const {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector h = Some(old[0] + at + u, n);
      if (stage == 0) {
        const Vector r = gate(sum(1, u));
        Put(kept[0] + u, gate(sum(0, u)), n);
        Put(kept[1] + u, r, n);
        Put(kept[3] + u, r * h, n);
      } else {
        const Vector a = act(sum(2, u));
        Put(kept[2] + u, a, n);
        Put(now[0] + at + u, a + Some(kept[0] + u, n) * (h - a), n);
      }
    }
  }

  // Stage by stage: the candidate's gradient, which is multiplied, then the gradient of r h.
  void Backward(int stage, int64_t width, const float* d, float* const* kept, const float* h_old,
                const float*, float* carried, float* sums, int64_t units) const {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector h = Some(h_old + u, n), dy = Some(d + u, n);
      const auto keep = [&](int k, Vector of_sum) {
        Put(kept[k] + u, of_sum, n);
        Add(sums + k * units + u, of_sum, n);
      };
      if (stage == 0) {
        const Vector z = Some(kept[0] + u, n), a = Some(kept[2] + u, n);
        keep(0, dy * (h - a) * gate.Slope(z));
        keep(2, dy * (1.0f - z) * act.Slope(a));
        Put(carried + u, dy * z, n);
      } else {
        const Vector r = Some(kept[1] + u, n);
        keep(1, dy * h * gate.Slope(r));
        Add(carried + u, dy * r, n);
      }
    }
  }
};

}  // namespace hornbook

HORNBOOK_RECURRENCE(gru, Gru);

HORNBOOK_RECURRENCE(gru_before, GruBefore);
