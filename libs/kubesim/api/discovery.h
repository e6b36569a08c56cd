// What a client asks before anything else: versions, health, discovery and the OpenAPI documents.
#pragma once

#include <optional>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/api/token_signer.h"

namespace opsmesh::kubesim {

/// The answer for a non-resource path, or nothing when the path is unknown (404).
std::optional<Reply> HandleDiscovery(const Cluster& cluster, const Call& call);

/// /.well-known/openid-configuration and /openid/v1/jwks; nothing when the path is another one.
std::optional<Reply> HandleTokenIssuer(const TokenSigner& signer, const Call& call);

/// /openapi/v2 and /openapi/v3/...; nothing when the path is another one.
std::optional<Reply> HandleOpenApi(const Cluster& cluster, const Call& call);

inline constexpr const char* kGitVersion = "v1.32.4";

}  // namespace opsmesh::kubesim
