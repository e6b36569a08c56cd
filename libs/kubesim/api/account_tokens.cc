#include "libs/kubesim/api/account_tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/api/authentication.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::string_view kSecretIssuer = "kubernetes/serviceaccount";
constexpr absl::Duration kLeeway = absl::Minutes(1);
constexpr int64_t kYear = 365 * 24 * 3600;

Json Reference(const Object& object) { return {{"name", object.name}, {"uid", object.uid}}; }

TokenVerdict Refused(std::string error) {
  TokenVerdict verdict;
  verdict.error = std::move(error);
  return verdict;
}

// An object on its way out counts as gone a leeway after its time.
bool Gone(const Cluster& cluster, const Json& content) {
  const std::string text = TextAt(content, {"metadata", "deletionTimestamp"});
  absl::Time when;
  std::string error;
  return !text.empty() && absl::ParseTime(absl::RFC3339_full, text, &when, &error) &&
         when < cluster.clock.Now() - kLeeway;
}

ObjectPtr Find(const Cluster& cluster, const char* plural, const std::string& ns,
               const std::string& name) {
  return cluster.store.Get(MustFind(cluster.store, "", "v1", plural), ns, name);
}

// "" when the account is the one the token was made for.
std::string AccountFault(const Cluster& cluster, const std::string& ns, const std::string& name,
                         const std::string& uid) {
  const ObjectPtr account = Find(cluster, "serviceaccounts", ns, name);
  if (!account) return fmt::format("serviceaccounts \"{}\" not found", name);
  if (Gone(cluster, account->Parse()))
    return fmt::format("service account {}/{} has been deleted", ns, name);
  if (account->uid != uid)
    return fmt::format("service account UID ({}) does not match claim ({})", account->uid, uid);
  return "";
}

std::string BoundFault(const Cluster& cluster, const std::string& ns, const Json& own) {
  struct Kind {
    const char* member;
    const char* plural;
    const char* word;
    const char* claim;
  };
  static constexpr Kind kKinds[] = {{"secret", "secrets", "secret", "service account secret"},
                                    {"pod", "pods", "pod", "service account pod"},
                                    {"node", "nodes", "node", "service account node"}};
  for (const Kind& kind : kKinds) {
    const Json& reference = At(own, kind.member);
    // The node of a pod is told, not bound to.
    if (!reference.is_object() || (std::string_view(kind.member) == "node" && own.contains("pod")))
      continue;
    const ObjectPtr object =
        Find(cluster, kind.plural, std::string_view(kind.member) == "node" ? "" : ns,
             TextAt(reference, "name"));
    if (!object || Gone(cluster, object->Parse()))
      return "service account token has been invalidated";
    if (object->uid != TextAt(reference, "uid"))
      return fmt::format("{} UID ({}) does not match {} ref claim ({})", kind.word, object->uid,
                         kind.claim, TextAt(reference, "uid"));
  }
  return "";
}

std::vector<std::string> TextsOf(const Json& value) {
  std::vector<std::string> texts;
  if (value.is_string()) texts.push_back(value);
  for (const Json& one : value.is_array() ? value : Json::array()) texts.push_back(Scalar(one));
  return texts;
}

std::string Quoted(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& one : texts)
    text +=
        (text.empty() ? "" : " ") + Json(one).dump(-1, ' ', false, Json::error_handler_t::replace);
  return "[" + text + "]";
}

TokenVerdict CheckSecretToken(const Cluster& cluster, std::string_view token, const Json& claims) {
  auto claim = [&](const char* name) {
    return TextAt(claims, (std::string("kubernetes.io/serviceaccount/") + name).c_str());
  };
  const std::string ns = claim("namespace"), name = claim("service-account.name"),
                    uid = claim("service-account.uid"), secret_name = claim("secret.name");
  for (const auto& [value, word] : {std::pair(&ns, "namespace"),
                                    {&secret_name, "secretName"},
                                    {&name, "serviceAccountName"},
                                    {&uid, "serviceAccountUID"}}) {
    if (value->empty()) return Refused(fmt::format("{} claim is missing", word));
  }
  const ObjectPtr secret = Find(cluster, "secrets", ns, secret_name);
  const Json content = secret ? secret->Parse() : Json();
  if (!secret || Gone(cluster, content)) return Refused("Token has been invalidated");
  if (TextAt(content, {"data", "token"}) != base::Base64Encode(token))
    return Refused("Token does not match server's copy");
  if (std::string fault = AccountFault(cluster, ns, name, uid); !fault.empty())
    return Refused(std::move(fault));
  TokenVerdict verdict;
  verdict.user = ServiceAccountUser(ns, name, uid);
  verdict.secret = secret;
  return verdict;
}

std::string TimeFault(const Cluster& cluster, const Json& claims) {
  const absl::Time now = cluster.clock.Now();
  if (now - kLeeway > absl::FromUnixSeconds(IntAt(claims, "exp")))
    return "service account token has expired";
  if (now + kLeeway < absl::FromUnixSeconds(IntAt(claims, "nbf")))
    return "service account token is not valid yet";
  return "";
}

