#include "libs/base/ids.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "fmt/format.h"

namespace opsmesh::base {
namespace {

class KernelIds final : public IdSource {
 public:
  uint64_t Random() override {
    // A request needs some five numbers; a system call for each would show. 256 bytes is the most
    // that getrandom hands out in one piece whatever happens. Processes here never fork without
    // exec, so no two share what is left.
    thread_local std::array<uint64_t, 32> bits;
    thread_local size_t left = 0;
    if (left == 0) {
      // Without randomness ids would be guessable.
      if (getrandom(bits.data(), sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) std::abort();
      left = bits.size();
    }
    return std::exchange(bits[--left], 0);
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
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFull);
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
