// Multi-head self-attention (Vaswani et al. 2017) over packed texts, with dropout on its weights. Samples differ in length; each is
// computed in its own, and the weights are computed again in the backward pass.
//
// Shapes: T tokens of all B samples, one row each; N rows that are asked for: all T, or the first of each sample; H = heads · D features;
// n tokens of one sample, L = length places of the padded texts.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel.h"
#include "parallel.h"
#include "random-mask.h"
#include "vector-math.h"

namespace crosscheck {
namespace {

// Where the samples' rows stand.
struct Texts {
  std::vector<int64_t> starts;  // [B + 1]
  const int32_t* places;        // [T] in the padded texts
  const float* bias;            // [T], added to the scores of these keys
  bool has_all_queries;

  Texts(const Tensor& places, const Tensor& bias, int64_t length, int64_t asked)
      : places(places.ints()), bias(bias.data()), has_all_queries(asked == places.size()) {
    for (int64_t r = 0; r < places.size(); ++r) {
      if (r == 0 || this->places[r] / length != this->places[r - 1] / length) starts.push_back(r);
    }
    starts.push_back(places.size());
  }

  int64_t count() const { return static_cast<int64_t>(starts.size()) - 1; }
};

// One head of one sample.
struct Unit {
  const Texts& texts;
  const RandomMask* random;  // null where nothing is dropped
  int64_t heads, length, width, features, head, sample;

  int64_t begin() const { return texts.starts[sample]; }
  int64_t tokens() const { return texts.starts[sample + 1] - begin(); }
  int64_t queries() const { return texts.has_all_queries ? tokens() : 1; }
  int64_t query_row(int64_t i) const { return texts.has_all_queries ? begin() + i : sample; }
  // Columns of this head in a row.
  float* at(float* x, int64_t row) const { return x + row * width + head * features; }
  const float* at(const float* x, int64_t row) const { return x + row * width + head * features; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(features)); }
};

// Memory of one thread.
struct Scratch {
  std::vector<float> keys, values;                  // transposed: [D, padded n]
  std::vector<float> weights, mask, drawn, slopes;  // of one query
  int64_t stride = 0;

