#include "libs/kubesim/api/reviews.h"

#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/review_selectors.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

Json UserInfo(const User& user) {
  Json info = {{"username", user.name}, {"groups", user.groups}};
  if (!user.uid.empty()) info["uid"] = user.uid;
  if (!user.extra.empty()) info["extra"] = user.extra;
  return info;
}

AccessQuestion QuestionOf(const Json& spec) {
  AccessQuestion question;
  if (const Json& resource = At(spec, "resourceAttributes"); resource.is_object()) {
    question.verb = TextAt(resource, "verb");
    question.group = TextAt(resource, "group");
    question.resource = TextAt(resource, "resource");
    if (!TextAt(resource, "subresource").empty())
      question.resource += "/" + TextAt(resource, "subresource");
    question.ns = TextAt(resource, "namespace");
    question.name = TextAt(resource, "name");
    question.field_selector = AskedFields(resource);
  } else {
    question.verb = TextAt(spec, {"nonResourceAttributes", "verb"});
    question.non_resource_path = TextAt(spec, {"nonResourceAttributes", "path"});
  }
  return question;
}

std::string GoText(const Json& holder, const char* member) {
  return Json(TextAt(holder, member)).dump();
}

// v1.ObjectMeta{...} as Go prints it, with what a review's metadata may wrongly hold.
std::string GoMetadata(const Json& metadata) {
  auto map = [&](const char* member) { return GoMap(At(metadata, member)); };
  return "v1.ObjectMeta{Name:" + GoText(metadata, "name") +
         ", GenerateName:" + GoText(metadata, "generateName") +
         ", Namespace:" + GoText(metadata, "namespace") +
         ", SelfLink:\"\", UID:" + GoText(metadata, "uid") +
         ", ResourceVersion:" + GoText(metadata, "resourceVersion") +
         ", Generation:0, CreationTimestamp:time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC), "
         "DeletionTimestamp:<nil>, DeletionGracePeriodSeconds:(*int64)(nil), Labels:" +
         map("labels") + ", Annotations:" + map("annotations") +
         ", OwnerReferences:[]v1.OwnerReference(nil), Finalizers:[]string(nil), "
         "ManagedFields:[]v1.ManagedFieldsEntry(nil)}";
}

// What a review of access may not say. The kind is empty in these refusals, as on a real server.
MaybeStatus CheckAccessReview(const ResourceType& type, const Json& review) {
  const Json& spec = At(review, "spec");
  const Json& resource = At(spec, "resourceAttributes");
  const Json& path = At(spec, "nonResourceAttributes");
  const bool local = type.kind == "LocalSubjectAccessReview";
  const std::string go_path = "authorization.NonResourceAttributes{Path:" + GoText(path, "path") +
                              ", Verb:" + GoText(path, "verb") + "}";
  Causes causes;
  if (resource.is_object() && path.is_object())
    Invalid(causes, "spec.nonResourceAttributes", go_path,
            "cannot be specified in combination with resourceAttributes");
  if (!resource.is_object() && !path.is_object())
    Invalid(causes, "spec.resourceAttributes", "\"null\"",
            "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  if (type.kind != "SelfSubjectAccessReview" && TextAt(spec, "user").empty() &&
      ListAt(spec, {"groups"}).empty()) {
    InvalidText(causes, "spec.user", "", "at least one of user or group must be specified");
  }
  CheckSelectors(causes, resource);
  Json metadata = At(review, "metadata").is_object() ? At(review, "metadata") : Json::object();
  for (const char* member : {"managedFields", "creationTimestamp"}) metadata.erase(member);
  Json foreign = metadata;
  if (local) foreign.erase("namespace");
  if (!foreign.empty())
    Invalid(causes, "metadata", GoMetadata(metadata),
            local ? "must be empty except for namespace" : "must be empty");
  if (local && resource.is_object() &&
      TextAt(resource, "namespace") != TextAt(metadata, "namespace")) {
    InvalidText(causes, "spec.resourceAttributes.namespace", TextAt(resource, "namespace"),
                "must match metadata.namespace");
  }
  if (local && path.is_object())
    Invalid(causes, "spec.nonResourceAttributes", go_path, "disallowed on this kind of request");
  if (causes.empty()) return std::nullopt;
  return InvalidStatus(type.group, "", "", std::move(causes));
}

