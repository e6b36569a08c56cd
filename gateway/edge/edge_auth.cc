#include "gateway/edge/edge_auth.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

constexpr std::string_view kBearer = "bearer ";

// "10.1.2.3:80" -> "10.1.2.3", "[::1]:80" -> "[::1]".
std::string_view WithoutPort(std::string_view host) {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return host;
  return host.substr(0, colon);
}

bool IsLoopbackIpv4(std::string_view text) {
  const auto parts = base::Split(text, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return !part.empty() && part.size() <= 3 &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  });
}

}  // namespace

bool IsLoopbackHost(std::string_view host) {
  const std::string_view name = WithoutPort(host);
  return base::EqualsIgnoreAsciiCase(name, "localhost") || name == "[::1]" || IsLoopbackIpv4(name);
}

bool IsLocalCaller(const http_server::Request& request) {
  if (!request.remote_is_loopback || !IsLoopbackHost(request.headers.Get("Host"))) return false;
  for (const char* name :
       {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"}) {
    if (request.headers.Has(name)) return false;
  }
  return true;
}

std::vector<std::string> EdgeAuth::notices() const {
  if (!open()) return {};
  return {
      "No authentication is configured: callers from this machine have every role, all others may "
      "only read. "
      "Configure auth.keys to give roles to others."};
}

absl::StatusOr<base::Principal> EdgeAuth::Authenticate(const http_server::Request& request) const {
  if (open()) {
    if (IsLocalCaller(request)) return base::Principal{"loopback", base::Role::kAdmin};
    return base::Principal{"anonymous", base::Role::kViewer};
  }
  const std::string_view header = request.headers.Get("Authorization");
  if (header.size() <= kBearer.size() ||
      !base::EqualsIgnoreAsciiCase(header.substr(0, kBearer.size()), kBearer)) {
    return base::Unauthenticated("CREDENTIALS_MISSING",
                                 "This address needs a key and the request brings none.")
        .Hint("Send the header Authorization: Bearer <key> with a key of auth.keys.");
  }
  const std::string hash = rpc::Sha256Hex(base::Trim(header.substr(kBearer.size())));
  const rpc::ApiKey* found = nullptr;
  for (const rpc::ApiKey& key : keys_) {  // all of them, so that the time tells nothing
    if (rpc::SecretEquals(hash, key.sha256)) found = &key;
  }
  if (found == nullptr) {
    return base::Unauthenticated("API_KEY", "The key is not one of the configured keys.")
        .Hint("Check the key, or add the SHA-256 of it to auth.keys.");
  }
  return base::Principal{"key:" + found->name, found->role};
}

absl::Status EdgeAuth::Authorize(const base::Principal& principal, const Rpc& rpc) const {
  if (principal.role >= rpc.role) return absl::OkStatus();
  const std::string hint = open() ? "No authentication is configured, so only callers on the "
                                    "machine itself, through http://localhost, may do "
                                    "this. Configure auth.keys and send one as Authorization: "
                                    "Bearer <key>, or call from the machine itself."
                                  : fmt::format(
                                        "Use a key whose role is {} or above, or have the role of "
                                        "'{}' raised in auth.keys.",
                                        base::RoleName(rpc.role), principal.id);
  return base::PermissionDenied(
             "ROLE_REQUIRED",
             fmt::format("This needs the role {}; the caller '{}' has {}.",
                         base::RoleName(rpc.role), principal.id, base::RoleName(principal.role)))
      .Hint(hint)
      .With("required_role", base::RoleName(rpc.role))
      .With("role", base::RoleName(principal.role));
}

}  // namespace opsmesh::gateway
