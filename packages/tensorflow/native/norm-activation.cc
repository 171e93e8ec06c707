// Batch norm and what follows it in one pass over the memory: y = activation(z), z = weight · (x − mean) / √(variance + ε) + bias, where
// activation is SiLU (z · σ(z)), ReLU6 (min(max(z, 0), 6)) or none (z).
// Nothing but x is read or kept; y may be weighed per sample and channel (squeeze-and-excite), or summed over each map at once.
//
// Shapes: x [B, H, W, C], seen as rows of C channels; P = H · W rows are one sample's map.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernel.h"
#include "parallel.h"
#include "vector-math.h"

namespace crosscheck {
namespace {

// z = (x − mean) · scale + bias, for every channel; mean first, or its digits would be lost in those of x.
struct Normaliser {
  const float *mean, *bias;
  std::vector<float> scales;
  const float* scale;

  Normaliser(const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& variance, float epsilon)
      : mean(mean.data()), bias(bias.data()), scales(weight.size()), scale(scales.data()) {
    for (size_t c = 0; c < scales.size(); ++c) {
      scales[c] = weight.data()[c] / std::sqrt(variance.data()[c] + epsilon);
    }
  }
};

// --- activations -----------------------------------------------------------------------------------------------------------------

// Forward gives y; Backward gives dz = dy · ∂y/∂z. A z that is not a number stays one in y.
struct Silu {
  static CROSSCHECK_INLINE float Forward(float z) { return z * Sigmoid(z); }
  static CROSSCHECK_INLINE float Backward(float z, float dy) {
    const float s = Sigmoid(z);
    return dy * (s + z * s * (1.0f - s));
  }
};

struct Relu6 {
  static CROSSCHECK_INLINE float Forward(float z) {
    const float positive = 0.0f > z ? 0.0f : z;
    return 6.0f < positive ? 6.0f : positive;
  }
  static CROSSCHECK_INLINE float Backward(float z, float dy) { return dy * (z > 0.0f && z < 6.0f ? 1.0f : 0.0f); }
};

struct NoActivation {
  static CROSSCHECK_INLINE float Forward(float z) { return z; }
  static CROSSCHECK_INLINE float Backward(float, float dy) { return dy; }
};

// Returns Body(Activation) of the one that is named: the loops are compiled for each.
#define CROSSCHECK_BY_ACTIVATION(name, Body)          \
  if ((name) == "silu") return Body(Silu);            \
  if ((name) == "relu6") return Body(Relu6);          \
  return Body(NoActivation)

// Rows that are added up in float32 before they go into a sum of float64.
constexpr int64_t kBlock = 64;

struct Rows {
  int64_t begin, end;
};

// Calls body(sample, rows) for every piece of one sample's map in a range of rows.
template <class Body>
void ForEachSample(int64_t begin, int64_t end, int64_t map, const Body& body) {
  while (begin < end) {
    const int64_t sample = begin / map;
    const int64_t next = std::min(end, (sample + 1) * map);
    body(sample, Rows{begin, next});
    begin = next;
  }
}

// --- mean and variance ---------------------------------------------------------------------------------------------------------

// Sums of x − shift and of its square over some rows.
CROSSCHECK_VECTORISED void AddMoments(const float* x, const float* shift, Rows rows, int64_t channels, float* __restrict sum,
                                      float* __restrict squares) {
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const float* row = x + r * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float d = row[c] - shift[c];
      sum[c] += d;
      squares[c] += d * d;
    }
  }
}

