// TokenRequest: a bound token for a service account.
#include <fmt/format.h>

#include "libs/base/json.h"
#include "libs/kubesim/api/account_tokens.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/node_restriction.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/api/writes.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kGroup = "authentication.k8s.io";
constexpr int64_t kMinSeconds = 600;
constexpr int64_t kMaxSeconds = int64_t{1} << 32;

// A body may repeat name and namespace of the path, and nothing else.
MaybeStatus CheckPlace(const Call& call, const Json& request) {
  for (const auto& [member, wanted] :
       {std::pair("name", &call.info.name), {"namespace", &call.info.ns}}) {
    const std::string given = TextAt(request, {"metadata", member});
    if (given.empty() || given == *wanted) continue;
    Causes causes;
    InvalidText(causes, std::string("metadata.") + member, given,
                fmt::format("must match the service account {} if specified", member));
    return InvalidStatus(kGroup, "TokenRequest", call.info.name, std::move(causes));
  }
  return std::nullopt;
}

MaybeStatus CheckSeconds(int64_t seconds) {
  const char* fault = seconds < kMinSeconds ? "may not specify a duration less than 10 minutes"
                      : seconds > kMaxSeconds
                          ? "may not specify a duration larger than 2^32 seconds"
                          : nullptr;
  if (fault == nullptr) return std::nullopt;
  return InvalidStatus(kGroup, "TokenRequest", "",
                       {{"FieldValueInvalid", fmt::format("Invalid value: {}: {}", seconds, fault),
                         "spec.expirationSeconds"}});
}

// The object that the token dies with, into `wish`.
MaybeStatus Bind(const Cluster& cluster, const Call& call, const Json& reference, TokenWish* wish) {
  if (!reference.is_object()) return std::nullopt;
  const std::string kind = TextAt(reference, "kind"), version = TextAt(reference, "apiVersion"),
                    name = TextAt(reference, "name");
  const bool core = version.find('/') == std::string::npos;
  const char* plural = !core              ? nullptr
                       : kind == "Pod"    ? "pods"
                       : kind == "Secret" ? "secrets"
                       : kind == "Node"   ? "nodes"
                                          : nullptr;
  if (plural == nullptr) {
    return BadRequestStatus(fmt::format("cannot bind token to object of type {}{}, Kind={}",
                                        core ? "/" : "", version, kind));
  }
  const ResourceType& type = MustFind(cluster.store, "", "v1", plural);
  const ObjectPtr object = cluster.store.Get(type, type.namespaced ? call.info.ns : "", name);
  if (!object) return NotFoundStatus(type, name);
  if (kind == "Pod" && TextAt(object->Parse(), {"spec", "serviceAccountName"}) != call.info.name) {
    return BadRequestStatus(
        fmt::format("cannot bind token for serviceaccount \"{}\" to pod running with different "
                    "serviceaccount name.",
                    call.info.name));
  }
  if (const std::string uid = TextAt(reference, "uid"); !uid.empty() && uid != object->uid) {
    ResourceType named = type;
    named.plural = kind;  // as the real server says it
    return ConflictStatus(
        named, name,
        fmt::format("the UID in the bound object reference ({}) does not match the UID in record. "
                    "The object might have been deleted and then recreated",
                    uid));
  }
  wish->bound_kind = kind == "Pod" ? "pod" : kind == "Secret" ? "secret" : "node";
  wish->bound = object;
  return std::nullopt;
}

// managedFields of the answer: what was asked for belongs to who asked.
void OwnRequest(const Cluster& cluster, const Call& call, const Json& body, int64_t seconds,
                Json* answer) {
  ResourceType request;
  request.group = "authentication.k8s.io";
  request.version = "v1";
  request.kind = "TokenRequest";
  Writer writer = WriterOf(cluster, call);
  writer.api_version = request.ApiVersion();
  Json asked = {{"metadata", Json::object()}, {"spec", At(body, "spec")}};
  if (!asked["spec"].is_object()) asked["spec"] = Json::object();
  if (At(asked, {"spec", "audiences"}).empty()) asked["spec"].erase("audiences");
  if (At(asked, {"spec", "boundObjectRef"}).is_null()) asked["spec"].erase("boundObjectRef");
  asked["spec"]["expirationSeconds"] = seconds;
  TrackUpdate(nullptr, asked, writer, request);
  if (!asked["metadata"].contains("managedFields")) return;
  (*answer)["metadata"]["managedFields"] = asked["metadata"]["managedFields"];
  // An empty request has a null there: who fills it owns the members, not the place.
  for (Json& entry : (*answer)["metadata"]["managedFields"]) {
    if (At(entry, {"fieldsV1", "f:spec", "f:boundObjectRef"}).is_object())
      entry["fieldsV1"]["f:spec"]["f:boundObjectRef"].erase(".");
  }
}

}  // namespace

Reply HandleToken(const Cluster& cluster, Call& call, const TokenSigner& signer) {
  auto body = BodyOfKind(call, "TokenRequest", "authentication.k8s.io/v1",
                         "authentication.v1.TokenRequest");
  if (!body.ok()) return StatusReply(body.status());
  if (auto refused = CheckPlace(call, *body)) return StatusReply(*refused);
  const ObjectPtr account = FindObject(cluster, call);
  if (!account) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  TokenWish wish;
  wish.seconds = IntAt(*body, {"spec", "expirationSeconds"}, 3600);
  for (const Json& audience : ListAt(*body, {"spec", "audiences"}))
    wish.audiences.push_back(Scalar(audience));
  if (wish.audiences.empty()) wish.audiences.emplace_back(kTokenIssuer);
  if (auto refused = CheckSeconds(wish.seconds)) return StatusReply(*refused);
  if (auto refused = RestrictNode(cluster, call, *body, account->Parse()))
    return StatusReply(*refused);
  const Json reference = At(*body, {"spec", "boundObjectRef"});
  if (auto refused = Bind(cluster, call, reference, &wish)) return StatusReply(*refused);
  const absl::Time now = cluster.clock.Now();
  Json answer = {{"kind", "TokenRequest"},
                 {"apiVersion", "authentication.k8s.io/v1"},
                 {"metadata",
                  {{"name", account->name},
                   {"namespace", account->ns},
                   {"creationTimestamp", base::Rfc3339(now)}}},
                 {"spec",
                  {{"audiences", wish.audiences},
                   {"expirationSeconds", wish.seconds},
                   {"boundObjectRef", reference}}},
                 {"status",
                  {{"token", SignBoundToken(cluster, signer, *account, wish)},
                   {"expirationTimestamp", base::Rfc3339(now + absl::Seconds(wish.seconds))}}}};
  OwnRequest(cluster, call, *body, wish.seconds, &answer);
  return RenderedReply(base::DumpJson(answer), call.accepted, 201);
}

}  // namespace opsmesh::kubesim
