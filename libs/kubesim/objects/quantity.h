// Amounts as Kubernetes writes them: read, rounded and printed as its resource.Quantity does, and
// sums of them. Follows k8s.io/apimachinery/pkg/api/resource.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// One resource.Quantity: any number of digits, in one of three notations. Value type.
class Quantity {
 public:
  enum class Notation { kDecimal, kBinary, kExponent };

  /// Of a text without spaces around it; nothing, and `fault` says why in the server's words, when
  /// it is none. What is finer than 10^-9 is rounded away from zero; a binary amount is at most
  /// 2^63 - 1.
  static std::optional<Quantity> Parse(std::string_view text, std::string* fault = nullptr);

  /// To a multiple of 10^scale, away from zero.
  void RoundUp(int scale);
  /// "1500m", "1Gi", "12e6". A text that needs no other form stays as it came ("+5", "01"). Beyond
  /// 10^18 no suffix is known, and none is written.
  std::string ToString() const;
  long double Thousandths() const;
  /// Thousandths as a Go server counts them in 64 bits: beyond those it is wrong in the same way.
  int64_t MilliValue() const;

 private:
  void DropFraction(int64_t scale);  // digits below 10^scale, away from zero
  void CapBinary();

  std::string digits_;  // without zeros in front; empty = 0
  int64_t scale_ = 0;   // the number is digits_ * 10^scale_
  bool negative_ = false;
  bool small_ = true;  // held as one 64-bit number
  Notation notation_ = Notation::kDecimal;
  std::string text_;  // as it came, where that stays
};

/// The sum of amounts of what limits and quotas count. Value type.
struct Amount {
  long double thousandths = 0;
  bool binary = false;  // written with Ki, Mi, Gi ...

  /// 0 for what is no quantity.
  static Amount Of(const Json& value);
  static Amount Count(int64_t whole) { return {static_cast<long double>(whole) * 1000, false}; }
  /// Keeps the notation of the first amount that is not 0.
  Amount& operator+=(const Amount& other);
  Amount& operator-=(const Amount& other);
  bool operator>(const Amount& other) const { return thousandths > other.thousandths; }
  bool operator<(const Amount& other) const { return thousandths < other.thousandths; }
  /// Canonical: "1500m", "3", "5k", "10Gi".
  std::string ToString() const;
};

/// A quantity as a server gives it back: "1000m" is "1", "0.5" is "500m", 1024Mi is "1Gi"; the
/// notation (binary, decimal, "1e3") stays. What is no quantity comes back as it is.
std::string CanonicalQuantity(const Json& value);
/// The same in a list of resources, which holds nothing finer than thousandths.
std::string CanonicalResource(const Json& value);
/// Why a value is no quantity, in the server's words; "" for one that is.
std::string QuantityFault(const Json& value);

}  // namespace opsmesh::kubesim
