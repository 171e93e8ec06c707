// Functions and sums in forms that compilers vectorise.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernel.h"

namespace crosscheck {

// e^x within 2 units in the last place (Cephes' polynomial).
CROSSCHECK_INLINE float Exp(float x) {
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  const float rounder = 12582912.0f;  // 1.5 · 2²³: adding and taking it away rounds to the nearest integer
  const float n = (x * 1.44269504f + rounder) - rounder;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

// σ(x) = 1 / (1 + e^−x). The power of two is split into its integer, which goes into the exponent's bits, and a fraction, whose
// polynomial is a least-squares fit with a relative error of 8e-8.
CROSSCHECK_INLINE float Sigmoid(float x) {
  const float rounder = 12582912.0f;  // as in Exp; the integer then stands in the lowest bits
  float t = x * -1.44269504f;
  t = t < -126.0f ? -126.0f : t > 120.0f ? 120.0f : t;
  const float shifted = t + rounder;
  const float r = t - (shifted - rounder);
  float p = 1.327647151866814e-3f;
  p = p * r + 9.675541330669455e-3f;
  p = p * r + 5.550713274963641e-2f;
  p = p * r + 2.4022119723934215e-1f;
  p = p * r + 6.93146967063864e-1f;
  p = p * r + 1.000000071654655f;
  uint32_t integer, bits;
  std::memcpy(&integer, &shifted, sizeof integer);
  std::memcpy(&bits, &p, sizeof bits);
  bits += integer << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return 1.0f / (1.0f + power);
}

// Φ(−u) for u ≥ 0, the standard normal's lower tail, from bell = e^(−u² / 2). The polynomial in 1 / (1 + 0.26 · u) is a least-squares
// fit of Φ(−u) / bell for u up to 14, with a relative error of 6e-9.
CROSSCHECK_INLINE float NormalTail(float u, float bell) {
  const float t = 1.0f / (1.0f + 0.26f * u);
  float p = 3.392576401206959e-2f;
  p = p * t - 1.7051638430290345e-1f;
  p = p * t + 2.9097635162730995e-1f;
  p = p * t - 2.0080292917066014e-1f;
  p = p * t + 2.0011015055332793e-1f;
  p = p * t + 3.1211861360327938e-2f;
  p = p * t + 1.0947998589715828e-1f;
  p = p * t + 1.0171580507082309e-1f;
  p = p * t + 1.0390656153672137e-1f;
  p = p * t - 7.163865919717243e-6f;
  return bell * p;
}

// Σ of term(i) over i < count. Sixteen sums side by side: the loop has no order to keep.
template <class Term>
CROSSCHECK_INLINE float Sum(int64_t count, const Term& term) {
  constexpr int kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (; i < count; ++i) lanes[0] += term(i);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace crosscheck
