// What a failed transfer is called: libcurl's result as a base::Error.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace opsmesh::http_client {

struct Failure {
  int curl_code = 0;      // CURLcode
  long os_errno = 0;      // of the failed system call, 0 when unknown
  std::string curl_text;  // CURLOPT_ERRORBUFFER
  std::string authority;  // "host:port" for the message
  bool through_proxy = false;
  bool connected = false;  // TCP, TLS and proxy were through when it failed
};

/// Never OK.
absl::Status ToError(const Failure& failure);

}  // namespace opsmesh::http_client