// x → mean [C] and biased variance [C]. The first row is taken away first: sums of squares would lose digits of a large mean.
void ChannelMoments(Call& call, const Attributes&) {
  const Tensor x = call.Input(0);
  const int64_t channels = x.dim(3), count = x.size() / channels;
  const Tensor mean = call.Output(0, {channels}), variance = call.Output(1, {channels});
  const int threads = ThreadCount();
  std::vector<std::vector<double>> sums(threads, std::vector<double>(channels));
  std::vector<std::vector<double>> squares(threads, std::vector<double>(channels));
  Parallel(count, [&](int64_t begin, int64_t end, int thread) {
    std::vector<float> sum(channels), square(channels);
    for (int64_t r = begin; r < end; r += kBlock) {
      std::fill(sum.begin(), sum.end(), 0.0f);
      std::fill(square.begin(), square.end(), 0.0f);
      AddMoments(x.data(), x.data(), {r, std::min(end, r + kBlock)}, channels, sum.data(), square.data());
      for (int64_t c = 0; c < channels; ++c) {
        sums[thread][c] += sum[c];
        squares[thread][c] += square[c];
      }
    }
  });
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0;
    for (int t = 0; t < threads; ++t) {
      sum += sums[t][c];
      square += squares[t][c];
    }
    const double from_shift = sum / count;
    mean.data()[c] = static_cast<float>(x.data()[c] + from_shift);
    variance.data()[c] = static_cast<float>(std::max(0.0, square / count - from_shift * from_shift));
  }
}

// --- y ---------------------------------------------------------------------------------------------------------------------------

template <class Activation>
CROSSCHECK_INLINE void ActivateAll(const float* x, Rows rows, int64_t channels, const Normaliser& norm, const float* gate, float* y) {
  const float *mean = norm.mean, *scale = norm.scale, *bias = norm.bias;
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const float* in = x + r * channels;
    float* __restrict out = y + r * channels;
    if (gate) {
      for (int64_t c = 0; c < channels; ++c) {
        const float z = (in[c] - mean[c]) * scale[c] + bias[c];
        out[c] = Activation::Forward(z) * gate[c];
      }
    } else {
      for (int64_t c = 0; c < channels; ++c) {
        const float z = (in[c] - mean[c]) * scale[c] + bias[c];
        out[c] = Activation::Forward(z);
      }
    }
  }
}

CROSSCHECK_VECTORISED void ActivateRows(const std::string& activation, const float* x, Rows rows, int64_t channels,
                                        const Normaliser& norm, const float* gate, float* y) {
#define CROSSCHECK_ROWS(Activation) ActivateAll<Activation>(x, rows, channels, norm, gate, y)
  CROSSCHECK_BY_ACTIVATION(activation, CROSSCHECK_ROWS);
#undef CROSSCHECK_ROWS
}

// x, weight, bias, mean, variance [C], gate [B, C] or nothing → y, times its gate.
void NormActivation(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), weight = call.Input(1), bias = call.Input(2), mean = call.Input(3);
  const Tensor variance = call.Input(4), gate = call.Input(5);
  const int64_t channels = x.dim(3), map = x.dim(1) * x.dim(2), count = x.size() / channels;
  const Tensor y = call.Output(0, x.shape());
  const Normaliser norm(weight, bias, mean, variance, attributes.epsilon);
  Parallel(count, [&](int64_t begin, int64_t end, int) {
    ForEachSample(begin, end, map, [&](int64_t sample, Rows rows) {
      const float* gates = gate.optional() ? gate.data() + sample * channels : nullptr;
      ActivateRows(attributes.activation, x.data(), rows, channels, norm, gates, y.data());
    });
  });
}

// --- sums of y over maps -----------------------------------------------------------------------------------------------------------

template <class Activation>
CROSSCHECK_INLINE void AddAll(const float* x, const float* factor, Rows rows, int64_t channels, const Normaliser& norm,
                              float* __restrict sum) {
  const float *mean = norm.mean, *scale = norm.scale, *bias = norm.bias;
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const float* in = x + r * channels;
    if (factor) {
      const float* times = factor + r * channels;
      for (int64_t c = 0; c < channels; ++c) {
        const float z = (in[c] - mean[c]) * scale[c] + bias[c];
        sum[c] += Activation::Forward(z) * times[c];
      }
    } else {
      for (int64_t c = 0; c < channels; ++c) {
        const float z = (in[c] - mean[c]) * scale[c] + bias[c];
        sum[c] += Activation::Forward(z);
      }
    }
  }
}