TokenVerdict CheckBoundToken(const Cluster& cluster, const Json& claims) {
  if (std::string fault = TimeFault(cluster, claims); !fault.empty())
    return Refused(std::move(fault));
  const Json& own = At(claims, "kubernetes.io");
  const std::string ns = TextAt(own, "namespace"), name = TextAt(own, {"serviceaccount", "name"}),
                    uid = TextAt(own, {"serviceaccount", "uid"});
  if (std::string fault = AccountFault(cluster, ns, name, uid); !fault.empty())
    return Refused(std::move(fault));
  if (std::string fault = BoundFault(cluster, ns, own); !fault.empty())
    return Refused(std::move(fault));
  TokenVerdict verdict;
  verdict.user = ServiceAccountUser(ns, name, uid);
  auto tell = [&](const char* key, const std::string& value) {
    if (!value.empty())
      verdict.user->extra[std::string("authentication.kubernetes.io/") + key] = {value};
  };
  if (const std::string id = TextAt(claims, "jti"); !id.empty()) tell("credential-id", "JTI=" + id);
  tell("pod-name", TextAt(own, {"pod", "name"}));
  tell("pod-uid", TextAt(own, {"pod", "uid"}));
  tell("node-name", TextAt(own, {"node", "name"}));
  tell("node-uid", TextAt(own, {"node", "uid"}));
  return verdict;
}

}  // namespace

std::string SignBoundToken(const Cluster& cluster, const TokenSigner& signer, const Object& account,
                           const TokenWish& wish) {
  const int64_t now = absl::ToUnixSeconds(cluster.clock.Now());
  Json own = {{"namespace", account.ns}, {"serviceaccount", Reference(account)}};
  int64_t seconds = wish.seconds;
  if (wish.bound) own[wish.bound_kind] = Reference(*wish.bound);
  if (wish.bound && wish.bound_kind == "pod") {
    if (const std::string node_name = TextAt(wish.bound->Parse(), {"spec", "nodeName"});
        !node_name.empty()) {
      const ObjectPtr node = Find(cluster, "nodes", "", node_name);
      own["node"] = node ? Reference(*node) : Json{{"name", node_name}};
    }
    const bool own_audience =
        std::all_of(wish.audiences.begin(), wish.audiences.end(),
                    [](const std::string& audience) { return audience == kTokenIssuer; });
    if (own_audience && seconds == kProjectedSeconds) {
      own["warnafter"] = now + seconds;
      seconds = kYear;
    }
  }
  return signer.Sign(
      {{"aud", wish.audiences},
       {"exp", now + seconds},
       {"iat", now},
       {"iss", kTokenIssuer},
       {"jti", cluster.store.ids().NewUuid()},
       {"kubernetes.io", own},
       {"nbf", now},
       {"sub", fmt::format("system:serviceaccount:{}:{}", account.ns, account.name)}});
}

std::string SignSecretToken(const TokenSigner& signer, const Object& account,
                            const Object& secret) {
  return signer.Sign(
      {{"iss", kSecretIssuer},
       {"kubernetes.io/serviceaccount/namespace", account.ns},
       {"kubernetes.io/serviceaccount/secret.name", secret.name},
       {"kubernetes.io/serviceaccount/service-account.name", account.name},
       {"kubernetes.io/serviceaccount/service-account.uid", account.uid},
       {"sub", fmt::format("system:serviceaccount:{}:{}", account.ns, account.name)}});
}

TokenVerdict CheckAccountToken(const Cluster& cluster, const TokenSigner& signer,
                               std::string_view token, const std::vector<std::string>& audiences) {
  const auto claims = TokenSigner::Claims(token);
  if (!claims) return {};
  const std::string issuer = TextAt(*claims, "iss");
  const bool from_secret = issuer == kSecretIssuer;
  if (!from_secret && issuer != kTokenIssuer) return {};
  if (!signer.Verify(token)) return Refused("go-jose/go-jose: error in cryptographic primitive");
  std::vector<std::string> wanted = audiences;
  if (wanted.empty()) wanted.emplace_back(kTokenIssuer);
  // A token without audiences is for the API server.
  std::vector<std::string> held = TextsOf(At(*claims, "aud"));
  if (held.empty()) held.emplace_back(kTokenIssuer);
  std::vector<std::string> common;
  for (const std::string& one : wanted) {
    if (std::find(held.begin(), held.end(), one) != held.end()) common.push_back(one);
  }
  if (common.empty())
    return Refused(fmt::format("token audiences {} is invalid for the target audiences {}",
                               Quoted(held), Quoted(wanted)));
  TokenVerdict verdict =
      from_secret ? CheckSecretToken(cluster, token, *claims) : CheckBoundToken(cluster, *claims);
  verdict.audiences = std::move(common);
  return verdict;
}

Json IssuerDocument(std::string_view root) {
  return {{"issuer", kTokenIssuer},
          {"jwks_uri", fmt::format("{}/openid/v1/jwks", root)},
          {"response_types_supported", {"id_token"}},
          {"subject_types_supported", {"public"}},
          {"id_token_signing_alg_values_supported", {"RS256"}}};
}

}  // namespace opsmesh::kubesim
