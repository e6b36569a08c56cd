// Seeded pseudo-random numbers that are the same on every machine: splitmix64 (Steele, Lea and
// Flood, 2014). The standard library's distributions differ between implementations and are not
// used.
#pragma once

#include <cstddef>
#include <cstdint>

namespace opsmesh::analytics {

class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  /// In [0, n), n > 0; the bias of 2^-64 n is of no account.
  size_t Below(size_t n) {
    return static_cast<size_t>((static_cast<unsigned __int128>(Next()) * n) >> 64);
  }

 private:
  uint64_t state_;
};

}  // namespace opsmesh::analytics
