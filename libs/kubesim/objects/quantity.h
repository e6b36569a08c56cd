// Amounts as Kubernetes writes them: exact in thousandths, printed in the notation they came in.
#pragma once

#include <string>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// A resource.Quantity of what limits and quotas count. Value type.
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

}  // namespace opsmesh::kubesim
