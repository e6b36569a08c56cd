// The values a real apiserver fills in for pods, and what admission adds to them.
#include <functional>

#include "libs/kubesim/objects/default_steps.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void DefaultHttpGet(Json& handler) {
  if (!handler.contains("httpGet") || !handler["httpGet"].is_object()) return;
  Default(handler["httpGet"], "path", "/");
  Default(handler["httpGet"], "scheme", "HTTP");
}

void DefaultProbe(Json& container, const char* member) {
  if (!container.contains(member) || !container[member].is_object()) return;
  Json& probe = container[member];
  Default(probe, "timeoutSeconds", 1);
  Default(probe, "periodSeconds", 10);
  Default(probe, "successThreshold", 1);
  Default(probe, "failureThreshold", 3);
  DefaultHttpGet(probe);
}

bool LatestTag(const std::string& image) {
  if (image.find('@') != std::string::npos) return false;
  const size_t colon = image.rfind(':');
  const size_t slash = image.rfind('/');
  if (colon == std::string::npos || (slash != std::string::npos && colon < slash)) return true;
  return image.substr(colon) == ":latest";
}

void DefaultContainer(Json& container) {
  Default(container, "terminationMessagePath", "/dev/termination-log");
  Default(container, "terminationMessagePolicy", "File");
  Default(container, "imagePullPolicy",
          LatestTag(TextAt(container, "image")) ? "Always" : "IfNotPresent");
  Default(container, "resources", Json::object());
  ForEach(container, "ports", [](Json& port) { Default(port, "protocol", "TCP"); });
  ForEach(container, "env", [](Json& env) {
    if (At(env, {"valueFrom", "fieldRef"}).is_object())
      Default(env["valueFrom"]["fieldRef"], "apiVersion", "v1");
  });
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    DefaultProbe(container, probe);
  for (const char* hook : {"postStart", "preStop"}) {
    if (At(container, {"lifecycle", hook}).is_object())
      DefaultHttpGet(container["lifecycle"][hook]);
  }
}

void DefaultHostPath(Json& holder) {
  if (holder.contains("hostPath") && holder["hostPath"].is_object())
    Default(holder["hostPath"], "type", "");
}

}  // namespace

void DefaultSources(Json& holder) {
  DefaultHostPath(holder);
  auto fill = [&holder](const char* source,
                        std::initializer_list<std::pair<const char*, Json>> all) {
    if (!holder.contains(source) || !holder[source].is_object()) return;
    for (const auto& [member, value] : all) Default(holder[source], member, value);
  };
  fill("iscsi", {{"iscsiInterface", "default"}});
  fill("rbd", {{"pool", "rbd"}, {"user", "admin"}, {"keyring", "/etc/ceph/keyring"}});
  fill("azureDisk",
       {{"cachingMode", "ReadWrite"}, {"kind", "Shared"}, {"fsType", "ext4"}, {"readOnly", false}});
  fill("scaleIO", {{"storageMode", "ThinProvisioned"}, {"fsType", "xfs"}});
}

void DefaultClaimSpec(Json& spec) { Default(spec, "volumeMode", "Filesystem"); }

namespace {

void DefaultFiles(Json& downward) {
  ForEach(downward, "items", [](Json& file) {
    if (At(file, "fieldRef").is_object()) Default(file["fieldRef"], "apiVersion", "v1");
  });
}

void DefaultVolume(Json& volume) {
  const size_t named = volume.contains("name") ? 1 : 0;
  if (volume.size() <= named) volume["emptyDir"] = Json::object();
  DefaultSources(volume);
  if (At(volume, {"ephemeral", "volumeClaimTemplate"}).is_object()) {
    if (Json* spec = Child(volume["ephemeral"]["volumeClaimTemplate"], "spec"))
      DefaultClaimSpec(*spec);
  }
  if (volume.contains("downwardAPI")) DefaultFiles(volume["downwardAPI"]);
  if (volume.contains("projected")) {
    ForEach(volume["projected"], "sources", [](Json& source) {
      if (source.contains("downwardAPI")) DefaultFiles(source["downwardAPI"]);
      if (At(source, "serviceAccountToken").is_object())
        Default(source["serviceAccountToken"], "expirationSeconds", 3600);
    });
  }
  for (const char* source : {"configMap", "secret", "downwardAPI", "projected"}) {
    if (volume.contains(source) && volume[source].is_object())
      Default(volume[source], "defaultMode", 420);
  }
}

}  // namespace

void DefaultPodSpec(Json& spec) {
  if (!spec.is_object()) return;
  Default(spec, "restartPolicy", "Always");
  Default(spec, "terminationGracePeriodSeconds", 30);
  Default(spec, "dnsPolicy", "ClusterFirst");
  Default(spec, "schedulerName", "default-scheduler");
  Default(spec, "securityContext", Json::object());
  if (std::string account = TextAt(spec, "serviceAccountName"); !account.empty())
    spec["serviceAccount"] = account;  // both say the same; the newer name counts
  else if (account = TextAt(spec, "serviceAccount"); !account.empty())
    spec["serviceAccountName"] = account;
  ForEach(spec, "containers", DefaultContainer);
  ForEach(spec, "initContainers", DefaultContainer);
  ForEach(spec, "ephemeralContainers", DefaultContainer);
  ForEach(spec, "volumes", DefaultVolume);
}

