#include "libs/kubesim/objects/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/app_armor.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/service_warnings.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/names.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Warnings = std::vector<std::string>;

// What to say instead of a label; null for labels that nobody minds.
const char* Deprecated(const std::string& label) {
  static const std::map<std::string, const char*, std::less<>> labels = {
      {"beta.kubernetes.io/arch", R"(deprecated since v1.14; use "kubernetes.io/arch" instead)"},
      {"beta.kubernetes.io/os", R"(deprecated since v1.14; use "kubernetes.io/os" instead)"},
      {"failure-domain.beta.kubernetes.io/region",
       R"(deprecated since v1.17; use "topology.kubernetes.io/region" instead)"},
      {"failure-domain.beta.kubernetes.io/zone",
       R"(deprecated since v1.17; use "topology.kubernetes.io/zone" instead)"},
      {"beta.kubernetes.io/instance-type",
       R"(deprecated since v1.17; use "node.kubernetes.io/instance-type" instead)"},
      {"app.kubernetes.io/created-by", "deprecated since v1.9"},
      {"scheduler.alpha.kubernetes.io/preferAvoidPods",
       "deprecated since v1.22; use Taints and Tolerations instead"},
      {"node-role.kubernetes.io/master", R"(use "node-role.kubernetes.io/control-plane" instead)"}};
  auto it = labels.find(label);
  return it == labels.end() ? nullptr : it->second;
}

void NodeTerm(Warnings& warnings, const Json& term, const std::string& at) {
  const Json& rules = ListAt(term, {"matchExpressions"});
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string key = TextAt(rules[i], "key");
    if (const char* why = Deprecated(key); why != nullptr)
      warnings.push_back(fmt::format("{}.matchExpressions[{}].key: {} is {}", at, i, key, why));
  }
}

// A size of bytes that is not a whole number of them.
void Fraction(Warnings& warnings, const Json& sizes, const char* name, const std::string& at) {
  const Json& size = At(sizes, name);
  const auto amount = Quantity::Parse(Scalar(size));
  if (!amount || amount->MilliValue() % 1000 == 0) return;
  warnings.push_back(
      fmt::format("{}[{}]: fractional byte value \"{}\" is invalid, must be an integer", at, name,
                  amount->ToString()));
}

// A variable that is said again hides the first, unless it builds upon it.
void HiddenVariables(Warnings& warnings, const Json& container, const std::string& at) {
  std::set<std::string> names;
  const Json& list = ListAt(container, {"env"});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string name = TextAt(list[i], "name"), value = TextAt(list[i], "value"),
                      reference = "$(" + name + ")";
    if (names.insert(name).second) continue;
    if (list[i].contains("valueFrom") || value == reference ||
        value.find(reference) == std::string::npos) {
      warnings.push_back(fmt::format(
          "{}.env[{}]: hides previous definition of \"{}\", which may be dropped when using apply",
          at, i, name));
    }
  }
}

struct Port {
  std::string at, host_ip;
  int64_t host_port = 0;
};

// A real server sends fewer than a hundred of them; ports that are many more are compared no more.
constexpr size_t kMaxPortWarnings = 100;
constexpr size_t kMaxEqualPorts = 1'000;

void OverlappingPorts(Warnings& warnings, const Json& container, const std::string& at,
                      std::map<std::string, std::vector<Port>>& all) {
  const Json& list = ListAt(container, {"ports"});
  for (size_t i = 0; i < list.size(); ++i) {
    const Port mine{fmt::format("{}.ports[{}]", at, i), TextAt(list[i], "hostIP"),
                    IntAt(list[i], "hostPort")};
    auto& others =
        all[fmt::format("{}/{}", IntAt(list[i], "containerPort"), TextAt(list[i], "protocol"))];
    for (const Port& other : others) {
      if (warnings.size() >= kMaxPortWarnings) return;
      const char* how = nullptr;
      if (mine.host_ip == other.host_ip && mine.host_port == other.host_port)
        how = "duplicate";
      else if (mine.host_port == 0 || other.host_port == 0)
        how = "overlapping";
      else if (mine.host_port == other.host_port && mine.host_ip.empty() != other.host_ip.empty())
        how = "dangerously ambiguous";
      if (how != nullptr)
        warnings.push_back(fmt::format("{}: {} port definition with {}", mine.at, how, other.at));
    }
    if (others.size() < kMaxEqualPorts) others.push_back(mine);
  }
}

