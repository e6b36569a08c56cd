// The one filter that keeps secrets out of what leaves OpsMesh: LLM prompts, notifications, logs,
// traces, audit.
//
// Finds tokens, keys, passwords, bearer headers, kubeconfig data and PEM private keys by pattern
// (RE2, linear time), and unknown secrets by entropy. Masks only the value: `password=***` still
// says what it was.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::redact {

/// A secret that was found: bytes [offset, offset + length) of the input.
struct Finding {
  std::string kind;  // one of Redactor::Kinds(), for instance "bearer_token": a bounded set, fit
                     // for a metric label
  size_t offset = 0;
  size_t length = 0;
};

/// What was left after masking, and how many secrets of each kind were masked.
struct Redacted {
  std::string text;
  std::map<std::string, int> counts;
};

struct Options {
  /// Values that are masked wherever they stand, exactly: the secrets of our own configuration.
  /// Shorter than 6 bytes is ignored (it would mask ordinary words).
  std::vector<std::string> literals;
  /// Also mask long random-looking words that no pattern knows.
  bool entropy = true;
  /// What a secret is replaced by.
  std::string mask = "***";
};

/// Immutable after construction; thread-safe. Building one compiles the patterns (~1 ms): build
/// once, share.
class Redactor {
 public:
  explicit Redactor(Options options = {});
  Redactor(const Redactor&) = delete;
  Redactor& operator=(const Redactor&) = delete;
  ~Redactor();

  /// `text` with every secret masked. Idempotent. O(n).
  std::string Redact(std::string_view text) const;
  Redacted RedactAndCount(std::string_view text) const;
  /// The secrets in `text`, in order, not overlapping.
  std::vector<Finding> Find(std::string_view text) const;
  const std::string& mask() const;

  /// Every kind there is, sorted.
  static std::vector<std::string> Kinds();

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Redacts a text that arrives in pieces: a secret split over pieces is masked as if it had come
/// whole. Holds back the shortest tail that may still grow into a secret: at most 4 KiB, inside a
/// PEM block at most 16 KiB. Not thread-safe.
class StreamRedactor {
 public:
  explicit StreamRedactor(const Redactor& redactor) : redactor_(redactor) {}

  /// Takes the next piece; returns what is now safe to send (may be empty).
  std::string Push(std::string_view piece);
  /// The rest. The stream may be used again afterwards.
  std::string Finish();
  const std::map<std::string, int>& counts() const { return counts_; }

 private:
  std::string Emit(size_t bytes);

  const Redactor& redactor_;
  std::string held_;
  bool swallowing_ = false;  // inside a private key too long to hold; it is already masked
  std::map<std::string, int> counts_;
};

}  // namespace opsmesh::redact