void DefaultOnlyPods(Json& spec) {
  Default(spec, "enableServiceLinks", true);
  if (IntAt(spec, "terminationGracePeriodSeconds") < 0) spec["terminationGracePeriodSeconds"] = 1;
  for (const char* list : {"containers", "initContainers"}) {
    ForEach(spec, list, [&spec](Json& container) {
      // A limit without a request is the request too.
      if (Json* requests = At(container, {"resources", "limits"}).is_object()
                               ? Child(container["resources"], "requests")
                               : nullptr) {
        for (const auto& [name, value] : container["resources"]["limits"].items())
          Default(*requests, name.c_str(), value);
      }
      if (!BoolAt(spec, {"hostNetwork"})) return;
      ForEach(container, "ports", [](Json& port) {
        if (IntAt(port, "hostPort") == 0) port["hostPort"] = IntAt(port, "containerPort");
      });
    });
  }
}

std::string QosClass(const Json& pod_spec) {
  bool any = false;
  bool guaranteed = true;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : ListAt(pod_spec, {list})) {
      const Json& requests = At(container, {"resources", "requests"});
      const Json& limits = At(container, {"resources", "limits"});
      for (const char* name : {"cpu", "memory"}) {
        const auto request = ParseQuantity(At(requests, name));
        const auto limit = ParseQuantity(At(limits, name));
        if (request.value_or(0) > 0 || limit.value_or(0) > 0) any = true;
        if (!limit || *limit == 0 || (request && *request != *limit)) guaranteed = false;
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

namespace {

constexpr const char* kAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

// Token, root certificate and namespace for every container that has nothing at their place yet.
void MountAccount(Json& spec, std::string_view volume_suffix) {
  std::string name;
  for (const Json& volume : ListAt(spec, {"volumes"})) {
    if (TextAt(volume, "name").starts_with("kube-api-access-")) name = TextAt(volume, "name");
  }
  const bool there = !name.empty();
  if (!there) name = "kube-api-access-" + std::string(volume_suffix);
  bool needed = false;
  for (const char* list : {"containers", "initContainers"}) {
    ForEach(spec, list, [&](Json& container) {
      for (const Json& mount : ListAt(container, {"volumeMounts"})) {
        if (TextAt(mount, "mountPath") == kAccountPath) return;
      }
      container["volumeMounts"].push_back(
          {{"name", name}, {"readOnly", true}, {"mountPath", kAccountPath}});
      needed = true;
    });
  }
  if (!needed || there) return;
  Json sources = {
      {{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
      {{"configMap",
        {{"name", "kube-root-ca.crt"}, {"items", {{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}},
      {{"downwardAPI",
        {{"items",
          {{{"path", "namespace"},
            {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}}}}}}};
  spec["volumes"].push_back(
      {{"name", name}, {"projected", {{"sources", sources}, {"defaultMode", 420}}}});
}

}  // namespace

void AddDefaultTolerations(Json& spec) {
  Json& tolerations = spec["tolerations"];
  if (!tolerations.is_array()) tolerations = Json::array();
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    bool there = false;
    for (const Json& toleration : tolerations) {
      there |= TextAt(toleration, "key") == key && TextAt(toleration, "effect") != "NoSchedule";
      there |= TextAt(toleration, "operator") == "Exists" && TextAt(toleration, "key").empty();
    }
    if (!there) {
      tolerations.push_back({{"key", key},
                             {"operator", "Exists"},
                             {"effect", "NoExecute"},
                             {"tolerationSeconds", 300}});
    }
  }
}

void AdmitPod(Json& pod, std::string_view volume_suffix) {
  if (!pod.contains("spec") || !pod["spec"].is_object()) return;
  Json& spec = pod["spec"];
  Default(spec, "serviceAccountName", "default");
  Default(spec, "serviceAccount", spec["serviceAccountName"]);
  Default(spec, "enableServiceLinks", true);
  Default(spec, "preemptionPolicy", "PreemptLowerPriority");
  const std::string priority_class = TextAt(spec, "priorityClassName");
  Default(spec, "priority",
          priority_class == "system-node-critical"      ? 2000001000
          : priority_class == "system-cluster-critical" ? 2000000000
                                                        : 0);
  AddDefaultTolerations(spec);
  if (BoolAt(spec, {"automountServiceAccountToken"}, true)) MountAccount(spec, volume_suffix);
}

namespace {
constexpr std::string_view kSafeAlphabet = "bcdfghjklmnpqrstvwxz2456789";
}  // namespace

std::string NameSuffix(uint64_t random, int length) {
  std::string text;
  for (int i = 0; i < length; ++i) {
    text += kSafeAlphabet[random % kSafeAlphabet.size()];
    random /= kSafeAlphabet.size();
  }
  return text;
}

std::string TemplateHash(const Json& pod_template) {
  Json clean = pod_template;
  if (clean.contains("metadata") && clean["metadata"].is_object() &&
      clean["metadata"].contains("labels") && clean["metadata"]["labels"].is_object()) {
    clean["metadata"]["labels"].erase("pod-template-hash");
  }
  // FNV-1a over the canonical text. A real hash runs over Go's memory dump: equal in kind, not in
  // value.
  uint32_t hash = 2166136261u;
  for (unsigned char c : clean.dump(-1, ' ', false, Json::error_handler_t::replace))
    hash = (hash ^ c) * 16777619u;
  std::string text;
  for (char digit : std::to_string(hash))
    text += kSafeAlphabet[static_cast<size_t>(digit) % kSafeAlphabet.size()];
  return text;
}

}  // namespace opsmesh::kubesim
