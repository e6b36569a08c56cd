// Who asks: client certificates, bearer tokens and impersonation.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/ids.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/request.h"
#include "libs/kubesim/api/token_signer.h"

namespace opsmesh::kubesim {

/// Tokens in use, and the key of those of service accounts. Thread-safe.
class TokenTable {
 public:
  TokenTable(base::IdSource& ids, std::shared_ptr<const TokenSigner> signer)
      : ids_(ids), signer_(std::move(signer)) {}
  const TokenSigner& signer() const { return *signer_; }
  /// A new bearer token of `user`; the same user gets the same token again unless `fresh`.
  std::string Issue(const User& user, bool fresh = false);
  std::optional<User> Find(std::string_view token) const;

 private:
  base::IdSource& ids_;
  const std::shared_ptr<const TokenSigner> signer_;
  mutable std::mutex mutex_;
  std::map<std::string, User, std::less<>> users_;
};

/// A user with the groups that every authenticated one has.
User MakeUser(std::string_view name, std::vector<std::string> groups);
/// system:serviceaccount:<ns>:<name> with its groups.
User ServiceAccountUser(std::string_view ns, std::string_view name, std::string_view uid);

/// What a bearer token proves.
struct Authentication {
  std::optional<User> user;            // nothing = 401
  std::vector<std::string> audiences;  // of those asked for; empty for tokens that have none
  std::string error;                   // why nobody, as TokenReview says it
  std::vector<std::string> warnings;   // for the bearer
};
/// A token of the table or of a service account. `audiences` = who reads it; empty = the API
/// server. Notes the day on which a Secret's token was used, as a real server does.
Authentication AuthenticateToken(const Cluster& cluster, const TokenTable& tokens,
                                 std::string_view token, const std::vector<std::string>& audiences);

/// The caller of a request before impersonation: nothing = 401. A verified client certificate comes
/// before a token; an Authorization header that holds no bearer token counts as none, but takes the
/// open door's rights away. `open_door`: without credentials one is the administrator.
Authentication Authenticate(const Cluster& cluster, const http_server::Request& request,
                            const TokenTable& tokens, bool open_door);

/// Impersonate-* headers. Nothing when there are none.
struct Impersonation {
  User user;
  std::vector<std::string> asked_groups;  // those that must be allowed
};
std::optional<Impersonation> ImpersonationOf(const http_server::Request& request);
/// What Impersonate-Group, -Uid and -Extra headers ask for without Impersonate-User, as the refusal
/// (500) prints it: "[{Group  dev    }]"; "" when nothing is missing.
std::string IncompleteImpersonation(const http_server::Request& request);

}  // namespace opsmesh::kubesim
