// The LSTM; gates in the order i, f, c, o.
#include "recurrence.h"

namespace hornbook {

template <class Act, class Gate>
struct Lstm {
  static constexpr int kWidth = 4, kStates = 2, kSecond = -1;
  static constexpr Term kTerms[] = {{0, 0, 0, 0}, {1, 1, 0, 1}, {2, 2, 0, 2}, {3, 3, 0, 3}};
  static constexpr int kWidths[] = {4};
  static constexpr BackTerm kBack[] = {{0}};
  static constexpr bool kDirect = false;

  Act act;
  Gate gate;

  template <class F>
  void Forward(int, int64_t width, const F& sum, float* const* gates, const float* const* old,
               float* const* now, int64_t at) const {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector i = gate(sum(0, u)), f = gate(sum(1, u)), g = act(sum(2, u)),
                   o = gate(sum(3, u));
      const Vector c = f * Some(old[1] + at + u, n) + i * g;
      Put(gates[0] + u, i, n);
      Put(gates[1] + u, f, n);
      Put(gates[2] + u, g, n);
      Put(gates[3] + u, o, n);
      Put(now[1] + at + u, c, n);
      Put(now[0] + at + u, o * act(c), n);
    }
  }

  // `carried` is the gradient of c.
  void Backward(int, int64_t width, const float* d_h, float* const* gates, const float* c_old,
                const float* c_new, float* d_c, float* sums, int64_t units) const {
    for (int64_t u = 0; u < width; u += kLanes) {
      const int64_t n = width - u;
      const Vector i = Some(gates[0] + u, n), f = Some(gates[1] + u, n), g = Some(gates[2] + u, n),
                   o = Some(gates[3] + u, n);
      const Vector a = act(Some(c_new + u, n)), dh = Some(d_h + u, n);
      const Vector dc = Some(d_c + u, n) + dh * o * act.Slope(a);
      const Vector dz[] = {dc * g * gate.Slope(i), dc * Some(c_old + u, n) * gate.Slope(f),
                           dc * i * act.Slope(g), dh * a * gate.Slope(o)};
      for (int k = 0; k < 4; ++k) {
        Put(gates[k] + u, dz[k], n);
        Add(sums + k * units + u, dz[k], n);
      }
      Put(d_c + u, dc * f, n);
    }
  }
};

}  // namespace hornbook

HORNBOOK_RECURRENCE(lstm, Lstm);
