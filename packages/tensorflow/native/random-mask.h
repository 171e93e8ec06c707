// The numbers of TensorFlow's StatelessRandomUniform, any part of them: Philox 4x32-10 (Salmon et al. 2011) is a function of their place.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernel.h"

namespace crosscheck {

class RandomMask {
 public:
  // `seed` as TensorFlow's operation takes it; `rate` is the probability of 0.
  RandomMask(const int32_t seed[2], float rate) : rate_(rate), scale_(1.0f / (1.0f - rate)) {
    // TensorFlow scrambles the seed by one round of the generator.
    uint32_t mixed[4][1];
    const int64_t wide[2] = {seed[0], seed[1]};
    key_[0] = 0x3ec8f720u;
    key_[1] = 0x02461e29u;
    const uint32_t start[4] = {static_cast<uint32_t>(wide[0]), static_cast<uint32_t>(wide[0] >> 32),
                               static_cast<uint32_t>(wide[1]), static_cast<uint32_t>(wide[1] >> 32)};
    for (int i = 0; i < 4; ++i) mixed[i][0] = start[i];
    Rounds<1>(mixed);
    key_[0] = mixed[0][0];
    key_[1] = mixed[1][0];
    high_[0] = mixed[2][0];
    high_[1] = mixed[3][0];
  }

  // 0 with probability `rate`, else 1 / (1 − rate), for the places first … first + count of the whole tensor.
  CROSSCHECK_INLINE void Draw(int64_t first, int64_t count, float* __restrict mask) const {
    constexpr int kBlocks = 16;
    for (int64_t block = first / 4; block * 4 < first + count; block += kBlocks) {
      uint32_t words[4][kBlocks];
      for (int i = 0; i < kBlocks; ++i) {
        words[0][i] = static_cast<uint32_t>(block + i);
        words[1][i] = static_cast<uint32_t>(static_cast<uint64_t>(block + i) >> 32);
        words[2][i] = high_[0];
        words[3][i] = high_[1];
      }
      Rounds<kBlocks>(words);
      float values[kBlocks * 4];
      for (int word = 0; word < 4; ++word) {
        for (int i = 0; i < kBlocks; ++i) values[4 * i + word] = Uniform(words[word][i]) >= rate_ ? scale_ : 0.0f;
      }
      const int64_t from = std::max(first, block * 4), to = std::min(first + count, (block + kBlocks) * 4);
      for (int64_t place = from; place < to; ++place) mask[place - first] = values[place - block * 4];
    }
  }

 private:
  // In [0, 1), of the lower 23 bits.
  static CROSSCHECK_INLINE float Uniform(uint32_t word) {
    const uint32_t bits = 0x3f800000u | (word & 0x7fffffu);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value - 1.0f;
  }

  template <int N>
  CROSSCHECK_INLINE void Rounds(uint32_t (&words)[4][N]) const {
    uint32_t key0 = key_[0], key1 = key_[1];
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < N; ++i) {
        const uint64_t a = 0xD2511F53ull * words[0][i], b = 0xCD9E8D57ull * words[2][i];
        words[0][i] = static_cast<uint32_t>(b >> 32) ^ words[1][i] ^ key0;
        words[1][i] = static_cast<uint32_t>(b);
        words[2][i] = static_cast<uint32_t>(a >> 32) ^ words[3][i] ^ key1;
        words[3][i] = static_cast<uint32_t>(a);
      }
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
  }

  uint32_t key_[2], high_[2];
  float rate_, scale_;
};

}  // namespace crosscheck
