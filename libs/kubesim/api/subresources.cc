// status, eviction, binding, token and the ones that need processes.
#include <fmt/format.h>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/deletes.h"
#include "libs/kubesim/api/node_restriction.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/api/scale.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/api/writes.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

Reply Success(int code) {
  return JsonReply({{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", Json::object()},
                    {"status", "Success"},
                    {"code", code}},
                   code);
}

// -- eviction --

bool PodReady(const Json& pod) {
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Ready") return TextAt(condition, "status") == "True";
  }
  return false;
}

// A pod that is not ready does not count among the healthy: it may go while enough others are
// there, or at all times if the budget says so.
bool MayGoUncounted(const Json& pod, const Json& budget) {
  if (PodReady(pod)) return false;
  if (TextAt(budget, {"spec", "unhealthyPodEvictionPolicy"}) == "AlwaysAllow") return true;
  const int64_t desired = IntAt(budget, {"status", "desiredHealthy"});
  return IntAt(budget, {"status", "currentHealthy"}) >= desired && desired > 0;
}

// Takes one disruption of `pod` from the budget, or says why there is none to take. 409 when
// somebody wrote the budget in between.
MaybeStatus TakeDisruption(const Cluster& cluster, const ResourceType& type, const Object& current,
                           const std::string& pod, bool dry_run) {
  Json budget = current.Parse();
  const int64_t allowed = IntAt(budget, {"status", "disruptionsAllowed"});
  if (allowed > 0) {
    if (dry_run) return std::nullopt;
    budget["status"]["disruptionsAllowed"] = allowed - 1;
    budget["status"]["disruptedPods"][pod] = base::Rfc3339(cluster.clock.Now());
    auto written = cluster.store.Update(type, std::move(budget), current.resource_version);
    return written.ok() ? MaybeStatus() : written.status();
  }
  ApiStatus status{.code = 429,
                   .reason = "TooManyRequests",
                   .message = "Cannot evict pod as it would violate the pod's disruption budget.",
                   .has_details = true};
  status.causes.push_back(
      {"DisruptionBudget",
       fmt::format("The disruption budget {} needs {} healthy pods and has {} currently",
                   current.name, IntAt(budget, {"status", "desiredHealthy"}),
                   IntAt(budget, {"status", "currentHealthy"})),
       ""});
  return status;
}

// The budget that forbids the eviction, as a refusal; takes one disruption from the budget that
// allows it.
MaybeStatus AskBudgets(const Cluster& cluster, const Object& pod, const Json& content,
                       bool dry_run) {
  constexpr int kTries = 20;
  const ResourceType& type = MustFind(cluster.store, "policy", "v1", "poddisruptionbudgets");
  std::vector<ObjectPtr> budgets;
  for (const ObjectPtr& object : cluster.store.List(type, pod.ns).objects) {
    if (LabelSelector::FromObject(At(object->Parse(), {"spec", "selector"})).Matches(pod.labels))
      budgets.push_back(object);
  }
  if (budgets.empty()) return std::nullopt;
  if (budgets.size() > 1)
    return InternalStatus(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support.");
  ObjectPtr budget = budgets[0];
  if (MayGoUncounted(content, budget->Parse())) return std::nullopt;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    auto refused = TakeDisruption(cluster, type, *budget, pod.name, dry_run);
    if (!refused || refused->reason != "Conflict") return refused;
    budget = cluster.store.Get(type, pod.ns, budget->name);
    if (!budget) return NotFoundStatus(type, budgets[0]->name);
  }
  return ApiStatus{
      .code = 504,
      .reason = "Timeout",
      .message = fmt::format("Timeout: couldn't update PodDisruptionBudget \"{}\" due to conflicts",
                             budget->name),
      .has_details = true,
      .retry_after_seconds = 10};
}

Reply HandleEviction(const Cluster& cluster, Call& call) {
  auto body = BodyOfKind(call, "Eviction", "policy/v1", "policy.v1.Eviction");
  if (!body.ok()) return StatusReply(body.status());
  const std::string ns = TextAt(*body, {"metadata", "namespace"});
  if (!ns.empty() && ns != call.info.ns)
    return StatusReply(BadRequestStatus(
        "the namespace of the provided object does not match the namespace sent on the request"));
  if (TextAt(*body, {"metadata", "name"}) != call.info.name)
    return StatusReply(BadRequestStatus("name in URL does not match name in Eviction object"));
  if (auto refused = CheckDeleteOptions(At(*body, "deleteOptions"))) return StatusReply(*refused);
  const ObjectPtr pod = FindObject(cluster, call);
  if (!pod) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  const Json content = pod->Parse();
  if (auto refused = RestrictNode(cluster, call, *body, content)) return StatusReply(*refused);
  Json options = At(*body, "deleteOptions");
  if (!options.is_object()) options = Json::object();
  const bool dry_run = IsDryRun(call) || !ListAt(options, {"dryRun"}).empty();
  const std::string phase = TextAt(content, {"status", "phase"});
  const bool over = phase == "Succeeded" || phase == "Failed" ||
                    At(content, {"metadata", "deletionTimestamp"}).is_string() ||
                    phase == "Pending";
  if (!over) {
    if (auto refused = AskBudgets(cluster, *pod, content, dry_run)) return StatusReply(*refused);
  }
  auto deletion = DeleteNamed(cluster, *call.type, pod->ns, pod->name, options, dry_run);
  return deletion.ok() ? Success(201) : StatusReply(deletion.status());
}

