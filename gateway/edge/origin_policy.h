// What browsers may do from other origins: CORS for the configured ones, and no cross-origin
// changes from the others.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::gateway {

/// Immutable, thread-safe.
class OriginPolicy {
 public:
  /// `allowed`: origins as browsers send them, "https://ops.example.org".
  explicit OriginPolicy(const std::vector<std::string>& allowed)
      : allowed_(allowed.begin(), allowed.end()) {}

  /// PERMISSION_DENIED (CROSS_ORIGIN) for a request that may change something and that a page of
  /// another, not configured origin sent. Programs send no Origin and pass.
  absl::Status Check(const http_server::Request& request) const;

  /// The answer to a preflight; 403 without CORS headers for an origin that is not configured.
  static bool IsPreflight(const http_server::Request& request);
  http_server::Response Preflight(const http_server::Request& request) const;

  /// Adds what lets a configured origin read the answer.
  void Decorate(const http_server::Request& request, http_server::Headers* headers) const;

 private:
  bool Allows(std::string_view origin) const { return allowed_.contains(std::string(origin)); }

  const std::set<std::string> allowed_;
};

}  // namespace opsmesh::gateway