CROSSCHECK_VECTORISED void AddActivations(const std::string& activation, const float* x, const float* factor, Rows rows,
                                          int64_t channels, const Normaliser& norm, float* __restrict sum) {
#define CROSSCHECK_ROWS(Activation) AddAll<Activation>(x, factor, rows, channels, norm, sum)
  CROSSCHECK_BY_ACTIVATION(activation, CROSSCHECK_ROWS);
#undef CROSSCHECK_ROWS
}

// x, weight, bias, mean, variance [C], factor [B, H, W, C] or nothing → Σ over each map of y, or of y · factor, [B, C].
void NormActivationSum(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), weight = call.Input(1), bias = call.Input(2), mean = call.Input(3);
  const Tensor variance = call.Input(4), factor = call.Input(5);
  const int64_t batch = x.dim(0), channels = x.dim(3), map = x.dim(1) * x.dim(2);
  const Tensor sums = call.Output(0, {batch, channels});
  const Normaliser norm(weight, bias, mean, variance, attributes.epsilon);
  Parallel(batch, [&](int64_t begin, int64_t end, int) {
    std::vector<float> part(channels);
    for (int64_t sample = begin; sample < end; ++sample) {
      float* total = sums.data() + sample * channels;
      std::fill(total, total + channels, 0.0f);
      for (int64_t r = sample * map; r < (sample + 1) * map; r += kBlock) {
        std::fill(part.begin(), part.end(), 0.0f);
        AddActivations(attributes.activation, x.data(), factor.optional(), {r, std::min((sample + 1) * map, r + kBlock)},
                       channels, norm, part.data());
        for (int64_t c = 0; c < channels; ++c) total[c] += part[c];
      }
    }
  });
}

// --- backward ---------------------------------------------------------------------------------------------------------------------

// The gradient of y is dy · gate + constant; what is missing is 0, a missing gate 1.
struct Upstream {
  const float* dy;        // [B, H, W, C], or null for 0
  const float* gate;      // [C] of this sample
  const float* constant;  // [C] of this sample
};

// Writes dz, and adds up dz and dz · (x − mean).
template <class Activation>
CROSSCHECK_INLINE void AddAllGradients(const float* x, Upstream up, Rows rows, int64_t channels, const Normaliser& norm,
                                       float* __restrict dz, float* __restrict sum, float* __restrict along) {
  const float *mean = norm.mean, *scale = norm.scale, *bias = norm.bias;
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const float* in = x + r * channels;
    const float* dy = up.dy ? up.dy + r * channels : nullptr;
    float* __restrict out = dz + r * channels;
    if (dy) {
      for (int64_t c = 0; c < channels; ++c) {
        out[c] = Activation::Backward((in[c] - mean[c]) * scale[c] + bias[c], dy[c] * up.gate[c] + up.constant[c]);
        sum[c] += out[c];
        along[c] += out[c] * (in[c] - mean[c]);
      }
    } else {
      for (int64_t c = 0; c < channels; ++c) {
        out[c] = Activation::Backward((in[c] - mean[c]) * scale[c] + bias[c], up.constant[c]);
        sum[c] += out[c];
        along[c] += out[c] * (in[c] - mean[c]);
      }
    }
  }
}

CROSSCHECK_VECTORISED void AddGradients(const std::string& activation, const float* x, Upstream up, Rows rows, int64_t channels,
                                        const Normaliser& norm, float* __restrict dz, float* __restrict sum,
                                        float* __restrict along) {
#define CROSSCHECK_ROWS(Activation) AddAllGradients<Activation>(x, up, rows, channels, norm, dz, sum, along)
  CROSSCHECK_BY_ACTIVATION(activation, CROSSCHECK_ROWS);
#undef CROSSCHECK_ROWS
}

// dx = scale · dz − shift − (x − mean) · slope, in dz's place.
CROSSCHECK_VECTORISED void FinishGradients(const float* x, Rows rows, int64_t channels, const Normaliser& norm,
                                           const float* shift, const float* slope, float* dz) {
  const float *mean = norm.mean, *scale = norm.scale;
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const float* in = x + r * channels;
    float* __restrict out = dz + r * channels;
    for (int64_t c = 0; c < channels; ++c) out[c] = out[c] * scale[c] - shift[c] - (in[c] - mean[c]) * slope[c];
  }
}

