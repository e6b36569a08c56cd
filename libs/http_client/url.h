// The few questions about a URL that this room asks.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace opsmesh::http_client {

struct UrlParts {
  std::string scheme;  // "http" or "https"
  std::string host;    // IPv6 in brackets
  int port = 0;        // explicit or the scheme's
  bool port_given = false;
  std::string target;  // path and query
  std::string origin() const { return scheme + "://" + host + ":" + std::to_string(port); }
  std::string authority() const { return port_given ? host + ":" + std::to_string(port) : host; }
};

/// INVALID_ARGUMENT (INVALID_URL) unless `url` is an absolute http(s) URL without user info and
/// control characters. The message never repeats what stands before an "@".
absl::StatusOr<UrlParts> SplitUrl(const std::string& url);

}  // namespace opsmesh::http_client