// -- binding, token --

}  // namespace

Reply HandleBinding(const Cluster& cluster, Call& call) {
  auto body = BodyOfKind(call, "Binding", "v1", "core.v1.Binding");
  if (!body.ok()) return StatusReply(body.status());
  const ResourceType& pods = MustFind(cluster.store, "", "v1", "pods");
  const std::string name = TextAt(*body, {"metadata", "name"}),
                    node = TextAt(*body, {"target", "name"}),
                    kind = TextAt(*body, {"target", "kind"});
  if (!call.info.name.empty() && name != call.info.name)
    return StatusReply(BadRequestStatus("name in URL does not match name in Binding object"));
  // These leave the server as plain errors, not as refusals of the object.
  if (!kind.empty() && kind != "Node")
    return StatusReply(InternalStatus(fmt::format(
        "target.kind: Unsupported value: \"{}\": supported values: \"Node\", \"<empty>\"", kind)));
  if (node.empty()) return StatusReply(InternalStatus("target.name: Required value"));
  const ObjectPtr pod = cluster.store.Get(pods, call.info.ns, name);
  if (!pod) return StatusReply(NotFoundStatus(pods, name));
  for (const char* member : {"uid", "resourceVersion"}) {
    if (call.info.name.empty()) break;  // the old way asks for a name only
    const std::string wanted = TextAt(*body, {"metadata", member});
    const bool uid = std::string_view(member) == "uid";
    const std::string own = uid ? pod->uid : std::to_string(pod->resource_version);
    if (!wanted.empty() && wanted != own)
      return StatusReply(
          UnmetStatus(call, pods, *pod, uid ? "UID" : "ResourceVersion", wanted, own));
  }
  Json content = pod->Parse();
  ResourceType binding = pods;
  binding.plural = "pods/binding";
  if (!TextAt(content, {"metadata", "deletionTimestamp"}).empty())
    return StatusReply(ConflictStatus(
        binding, name, fmt::format("pod {} is being deleted, cannot be assigned to a host", name)));
  if (const std::string there = TextAt(content, {"spec", "nodeName"}); !there.empty()) {
    return StatusReply(ConflictStatus(
        binding, name, fmt::format("pod {} is already assigned to node \"{}\"", name, there)));
  }
  if (!ListAt(content, {"spec", "schedulingGates"}).empty()) {
    return StatusReply(ConflictStatus(
        binding, name, fmt::format("pod {} has non-empty .spec.schedulingGates", name)));
  }
  content["spec"]["nodeName"] = node;
  Json& conditions = content["status"]["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  Json* scheduled = nullptr;
  for (Json& condition : conditions) {
    if (TextAt(condition, "type") == "PodScheduled") scheduled = &condition;
  }
  if (scheduled == nullptr) scheduled = &conditions.emplace_back(Json::object());
  *scheduled = {{"type", "PodScheduled"},
                {"status", "True"},
                {"lastProbeTime", nullptr},
                {"lastTransitionTime", base::Rfc3339(cluster.clock.Now())}};
  if (IsDryRun(call)) return Success(201);
  auto written = cluster.store.Update(pods, std::move(content), pod->resource_version);
  return written.ok() ? Success(201) : StatusReply(written.status());
}

Reply HandleSubresource(const Cluster& cluster, Call& call, const TokenTable& tokens) {
  const std::string& sub = call.info.subresource;
  const bool reads =
      call.info.verb == "get" || call.info.verb == "list" || call.info.verb == "watch";
  if (!reads) {
    if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
  }
  if (sub == "scale") return HandleScale(cluster, call);
  if (sub == "status" || sub == "ephemeralcontainers" || sub == "approval" || sub == "finalize") {
    return reads ? HandleGet(cluster, call) : HandleObjectChange(cluster, call);
  }
  if (sub == "eviction") return HandleEviction(cluster, call);
  if (sub == "binding") return HandleBinding(cluster, call);
  if (sub == "token") return HandleToken(cluster, call, tokens.signer());
  return StatusReply(
      {.code = 501,
       .reason = "NotImplemented",
       .message = fmt::format("the simulator does not serve {}/{}", call.type->plural, sub)});
}

}  // namespace opsmesh::kubesim
