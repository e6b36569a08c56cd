// A string that does not print itself.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace opsmesh::base {

/// Holds a password, token or key. Streams and formats as `***`; the value is read only through
/// Reveal(), which is easy to search for. Copyable; wipes its bytes when destroyed as far as the
/// compiler lets it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret() {
    volatile char* bytes = value_.data();
    for (size_t i = 0; i < value_.size(); ++i) bytes[i] = 0;
  }

  bool empty() const { return value_.empty(); }
  /// The value, for the one call that needs it.
  const std::string& Reveal() const { return value_; }

  friend std::ostream& operator<<(std::ostream& out, const Secret& secret) {
    return out << (secret.empty() ? "(unset)" : "***");
  }

 private:
  std::string value_;
};

}  // namespace opsmesh::base
