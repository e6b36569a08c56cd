#include "libs/kubesim/api/reviews.h"

#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/api/body.h"
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
    if (!TextAt(resource, "subresource").empty()) question.resource += "/" + TextAt(resource, "subresource");
    question.ns = TextAt(resource, "namespace");
    question.name = TextAt(resource, "name");
  } else {
    question.verb = TextAt(spec, {"nonResourceAttributes", "verb"});
    question.non_resource_path = TextAt(spec, {"nonResourceAttributes", "path"});
  }
  return question;
}

MaybeStatus CheckSpec(const ResourceType& type, const Json& spec) {
  const bool resource = At(spec, "resourceAttributes").is_object();
  const bool path = At(spec, "nonResourceAttributes").is_object();
  if (resource && path) {
    return InvalidStatus(type.group, type.kind, "", {{"FieldValueInvalid", "Invalid value: \"nonResourceAttributes\": cannot be specified in combination with resourceAttributes", "spec.nonResourceAttributes"}});
  }
  if (!resource && !path) {
    return InvalidStatus(type.group, type.kind, "", {{"FieldValueInvalid", "Invalid value: \"null\": exactly one of nonResourceAttributes or resourceAttributes must be specified", "spec.resourceAttributes"}});
  }
  return std::nullopt;
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

Reply HandleReview(const Cluster& cluster, const Call& call, const TokenTable& tokens) {
  const ResourceType& type = *call.type;
  auto body = ObjectOf(call);
  if (!body.ok()) return StatusReply(body.status());
  Json& review = *body;
  review["kind"] = type.kind;
  review["apiVersion"] = type.ApiVersion();
  if (!review["metadata"].is_object()) review["metadata"] = Json::object();
  review["metadata"]["creationTimestamp"] = nullptr;
  if (!review["spec"].is_object()) review["spec"] = Json::object();
  const Json& spec = review["spec"];
  if (type.kind == "SelfSubjectReview") {
    review["metadata"]["creationTimestamp"] = base::Rfc3339(cluster.clock.Now());
    review.erase("spec");
    review["status"]["userInfo"] = UserInfo(call.user);
  } else if (type.kind == "SelfSubjectRulesReview") {
    if (TextAt(spec, "namespace").empty()) return StatusReply(BadRequestStatus("no namespace on request"));
    review["status"] = RulesOf(cluster, call.user, TextAt(spec, "namespace"));
    review["spec"] = Json::object();
  } else if (type.kind == "TokenReview") {
    if (auto user = tokens.Find(TextAt(spec, "token"))) {
      review["status"] = {{"authenticated", true}, {"user", UserInfo(*user)}};
    } else {
      review["status"] = {{"user", Json::object()}, {"error", "[invalid bearer token, token lookup failed]"}};
    }
  } else {
    if (auto refused = CheckSpec(type, spec)) return StatusReply(*refused);
    if (type.kind != "SelfSubjectAccessReview" && TextAt(spec, "user").empty() && ListAt(spec, {"groups"}).empty()) {
      return StatusReply(InvalidStatus(type.group, type.kind, "", {{"FieldValueInvalid", "Invalid value: \"\": at least one of user or group must be specified", "spec.user"}}));
    }
    User user = call.user;
    if (type.kind != "SelfSubjectAccessReview") {
      user = User{};
      user.name = TextAt(spec, "user");
      user.groups.clear();
      for (const Json& group : ListAt(spec, {"groups"})) user.groups.push_back(Scalar(group));
    }
    review["status"] = AccessStatus(Authorize(cluster, user, QuestionOf(spec)));
  }
  return RenderedReply(review.dump(-1, ' ', false, Json::error_handler_t::replace), call.accepted, 201);
}

}  // namespace opsmesh::kubesim