// Entries of a list whose member repeats another's.
void Repeated(Warnings& warnings, const Json& list, const char* member, const std::string& at) {
  std::set<std::string> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    if (const std::string value = TextAt(list[i], member); !seen.insert(value).second)
      warnings.push_back(
          fmt::format("{}[{}].{}: duplicate {} \"{}\"", at, i, member, member, value));
  }
}

void NullSelectors(Warnings& warnings, const Json& spec, const std::string& at) {
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    for (const char* list : {"requiredDuringSchedulingIgnoredDuringExecution",
                             "preferredDuringSchedulingIgnoredDuringExecution"}) {
      const Json& terms = ListAt(spec, {"affinity", kind, list});
      for (size_t i = 0; i < terms.size(); ++i) {
        const bool weighted = terms[i].contains("podAffinityTerm");
        const Json& term = weighted ? terms[i]["podAffinityTerm"] : terms[i];
        if (At(term, "labelSelector").is_null())
          warnings.push_back(fmt::format(
              "{}.affinity.{}.{}[{}]{}.labelSelector: a null labelSelector results in matching no "
              "pod",
              at, kind, list, i, weighted ? ".podAffinityTerm" : ""));
      }
    }
  }
}

void OldVolumes(Warnings& warnings, const Json& spec, const std::string& at) {
  static constexpr std::pair<const char*, const char*> kOld[] = {
      {"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
      {"gitRepo", "deprecated in v1.11"},
      {"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
      {"flocker", "deprecated in v1.22, non-functional in v1.25+"},
      {"storageos", "deprecated in v1.22, non-functional in v1.25+"},
      {"quobyte", "deprecated in v1.22, non-functional in v1.25+"},
      {"glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
      {"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
      {"rbd", "deprecated in v1.28, non-functional in v1.31+"}};
  const Json& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i) {
    for (const auto& [member, why] : kOld) {
      if (!volumes[i].contains(member)) continue;
      const std::string_view shown = std::string_view(member) == "storageos" ? "storageOS" : member;
      warnings.push_back(fmt::format("{}.volumes[{}].{}: {}", at, i, shown, why));
    }
  }
}

void Scheduling(Warnings& warnings, const Json& spec, const std::string& at) {
  if (const Json& selector = At(spec, "nodeSelector"); selector.is_object()) {
    for (const auto& [label, value] : selector.items()) {
      if (const char* why = Deprecated(label); why != nullptr)
        warnings.push_back(fmt::format("{}.nodeSelector[{}]: {}", at, label, why));
    }
  }
  const std::string node = at + ".affinity.nodeAffinity.";
  const Json& required =
      ListAt(spec, {"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
                    "nodeSelectorTerms"});
  for (size_t i = 0; i < required.size(); ++i) {
    NodeTerm(warnings, required[i],
             fmt::format("{}requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{}]",
                         node, i));
  }
  const Json& preferred =
      ListAt(spec, {"affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"});
  for (size_t i = 0; i < preferred.size(); ++i) {
    NodeTerm(
        warnings, At(preferred[i], "preference"),
        fmt::format("{}preferredDuringSchedulingIgnoredDuringExecution[{}].preference", node, i));
  }
  const Json& spread = ListAt(spec, {"topologySpreadConstraints"});
  for (size_t i = 0; i < spread.size(); ++i) {
    const std::string here = fmt::format("{}.topologySpreadConstraints[{}]", at, i),
                      key = TextAt(spread[i], "topologyKey");
    if (const char* why = Deprecated(key); why != nullptr)
      warnings.push_back(fmt::format("{}.topologyKey: {} is {}", here, key, why));
    if (At(spread[i], "labelSelector").is_null())
      warnings.push_back(here + ".labelSelector: a null labelSelector results in matching no pod");
  }
}

// Profiles that a container has in an annotation only. Pods are told of AppArmor as they are made.
void OldProfiles(Warnings& warnings, const Json& holder, const Json& container,
                 const std::string& at) {
  const std::string name = TextAt(container, "name"), notes = at + "metadata.annotations";
  auto noted = [&](const std::string& key) {
    return !At(holder, {"metadata", "annotations", key.c_str()}).is_null();
  };
  const std::string seccomp = "container.seccomp.security.alpha.kubernetes.io/" + name;
  if (!At(container, {"securityContext", "seccompProfile"}).is_object() && noted(seccomp))
    warnings.push_back(
        fmt::format(R"({}[{}]: non-functional in v1.27+; use the "seccompProfile" field instead)",
                    notes, seccomp));
  const std::string armor = std::string(kAppArmorNote) + name;
  const bool said = At(container, {"securityContext", "appArmorProfile"}).is_object() ||
                    At(holder, {"spec", "securityContext", "appArmorProfile"}).is_object();
  if (!at.empty() && !said && noted(armor)) warnings.push_back(OldAppArmorNote(notes, armor));
}

// `holder` has metadata and spec; `at` is its path with a dot behind, or "".
void Pod(Warnings& warnings, const Json& holder, const std::string& at) {
  const Json& spec = At(holder, "spec");
  const std::string here = at + "spec";
  Scheduling(warnings, spec, here);
  static constexpr std::pair<const char*, const char*> kNotes[] = {
      {"scheduler.alpha.kubernetes.io/critical-pod",
       R"(non-functional in v1.16+; use the "priorityClassName" field instead)"},
      {"security.alpha.kubernetes.io/sysctls",
       R"(non-functional in v1.11+; use the "sysctls" field instead)"},
      {"security.alpha.kubernetes.io/unsafe-sysctls",
       R"(non-functional in v1.11+; use the "sysctls" field instead)"},
      {"seccomp.security.alpha.kubernetes.io/pod",
       R"(non-functional in v1.27+; use the "seccompProfile" field instead)"}};
  for (const auto& [note, why] : kNotes) {
    const bool replaced = std::string_view(note).starts_with("seccomp") &&
                          At(spec, {"securityContext", "seccompProfile"}).is_object();
    if (!At(holder, {"metadata", "annotations", note}).is_null() && !replaced)
      warnings.push_back(fmt::format("{}metadata.annotations[{}]: {}", at, note, why));
  }
  OldVolumes(warnings, spec, here);
  Repeated(warnings, ListAt(spec, {"hostAliases"}), "ip", here + ".hostAliases");
  const Json& secrets = ListAt(spec, {"imagePullSecrets"});
  Repeated(warnings, secrets, "name", here + ".imagePullSecrets");
  for (size_t i = 0; i < secrets.size(); ++i) {
    if (TextAt(secrets[i], "name").empty())
      warnings.push_back(
          fmt::format("{}.imagePullSecrets[{}].name: invalid empty name \"\"", here, i));
  }
  for (const char* name : {"memory", "ephemeral-storage"})
    Fraction(warnings, At(spec, "overhead"), name, here + ".overhead");
  std::map<std::string, std::vector<Port>> ports;
  Warnings about_ports;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    const Json& containers = ListAt(spec, {list});
    for (size_t i = 0; i < containers.size(); ++i) {
      const std::string container = fmt::format("{}.{}[{}]", here, list, i);
      OldProfiles(warnings, holder, containers[i], at);
      for (const char* name : {"memory", "ephemeral-storage"}) {
        for (const char* side : {"limits", "requests"})
          Fraction(warnings, At(containers[i], {"resources", side}), name,
                   fmt::format("{}.resources.{}", container, side));
      }
      HiddenVariables(warnings, containers[i], container);
      OverlappingPorts(about_ports, containers[i], container, ports);
    }
  }
  warnings.insert(warnings.end(), about_ports.begin(), about_ports.end());
  if (!at.empty() && IntAt(spec, "terminationGracePeriodSeconds") < 0) {
    warnings.push_back(here +
                       ".terminationGracePeriodSeconds: must be >= 0; negative values are invalid "
                       "and will be treated as 1");
  }
  NullSelectors(warnings, spec, here);
}

void Claim(Warnings& warnings, const Json& spec, const std::string& at) {
  for (const char* side : {"requests", "limits"})
    Fraction(warnings, At(spec, {"resources", side}), "storage", at + ".resources." + side);
}

// Of annotations: what to say when one is there.
void Note(Warnings& warnings, const Json& object, const char* annotation, const char* why) {
  if (!At(object, {"metadata", "annotations", annotation}).is_null())
    warnings.push_back(fmt::format("metadata.annotations[{}]: {}", annotation, why));
}

constexpr const char* kStorageClass = "volume.beta.kubernetes.io/storage-class";
constexpr const char* kUseStorageClass =
    R"(deprecated since v1.8; use "storageClassName" attribute instead)";

void Volume(Warnings& warnings, const Json& volume) {
  Note(warnings, volume, kStorageClass, kUseStorageClass);
  Note(warnings, volume, "volume.beta.kubernetes.io/mount-options",
       R"(deprecated since v1.31; use "mountOptions" attribute instead)");
  if (TextAt(volume, {"spec", "persistentVolumeReclaimPolicy"}) == "Recycle") {
    warnings.emplace_back(
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, "
        "the recommended approach is to use dynamic provisioning.");
  }
  const Json& terms = ListAt(volume, {"spec", "nodeAffinity", "required", "nodeSelectorTerms"});
  for (size_t i = 0; i < terms.size(); ++i)
    NodeTerm(warnings, terms[i],
             fmt::format("spec.nodeAffinity.required.nodeSelectorTerms[{}]", i));
}

void Node(Warnings& warnings, const Json& node) {
  if (At(node, {"spec", "configSource"}).is_object())
    warnings.emplace_back("spec.configSource: the feature is removed");
  if (!TextAt(node, {"spec", "externalID"}).empty())
    warnings.emplace_back("spec.externalID: this field is deprecated, and is unused by Kubernetes");
}

// A pair that is none; whether key and certificate belong together is not looked at.
void Secret(Warnings& warnings, const Json& secret) {
  if (TextAt(secret, "type") != "kubernetes.io/tls") return;
  for (const auto& [member, word] :
       {std::pair("tls.crt", "certificate"), std::pair("tls.key", "key")}) {
    std::string text;
    (void)base::Base64Decode(TextAt(secret, {"data", member}), &text);
    if (text.find("-----BEGIN ") != std::string::npos) continue;
    warnings.push_back(fmt::format("tls: failed to find any PEM data in {} input", word));
    return;
  }
}

// Where a kind keeps its pod template, with a dot behind; "" for kinds without.
std::string TemplatePath(const std::string& key) {
  static const std::set<std::string_view> plain = {"apps/deployments",  "apps/replicasets",
                                                   "apps/statefulsets", "apps/daemonsets",
                                                   "batch/jobs",        "/replicationcontrollers"};
  if (plain.contains(key)) return "spec.template.";
  if (key == "batch/cronjobs") return "spec.jobTemplate.spec.template.";
  return key == "/podtemplates" ? "template." : "";
}

const Json& Follow(const Json& object, std::string_view path) {
  const Json* node = &object;
  for (std::string_view part : base::Split(path, '.')) {
    if (!part.empty()) node = &At(*node, std::string(part).c_str());
  }
  return *node;
}

// A name that makes pods' host names should be a DNS label.
void HostName(Warnings& warnings, const std::string& key, const std::string& name) {
  static const std::set<std::string_view> named = {"/pods",          "apps/deployments",
                                                   "batch/jobs",     "apps/replicasets",
                                                   "batch/cronjobs", "/replicationcontrollers"};
  if (!named.contains(key)) return;
  const Faults faults = LabelFault(name);
  if (faults.empty()) return;
  warnings.push_back(fmt::format(
      "metadata.name: this is used in {}, which can result in surprising behavior; a DNS label is "
      "recommended: [{}]",
      key == "/pods" ? "the Pod's hostname" : "Pod names and hostnames", base::Join(faults, " ")));
}

}  // namespace

namespace {

// What a custom resource's finalizers are called is its makers' matter; a name without a domain may
// be somebody else's too. Said of those that are new.
void Finalizers(Warnings& warnings, const Json& object, const Json& before) {
  const Json& old = ListAt(before, {"metadata", "finalizers"});
  std::set<std::string> names;  // told in their order
  for (const Json& one : ListAt(object, {"metadata", "finalizers"})) names.insert(Scalar(one));
  for (const std::string& name : names) {
    const bool known = name == "orphan" || name == "foregroundDeletion" || name == "kubernetes";
    if (known || name.find('/') != std::string::npos ||
        std::find(old.begin(), old.end(), Json(name)) != old.end())
      continue;
    warnings.push_back(fmt::format(
        "metadata.finalizers: {}: prefer a domain-qualified finalizer name {}to avoid accidental "
        "conflicts with other finalizer writers",
        GoQuoted(name), name.find('.') == std::string::npos ? "" : "including a path (/) "));
  }
}

}  // namespace

std::vector<std::string> WarningsAbout(const ResourceType& type, const Json& object,
                                       const Json& before) {
  Warnings warnings;
  const std::string& key = type.storage_key;
  const bool create = !before.is_object();
  if (type.custom) Finalizers(warnings, object, before);
  if (create) HostName(warnings, key, TextAt(object, {"metadata", "name"}));
  if (key == "/pods" && create) Pod(warnings, object, "");
  const std::string at = TemplatePath(key);
  // A template is looked at again when the object counts as another.
  const bool counted = At(object, "spec") != At(before, "spec") ||
                       At(object, "template") != At(before, "template") ||
                       (key == "apps/deployments" && At(object, {"metadata", "annotations"}) !=
                                                         At(before, {"metadata", "annotations"}));
  if (!at.empty() &&
      (create || (key == "apps/daemonsets" ? Follow(object, at) != Follow(before, at) : counted)))
    Pod(warnings, Follow(object, at), at);
  if (key == "apps/statefulsets") {
    const Json& claims = ListAt(object, {"spec", "volumeClaimTemplates"});
    for (size_t i = 0; i < claims.size(); ++i)
      Claim(warnings, At(claims[i], "spec"), fmt::format("spec.volumeClaimTemplates[{}]", i));
  }
  if (key == "/persistentvolumeclaims") {
    Note(warnings, object, kStorageClass, kUseStorageClass);
    Claim(warnings, At(object, "spec"), "spec");
  }
  if (key == "/persistentvolumes") Volume(warnings, object);
  if (key == "/services") WarnOfService(warnings, object);
  if (key == "/nodes") Node(warnings, object);
  if (key == "/secrets") Secret(warnings, object);
  if (key == "networking.k8s.io/ingresses" && create &&
      At(object, {"spec", "ingressClassName"}).is_null() &&
      !At(object, {"metadata", "annotations", "kubernetes.io/ingress.class"}).is_null()) {
    warnings.emplace_back(
        "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
        "'spec.ingressClassName' instead");
  }
  return warnings;
}

}  // namespace opsmesh::kubesim
