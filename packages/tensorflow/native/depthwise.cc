// Depthwise convolutions and their gradients. TensorFlow's own gradients take up to six times as long as its forward pass, and that
// several times as long as this one.
//
// Padding 'SYMMETRIC' is (k − 1) / 2 on every side, as PyTorch's networks have it; 'SAME' is TensorFlow's: no more than the outputs need,
// half of it before, an odd one after. They differ at stride 2 on even sizes, where SAME has one less before.
//
// Shapes: x [B, H, W, C], filter [k, k, C, 1], y [B, OH, OW, C] with OH = ⌈H / stride⌉, whatever the padding.
#include <algorithm>
#include <cstring>
#include <string>
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

// Rows above the first, or columns before it.
int64_t PaddingBefore(const Attributes& attributes, int64_t size, int64_t out_size) {
  const int64_t kernel = attributes.kernel;
  if (attributes.padding != "SAME") return (kernel - 1) / 2;
  return std::max<int64_t>((out_size - 1) * attributes.stride + kernel - size, 0) / 2;
}

struct Geometry {
  int64_t batch, height, width, channels, kernel, stride, out_height, out_width, pad_top, pad_left;

  Geometry(const Shape& x, const Attributes& attributes)
      : batch(x[0]), height(x[1]), width(x[2]), channels(x[3]), kernel(attributes.kernel), stride(attributes.stride),
        out_height((height + stride - 1) / stride), out_width((width + stride - 1) / stride),
        pad_top(PaddingBefore(attributes, height, out_height)), pad_left(PaddingBefore(attributes, width, out_width)) {}

  // Whether the loops below are compiled for it.
  bool IsKnown(Call& call) const {
    if ((kernel == 3 || kernel == 5) && (stride == 1 || stride == 2)) return true;
    call.Refuse("expected a depthwise convolution of kernel 3 or 5 and stride 1 or 2, got kernel " + std::to_string(kernel) +
                " and stride " + std::to_string(stride) + "; TensorFlow's own kernels take any");
    return false;
  }

  int64_t sample_size() const { return height * width * channels; }
  int64_t out_row_size() const { return out_width * channels; }
  Shape out_shape() const { return {batch, out_height, out_width, channels}; }
};

constexpr int kLargest = 5;

// The rows of a picture that meet the k rows of the filter; zeros where there are none.
struct Window {
  const float* rows[kLargest];

  Window(const float* x, const Geometry& g, int64_t oh, const float* zeros) {
    for (int64_t kh = 0; kh < g.kernel; ++kh) {
      const int64_t ih = oh * g.stride + kh - g.pad_top;
      rows[kh] = ih < 0 || ih >= g.height ? zeros : x + ih * g.width * g.channels;
    }
  }
};

// Calls body(c, V) for every block of channels, V being the widest vector that fits.
#define CROSSCHECK_FOR_CHANNELS(channels, c, Body)                  \
  int64_t c = 0;                                                    \
  for (; c + 16 <= (channels); c += 16) Body(Sixteen);              \
  for (; c + 8 <= (channels); c += 8) Body(Eight);                  \
  for (; c < (channels); ++c) Body(float)

// --- forward, and the input's gradient at stride 1 ---------------------------------------------------------------------------------

// P neighbouring pixels of a row of y, which share what they read: y[ow] = Σ rows[kh][ow · S + kw − pad_left] · taps[kh, kw].
template <class V, int K, int S, int P>
CROSSCHECK_INLINE void Pixels(const Window& window, const V (&taps)[K * K], const Geometry& g, int64_t ow, int64_t c, float* y) {
  V total[P] = {};
  const int64_t first = (ow * S - g.pad_left) * g.channels + c;
#pragma GCC unroll 5
  for (int kh = 0; kh < K; ++kh) {
    const float* row = window.rows[kh] + first;
#pragma GCC unroll 16
    for (int column = 0; column < (P - 1) * S + K; ++column) {
      const V v = Load<V>(row + column * g.channels);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) {
        const int kw = column - p * S;
        if (kw >= 0 && kw < K) total[p] += v * taps[kh * K + kw];
      }
    }
  }
  for (int p = 0; p < P; ++p) Store<V>(total[p], y + (ow + p) * g.channels + c);
}

