#include "libs/kubesim/api/authentication.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"

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

std::optional<User> Authenticate(const http_server::Request& request, const TokenTable& tokens,
                                 bool open_door) {
  const std::string_view header = request.headers.Get("Authorization");
  if (!header.empty()) {
    const size_t space = header.find(' ');
    if (space == std::string_view::npos ||
        !base::EqualsIgnoreAsciiCase(header.substr(0, space), "Bearer"))
      return std::nullopt;
    return tokens.Find(base::Trim(header.substr(space + 1)));
  }
  if (!request.tls_client_subject.empty())
    return MakeUser(request.tls_client_subject, request.tls_client_organizations);
  if (open_door) return MakeUser("kubernetes-admin", {"system:masters"});
  return User{};  // system:anonymous
}

namespace {
constexpr std::string_view kExtraPrefix = "impersonate-extra-";
}  // namespace

std::optional<Impersonation> ImpersonationOf(const http_server::Request& request) {
  const std::string_view name = request.headers.Get("Impersonate-User");
  if (name.empty()) return std::nullopt;
  Impersonation impersonation;
  std::vector<std::string> groups;
  for (const auto& [key, value] : request.headers.fields()) {
    const std::string lower = base::AsciiLower(key);
    if (lower == "impersonate-group") groups.push_back(value);
    if (lower.starts_with(kExtraPrefix)) {
      std::string extra;
      if (base::PercentDecode(lower.substr(kExtraPrefix.size()), &extra))
        impersonation.user.extra[extra].push_back(value);
    }
  }
  // A service account is in its groups without saying so.
  if (name.starts_with("system:serviceaccount:") && groups.empty()) {
    const auto parts = base::Split(name, ':');
    if (parts.size() == 4)
      groups = {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", parts[2])};
  }
  if (name == "system:anonymous") groups.push_back("system:unauthenticated");
  auto extra = std::move(impersonation.user.extra);
  impersonation.user = MakeUser(name, std::move(groups));
  impersonation.user.extra = std::move(extra);
  impersonation.user.uid = request.headers.Get("Impersonate-Uid");
  return impersonation;
}

bool IncompleteImpersonation(const http_server::Request& request) {
  if (request.headers.Has("Impersonate-User")) return false;
  return std::any_of(
      request.headers.fields().begin(), request.headers.fields().end(),
      [](const auto& field) { return base::AsciiLower(field.first).starts_with("impersonate-"); });
}

}  // namespace opsmesh::kubesim
