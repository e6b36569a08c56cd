// Settings of the gateway: section "gateway" of the configuration.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/options.h"
#include "libs/config/source.h"

namespace opsmesh::gateway {

/// Reads `gateway.*` (see gateway/README.md for the keys). The listeners come from gateway.listen,
/// then PORT, then 127.0.0.1:8080. INVALID_ARGUMENT (CONFIG) with every problem at once. Keys of
/// callers are not read here: they belong to the section `auth`, which the process reads.
absl::StatusOr<Options> LoadOptions(const config::Source& source);

/// "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80", ":8080" (all addresses), "8080" (loopback).
/// INVALID_ARGUMENT (LISTEN) otherwise.
absl::StatusOr<Listener> ParseListener(std::string_view text);

}  // namespace opsmesh::gateway