  void Resize(const Unit& unit) {
    stride = (unit.tokens() + 15) / 16 * 16;
    keys.assign(unit.features * stride, 0);
    values.assign(unit.features * stride, 0);
    weights.resize(stride);
    mask.resize(stride);
    slopes.resize(stride);
    drawn.resize(unit.length);
  }
};

CROSSCHECK_INLINE void Transpose(const Unit& u, const float* x, int64_t stride, float* __restrict to) {
  for (int64_t j = 0; j < u.tokens(); ++j) {
    const float* row = u.at(x, u.begin() + j);
    for (int64_t d = 0; d < u.features; ++d) to[d * stride + j] = row[d];
  }
}

// out[j] = Σ row[d] · matrix[d, j], times a factor.
CROSSCHECK_INLINE void Products(const Unit& u, const float* row, float factor, const float* matrix, int64_t stride,
                                float* __restrict out) {
  std::fill(out, out + stride, 0.0f);
  for (int64_t d = 0; d < u.features; ++d) {
    const float f = row[d] * factor;
    const float* column = matrix + d * stride;
    for (int64_t j = 0; j < stride; ++j) out[j] += f * column[j];
  }
}

// to += factor · from
CROSSCHECK_INLINE void Add(float factor, const float* from, int64_t count, float* __restrict to) {
  for (int64_t d = 0; d < count; ++d) to[d] += factor * from[d];
}

// The softmax of one query's scores, and the mask on it.
CROSSCHECK_INLINE void Weigh(const Unit& u, int64_t i, const float* query, Scratch& s) {
  const int64_t n = u.tokens();
  float* w = s.weights.data();
  Products(u, query, u.scale(), s.keys.data(), s.stride, w);
  const float* bias = u.texts.bias + u.begin();
  float largest = -INFINITY;
  for (int64_t j = 0; j < n; ++j) {
    w[j] += bias[j];
    largest = std::max(largest, w[j]);
  }
  for (int64_t j = 0; j < s.stride; ++j) w[j] = Exp(w[j] - largest);
  const float total = Sum(n, [w](int64_t j) { return w[j]; });
  for (int64_t j = 0; j < n; ++j) w[j] /= total;
  std::fill(s.mask.begin(), s.mask.end(), 1.0f);
  if (!u.random) return;
  const int32_t* places = u.texts.places + u.begin();
  const int64_t row = (u.sample * u.heads + u.head) * u.length + places[i] % u.length;
  u.random->Draw(row * u.length, places[n - 1] % u.length + 1, s.drawn.data());
  for (int64_t j = 0; j < n; ++j) s.mask[j] = s.drawn[places[j] % u.length];
}

CROSSCHECK_VECTORISED void Attend(const Unit& u, const float* query, const float* key, const float* value, Scratch& s,
                                  float* context) {
  s.Resize(u);
  Transpose(u, key, s.stride, s.keys.data());
  for (int64_t i = 0; i < u.queries(); ++i) {
    Weigh(u, i, u.at(query, u.query_row(i)), s);
    float* out = u.at(context, u.query_row(i));
    std::fill(out, out + u.features, 0.0f);
    for (int64_t j = 0; j < u.tokens(); ++j) {
      Add(s.weights[j] * s.mask[j], u.at(value, u.begin() + j), u.features, out);
    }
  }
}

struct Gradients {
  float *query, *key, *value;
};

CROSSCHECK_VECTORISED void AttendBackward(const Unit& u, const float* dcontext, const float* query, const float* key,
                                          const float* value, Scratch& s, Gradients gradients) {
  s.Resize(u);
  Transpose(u, key, s.stride, s.keys.data());
  Transpose(u, value, s.stride, s.values.data());
  const int64_t n = u.tokens();
  for (int64_t j = 0; j < n; ++j) {
    std::fill_n(u.at(gradients.key, u.begin() + j), u.features, 0.0f);
    std::fill_n(u.at(gradients.value, u.begin() + j), u.features, 0.0f);
  }
  const float *w = s.weights.data(), *mask = s.mask.data();
  float* slope = s.slopes.data();
  for (int64_t i = 0; i < u.queries(); ++i) {
    const float *q = u.at(query, u.query_row(i)), *d = u.at(dcontext, u.query_row(i));
    Weigh(u, i, q, s);
    Products(u, d, 1.0f, s.values.data(), s.stride, slope);
    const float along = Sum(n, [=](int64_t j) { return slope[j] * mask[j] * w[j]; });
    for (int64_t j = 0; j < n; ++j) slope[j] = w[j] * (slope[j] * mask[j] - along) * u.scale();
    float* dq = u.at(gradients.query, u.query_row(i));
    std::fill(dq, dq + u.features, 0.0f);
    for (int64_t j = 0; j < n; ++j) {
      Add(slope[j], u.at(key, u.begin() + j), u.features, dq);
      Add(slope[j], q, u.features, u.at(gradients.key, u.begin() + j));
      Add(w[j] * mask[j], d, u.features, u.at(gradients.value, u.begin() + j));
    }
  }
}

// Calls body(unit, scratch) for every head of every sample: whole heads go to one thread, so that long texts are shared evenly.
template <class Body>
void ForEachUnit(const Texts& texts, const Attributes& a, const Tensor& seed, int64_t width, const Body& body) {
  const RandomMask random(seed.ints(), a.rate);
  Parallel(a.heads * texts.count(), [&](int64_t begin, int64_t end, int) {
    Scratch scratch;
    for (int64_t i = begin; i < end; ++i) {
      const Unit unit{texts, a.rate > 0 ? &random : nullptr, a.heads, a.length, width, width / a.heads, i / texts.count(),
                      i % texts.count()};
      body(unit, scratch);
    }
  });
}

// query [N, H], key, value [T, H], places [T], bias [T], seed [2] → context [N, H]
void Attention(Call& call, const Attributes& attributes) {
  const Tensor query = call.Input(0), key = call.Input(1), value = call.Input(2), places = call.Input(3);
  const Tensor bias = call.Input(4), seed = call.Input(5), context = call.Output(0, query.shape());
  const Texts texts(places, bias, attributes.length, query.dim(0));
  ForEachUnit(texts, attributes, seed, query.dim(1), [&](const Unit& unit, Scratch& scratch) {
    Attend(unit, query.data(), key.data(), value.data(), scratch, context.data());
  });
}

// dcontext [N, H], then the inputs of Attention → their gradients
void AttentionGradient(Call& call, const Attributes& attributes) {
  const Tensor dcontext = call.Input(0), query = call.Input(1), key = call.Input(2), value = call.Input(3);
  const Tensor places = call.Input(4), bias = call.Input(5), seed = call.Input(6);
  const Tensor dquery = call.Output(0, query.shape()), dkey = call.Output(1, key.shape());
  const Tensor dvalue = call.Output(2, value.shape());
  const Texts texts(places, bias, attributes.length, query.dim(0));
  ForEachUnit(texts, attributes, seed, query.dim(1), [&](const Unit& unit, Scratch& scratch) {
    AttendBackward(unit, dcontext.data(), query.data(), key.data(), value.data(), scratch,
                   {dquery.data(), dkey.data(), dvalue.data()});
  });
}

struct Registration {
  Registration() {
    const Argument places("places", "int32"), seed("seed", "int32");
    const char *heads = "heads: int", *length = "length: int", *rate = "rate: float";
    Register<Attention>("CrosscheckAttention", {"query", "key", "value", places, "bias", seed}, {"context"},
                        {heads, length, rate});
    Register<AttentionGradient>("CrosscheckAttentionGradient",
                                {"dcontext", "query", "key", "value", places, "bias", seed}, {"dquery", "dkey", "dvalue"},
                                {heads, length, rate});
  }
} registration;

}  // namespace
}  // namespace crosscheck