// A pixel at the edge, where columns of the filter stand outside.
template <class V, int K>
CROSSCHECK_INLINE void EdgePixel(const Window& window, const V (&taps)[K * K], const Geometry& g, int64_t ow, int64_t c, float* y) {
  V total = {};
  for (int kw = 0; kw < K; ++kw) {
    const int64_t iw = ow * g.stride + kw - g.pad_left;
    if (iw < 0 || iw >= g.width) continue;
    for (int kh = 0; kh < K; ++kh) total += Load<V>(window.rows[kh] + iw * g.channels + c) * taps[kh * K + kw];
  }
  Store<V>(total, y + ow * g.channels + c);
}

// Pixels whose columns all stand inside: from the first to before the last.
struct Inside {
  int64_t begin, end;

  explicit Inside(const Geometry& g) {
    begin = std::min(g.out_width, (g.pad_left + g.stride - 1) / g.stride);
    const int64_t reach = g.width - g.kernel + g.pad_left;  // ow · stride may be at most this
    end = reach < 0 ? begin : std::max(begin, std::min(g.out_width, reach / g.stride + 1));
  }
};

template <class V, int K, int S>
CROSSCHECK_INLINE void Row(const Window& window, const float* filter, bool flipped, const Geometry& g, int64_t c, float* y) {
  V taps[K * K];
  for (int i = 0; i < K * K; ++i) taps[i] = Load<V>(filter + (flipped ? K * K - 1 - i : i) * g.channels + c);
  const Inside inside(g);
  int64_t ow = 0;
  for (; ow < inside.begin; ++ow) EdgePixel<V, K>(window, taps, g, ow, c, y);
  for (; ow + 4 <= inside.end; ow += 4) Pixels<V, K, S, 4>(window, taps, g, ow, c, y);
  for (; ow < inside.end; ++ow) Pixels<V, K, S, 1>(window, taps, g, ow, c, y);
  for (; ow < g.out_width; ++ow) EdgePixel<V, K>(window, taps, g, ow, c, y);
}

template <int K, int S>
CROSSCHECK_INLINE void AllChannels(const Window& window, const float* filter, bool flipped, const Geometry& g, float* y) {
#define CROSSCHECK_ROW(V) Row<V, K, S>(window, filter, flipped, g, c, y)
  CROSSCHECK_FOR_CHANNELS(g.channels, c, CROSSCHECK_ROW);
#undef CROSSCHECK_ROW
}

// Rows of y, counted over all samples.
CROSSCHECK_VECTORISED void ConvolveRows(const float* x, const float* filter, bool flipped, const Geometry& g, int64_t begin,
                                        int64_t end, const float* zeros, float* y) {
  for (int64_t row = begin; row < end; ++row) {
    const Window window(x + row / g.out_height * g.sample_size(), g, row % g.out_height, zeros);
    float* to = y + row * g.out_row_size();
    if (g.kernel == 3 && g.stride == 1) AllChannels<3, 1>(window, filter, flipped, g, to);
    else if (g.kernel == 3) AllChannels<3, 2>(window, filter, flipped, g, to);
    else if (g.stride == 1) AllChannels<5, 1>(window, filter, flipped, g, to);
    else AllChannels<5, 2>(window, filter, flipped, g, to);
  }
}

void Convolve(const float* x, const float* filter, bool flipped, const Geometry& g, float* y) {
  const std::vector<float> zeros(g.width * g.channels);
  Parallel(g.batch * g.out_height, [&](int64_t begin, int64_t end, int) {
    ConvolveRows(x, filter, flipped, g, begin, end, zeros.data(), y);
  });
}