Json AccessStatus(const AccessAnswer& answer) {
  Json status = {{"allowed", answer.allowed}};
  if (!answer.reason.empty()) status["reason"] = answer.reason;
  return status;
}

}  // namespace

bool IsReview(const ResourceType& type) {
  return type.group == "authorization.k8s.io" || type.group == "authentication.k8s.io";
}

Reply HandleReview(const Cluster& cluster, Call& call, const TokenTable& tokens) {
  const ResourceType& type = *call.type;
  if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
  auto body = ObjectOf(call);
  if (!body.ok()) return StatusReply(body.status());
  Json& review = *body;
  if (auto refused = CheckKind(call, review)) return StatusReply(*refused);
  if (auto refused = DecodeBody(call, review)) return StatusReply(*refused);
  review["kind"] = type.kind;
  review["apiVersion"] = type.ApiVersion();
  if (!review["metadata"].is_object()) review["metadata"] = Json::object();
  if (!review["spec"].is_object()) review["spec"] = Json::object();
  if (type.namespaced) {
    const std::string ns = TextAt(review, {"metadata", "namespace"});
    if (!ns.empty() && ns != call.info.ns)
      return StatusReply(BadRequestStatus(
          "the namespace of the provided object does not match the namespace sent on the request"));
    review["metadata"]["namespace"] = call.info.ns;
  } else {
    review["metadata"].erase("namespace");
  }
  review["metadata"].erase("managedFields");
  // What the two answer is an object of their own, which nobody wrote.
  if (type.kind != "SelfSubjectReview" && type.kind != "SelfSubjectRulesReview")
    TrackUpdate(nullptr, review, WriterOf(cluster, call), type);
  const Json& spec = review["spec"];
  if (type.kind == "SelfSubjectReview") {
    review["metadata"]["creationTimestamp"] = base::Rfc3339(cluster.clock.Now());
    review.erase("spec");
    review["status"]["userInfo"] = UserInfo(call.user);
  } else if (type.kind == "SelfSubjectRulesReview") {
    if (TextAt(spec, "namespace").empty())
      return StatusReply(BadRequestStatus("no namespace on request"));
    review["status"] = RulesOf(cluster, call.user, TextAt(spec, "namespace"));
    review["spec"] = Json::object();
  } else if (type.kind == "TokenReview") {
    if (TextAt(spec, "token").empty())
      return StatusReply(BadRequestStatus("token is required for TokenReview in authentication"));
    std::vector<std::string> audiences;
    for (const Json& audience : ListAt(spec, {"audiences"})) audiences.push_back(Scalar(audience));
    const Authentication found =
        AuthenticateToken(cluster, tokens, TextAt(spec, "token"), audiences);
    if (found.user) {
      review["status"] = {{"authenticated", true}, {"user", UserInfo(*found.user)}};
      if (!found.audiences.empty()) review["status"]["audiences"] = found.audiences;
    } else {
      review["status"] = {{"user", Json::object()}, {"error", found.error}};
    }
  } else {
    if (auto refused = CheckAccessReview(type, review)) return StatusReply(*refused);
    User user = call.user;
    if (type.kind != "SelfSubjectAccessReview") {
      user = User{};
      user.name = TextAt(spec, "user");
      user.groups.clear();
      for (const Json& group : ListAt(spec, {"groups"})) user.groups.push_back(Scalar(group));
    }
    review["status"] = AccessStatus(Authorize(cluster, user, QuestionOf(spec)));
    if (const std::string ignored = SelectorsIgnored(At(spec, "resourceAttributes"));
        !ignored.empty())
      review["status"]["evaluationError"] = ignored;
  }
  if (!review["metadata"].contains("creationTimestamp"))
    review["metadata"]["creationTimestamp"] = nullptr;
  return RenderedReply(review.dump(-1, ' ', false, Json::error_handler_t::replace), call.accepted,
                       201);
}

}  // namespace opsmesh::kubesim
