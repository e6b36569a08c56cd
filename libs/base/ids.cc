#include "libs/base/ids.h"

#include <sys/random.h>

#include <cstdlib>

#include "fmt/format.h"

namespace opsmesh::base {
namespace {

class KernelIds final : public IdSource {
 public:
  uint64_t Random() override {
    uint64_t bits = 0;
    // getrandom of 8 bytes never returns short once the pool is ready; without randomness ids would be guessable.
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) std::abort();
    return bits;
  }
};

}  // namespace

std::string IdSource::NewId(std::string_view prefix) {
  const uint64_t high = Random();
  return fmt::format("{}{:016x}{:016x}", prefix, high, Random());
}

std::string IdSource::NewUuid() {
  const uint64_t high = (Random() & ~0xF000ull) | 0x4000ull;
  const uint64_t low = (Random() & ~(3ull << 62)) | (2ull << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF,
                     low >> 48, low & 0xFFFFFFFFFFFFull);
}

IdSource& SystemIds() {
  static KernelIds ids;
  return ids;
}

uint64_t SeededIds::Random() {
  const std::lock_guard lock(mutex_);
  return engine_();
}

}  // namespace opsmesh::base