// x, filter → y
void Depthwise(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), filter = call.Input(1);
  const Geometry g(x.shape(), attributes);
  if (!g.IsKnown(call)) return;
  const Tensor y = call.Output(0, g.out_shape());
  Convolve(x.data(), filter.data(), false, g, y.data());
}

// --- the filter's gradient ---------------------------------------------------------------------------------------------------------

// sum[kh, kw] += Σ rows[kh][ow · stride + kw − pad_left] · dy[ow] over one row of dy.
template <class V, int K>
CROSSCHECK_INLINE void CorrelateRow(const Window& window, const float* dy, const Geometry& g, int64_t c, float* sum) {
  V total[K * K] = {};
  for (int64_t ow = 0; ow < g.out_width; ++ow) {
    const V d = Load<V>(dy + ow * g.channels + c);
    const int64_t first = ow * g.stride - g.pad_left;
    if (first >= 0 && first + K <= g.width) {
#pragma GCC unroll 5
      for (int kh = 0; kh < K; ++kh) {
        const float* at = window.rows[kh] + first * g.channels + c;
#pragma GCC unroll 5
        for (int kw = 0; kw < K; ++kw) total[kh * K + kw] += Load<V>(at + kw * g.channels) * d;
      }
    } else {
#pragma GCC unroll 5
      for (int kw = 0; kw < K; ++kw) {
        if (first + kw < 0 || first + kw >= g.width) continue;
#pragma GCC unroll 5
        for (int kh = 0; kh < K; ++kh) total[kh * K + kw] += Load<V>(window.rows[kh] + (first + kw) * g.channels + c) * d;
      }
    }
  }
#pragma GCC unroll 25
  for (int i = 0; i < K * K; ++i) {
    float* to = sum + i * g.channels + c;
    Store<V>(Load<V>(to) + total[i], to);
  }
}

template <int K>
CROSSCHECK_INLINE void CorrelateAll(const float* x, const float* dy, const Geometry& g, const float* zeros, float* sum) {
  for (int64_t oh = 0; oh < g.out_height; ++oh) {
    const Window window(x, g, oh, zeros);
    const float* row = dy + oh * g.out_row_size();
#define CROSSCHECK_ROW(V) CorrelateRow<V, K>(window, row, g, c, sum)
    CROSSCHECK_FOR_CHANNELS(g.channels, c, CROSSCHECK_ROW);
#undef CROSSCHECK_ROW
  }
}

CROSSCHECK_VECTORISED void CorrelateSample(const float* x, const float* dy, const Geometry& g, const float* zeros, float* sum) {
  if (g.kernel == 3) CorrelateAll<3>(x, dy, g, zeros, sum);
  else CorrelateAll<5>(x, dy, g, zeros, sum);
}

// x, dy → the filter's gradient.
void DepthwiseFilterGradient(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), dy = call.Input(1);
  const Geometry g(x.shape(), attributes);
  if (!g.IsKnown(call)) return;
  const int64_t size = g.kernel * g.kernel * g.channels;
  const Tensor gradient = call.Output(0, {g.kernel, g.kernel, g.channels, 1});
  const std::vector<float> zeros(g.width * g.channels);
  std::vector<std::vector<double>> sums(ThreadCount(), std::vector<double>(size));
  Parallel(g.batch, [&](int64_t begin, int64_t end, int thread) {
    std::vector<float> part(size);
    for (int64_t b = begin; b < end; ++b) {
      std::fill(part.begin(), part.end(), 0.0f);
      CorrelateSample(x.data() + b * g.sample_size(), dy.data() + b * g.out_height * g.out_row_size(), g, zeros.data(),
                      part.data());
      for (int64_t i = 0; i < size; ++i) sums[thread][i] += part[i];
    }
  });
  for (int64_t i = 0; i < size; ++i) {
    double total = 0;
    for (const auto& sum : sums) total += sum[i];
    gradient.data()[i] = static_cast<float>(total);
  }
}

