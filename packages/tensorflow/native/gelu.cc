// GELU (Hendrycks and Gimpel 2016), the exact one: x · Φ(x), Φ the standard normal's distribution function.
#include <cmath>

#include "kernel.h"
#include "parallel.h"
#include "vector-math.h"

namespace crosscheck {
namespace {

constexpr float kDensity = 0.3989422804f;  // 1 / √(2π)

CROSSCHECK_VECTORISED void Forward(const float* __restrict x, int64_t count, float* __restrict y) {
  for (int64_t i = 0; i < count; ++i) {
    const float tail = NormalTail(std::fabs(x[i]), Exp(-0.5f * x[i] * x[i]));
    y[i] = x[i] * (x[i] < 0 ? tail : 1.0f - tail);
  }
}

// dy · (Φ(x) + x · φ(x))
CROSSCHECK_VECTORISED void Backward(const float* __restrict x, const float* __restrict dy, int64_t count,
                                    float* __restrict dx) {
  for (int64_t i = 0; i < count; ++i) {
    const float bell = Exp(-0.5f * x[i] * x[i]);
    const float tail = NormalTail(std::fabs(x[i]), bell);
    dx[i] = dy[i] * ((x[i] < 0 ? tail : 1.0f - tail) + x[i] * kDensity * bell);
  }
}

// x → y
void Gelu(Call& call, const Attributes&) {
  const Tensor x = call.Input(0), y = call.Output(0, x.shape());
  Parallel(x.size(), [&](int64_t begin, int64_t end, int) { Forward(x.data() + begin, end - begin, y.data() + begin); });
}

// dy, x → dx
void GeluGradient(Call& call, const Attributes&) {
  const Tensor dy = call.Input(0), x = call.Input(1), dx = call.Output(0, x.shape());
  Parallel(x.size(), [&](int64_t begin, int64_t end, int) {
    Backward(x.data() + begin, dy.data() + begin, end - begin, dx.data() + begin);
  });
}

struct Registration {
  Registration() {
    Register<Gelu>("CrosscheckGelu", {"x"}, {"y"}, {});
    Register<GeluGradient>("CrosscheckGeluGradient", {"dy", "x"}, {"dx"}, {});
  }
} registration;

}  // namespace
}  // namespace crosscheck
