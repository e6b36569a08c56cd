// Who asks: client certificates, bearer tokens and impersonation.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/ids.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/request.h"

namespace opsmesh::kubesim {

/// Tokens in use. Thread-safe.
class TokenTable {
 public:
  explicit TokenTable(base::IdSource& ids) : ids_(ids) {}
  /// A new bearer token of `user`; the same user gets the same token again unless `fresh`.
  std::string Issue(const User& user, bool fresh = false);
  std::optional<User> Find(std::string_view token) const;

 private:
  base::IdSource& ids_;
  mutable std::mutex mutex_;
  std::map<std::string, User, std::less<>> users_;
};

/// A user with the groups that every authenticated one has.
User MakeUser(std::string_view name, std::vector<std::string> groups);
/// system:serviceaccount:<ns>:<name> with its groups.
User ServiceAccountUser(std::string_view ns, std::string_view name, std::string_view uid);

/// The caller of a request before impersonation: nothing = 401. `open_door`: without credentials
/// one is the administrator.
std::optional<User> Authenticate(const http_server::Request& request, const TokenTable& tokens,
                                 bool open_door);

/// Impersonate-* headers. Nothing when there are none.
struct Impersonation {
  User user;
};
std::optional<Impersonation> ImpersonationOf(const http_server::Request& request);
/// True when an Impersonate-Group, -Uid or -Extra header comes without Impersonate-User (400).
bool IncompleteImpersonation(const http_server::Request& request);

}  // namespace opsmesh::kubesim