// --- the input's gradient at stride 2 ----------------------------------------------------------------------------------------------

// Adds to every second pixel of a row of dx, from the first that meets the filter's tap `First`, what one row of dy gives it:
// dx[iw] += Σ dy[(iw + pad_left − kw) / 2] · filter[kw] over kw = First, First + 2, …
template <class V, int K, int First>
CROSSCHECK_INLINE void SpreadRow(const float* dy, const float* filter, const Geometry& g, float* dx) {
  constexpr int kTaps = (K - First + 1) / 2;
  V taps[kTaps];
  for (int t = 0; t < kTaps; ++t) taps[t] = Load<V>(filter + (First + t * 2) * g.channels);
  for (int64_t iw = (First + g.pad_left) % 2; iw < g.width; iw += 2) {
    const int64_t last = (iw + g.pad_left - First) / 2;
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

template <int K>
CROSSCHECK_INLINE void SpreadAll(const float* dy, const float* filter, const Geometry& g, int64_t ih, float* dx) {
  for (int64_t kh = (ih + g.pad_top) % 2; kh < K; kh += 2) {
    const int64_t oh = (ih + g.pad_top - kh) / 2;
    if (ih + g.pad_top < kh || oh >= g.out_height) continue;
    const float* from = dy + oh * g.out_row_size();
    const float* taps = filter + kh * K * g.channels;
#define CROSSCHECK_ROW(V)                                  \
  SpreadRow<V, K, 0>(from + c, taps + c, g, dx + c),       \
      SpreadRow<V, K, 1>(from + c, taps + c, g, dx + c)
    CROSSCHECK_FOR_CHANNELS(g.channels, c, CROSSCHECK_ROW);
#undef CROSSCHECK_ROW
  }
}

// Rows of dx, counted over all samples.
CROSSCHECK_VECTORISED void SpreadRows(const float* dy, const float* filter, const Geometry& g, int64_t begin, int64_t end,
                                      float* dx) {
  for (int64_t row = begin; row < end; ++row) {
    const float* from = dy + row / g.height * g.out_height * g.out_row_size();
    float* to = dx + row * g.width * g.channels;
    std::fill(to, to + g.width * g.channels, 0.0f);
    if (g.kernel == 3) SpreadAll<3>(from, filter, g, row % g.height, to);
    else SpreadAll<5>(from, filter, g, row % g.height, to);
  }
}

// x (for its shape), filter, dy → dx. At stride 1, where both paddings are the same on all sides, it is the convolution of dy
// with the filter turned round.
void DepthwiseInputGradient(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), filter = call.Input(1), dy = call.Input(2);
  const Geometry g(x.shape(), attributes);
  if (!g.IsKnown(call)) return;
  const Tensor dx = call.Output(0, x.shape());
  if (g.stride == 1) return Convolve(dy.data(), filter.data(), true, g, dx.data());
  Parallel(g.batch * g.height, [&](int64_t begin, int64_t end, int) {
    SpreadRows(dy.data(), filter.data(), g, begin, end, dx.data());
  });
}

struct Registration {
  Registration() {
    const std::initializer_list<const char*> geometry = {"kernel: int", "stride: int",
                                                         "padding: {'SYMMETRIC', 'SAME'} = 'SYMMETRIC'"};
    Register<Depthwise>("CrosscheckDepthwise", {"x", "filter"}, {"y"}, geometry);
    Register<DepthwiseFilterGradient>("CrosscheckDepthwiseFilterGradient", {"x", "dy"}, {"gradient"}, geometry);
    Register<DepthwiseInputGradient>("CrosscheckDepthwiseInputGradient", {"x", "filter", "dy"}, {"dx"}, geometry);
  }
} registration;

}  // namespace
}  // namespace crosscheck
