#include "libs/kubesim/objects/kind_rules.h"

#include <charconv>
#include <set>
#include <string>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Keys = std::set<std::string_view>;

bool In(const Keys& keys, std::string_view key) { return keys.contains(key); }

// As defaulting does where nobody gave labels.
void LabelAsTemplate(Json& object) {
  const Json& labels = At(object, {"spec", "template", "metadata", "labels"});
  const Json& own = At(object, {"metadata", "labels"});
  if (labels.is_object() && !labels.empty() && own.empty()) object["metadata"]["labels"] = labels;
}

void PrepareJob(Json& job) {
  if (BoolAt(job, {"spec", "manualSelector"}) || !job["spec"].is_object()) {
    LabelAsTemplate(job);
    return;
  }
  const std::string uid = TextAt(job, {"metadata", "uid"}),
                    name = TextAt(job, {"metadata", "name"});
  Json& spec = job["spec"];
  if (!At(spec, "template").is_object()) return;
  Json& labels = spec["template"]["metadata"]["labels"];
  if (!labels.is_object()) labels = Json::object();
  for (const char* key : {"batch.kubernetes.io/controller-uid", "controller-uid"})
    labels[key] = uid;
  for (const char* key : {"batch.kubernetes.io/job-name", "job-name"}) labels[key] = name;
  if (!At(spec, "selector").is_object()) spec["selector"] = Json::object();
  spec["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
  LabelAsTemplate(job);
}

Json EmptyNodeStatus() {
  Json info = Json::object();
  for (const char* member :
       {"machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion",
        "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture"})
    info[member] = "";
  return {{"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 0}}}}}, {"nodeInfo", info}};
}

void PrepareNode(Json& node) {
  Json& status = node["status"];
  if (!status.is_object()) status = Json::object();
  const Json empty = EmptyNodeStatus();
  for (const auto& [member, value] : empty.items()) {
    if (!status.contains(member)) status[member] = value;
  }
}

// What is accepted of it is said later, by a controller.
void PrepareDefinition(Json& crd) {
  Json versions = Json::array();
  for (const Json& version : ListAt(crd, {"spec", "versions"})) {
    if (BoolAt(version, {"storage"})) versions.push_back(TextAt(version, "name"));
  }
  crd["status"] = {{"acceptedNames", {{"plural", ""}, {"kind", ""}}},
                   {"storedVersions", versions},
                   {"conditions", nullptr}};
}

// How often the parts of an update are judged, as the registries of a real server do it.
void CountJudgements(const ResourceType& type, KindRules* rules) {
  static const Keys only_compared = {"/podtemplates",
                                     "/resourcequotas",
                                     "apps/deployments",
                                     "apps/statefulsets",
                                     "batch/cronjobs",
                                     "autoscaling/horizontalpodautoscalers",
                                     "scheduling.k8s.io/priorityclasses",
                                     "coordination.k8s.io/leases",
                                     "storage.k8s.io/csidrivers",
                                     "apiextensions.k8s.io/customresourcedefinitions"};
  static const Keys twice = {"/persistentvolumeclaims", "rbac.authorization.k8s.io/roles",
                             "rbac.authorization.k8s.io/rolebindings",
                             "rbac.authorization.k8s.io/clusterroles",
                             "rbac.authorization.k8s.io/clusterrolebindings"};
  static const Keys twice_alone = {"/persistentvolumes", "storage.k8s.io/volumeattachments",
                                   "storage.k8s.io/csinodes"};
  static const Keys alone = {"/limitranges", "discovery.k8s.io/endpointslices",
                             "admissionregistration.k8s.io/mutatingwebhookconfigurations",
                             "admissionregistration.k8s.io/validatingwebhookconfigurations"};
  static const Keys content = {"/replicationcontrollers", "apps/replicasets", "apps/daemonsets",
                               "networking.k8s.io/networkpolicies"};
  const std::string_view key = type.storage_key;
  const bool event = key == "/events", core = type.group.empty();
  if (type.custom || In(only_compared, key) || (event && !core)) rules->metadata_judged = 0;
  if (In(twice, key) || In(twice_alone, key)) rules->metadata_judged = 2;
  if (In(alone, key) || In(twice_alone, key)) rules->metadata_compared = 0;
  if (key == "policy/poddisruptionbudgets" || (event && core))
    rules->metadata_judged = rules->metadata_compared = 0;
  if (In(twice, key) || In(twice_alone, key) || In(content, key)) rules->content_judged = 2;
}

}  // namespace

KindRules RulesOf(const ResourceType& type) {
  static const Keys generation = {"apps/deployments",
                                  "apps/replicasets",
                                  "apps/statefulsets",
                                  "apps/daemonsets",
                                  "batch/jobs",
                                  "batch/cronjobs",
                                  "/replicationcontrollers",
                                  "/podtemplates",
                                  "networking.k8s.io/ingresses",
                                  "networking.k8s.io/ingressclasses",
                                  "networking.k8s.io/networkpolicies",
                                  "policy/poddisruptionbudgets",
                                  "discovery.k8s.io/endpointslices",
                                  "scheduling.k8s.io/priorityclasses",
                                  "apiextensions.k8s.io/customresourcedefinitions",
                                  "flowcontrol.apiserver.k8s.io/flowschemas",
                                  "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
                                  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
                                  "admissionregistration.k8s.io/validatingwebhookconfigurations",
                                  "admissionregistration.k8s.io/validatingadmissionpolicies",
                                  "admissionregistration.k8s.io/validatingadmissionpolicybindings"};
  static const Keys create_on_update = {"/limitranges",
                                        "/services",
                                        "/endpoints",
                                        "/events",
                                        "node.k8s.io/runtimeclasses",
                                        "rbac.authorization.k8s.io/roles",
                                        "rbac.authorization.k8s.io/rolebindings",
                                        "rbac.authorization.k8s.io/clusterroles",
                                        "rbac.authorization.k8s.io/clusterrolebindings",
                                        "coordination.k8s.io/leases"};
  static const Keys conditional = {"policy/poddisruptionbudgets",
                                   "apiextensions.k8s.io/customresourcedefinitions",
                                   "coordination.k8s.io/leases",
                                   "storage.k8s.io/csidrivers",
                                   "storage.k8s.io/csinodes",
                                   "storage.k8s.io/volumeattachments",
                                   "node.k8s.io/runtimeclasses",
                                   "apiregistration.k8s.io/apiservices",
                                   "admissionregistration.k8s.io/mutatingwebhookconfigurations",
                                   "admissionregistration.k8s.io/validatingwebhookconfigurations"};
  static const Keys returns = {"/pods",
                               "/services",
                               "/serviceaccounts",
                               "/persistentvolumeclaims",
                               "/persistentvolumes",
                               "/podtemplates",
                               "/resourcequotas",
                               "storage.k8s.io/storageclasses",
                               "storage.k8s.io/csidrivers",
                               "storage.k8s.io/csinodes",
                               "storage.k8s.io/volumeattachments",
                               "policy/podsecuritypolicies"};
  const std::string_view key = type.storage_key;
  KindRules rules{.generation = type.custom || In(generation, key),
                  .create_on_update = In(create_on_update, key),
                  .unconditional_update = !type.custom && !In(conditional, key),
                  .returns_object = In(returns, key)};
  CountJudgements(type, &rules);
  return rules;
}

void CountTemplate(const Json& before, Json& daemon_set) {
  constexpr const char* kGeneration = "deprecated.daemonset.template.generation";
  const std::string old = TextAt(before, {"metadata", "annotations", kGeneration});
  int64_t generation = 1;
  std::from_chars(old.data(), old.data() + old.size(), generation);
  if (At(before, {"spec", "template"}) != At(daemon_set, {"spec", "template"})) ++generation;
  Json& annotations = daemon_set["metadata"]["annotations"];
  if (!annotations.is_object()) annotations = Json::object();
  annotations[kGeneration] = std::to_string(generation);
}

Json EmptyStatusOf(const ResourceType& type) {
  const std::string& key = type.storage_key;
  if (key == "apps/deployments" || key == "batch/cronjobs" || key == "/resourcequotas" ||
      key == "certificates.k8s.io/certificatesigningrequests" || key == "batch/jobs")
    return Json::object();
  if (key == "/replicationcontrollers" || key == "apps/replicasets") return {{"replicas", 0}};
  if (key == "apps/statefulsets") return {{"replicas", 0}, {"availableReplicas", 0}};
  if (key == "apps/daemonsets")
    return {{"currentNumberScheduled", 0},
            {"numberMisscheduled", 0},
            {"desiredNumberScheduled", 0},
            {"numberReady", 0}};
  if (key == "autoscaling/horizontalpodautoscalers")
    return {{"desiredReplicas", 0}, {"currentMetrics", nullptr}};
  if (key == "policy/poddisruptionbudgets")
    return {{"disruptionsAllowed", 0},
            {"currentHealthy", 0},
            {"desiredHealthy", 0},
            {"expectedPods", 0}};
  if (key == "/services" || key == "networking.k8s.io/ingresses")
    return {{"loadBalancer", Json::object()}};
  if (key == "/persistentvolumeclaims" || key == "/persistentvolumes")
    return {{"phase", "Pending"}};
  if (key == "storage.k8s.io/volumeattachments") return {{"attached", false}};
  if (key == "/namespaces") return {{"phase", "Active"}};
  return nullptr;
}

void FillStatus(const ResourceType& type, Json& status) {
  // A pod's first address is told in two ways: the older wins.
  if (type.storage_key == "/pods" && status.is_object() && !TextAt(status, "podIP").empty() &&
      (ListAt(status, {"podIPs"}).empty() ||
       TextAt(ListAt(status, {"podIPs"}).front(), "ip") != TextAt(status, "podIP")))
    status["podIPs"] = {{{"ip", status["podIP"]}}};
  if (type.storage_key == "/nodes" && At(status, "capacity").is_object() &&
      At(status, "allocatable").is_null())
    status["allocatable"] = status["capacity"];  // what nobody keeps back can be given away
  const Json empty = type.storage_key == "/nodes" ? EmptyNodeStatus() : EmptyStatusOf(type);
  if (!empty.is_object() || !status.is_object()) return;
  for (const auto& [member, value] : empty.items()) {
    if (!status.contains(member)) status[member] = value;
  }
}

void PrepareForCreate(const ResourceType& type, Json& object, std::string_view now) {
  const std::string& key = type.storage_key;
  Json status = EmptyStatusOf(type);
  DropUnservedFields(type, object, Json());
  if (key == "/persistentvolumes") status["lastPhaseTransitionTime"] = now;
  if (key == "/namespaces") {
    Json& finalizers = object["spec"]["finalizers"];
    if (!finalizers.is_array()) finalizers = Json::array();
    bool there = false;
    for (const Json& one : finalizers) there = there || one == "kubernetes";
    if (!there) finalizers.push_back("kubernetes");
  }
  if (key == "batch/jobs") PrepareJob(object);
  if (key == "/replicationcontrollers") LabelAsTemplate(object);
  if (key == "/nodes") PrepareNode(object);
  if (key == "apiextensions.k8s.io/customresourcedefinitions") PrepareDefinition(object);
  if (!status.is_null()) object["status"] = std::move(status);
  if (RulesOf(type).generation) object["metadata"]["generation"] = 1;
}

}  // namespace opsmesh::kubesim
