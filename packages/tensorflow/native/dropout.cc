// Dropout of some rows of a tensor, with the mask that StatelessRandomUniform would give the whole of it.
#include <algorithm>
#include <vector>

#include "kernel.h"
#include "parallel.h"
#include "random-mask.h"

namespace crosscheck {
namespace {

CROSSCHECK_VECTORISED void DropRow(const RandomMask& random, int64_t first, int64_t width, const float* __restrict x,
                                   float* __restrict y) {
  random.Draw(first, width, y);
  for (int64_t i = 0; i < width; ++i) y[i] *= x[i];
}

// x [N, H], places [N] of its rows in the whole, seed [2] → y [N, H]
void DropRows(Call& call, const Attributes& attributes) {
  const Tensor x = call.Input(0), places = call.Input(1), seed = call.Input(2), y = call.Output(0, x.shape());
  const int64_t width = x.dim(1);
  const RandomMask random(seed.ints(), attributes.rate);
  Parallel(x.dim(0), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      DropRow(random, places.ints()[r] * width, width, x.data() + r * width, y.data() + r * width);
    }
  });
}

struct Registration {
  Registration() {
    Register<DropRows>("CrosscheckDropRows", {"x", {"places", "int32"}, {"seed", "int32"}}, {"y"}, {"rate: float"});
  }
} registration;

}  // namespace
}  // namespace crosscheck
