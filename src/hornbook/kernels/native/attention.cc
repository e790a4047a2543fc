// Multi-head attention, forward and backward: the softmax of each query's products with all keys,
// and the mean of the values with those weights. The weights of a few queries stay in the cache
// while they are used. The backward pass recomputes them from one saved number per query.
#include "fold.h"
#include "memory.h"
#include "power.h"
#include "team.h"
#include "tile.h"

namespace hornbook {
namespace {

namespace ffi = xla::ffi;
using Heads = ffi::BufferR4<ffi::F32>;  // (batch, steps, heads, size)
using Spans = ffi::BufferR3<ffi::F32>;  // (batch, heads, queries)

constexpr int64_t kBlock = 12 << 10;   // weights that stay in the cache
constexpr int64_t kMost = 16 * kRows;  // queries at a time

struct Shape {
  int64_t batch, queries, keys, heads, size, values;
  float scale;
  bool causal;  // a query attends to its own step's key and earlier ones only

  int64_t Row() const { return heads * size; }  // from one step's query or key to the next
  int64_t ValueRow() const { return heads * values; }
  int64_t Wide() const { return Up(keys, kColumns); }
  int64_t Weights() const { return Wide() + kLanes; }  // row length; not a power of two
  int64_t Some() const {  // queries per block: enough for efficient sums over queries
    return std::clamp<int64_t>(kBlock / Weights() / kRows * kRows, 6 * kRows, kMost);
  }
  // The number of keys that the first `queries` queries attend to.
  int64_t Met(int64_t queries) const { return causal ? std::min(queries, keys) : keys; }
};

// The data of one head of one sample in an array (batch, steps, heads, size).
template <class T>
T* Head(T* all, int64_t part, int64_t steps, int64_t heads, int64_t size) {
  return all + part / heads * steps * heads * size + part % heads * size;
}

// Packs a matrix, or its transpose, into panels of kColumns columns.
void Pack(const float* from, int64_t row, int64_t depth, int64_t columns, bool transposed,
          float* to) {
  for (int64_t c = 0; c < columns; c += kColumns) {
    const int64_t width = std::min<int64_t>(kColumns, columns - c);
    if (transposed)
      PackTransposed(from + c * row, row, depth, width, to + c * depth);
    else
      PackRows(from + c, row, depth, width, to + c * depth);
  }
}

// out (+)= left times the first `depth` rows of a packed matrix of `packed_rows` rows.
void Multiply(int64_t rows, int64_t depth, int64_t columns, Left left, const float* packed,
              int64_t packed_rows, float* out, int64_t out_row, bool add = false) {
  for (int64_t c = 0; c < columns; c += kColumns)
    for (int64_t r = 0; r < rows; r += kRows)
      AnyTile(std::min<int64_t>(kRows, rows - r), std::min<int64_t>(kColumns, columns - c), {depth},
              {left.data + r * left.row, left.row, left.step}, {packed + c * packed_rows, kColumns},
              out + r * out_row + c, out_row, add);
}

// With scores row[i] * scale of the first `keys` keys: replaces row[i] by 2^(score - largest
// score), and almost 0 from there to `wide`, stores the sum of these, and returns log2 of the sum
// of 2^score.
float Soften(int64_t keys, int64_t wide, float scale, float* row, float* sum) {
  for (int64_t i = keys; i < wide; ++i) row[i] = -__builtin_inff();
  Vector most = Load(row), total{};
  for (int64_t i = kLanes; i < wide; i += kLanes) most = Larger(Load(row + i), most);
  const float top = Fold(most, Larger) * scale;
  for (int64_t i = 0; i < wide; i += kLanes) {
    const Vector power = Power(Load(row + i) * scale - top);
    Store(row + i, power);
    total += power;
  }
  *sum = Sum(total);
  return top + __builtin_log2f(*sum);
}

void Forward(const Shape& s, const float* q, const float* k, const float* v, float* out,
             float* span) {
  const int64_t some = s.Some();
  float* const keys =
      Scratch<7>(s.size * s.Wide() + s.keys * Up(s.values, kColumns) + some * s.Weights());
  float* const values = keys + s.size * s.Wide();
  float* const weights = values + s.keys * Up(s.values, kColumns);
  Pack(k, s.Row(), s.size, s.keys, true, keys);
  Pack(v, s.ValueRow(), s.keys, s.values, false, values);
  const float scale = s.scale * 0x1.715476p0f;  // to base 2
  Fetch(k + s.size, s.Row(), s.keys, s.size);   // prefetched for the next head
  Fetch(v + s.values, s.ValueRow(), s.keys, s.values);
  for (int64_t first = 0; first < s.queries; first += some) {
    const int64_t rows = std::min(some, s.queries - first);
    const int64_t met = s.Met(first + rows), wide = Up(met, kColumns);
    Fetch(q + first * s.Row() + s.size, s.Row(), rows, s.size);
    Multiply(rows, s.size, wide, {q + first * s.Row(), s.Row(), 1}, keys, s.size, weights,
             s.Weights());
    float* const to = out + first * s.ValueRow();
    float sums[kMost];
    for (int64_t r = 0; r < rows; ++r)
      span[first + r] =
          Soften(s.Met(first + r + 1), wide, scale, weights + r * s.Weights(), sums + r);
    Multiply(rows, met, s.values, {weights, s.Weights(), 1}, values, s.keys, to, s.ValueRow());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < s.values; ++i) to[r * s.ValueRow() + i] /= sums[r];
  }
}

struct Gradients {
  float *q, *k, *v;
};

void Backward(const Shape& s, const float* q, const float* k, const float* v, const float* out,
              const float* span, const float* d_out, Gradients to) {
  const int64_t some = s.Some(), size = Up(s.size, kColumns), values = Up(s.values, kColumns);
  float* const keys = Scratch<7>((s.size + s.values) * s.Wide() + s.keys * size +
                                 some * (2 * s.Weights() + size + values));
  float* const turned_keys = keys + s.keys * size;
  float* const turned_values = turned_keys + s.size * s.Wide();
  float* const weights = turned_values + s.values * s.Wide();
  float* const d = weights + some * s.Weights();
  float* const queries = d + some * s.Weights();
  float* const d_outs = queries + some * size;
  Pack(k, s.Row(), s.keys, s.size, false, keys);
  Pack(k, s.Row(), s.size, s.keys, true, turned_keys);
  Pack(v, s.ValueRow(), s.values, s.keys, true, turned_values);
  const float scale = s.scale * 0x1.715476p0f;
  Fetch(k + s.size, s.Row(), s.keys, s.size);
  Fetch(v + s.values, s.ValueRow(), s.keys, s.values);
  int64_t done = 0;  // keys that have gradients of earlier queries
  for (int64_t first = 0; first < s.queries; first += some) {
    const int64_t rows = std::min(some, s.queries - first);
    const int64_t met = s.Met(first + rows), wide = Up(met, kColumns);
    Fetch(q + first * s.Row() + s.size, s.Row(), rows, s.size);
    Fetch(d_out + first * s.ValueRow() + s.values, s.ValueRow(), rows, s.values);
    Fetch(out + first * s.ValueRow() + s.values, s.ValueRow(), rows, s.values);
    const Left left_q{q + first * s.Row(), s.Row(), 1};
    const Left left_d{d_out + first * s.ValueRow(), s.ValueRow(), 1};
    Multiply(rows, s.size, wide, left_q, turned_keys, s.size, weights, s.Weights());
    Multiply(rows, s.values, wide, left_d, turned_values, s.values, d, s.Weights());
    for (int64_t r = 0; r < rows; ++r) {
      const float mean =
          Dot(left_d.data + r * left_d.row, out + (first + r) * s.ValueRow(), s.values);
      float* const w = weights + r * s.Weights();
      float* const dw = d + r * s.Weights();
      for (int64_t i = 0; i < wide; i += kLanes) {
        const Vector power = Power(Load(w + i) * scale - span[first + r]);
        Store(w + i, power);
        Store(dw + i, power * (Load(dw + i) - mean) * s.scale);
      }
      for (int64_t i = s.Met(first + r + 1); i < met; ++i) w[i] = dw[i] = 0;
    }
    Pack(left_q.data, s.Row(), rows, s.size, false, queries);
    Pack(left_d.data, s.ValueRow(), rows, s.values, false, d_outs);
    Multiply(rows, met, s.size, {d, s.Weights(), 1}, keys, s.keys, to.q + first * s.Row(), s.Row());
    const auto sums = [&](int64_t from, int64_t end, bool add) {
      Multiply(end - from, rows, s.size, {d + from, 1, s.Weights()}, queries, rows,
               to.k + from * s.Row(), s.Row(), add);
      Multiply(end - from, rows, s.values, {weights + from, 1, s.Weights()}, d_outs, rows,
               to.v + from * s.ValueRow(), s.ValueRow(), add);
    };
    sums(0, done, true);
    sums(done, met, false);
    done = met;
  }
  for (; done < s.keys; ++done) {
    std::fill_n(to.k + done * s.Row(), s.size, 0.0f);
    std::fill_n(to.v + done * s.ValueRow(), s.values, 0.0f);
  }
}

// Calls f(part) for each pair of a sample and a head.
template <class F>
void Over(ffi::ThreadPool pool, int64_t all, const F& f) {
  const int64_t parts = std::min<int64_t>(all, 4 * pool.num_threads());
  InParts(pool, parts, [&](int64_t part) {
    for (int64_t i = part * all / parts; i < (part + 1) * all / parts; ++i) f(i);
  });
}

bool Fits(Heads a, Heads b) { return a.dimensions() == b.dimensions(); }

bool Known(Heads q, Heads k, Heads v, Spans span, float scale, bool causal, Shape* s) {
  const auto of_q = q.dimensions(), of_k = k.dimensions(), of_v = v.dimensions(),
             of_span = span.dimensions();
  *s = {of_q[0], of_q[1], of_k[1], of_q[2], of_q[3], of_v[3], scale, causal};
  return of_k[0] == s->batch && of_v[0] == s->batch && of_v[1] == s->keys && of_k[2] == s->heads &&
         of_v[2] == s->heads && of_k[3] == s->size && of_span[0] == s->batch &&
         of_span[1] == s->heads && of_span[2] == s->queries && q.element_count() &&
         v.element_count();
}

ffi::Error Attention(ffi::ThreadPool pool, Heads q, Heads k, Heads v, ffi::Result<Heads> out,
                     ffi::Result<Spans> span, float scale, bool causal) {
  Shape s;
  const auto shape = out->dimensions();
  if (!Known(q, k, v, *span, scale, causal, &s) || shape[0] != s.batch || shape[1] != s.queries ||
      shape[2] != s.heads || shape[3] != s.values)
    return ffi::Error::InvalidArgument("the shapes of an attention do not fit");
  Over(pool, s.batch * s.heads, [&](int64_t i) {
    Forward(s, Head(q.typed_data(), i, s.queries, s.heads, s.size),
            Head(k.typed_data(), i, s.keys, s.heads, s.size),
            Head(v.typed_data(), i, s.keys, s.heads, s.values),
            Head(out->typed_data(), i, s.queries, s.heads, s.values),
            span->typed_data() + i * s.queries);
  });
  return ffi::Error::Success();
}

ffi::Error AttentionBack(ffi::ThreadPool pool, Heads q, Heads k, Heads v, Heads out, Spans span,
                         Heads d_out, ffi::Result<Heads> d_q, ffi::Result<Heads> d_k,
                         ffi::Result<Heads> d_v, float scale, bool causal) {
  Shape s;
  const auto shape = out.dimensions();
  if (!Known(q, k, v, span, scale, causal, &s) || shape[0] != s.batch || shape[1] != s.queries ||
      shape[2] != s.heads || shape[3] != s.values || !Fits(d_out, out) || !Fits(*d_q, q) ||
      !Fits(*d_k, k) || !Fits(*d_v, v))
    return ffi::Error::InvalidArgument("the shapes of an attention do not fit");
  Over(pool, s.batch * s.heads, [&](int64_t i) {
    Backward(s, Head(q.typed_data(), i, s.queries, s.heads, s.size),
             Head(k.typed_data(), i, s.keys, s.heads, s.size),
             Head(v.typed_data(), i, s.keys, s.heads, s.values),
             Head(out.typed_data(), i, s.queries, s.heads, s.values),
             span.typed_data() + i * s.queries,
             Head(d_out.typed_data(), i, s.queries, s.heads, s.values),
             {Head(d_q->typed_data(), i, s.queries, s.heads, s.size),
              Head(d_k->typed_data(), i, s.keys, s.heads, s.size),
              Head(d_v->typed_data(), i, s.keys, s.heads, s.values)});
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace hornbook

HORNBOOK_KERNEL(hornbook_attention, hornbook::Attention,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<hornbook::Heads>()
                    .Arg<hornbook::Heads>()
                    .Arg<hornbook::Heads>()
                    .Ret<hornbook::Heads>()
                    .Ret<hornbook::Spans>()
                    .Attr<float>("scale")
                    .Attr<bool>("causal"));

HORNBOOK_KERNEL(hornbook_attention_back, hornbook::AttentionBack,
                xla::ffi::Ffi::Bind()
                    .Ctx<xla::ffi::ThreadPool>()
                    .Arg<hornbook::Heads>()
                    .Arg<hornbook::Heads>()
                    .Arg<hornbook::Heads>()
                    .Arg<hornbook::Heads>()
                    .Arg<hornbook::Spans>()
                    .Arg<hornbook::Heads>()
                    .Ret<hornbook::Heads>()
                    .Ret<hornbook::Heads>()
                    .Ret<hornbook::Heads>()
                    .Attr<float>("scale")
                    .Attr<bool>("causal"));
