// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019) over all tensors at once, in place, in one pass over the memory.
//
// Shapes: N tensors; the i-th of weights, first, second and gradients have the same number of elements.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel.h"
#include "parallel.h"

namespace crosscheck {
namespace {

// Elements of one piece of work: few enough for an even share, many enough that sharing costs nothing.
constexpr int64_t kPiece = 1 << 16;

struct Piece {
  int tensor;
  int64_t begin, end;
};

std::vector<Piece> Cut(const std::vector<Tensor>& tensors) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < tensors.size(); ++i) {
    for (int64_t begin = 0; begin < tensors[i].size(); begin += kPiece) {
      pieces.push_back({static_cast<int>(i), begin, std::min(begin + kPiece, tensors[i].size())});
    }
  }
  return pieces;
}

// A column of `numbers`, which hold one row for each tensor.
struct Numbers {
  float scale;    // on the gradient
  float penalty;  // of L2, times the weight, onto the gradient
  float decay;    // on the weight
  float beta1, rest1, beta2, rest2;
  float rate;     // of learning, both corrections of the moments in it
  float epsilon;  // with the second moment's correction in it
};
constexpr int64_t kNumbers = sizeof(Numbers) / sizeof(float);

CROSSCHECK_VECTORISED void Update(const Numbers& n, int64_t count, const float* __restrict gradient, float* __restrict weight,
                                  float* __restrict first, float* __restrict second) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * n.scale + weight[i] * n.penalty;
    const float m = first[i] * n.beta1 + g * n.rest1;
    const float v = second[i] * n.beta2 + g * g * n.rest2;
    first[i] = m;
    second[i] = v;
    weight[i] = weight[i] * n.decay - n.rate * m / (std::sqrt(v) + n.epsilon);
  }
}

// weights, first, second, gradients (N each), numbers [N, 9] → nothing; the first three change in place.
void Adam(Call& call, const Attributes& attributes) {
  const int64_t n = attributes.count;
  const std::vector<Tensor> weights = call.Inputs(0, n), first = call.Inputs(n, n), second = call.Inputs(2 * n, n);
  const std::vector<Tensor> gradients = call.Inputs(3 * n, n);
  const Tensor numbers = call.Input(4 * n);
  const std::vector<Piece> pieces = Cut(weights);
  Parallel(pieces.size(), [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      const auto [i, from, to] = pieces[p];
      const Numbers& of = *reinterpret_cast<const Numbers*>(numbers.data() + i * kNumbers);
      Update(of, to - from, gradients[i].data() + from, weights[i].data() + from, first[i].data() + from,
             second[i].data() + from);
    }
  });
}

// Sixteen sums side by side, so that the loop has no order to keep.
CROSSCHECK_VECTORISED double SumSquares(const float* x, int64_t count) {
  constexpr int kLanes = 16;
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += 4096) {
    const int64_t end = std::min(begin + 4096, count);
    float lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
    }
    for (; i < end; ++i) lanes[0] += x[i] * x[i];
    for (float lane : lanes) total += lane;
  }
  return total;
}

// N tensors → the norm of all of them as one vector. The pieces' sums are added in their order, on any number of threads.
void GlobalNorm(Call& call, const Attributes& attributes) {
  const std::vector<Tensor> tensors = call.Inputs(0, attributes.count);
  const std::vector<Piece> pieces = Cut(tensors);
  std::vector<double> sums(pieces.size());
  Parallel(pieces.size(), [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      sums[p] = SumSquares(tensors[pieces[p].tensor].data() + pieces[p].begin, pieces[p].end - pieces[p].begin);
    }
  });
  double total = 0;
  for (double sum : sums) total += sum;
  call.Output(0, {}).data()[0] = static_cast<float>(std::sqrt(total));
}

struct Registration {
  Registration() {
    const char *list = "N * float", *count = "N: int >= 1";
    Register<Adam>("CrosscheckAdam",
                   {{"weights", list}, {"first", list}, {"second", list}, {"gradients", list}, "numbers"}, {}, {count});
    Register<GlobalNorm>("CrosscheckGlobalNorm", {{"tensors", list}}, {"norm"}, {count});
  }
} registration;

}  // namespace
}  // namespace crosscheck