// dy [B, H, W, C] or nothing, x, weight, bias, mean, variance [C], gate [B, C] or nothing, constant [B, C] or nothing
// → dx, dweight, dbias. The gradient of y is dy · gate + constant; with is_training, mean and variance are x's own.
void NormActivationGradient(Call& call, const Attributes& attributes) {
  const Tensor dy = call.Input(0), x = call.Input(1), weight = call.Input(2), bias = call.Input(3);
  const Tensor mean = call.Input(4), variance = call.Input(5), gate = call.Input(6), constant = call.Input(7);
  const int64_t channels = x.dim(3), map = x.dim(1) * x.dim(2), count = x.size() / channels;
  const Tensor dx = call.Output(0, x.shape());
  const Tensor dweight = call.Output(1, {channels}), dbias = call.Output(2, {channels});
  const Normaliser norm(weight, bias, mean, variance, attributes.epsilon);
  const std::vector<float> ones(channels, 1.0f), zeros(channels, 0.0f);
  const auto upstream = [&](int64_t sample) {
    return Upstream{dy.optional(), gate.optional() ? gate.data() + sample * channels : ones.data(),
                    constant.optional() ? constant.data() + sample * channels : zeros.data()};
  };
  const int threads = ThreadCount();
  std::vector<std::vector<double>> sums(threads, std::vector<double>(channels));
  std::vector<std::vector<double>> alongs(threads, std::vector<double>(channels));
  Parallel(count, [&](int64_t begin, int64_t end, int thread) {
    std::vector<float> sum(channels), along(channels);
    ForEachSample(begin, end, map, [&](int64_t sample, Rows rows) {
      for (int64_t r = rows.begin; r < rows.end; r += kBlock) {
        std::fill(sum.begin(), sum.end(), 0.0f);
        std::fill(along.begin(), along.end(), 0.0f);
        AddGradients(attributes.activation, x.data(), upstream(sample), {r, std::min(rows.end, r + kBlock)}, channels, norm,
                     dx.data(), sum.data(), along.data());
        for (int64_t c = 0; c < channels; ++c) {
          sums[thread][c] += sum[c];
          alongs[thread][c] += along[c];
        }
      }
    });
  });
  std::vector<float> shift(channels), slope(channels);
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, along = 0;
    for (int t = 0; t < threads; ++t) {
      sum += sums[t][c];
      along += alongs[t][c];
    }
    const double inverse_std = 1.0 / std::sqrt(static_cast<double>(variance.data()[c]) + attributes.epsilon);
    dbias.data()[c] = static_cast<float>(sum);
    dweight.data()[c] = static_cast<float>(along * inverse_std);
    if (!attributes.is_training) continue;
    shift[c] = static_cast<float>(norm.scale[c] * sum / count);
    slope[c] = static_cast<float>(norm.scale[c] * along * inverse_std * inverse_std / count);
  }
  Parallel(count, [&](int64_t begin, int64_t end, int) {
    FinishGradients(x.data(), {begin, end}, channels, norm, shift.data(), slope.data(), dx.data());
  });
}

struct Registration {
  Registration() {
    const char *epsilon = "epsilon: float", *activation = "activation: {'silu', 'relu6', 'none'} = 'silu'";
    Register<ChannelMoments>("CrosscheckChannelMoments", {"x"}, {"mean", "variance"}, {});
    Register<NormActivation>("CrosscheckNormActivation", {"x", "weight", "bias", "mean", "variance", "gate"}, {"y"},
                       {epsilon, activation});
    Register<NormActivationSum>("CrosscheckNormActivationSum", {"x", "weight", "bias", "mean", "variance", "factor"}, {"sum"},
                          {epsilon, activation});
    Register<NormActivationGradient>("CrosscheckNormActivationGradient",
                               {"dy", "x", "weight", "bias", "mean", "variance", "gate", "constant"},
                               {"dx", "dweight", "dbias"}, {epsilon, "is_training: bool", activation});
  }
} registration;

}  // namespace
}  // namespace crosscheck
