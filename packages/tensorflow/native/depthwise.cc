// Gradients of depthwise convolutions, padded by (k − 1) / 2 on every side. TensorFlow's own take up to six times as long as its
// forward pass.
//
// Shapes: x [B, H, W, C], filter [k, k, C, 1], dy [B, OH, OW, C] with OH = ⌈H / stride⌉.
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernel.h"
#include "parallel.h"

namespace crosscheck {
namespace {

// Sixteen channels at once; eight, and single ones, for the rest.
typedef float Sixteen __attribute__((vector_size(64)));
typedef float Eight __attribute__((vector_size(32)));

template <class V>
CROSSCHECK_INLINE V Load(const float* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class V>
CROSSCHECK_INLINE void Store(V v, float* to) {
  std::memcpy(to, &v, sizeof v);
}

struct Geometry {
  int64_t batch, height, width, channels, out_height, out_width, kernel, stride, pad;

  Geometry(const Shape& x, const Shape& dy, int64_t kernel, int64_t stride)
      : batch(x[0]), height(x[1]), width(x[2]), channels(x[3]), out_height(dy[1]), out_width(dy[2]), kernel(kernel),
        stride(stride), pad((kernel - 1) / 2) {}
};

// Adds one row of dy times one row of x to one row of the filter: sum[kw] += Σ x[ow · stride + kw − pad] · dy[ow].
template <class V, int K>
CROSSCHECK_INLINE void CorrelateRow(const float* x, const float* dy, const Geometry& g, float* sum) {
  V total[K] = {};
  for (int64_t ow = 0; ow < g.out_width; ++ow) {
    const V d = Load<V>(dy + ow * g.channels);
    const int64_t first = ow * g.stride - g.pad;
    const float* at = x + first * g.channels;
    if (first >= 0 && first + K <= g.width) {
      for (int kw = 0; kw < K; ++kw) total[kw] += Load<V>(at + kw * g.channels) * d;
    } else {
      for (int kw = 0; kw < K; ++kw) {
        if (first + kw < 0 || first + kw >= g.width) continue;
        total[kw] += Load<V>(at + kw * g.channels) * d;
      }
    }
  }
  for (int kw = 0; kw < K; ++kw) {
    float* to = sum + kw * g.channels;
    Store<V>(Load<V>(to) + total[kw], to);
  }
}

template <int K>
CROSSCHECK_INLINE void CorrelateAll(const float* x, const float* dy, const Geometry& g, float* sum) {
  for (int64_t oh = 0; oh < g.out_height; ++oh) {
    for (int kh = 0; kh < K; ++kh) {
      const int64_t ih = oh * g.stride + kh - g.pad;
      if (ih < 0 || ih >= g.height) continue;
      const float* in = x + ih * g.width * g.channels;
      const float* out = dy + oh * g.out_width * g.channels;
      float* to = sum + kh * K * g.channels;
      int64_t c = 0;
      for (; c + 16 <= g.channels; c += 16) CorrelateRow<Sixteen, K>(in + c, out + c, g, to + c);
      for (; c + 8 <= g.channels; c += 8) CorrelateRow<Eight, K>(in + c, out + c, g, to + c);
      for (; c < g.channels; ++c) CorrelateRow<float, K>(in + c, out + c, g, to + c);
    }
  }
}

CROSSCHECK_VECTORISED void CorrelateSample(const float* x, const float* dy, const Geometry& g, float* sum) {
  if (g.kernel == 3) CorrelateAll<3>(x, dy, g, sum);
  else CorrelateAll<5>(x, dy, g, sum);
}

// x, dy → the filter's gradient.
void DepthwiseFilterGradient(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), dy = call.Input(1);
  const Geometry g(x.shape(), dy.shape(), attributes.kernel, attributes.stride);
  const int64_t size = g.kernel * g.kernel * g.channels;
  const Tensor gradient = call.Output(0, {g.kernel, g.kernel, g.channels, 1});
  std::vector<std::vector<double>> sums(ThreadCount(), std::vector<double>(size));
  Parallel(g.batch, [&](int64_t begin, int64_t end, int thread) {
    std::vector<float> part(size);
    for (int64_t b = begin; b < end; ++b) {
      std::fill(part.begin(), part.end(), 0.0f);
      CorrelateSample(x.data() + b * g.height * g.width * g.channels,
                      dy.data() + b * g.out_height * g.out_width * g.channels, g, part.data());
      for (int64_t i = 0; i < size; ++i) sums[thread][i] += part[i];
    }
  });
  for (int64_t i = 0; i < size; ++i) {
    double total = 0;
    for (const auto& sum : sums) total += sum[i];
    gradient.data()[i] = static_cast<float>(total);
  }
}

// Adds to every `Stride`-th pixel of a row of dx, from the first that meets the filter's tap `First`, what one row of dy gives it:
// dx[iw] += Σ dy[(iw + pad − kw) / stride] · filter[kw] over kw = First, First + Stride, …
template <class V, int K, int Stride, int First>
CROSSCHECK_INLINE void SpreadRow(const float* dy, const float* filter, const Geometry& g, float* dx) {
  constexpr int kTaps = (K - First + Stride - 1) / Stride;
  V taps[kTaps > 0 ? kTaps : 1];
  for (int t = 0; t < kTaps; ++t) taps[t] = Load<V>(filter + (First + t * Stride) * g.channels);
  const int64_t start = (First - g.pad % Stride + Stride) % Stride;
  for (int64_t iw = start; iw < g.width; iw += Stride) {
    const int64_t last = (iw + g.pad - First) / Stride;
    float* to = dx + iw * g.channels;
    V total = Load<V>(to);
    if (last < g.out_width && last - kTaps + 1 >= 0) {
      for (int t = 0; t < kTaps; ++t) total += Load<V>(dy + (last - t) * g.channels) * taps[t];
    } else {
      for (int t = 0; t < kTaps; ++t) {
        if (last - t < 0 || last - t >= g.out_width) continue;
        total += Load<V>(dy + (last - t) * g.channels) * taps[t];
      }
    }
    Store<V>(total, to);
  }
}

template <class V, int K>
CROSSCHECK_INLINE void SpreadPixels(const float* dy, const float* filter, const Geometry& g, float* dx) {
  if (g.stride == 1) {
    SpreadRow<V, K, 1, 0>(dy, filter, g, dx);
  } else {
    SpreadRow<V, K, 2, 0>(dy, filter, g, dx);
    SpreadRow<V, K, 2, 1>(dy, filter, g, dx);
  }
}

template <int K>
CROSSCHECK_INLINE void SpreadAll(const float* dy, const float* filter, const Geometry& g, int64_t ih, float* dx) {
  for (int64_t kh = (ih + g.pad) % g.stride; kh < K; kh += g.stride) {
    const int64_t oh = (ih + g.pad - kh) / g.stride;
    if (ih + g.pad < kh || oh >= g.out_height) continue;
    const float* from = dy + oh * g.out_width * g.channels;
    const float* taps = filter + kh * K * g.channels;
    int64_t c = 0;
    for (; c + 16 <= g.channels; c += 16) SpreadPixels<Sixteen, K>(from + c, taps + c, g, dx + c);
    for (; c + 8 <= g.channels; c += 8) SpreadPixels<Eight, K>(from + c, taps + c, g, dx + c);
    for (; c < g.channels; ++c) SpreadPixels<float, K>(from + c, taps + c, g, dx + c);
  }
}

// Rows of dx, counted over all samples.
CROSSCHECK_VECTORISED void SpreadRows(const float* dy, const float* filter, const Geometry& g, int64_t begin,
                                      int64_t end, float* dx) {
  for (int64_t row = begin; row < end; ++row) {
    const float* from = dy + row / g.height * g.out_height * g.out_width * g.channels;
    float* to = dx + row * g.width * g.channels;
    std::fill(to, to + g.width * g.channels, 0.0f);
    if (g.kernel == 3) SpreadAll<3>(from, filter, g, row % g.height, to);
    else SpreadAll<5>(from, filter, g, row % g.height, to);
  }
}

// x (for its shape), filter, dy → dx.
void DepthwiseInputGradient(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), filter = call.Input(1), dy = call.Input(2);
  const Geometry g(x.shape(), dy.shape(), attributes.kernel, attributes.stride);
  const Tensor dx = call.Output(0, x.shape());
  Parallel(g.batch * g.height, [&](int64_t begin, int64_t end, int) {
    SpreadRows(dy.data(), filter.data(), g, begin, end, dx.data());
  });
}

struct Registration {
  Registration() {
    const char *kernel = "kernel: int", *stride = "stride: int";
    Register<DepthwiseFilterGradient>("CrosscheckDepthwiseFilterGradient", {"x", "dy"}, {"gradient"}, {kernel, stride});
    Register<DepthwiseInputGradient>("CrosscheckDepthwiseInputGradient", {"x", "filter", "dy"}, {"dx"},
                                     {kernel, stride});
  }
} registration;

}  // namespace
}  // namespace crosscheck
