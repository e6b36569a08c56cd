// Identifiers and randomness as a dependency, so that a test can predict them.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

namespace opsmesh::base {

/// Makes unguessable identifiers. Implementations are thread-safe.
class IdSource {
 public:
  virtual ~IdSource() = default;
  /// 64 random bits.
  virtual uint64_t Random() = 0;
  /// `prefix` followed by 128 random bits as 32 lower-case hex digits.
  std::string NewId(std::string_view prefix);
  /// A version 4 UUID (RFC 9562).
  std::string NewUuid();
};

/// Bits from the kernel's generator; lives as long as the process.
IdSource& SystemIds();

/// The same sequence for the same seed: for tests and for simulations. Never for ids that must be
/// unguessable.
class SeededIds final : public IdSource {
 public:
  explicit SeededIds(uint64_t seed) : engine_(seed) {}
  uint64_t Random() override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace opsmesh::base
