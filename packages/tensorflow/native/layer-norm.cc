// Layer norm (Ba et al. 2016): y = x̂ · weight + bias, x̂ = (x − mean) / √(variance + ε), over every row.
//
// Shapes: x, y, dy [N, H], weight and bias [H], mean and inverse_std [N].
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel.h"
#include "parallel.h"
#include "vector-math.h"

namespace crosscheck {
namespace {

CROSSCHECK_VECTORISED void Statistics(const float* x, int64_t width, float epsilon, float* mean, float* inverse_std) {
  const float m = Sum(width, [x](int64_t i) { return x[i]; }) / width;
  const float variance = Sum(width, [x, m](int64_t i) { return (x[i] - m) * (x[i] - m); }) / width;
  *mean = m;
  *inverse_std = 1.0f / std::sqrt(variance + epsilon);
}

CROSSCHECK_VECTORISED void Normalise(const float* __restrict x, int64_t width, float mean, float inverse_std,
                                     const float* __restrict weight, const float* __restrict bias, float* __restrict y) {
  for (int64_t i = 0; i < width; ++i) y[i] = (x[i] - mean) * inverse_std * weight[i] + bias[i];
}

// x, weight, bias → y, mean, inverse_std
void LayerNorm(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), weight = call.Input(1), bias = call.Input(2);
  const int64_t rows = x.dim(0), width = x.dim(1);
  const Tensor y = call.Output(0, x.shape()), mean = call.Output(1, {rows}), inverse_std = call.Output(2, {rows});
  Parallel(rows, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      float &m = mean.data()[r], &s = inverse_std.data()[r];
      Statistics(x.data() + r * width, width, attributes.epsilon, &m, &s);
      Normalise(x.data() + r * width, width, m, s, weight.data(), bias.data(), y.data() + r * width);
    }
  });
}

// x, weight, bias, mean, inverse_std → y once more.
void LayerNormAgain(Call& call, const Attributes&) {
  const Tensor x = call.Input(0), weight = call.Input(1), bias = call.Input(2), mean = call.Input(3);
  const Tensor inverse_std = call.Input(4), y = call.Output(0, x.shape());
  const int64_t width = x.dim(1);
  Parallel(x.dim(0), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      Normalise(x.data() + r * width, width, mean.data()[r], inverse_std.data()[r], weight.data(), bias.data(),
                y.data() + r * width);
    }
  });
}

// dx = (dx̂ − mean(dx̂) − x̂ · mean(dx̂ · x̂)) · inverse_std with dx̂ = dy · weight; adds the row to the gradients of weight and bias.
CROSSCHECK_VECTORISED void RowGradient(const float* __restrict dy, const float* __restrict x, int64_t width, float mean,
                                       float inverse_std, const float* __restrict weight, float* __restrict dweight,
                                       float* __restrict dbias, float* __restrict dx) {
  const float across = Sum(width, [=](int64_t i) { return dy[i] * weight[i]; }) / width;
  const float along =
      Sum(width, [=](int64_t i) { return dy[i] * weight[i] * (x[i] - mean) * inverse_std; }) / width;
  for (int64_t i = 0; i < width; ++i) {
    const float normal = (x[i] - mean) * inverse_std;
    dx[i] = (dy[i] * weight[i] - across - normal * along) * inverse_std;
    dweight[i] += dy[i] * normal;
    dbias[i] += dy[i];
  }
}

// dy, x, weight, mean, inverse_std → dx, dweight, dbias
void LayerNormGradient(Call& call, const Attributes&) {
  const Tensor dy = call.Input(0), x = call.Input(1), weight = call.Input(2), mean = call.Input(3);
  const Tensor inverse_std = call.Input(4);
  const int64_t rows = x.dim(0), width = x.dim(1);
  const Tensor dx = call.Output(0, x.shape()), dweight = call.Output(1, {width}), dbias = call.Output(2, {width});
  const int threads = ThreadCount();
  std::vector<std::vector<float>> dweights(threads, std::vector<float>(width)), dbiases = dweights;
  Parallel(rows, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t r = begin; r < end; ++r) {
      RowGradient(dy.data() + r * width, x.data() + r * width, width, mean.data()[r], inverse_std.data()[r], weight.data(),
                  dweights[thread].data(), dbiases[thread].data(), dx.data() + r * width);
    }
  });
  const auto add_up = [&](const std::vector<std::vector<float>>& parts, const Tensor& sum) {
    for (int64_t i = 0; i < width; ++i) {
      sum.data()[i] = 0;
      for (const auto& part : parts) sum.data()[i] += part[i];
    }
  };
  add_up(dweights, dweight);
  add_up(dbiases, dbias);
}

struct Registration {
  Registration() {
    Register<LayerNorm>("CrosscheckLayerNorm", {"x", "weight", "bias"}, {"y", "mean", "inverse_std"}, {"epsilon: float"});
    Register<LayerNormAgain>("CrosscheckLayerNormAgain", {"x", "weight", "bias", "mean", "inverse_std"}, {"y"}, {});
    Register<LayerNormGradient>("CrosscheckLayerNormGradient", {"dy", "x", "weight", "mean", "inverse_std"},
                                {"dx", "dweight", "dbias"}, {});
  }
} registration;

}  // namespace
}  // namespace crosscheck
