#include "libs/kubesim/api/authentication.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/api/account_tokens.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

std::string TokenTable::Issue(const User& user, bool fresh) {
  std::lock_guard lock(mutex_);
  if (!fresh) {
    for (const auto& [token, known] : users_) {
      if (known.name == user.name && known.groups == user.groups) return token;
    }
  }
  std::string token = ids_.NewId("sim-token-");
  users_.emplace(token, user);
  return token;
}

std::optional<User> TokenTable::Find(std::string_view token) const {
  std::lock_guard lock(mutex_);
  auto it = users_.find(token);
  if (it == users_.end()) return std::nullopt;
  return it->second;
}

User MakeUser(std::string_view name, std::vector<std::string> groups) {
  User user;
  user.name = name;
  user.groups = std::move(groups);
  if (!user.InGroup("system:authenticated") && !user.InGroup("system:unauthenticated")) {
    user.groups.push_back("system:authenticated");
  }
  return user;
}

User ServiceAccountUser(std::string_view ns, std::string_view name, std::string_view uid) {
  User user = MakeUser(fmt::format("system:serviceaccount:{}:{}", ns, name),
                       {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", ns)});
  user.uid = uid;
  return user;
}

namespace {

constexpr const char* kLastUsed = "kubernetes.io/legacy-token-last-used";

// Secrets that an account lists were made by controllers of old releases.
bool MadeForAccount(const Cluster& cluster, const Object& secret, const User& user) {
  const auto parts = base::Split(user.name, ':');
  const ObjectPtr account =
      cluster.store.Get(MustFind(cluster.store, "", "v1", "serviceaccounts"), secret.ns, parts[3]);
  if (!account) return false;
  const Json content = account->Parse();
  const Json& listed = ListAt(content, {"secrets"});
  return std::any_of(listed.begin(), listed.end(),
                     [&](const Json& one) { return TextAt(one, "name") == secret.name; });
}

void NoteUse(const Cluster& cluster, const Object& secret) {
  const std::string today = absl::FormatTime("%Y-%m-%d", cluster.clock.Now(), absl::UTCTimeZone());
  Json content = secret.Parse();
  if (TextAt(content, {"metadata", "labels", kLastUsed}) == today) return;
  content["metadata"]["labels"][kLastUsed] = today;
  // Somebody who wrote in between is followed by the next use.
  (void)cluster.store.Update(MustFind(cluster.store, "", "v1", "secrets"), std::move(content),
                             secret.resource_version);
}

}  // namespace

Authentication AuthenticateToken(const Cluster& cluster, const TokenTable& tokens,
                                 std::string_view token,
                                 const std::vector<std::string>& audiences) {
  Authentication result;
  if (auto user = tokens.Find(token)) {
    result.user = std::move(user);
    return result;
  }
  TokenVerdict verdict = CheckAccountToken(cluster, tokens.signer(), token, audiences);
  if (!verdict.user) {
    result.error = verdict.error.empty() ? "invalid bearer token"
                                         : fmt::format("[invalid bearer token, {}]", verdict.error);
    return result;
  }
  if (verdict.secret) {
    if (MadeForAccount(cluster, *verdict.secret, *verdict.user))
      result.warnings.push_back(
          "Use tokens from the TokenRequest API or manually created secret-based tokens instead of "
          "auto-generated secret-based tokens.");
    NoteUse(cluster, *verdict.secret);
  }
  result.user = std::move(verdict.user);
  result.audiences = std::move(verdict.audiences);
  return result;
}

Authentication Authenticate(const Cluster& cluster, const http_server::Request& request,
                            const TokenTable& tokens, bool open_door) {
  Authentication result;
  if (!request.tls_client_subject.empty()) {
    result.user = MakeUser(request.tls_client_subject, request.tls_client_organizations);
    return result;
  }
  const std::string_view header = base::Trim(request.headers.Get("Authorization"));
  if (header.empty() && !request.headers.Has("Authorization")) {
    result.user = open_door ? MakeUser("kubernetes-admin", {"system:masters"}) : User{};
    return result;
  }
  const auto parts = base::Split(header, ' ');
  const bool bearer = parts.size() > 1 && base::EqualsIgnoreAsciiCase(parts[0], "Bearer");
  if (bearer && !parts[1].empty()) return AuthenticateToken(cluster, tokens, parts[1], {});
  if (bearer)
    result.warnings.push_back(
        "the provided Authorization header contains extra space before the bearer token, and is "
        "ignored");
  result.user = User{};  // system:anonymous
  return result;
}

namespace {
constexpr std::string_view kExtraPrefix = "impersonate-extra-";
}  // namespace

std::optional<Impersonation> ImpersonationOf(const http_server::Request& request) {
  const std::string_view name = request.headers.Get("Impersonate-User");
  if (name.empty()) return std::nullopt;
  Impersonation impersonation;
  std::map<std::string, std::vector<std::string>> extra;
  for (const auto& [key, value] : request.headers.fields()) {
    const std::string lower = base::AsciiLower(key);
    if (lower == "impersonate-group") impersonation.asked_groups.push_back(value);
    if (!lower.starts_with(kExtraPrefix)) continue;
    const std::string escaped = lower.substr(kExtraPrefix.size());
    std::string decoded;
    extra[base::PercentDecode(escaped, &decoded) ? decoded : escaped].push_back(value);
  }
  std::vector<std::string> groups = impersonation.asked_groups;
  // A service account is in its groups without saying so.
  if (name.starts_with("system:serviceaccount:") && groups.empty()) {
    const auto parts = base::Split(name, ':');
    if (parts.size() == 4)
      groups = {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", parts[2])};
  }
  if (name == "system:anonymous") groups.push_back("system:unauthenticated");
  impersonation.user = MakeUser(name, std::move(groups));
  impersonation.user.extra = std::move(extra);
  impersonation.user.uid = request.headers.Get("Impersonate-Uid");
  return impersonation;
}

std::string IncompleteImpersonation(const http_server::Request& request) {
  if (request.headers.Has("Impersonate-User")) return "";
  constexpr const char* kVersion = "authentication.k8s.io/v1";
  std::string asked;
  // As Go prints a reference: kind, namespace, name, uid, version, resource version, field.
  auto add = [&asked](std::string_view kind, std::string_view name, std::string_view version,
                      std::string_view field) {
    asked +=
        fmt::format("{}{{{}  {}  {}  {}}}", asked.empty() ? "" : " ", kind, name, version, field);
  };
  for (const auto& [key, value] : request.headers.fields()) {
    const std::string lower = base::AsciiLower(key);
    if (lower == "impersonate-group") add("Group", value, "", "");
    if (lower.starts_with(kExtraPrefix))
      add("UserExtra", value, kVersion, lower.substr(kExtraPrefix.size()));
    if (lower == "impersonate-uid") add("UID", value, kVersion, "");
  }
  return asked.empty() ? "" : "[" + asked + "]";
}

}  // namespace opsmesh::kubesim
