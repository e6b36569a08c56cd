#include "libs/kubesim/behaviour/controllers/token_secrets.h"

#include "libs/base/strings.h"
#include "libs/kubesim/api/account_tokens.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kType = "kubernetes.io/service-account-token";
constexpr const char* kAccountName = "kubernetes.io/service-account.name";
constexpr const char* kAccountUid = "kubernetes.io/service-account.uid";

bool IsTokenSecret(const Json& secret) { return TextAt(secret, "type") == kType; }

std::string RootCertificate(Engine& engine, const std::string& ns) {
  const ObjectPtr map = engine.store().Get(engine.Type("", "configmaps"), ns, "kube-root-ca.crt");
  return map ? TextAt(map->Parse(), {"data", "ca.crt"}) : "";
}

// Sets what is missing or belongs to another account of the same name. False when all is there.
bool FillIn(Engine& engine, const TokenSigner& signer, const Object& account, const Object& object,
            Json& secret) {
  const std::string uid = TextAt(secret, {"metadata", "annotations", kAccountUid});
  Json wanted = At(secret, "data").is_object() ? secret["data"] : Json::object();
  if (TextAt(wanted, "token").empty() || uid != account.uid)
    wanted["token"] = base::Base64Encode(SignSecretToken(signer, account, object));
  wanted["namespace"] = base::Base64Encode(account.ns);
  if (const std::string root = RootCertificate(engine, account.ns); !root.empty())
    wanted["ca.crt"] = base::Base64Encode(root);
  if (uid == account.uid && wanted == At(secret, "data")) return false;
  secret["data"] = std::move(wanted);
  secret["metadata"]["annotations"][kAccountUid] = account.uid;
  return true;
}

}  // namespace

TokenSecretController::TokenSecretController(Engine& engine, const TokenSigner& signer)
    : engine_(engine),
      signer_(signer),
      secrets_(engine.InformerOf("", "secrets")),
      accounts_(engine.InformerOf("", "serviceaccounts")),
      queue_(engine.AddQueue("serviceaccount-tokens",
                             [this](const std::string& key) { return Sync(key); })) {
  secrets_.OnChange([this](const Seen& seen) {
    if (seen.now && IsTokenSecret(seen.now_json)) queue_.Add(KeyOf(seen.now->ns, seen.now->name));
  });
  accounts_.OnChange([this](const Seen& seen) {
    if (seen.before && seen.now && seen.before->uid == seen.now->uid) return;
    for (const ObjectPtr& secret : secrets_.List(seen.any().ns)) {
      const auto content = engine_.Parsed(secret);
      if (IsTokenSecret(*content) &&
          TextAt(*content, {"metadata", "annotations", kAccountName}) == seen.any().name)
        queue_.Add(KeyOf(secret->ns, secret->name));
    }
  });
}

Next TokenSecretController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr secret = secrets_.Get(ns, name);
  if (!secret) return Next::Done();
  const auto content = engine_.Parsed(secret);
  if (!IsTokenSecret(*content) || BeingDeleted(*content)) return Next::Done();
  const ObjectPtr account =
      accounts_.Get(ns, TextAt(*content, {"metadata", "annotations", kAccountName}));
  const std::string uid = TextAt(*content, {"metadata", "annotations", kAccountUid});
  if (!account || (!uid.empty() && uid != account->uid)) {
    return engine_.client().Delete(secrets_.type(), ns, name, Json::object(), secret->uid)
               ? Next::Retry()
               : Next::Done();
  }
  const auto written = engine_.client().Change(
      secrets_.type(), ns, name,
      [&](Json& object) { return FillIn(engine_, signer_, *account, *secret, object); },
      secret->uid);
  return written.ok() || written.status().code == 404 ? Next::Done() : Next::Retry();
}

}  // namespace opsmesh::kubesim
