#include "libs/kubesim/objects/defaults.h"

#include <cctype>
#include <functional>
#include <map>

#include "libs/kubesim/objects/default_steps.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

void Default(Json& object, const char* member, Json value) {
  if (!object.is_object()) return;
  auto it = object.find(member);
  if (it == object.end() || it->is_null()) object[member] = std::move(value);
}

Json* Child(Json& object, const char* member) {
  Default(object, member, Json::object());
  return object.is_object() && object[member].is_object() ? &object[member] : nullptr;
}

void ForEach(Json& object, const char* member, const std::function<void(Json&)>& visit) {
  if (!object.is_object() || !object.contains(member) || !object[member].is_array()) return;
  for (Json& item : object[member]) {
    if (item.is_object()) visit(item);
  }
}

namespace {

void DefaultTemplate(Json& spec) {
  if (Json* pod_template = Child(spec, "template")) {
    if (Json* metadata = Child(*pod_template, "metadata"))
      Default(*metadata, "creationTimestamp", nullptr);
    if (Json* pod_spec = Child(*pod_template, "spec")) DefaultPodSpec(*pod_spec);
  }
}

void DefaultDeployment(Json& spec) {
  Default(spec, "replicas", 1);
  Default(spec, "revisionHistoryLimit", 10);
  Default(spec, "progressDeadlineSeconds", 600);
  if (Json* strategy = Child(spec, "strategy")) {
    Default(*strategy, "type", "RollingUpdate");
    if (TextAt(*strategy, "type") == "RollingUpdate") {
      if (Json* rolling = Child(*strategy, "rollingUpdate")) {
        Default(*rolling, "maxSurge", "25%");
        Default(*rolling, "maxUnavailable", "25%");
      }
    }
  }
  DefaultTemplate(spec);
}

void DefaultStatefulSet(Json& spec) {
  Default(spec, "replicas", 1);
  Default(spec, "revisionHistoryLimit", 10);
  Default(spec, "podManagementPolicy", "OrderedReady");
  Default(spec, "serviceName", "");
  if (Json* strategy = Child(spec, "updateStrategy")) {
    // A type that was given stands alone; only where none was is the partition filled in.
    if (At(*strategy, "type").is_null()) {
      Default(*strategy, "type", "RollingUpdate");
      Default(*strategy, "rollingUpdate", Json::object());
    }
    if (TextAt(*strategy, "type") == "RollingUpdate" && At(*strategy, "rollingUpdate").is_object())
      Default((*strategy)["rollingUpdate"], "partition", 0);
  }
  if (Json* policy = Child(spec, "persistentVolumeClaimRetentionPolicy")) {
    Default(*policy, "whenDeleted", "Retain");
    Default(*policy, "whenScaled", "Retain");
  }
  ForEach(spec, "volumeClaimTemplates", [](Json& claim) {
    Default(claim, "kind", "PersistentVolumeClaim");
    Default(claim, "apiVersion", "v1");
    if (Json* metadata = Child(claim, "metadata")) Default(*metadata, "creationTimestamp", nullptr);
    if (Json* claim_spec = Child(claim, "spec")) DefaultClaimSpec(*claim_spec);
    if (Json* status = Child(claim, "status")) Default(*status, "phase", "Pending");
  });
  DefaultTemplate(spec);
}

void DefaultDaemonSet(Json& spec) {
  Default(spec, "revisionHistoryLimit", 10);
  if (Json* strategy = Child(spec, "updateStrategy")) {
    Default(*strategy, "type", "RollingUpdate");
    if (TextAt(*strategy, "type") == "RollingUpdate") {
      if (Json* rolling = Child(*strategy, "rollingUpdate")) {
        Default(*rolling, "maxSurge", 0);
        Default(*rolling, "maxUnavailable", 1);
      }
    }
  }
  DefaultTemplate(spec);
}

void DefaultFailurePolicy(Json& spec) {
  if (!spec.contains("podFailurePolicy")) return;
  ForEach(spec["podFailurePolicy"], "rules", [](Json& rule) {
    ForEach(rule, "onPodConditions", [](Json& pattern) {
      if (TextAt(pattern, "status").empty()) pattern["status"] = "True";
    });
  });
}

void DefaultJob(Json& spec) {
  DefaultFailurePolicy(spec);
  Default(spec, "backoffLimit", At(spec, "backoffLimitPerIndex").is_null() ? 6 : 2147483647);
  Default(spec, "completionMode", "NonIndexed");
  Default(spec, "manualSelector", false);
  if (At(spec, "parallelism").is_null() && At(spec, "completions").is_null())
    spec["completions"] = 1;
  Default(spec, "parallelism", 1);
  Default(spec, "podReplacementPolicy",
          At(spec, "podFailurePolicy").is_null() ? "TerminatingOrFailed" : "Failed");
  Default(spec, "suspend", false);
  DefaultTemplate(spec);
}

void DefaultCronJob(Json& spec) {
  Default(spec, "concurrencyPolicy", "Allow");
  Default(spec, "suspend", false);
  Default(spec, "successfulJobsHistoryLimit", 3);
  Default(spec, "failedJobsHistoryLimit", 1);
  if (Json* job = Child(spec, "jobTemplate")) {
    if (Json* metadata = Child(*job, "metadata")) Default(*metadata, "creationTimestamp", nullptr);
    if (Json* job_spec = Child(*job, "spec")) {
      DefaultFailurePolicy(*job_spec);
      DefaultTemplate(*job_spec);
    }
  }
}

void DefaultService(Json& spec) {
  Default(spec, "type", "ClusterIP");
  Default(spec, "sessionAffinity", "None");
  if (spec["sessionAffinity"] == "None") spec.erase("sessionAffinityConfig");
  if (spec["sessionAffinity"] == "ClientIP") {
    if (Json* config = Child(spec, "sessionAffinityConfig")) {
      if (Json* client = Child(*config, "clientIP")) Default(*client, "timeoutSeconds", 10800);
    }
  }
  if (TextAt(spec, "type") != "ExternalName") {
    Default(spec, "internalTrafficPolicy", "Cluster");
  }
  const std::string type = TextAt(spec, "type");
  if (type == "NodePort" || type == "LoadBalancer" ||
      (type == "ClusterIP" && !ListAt(spec, {"externalIPs"}).empty()))
    Default(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") Default(spec, "allocateLoadBalancerNodePorts", true);
  ForEach(spec, "ports", [](Json& port) {
    Default(port, "protocol", "TCP");
    const Json& target = At(port, "targetPort");
    if (target.is_null() || target == Json(0) || target == Json(""))
      port["targetPort"] = port.contains("port") ? port["port"] : Json(0);
  });
}

// How fast replicas come and go, where a behaviour is given at all.
void DefaultBehavior(Json& spec) {
  if (!spec.contains("behavior") || !spec["behavior"].is_object()) return;
  const Json all = {{"type", "Percent"}, {"value", 100}, {"periodSeconds", 15}};
  const Json four = {{"type", "Pods"}, {"value", 4}, {"periodSeconds", 15}};
  if (Json* up = Child(spec["behavior"], "scaleUp")) {
    Default(*up, "stabilizationWindowSeconds", 0);
    Default(*up, "selectPolicy", "Max");
    Default(*up, "policies", Json::array({four, all}));
  }
  if (Json* down = Child(spec["behavior"], "scaleDown")) {
    Default(*down, "selectPolicy", "Max");
    Default(*down, "policies", Json::array({all}));
  }
}

void DefaultAutoscaler(Json& spec) {
  Default(spec, "minReplicas", 1);
  DefaultBehavior(spec);
  const bool none =
      !spec.contains("metrics") || !spec["metrics"].is_array() || spec["metrics"].empty();
  if (none)
    spec["metrics"] = Json::array(
        {{{"type", "Resource"},
          {"resource",
           {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", 80}}}}}}});
}

void DefaultPolicy(Json& spec) {
  Json types = Json::array({"Ingress"});
  if (spec.contains("egress")) types.push_back("Egress");
  Default(spec, "policyTypes", types);
  for (const char* side : {"ingress", "egress"}) {
    ForEach(spec, side, [](Json& rule) {
      ForEach(rule, "ports", [](Json& port) { Default(port, "protocol", "TCP"); });
    });
  }
}

// What may not be exceeded is also the default; what is the default limit is the default request.
void DefaultLimits(Json& spec) {
  ForEach(spec, "limits", [](Json& item) {
    if (TextAt(item, "type") != "Container") return;
    auto fill = [&item](const char* to, const char* from) {
      if (!item.contains(from) || !item[from].is_object()) return;
      Json* target = Child(item, to);
      if (target == nullptr) return;
      for (const auto& [name, value] : item[from].items()) Default(*target, name.c_str(), value);
    };
    fill("default", "max");
    fill("defaultRequest", "default");
    fill("defaultRequest", "min");
  });
}

void DefaultDriver(Json& spec) {
  Default(spec, "attachRequired", true);
  Default(spec, "podInfoOnMount", false);
  Default(spec, "storageCapacity", false);
  Default(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
  Default(spec, "volumeLifecycleModes", Json::array({"Persistent"}));
  Default(spec, "requiresRepublish", false);
  Default(spec, "seLinuxMount", false);
}

void DefaultDefinition(Json& spec) {
  ForEach(spec, "versions", [](Json& version) {
    Default(version, "served", false);
    Default(version, "storage", false);
  });
  Default(spec, "conversion", {{"strategy", "None"}});
  if (Json* names = Child(spec, "names")) {
    const std::string kind = TextAt(*names, "kind");
    if (kind.empty()) return;
    Default(*names, "listKind", kind + "List");
    std::string singular = kind;
    for (char& c : singular) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    Default(*names, "singular", singular);
  }
}

const std::map<std::string, void (*)(Json&)>& SpecDefaults() {
  static const auto* table = new std::map<std::string, void (*)(Json&)>{
      {"/pods", DefaultPodSpec},
      {"apps/deployments", DefaultDeployment},
      {"apps/replicasets",
       [](Json& spec) {
         Default(spec, "replicas", 1);
         DefaultTemplate(spec);
       }},
      {"/replicationcontrollers",
       [](Json& spec) {
         Default(spec, "replicas", 1);
         if (At(spec, "template").is_object()) DefaultTemplate(spec);
       }},
      {"apps/statefulsets", DefaultStatefulSet},
      {"apps/daemonsets", DefaultDaemonSet},
      {"batch/jobs", DefaultJob},
      {"batch/cronjobs", DefaultCronJob},
      {"/services", DefaultService},
      {"autoscaling/horizontalpodautoscalers", DefaultAutoscaler},
      {"/limitranges", DefaultLimits},
      {"storage.k8s.io/csidrivers", DefaultDriver},
      {"storage.k8s.io/csinodes",
       [](Json& spec) {
         ForEach(spec, "drivers", [](Json& driver) { Default(driver, "topologyKeys", nullptr); });
       }},
      {"apiextensions.k8s.io/customresourcedefinitions", DefaultDefinition},
      {"/persistentvolumeclaims", DefaultClaimSpec},
      {"/persistentvolumes",
       [](Json& spec) {
         Default(spec, "volumeMode", "Filesystem");
         Default(spec, "persistentVolumeReclaimPolicy", "Retain");
         DefaultSources(spec);
       }},
      {"networking.k8s.io/networkpolicies", DefaultPolicy},
      {"networking.k8s.io/ingressclasses",
       [](Json& spec) {
         if (At(spec, "parameters").is_object()) Default(spec["parameters"], "scope", "Cluster");
       }},
  };
  return *table;
}

}  // namespace

namespace {

void DefaultSubjects(Json& binding) {
  if (Json* role = Child(binding, "roleRef"); role && TextAt(*role, "apiGroup").empty())
    (*role)["apiGroup"] = "rbac.authorization.k8s.io";
  ForEach(binding, "subjects", [](Json& subject) {
    const std::string kind = TextAt(subject, "kind");
    if (kind == "User" || kind == "Group")
      Default(subject, "apiGroup", "rbac.authorization.k8s.io");
  });
}

void DefaultWebhook(Json& webhook, bool mutating) {
  Default(webhook, "failurePolicy", "Fail");
  Default(webhook, "matchPolicy", "Equivalent");
  Default(webhook, "namespaceSelector", Json::object());
  Default(webhook, "objectSelector", Json::object());
  Default(webhook, "timeoutSeconds", 10);
  if (mutating) Default(webhook, "reinvocationPolicy", "Never");
  if (At(webhook, {"clientConfig", "service"}).is_object())
    Default(webhook["clientConfig"]["service"], "port", 443);
  ForEach(webhook, "rules", [](Json& rule) { Default(rule, "scope", "*"); });
}

void DefaultPlainKinds(const std::string& key, Json& object) {
  if (key == "admissionregistration.k8s.io/mutatingwebhookconfigurations")
    ForEach(object, "webhooks", [](Json& webhook) { DefaultWebhook(webhook, true); });
  if (key == "admissionregistration.k8s.io/validatingwebhookconfigurations")
    ForEach(object, "webhooks", [](Json& webhook) { DefaultWebhook(webhook, false); });
  if (key == "/secrets") Default(object, "type", "Opaque");
  if (key == "rbac.authorization.k8s.io/roles" || key == "rbac.authorization.k8s.io/clusterroles")
    Default(object, "rules", nullptr);
  if (key == "storage.k8s.io/storageclasses") {
    Default(object, "reclaimPolicy", "Delete");
    Default(object, "volumeBindingMode", "Immediate");
  }
  if (key == "scheduling.k8s.io/priorityclasses") {
    Default(object, "preemptionPolicy", "PreemptLowerPriority");
    Default(object, "value", 0);
  }
  if (key == "rbac.authorization.k8s.io/rolebindings" ||
      key == "rbac.authorization.k8s.io/clusterrolebindings")
    DefaultSubjects(object);
  if (key == "/replicationcontrollers") {
    const Json labels = At(object, {"spec", "template", "metadata", "labels"});
    if (labels.is_object() && !labels.empty()) {
      if (At(object, {"spec", "selector"}).empty()) object["spec"]["selector"] = labels;
      if (At(object, {"metadata", "labels"}).empty()) object["metadata"]["labels"] = labels;
    }
  }
  if (key == "/podtemplates") DefaultTemplate(object);
  if (key == "discovery.k8s.io/endpointslices") {
    ForEach(object, "ports", [](Json& port) {
      Default(port, "name", "");
      Default(port, "protocol", "TCP");
    });
  }
  if (key == "/endpoints") {
    ForEach(object, "subsets", [](Json& subset) {
      ForEach(subset, "ports", [](Json& port) { Default(port, "protocol", "TCP"); });
    });
  }
  if (key == "/events") {
    for (const char* member : {"eventTime", "firstTimestamp", "lastTimestamp"})
      Default(object, member, nullptr);
    for (const char* member : {"reportingComponent", "reportingInstance"})
      Default(object, member, "");
  }
  if (key == "batch/jobs") {
    const Json labels = At(object, {"spec", "template", "metadata", "labels"});
    // A new Job gets them with what is added to its template: PrepareForCreate().
    if (labels.contains("batch.kubernetes.io/controller-uid") &&
        At(object, {"metadata", "labels"}).empty())
      object["metadata"]["labels"] = labels;
  }
  if (key == "/nodes") {
    if (const std::string cidr = TextAt(object, {"spec", "podCIDR"}); !cidr.empty())
      Default(object["spec"], "podCIDRs", Json::array({cidr}));
    // Ranges may be written in either member: the list wins, unless the single one was changed.
    const Json& ranges = ListAt(object, {"spec", "podCIDRs"});
    if (const std::string cidr = TextAt(object, {"spec", "podCIDR"});
        !ranges.empty() && !cidr.empty() && Scalar(ranges[0]) != cidr)
      object["spec"]["podCIDRs"] = Json::array({cidr});
    if (!ListAt(object, {"spec", "podCIDRs"}).empty())
      object["spec"]["podCIDR"] = object["spec"]["podCIDRs"][0];
    if (At(object, {"status", "capacity"}).is_object())
      Default(object["status"], "allocatable", object["status"]["capacity"]);
  }
  if (key == "apps/daemonsets") {
    if (Json* notes = Child(object["metadata"], "annotations"))
      Default(*notes, "deprecated.daemonset.template.generation", "1");
  }
  if (key == "/namespaces") {
    const std::string name = TextAt(object, {"metadata", "name"});
    if (Json* labels = Child(object["metadata"], "labels"); labels != nullptr && !name.empty())
      (*labels)["kubernetes.io/metadata.name"] = name;
  }
}

// Specs that defaults reach into even when nobody wrote them.
bool NeedsSpec(const std::string& key) {
  return key == "apps/deployments" || key == "apps/replicasets" || key == "apps/statefulsets" ||
         key == "apps/daemonsets" || key == "batch/jobs" || key == "batch/cronjobs" ||
         key == "/pods" || key == "/services" || key == "/persistentvolumeclaims" ||
         key == "/persistentvolumes";
}

}  // namespace

void ApplyDefaults(const ResourceType& type, Json& object) {
  if (!object.is_object() || !object["metadata"].is_object()) return;
  DefaultPlainKinds(type.storage_key, object);
  auto it = SpecDefaults().find(type.storage_key);
  if (it == SpecDefaults().end()) return;
  if (NeedsSpec(type.storage_key)) Default(object, "spec", Json::object());
  if (object.contains("spec") && object["spec"].is_object()) it->second(object["spec"]);
  if (type.storage_key == "/pods" && object["spec"].is_object()) DefaultOnlyPods(object["spec"]);
}

}  // namespace opsmesh::kubesim
