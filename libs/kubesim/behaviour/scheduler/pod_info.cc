#include "libs/kubesim/behaviour/scheduler/pod_info.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "libs/base/clock.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::scheduling {
namespace {

constexpr int64_t kDefaultMilliCpu = 100;
constexpr int64_t kDefaultMemory = 200 * 1024 * 1024;

// Thousandths, rounded up as a quantity's Value() is.
int64_t Units(const Json& value) {
  return static_cast<int64_t>(std::ceil(ParseQuantity(value).value_or(0) / 1000));
}

bool NumberLess(const std::string& text, const std::string& bound) {
  char* end1 = nullptr;
  char* end2 = nullptr;
  const long long a = std::strtoll(text.c_str(), &end1, 10);
  const long long b = std::strtoll(bound.c_str(), &end2, 10);
  return *end1 == '\0' && *end2 == '\0' && end1 != text.c_str() && end2 != bound.c_str() && a < b;
}

PodTerm ReadPodTerm(const Json& json, const std::string& own_namespace,
                    const LabelSelector::Labels& own_labels) {
  PodTerm term;
  Json selector = At(json, "labelSelector");
  // matchLabelKeys: the pod's own values are part of the selector.
  for (const Json& key : ListAt(json, {"matchLabelKeys"})) {
    for (const auto& [name, value] : own_labels) {
      if (selector.is_object() && name == Scalar(key)) selector["matchLabels"][name] = value;
    }
  }
  term.selector = LabelSelector::FromObject(selector);
  term.topology_key = TextAt(json, "topologyKey");
  for (const Json& ns : ListAt(json, {"namespaces"})) term.namespaces.push_back(Scalar(ns));
  const Json& namespace_selector = At(json, "namespaceSelector");
  if (namespace_selector.is_object()) {
    term.any_namespace = namespace_selector.empty();
    term.has_namespace_selector = !namespace_selector.empty();
    if (term.has_namespace_selector)
      term.namespace_selector = LabelSelector::FromObject(namespace_selector);
  } else if (term.namespaces.empty()) {
    term.namespaces.push_back(own_namespace);
  }
  return term;
}

void ReadPodTerms(const Json& affinity, const PodInfo& pod, std::vector<PodTerm>* required,
                  std::vector<PodTerm>* preferred) {
  for (const Json& term : ListAt(affinity, {"requiredDuringSchedulingIgnoredDuringExecution"})) {
    required->push_back(ReadPodTerm(term, pod.ns, pod.labels));
  }
  for (const Json& one : ListAt(affinity, {"preferredDuringSchedulingIgnoredDuringExecution"})) {
    PodTerm term = ReadPodTerm(At(one, "podAffinityTerm"), pod.ns, pod.labels);
    term.weight = IntAt(one, "weight");
    preferred->push_back(std::move(term));
  }
}

void ReadNodeAffinity(const Json& affinity, PodInfo* pod) {
  const Json& required = At(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
  pod->has_required_nodes = required.is_object();
  for (const Json& term : ListAt(required, {"nodeSelectorTerms"}))
    pod->required_nodes.push_back(ReadNodeTerm(term));
  for (const Json& one : ListAt(affinity, {"preferredDuringSchedulingIgnoredDuringExecution"})) {
    NodeTerm term = ReadNodeTerm(At(one, "preference"));
    term.weight = IntAt(one, "weight");
    pod->preferred_nodes.push_back(std::move(term));
  }
}

void ReadSpread(const Json& spec, PodInfo* pod) {
  for (const Json& one : ListAt(spec, {"topologySpreadConstraints"})) {
    SpreadConstraint constraint;
    constraint.max_skew = IntAt(one, "maxSkew", 1);
    constraint.topology_key = TextAt(one, "topologyKey");
    constraint.hard = TextAt(one, "whenUnsatisfiable") != "ScheduleAnyway";
    constraint.min_domains = IntAt(one, "minDomains", 1);
    constraint.honor_affinity = TextAt(one, "nodeAffinityPolicy") != "Ignore";
    constraint.honor_taints = TextAt(one, "nodeTaintsPolicy") == "Honor";
    Json selector = At(one, "labelSelector");
    for (const Json& key : ListAt(one, {"matchLabelKeys"})) {
      for (const auto& [name, value] : pod->labels) {
        if (name == Scalar(key)) selector["matchLabels"][name] = value;
      }
    }
    constraint.selector = LabelSelector::FromObject(selector);
    pod->spread.push_back(std::move(constraint));
  }
}

void ReadContainers(const Json& spec, PodInfo* pod) {
  auto read = [&](const Json& container, bool ports) {
    pod->images.push_back(TextAt(container, "image"));
    if (!ports) return;
    for (const Json& port : ListAt(container, {"ports"})) {
      const int64_t host_port = IntAt(port, "hostPort");
      if (host_port <= 0) continue;
      const std::string ip = TextAt(port, "hostIP");
      const std::string protocol = TextAt(port, "protocol");
      pod->ports.push_back(
          {ip.empty() ? "0.0.0.0" : ip, protocol.empty() ? "TCP" : protocol, host_port});
    }
  };
  for (const Json& container : ListAt(spec, {"initContainers"}))
    read(container, TextAt(container, "restartPolicy") == "Always");
  for (const Json& container : ListAt(spec, {"containers"})) {
    read(container, true);
    const Json& requests = At(container, {"resources", "requests"});
    pod->nonzero_cpu += requests.is_object() && requests.contains("cpu") ? 0 : kDefaultMilliCpu;
    pod->nonzero_memory += requests.is_object() && requests.contains("memory") ? 0 : kDefaultMemory;
  }
  pod->containers = static_cast<int64_t>(pod->images.size());
}

void ReadVolumes(const Json& spec, PodInfo* pod) {
  for (const Json& volume : ListAt(spec, {"volumes"})) {
    if (const std::string claim = TextAt(volume, {"persistentVolumeClaim", "claimName"});
        !claim.empty()) {
      pod->volumes.push_back({PodVolume::Kind::kClaim, claim});
    } else if (At(volume, "ephemeral").is_object()) {
      pod->volumes.push_back({PodVolume::Kind::kClaim, pod->name + "-" + TextAt(volume, "name")});
    }
  }
}

std::vector<NodeExpression> ReadExpressions(const Json& list) {
  std::vector<NodeExpression> expressions;
  for (const Json& one : list) {
    NodeExpression expression{TextAt(one, "key"), TextAt(one, "operator"), {}};
    for (const Json& value : ListAt(one, {"values"})) expression.values.push_back(Scalar(value));
    expressions.push_back(std::move(expression));
  }
  return expressions;
}

}  // namespace

bool NodeExpression::Holds(const std::string* value) const {
  auto listed = [&] { return std::find(values.begin(), values.end(), *value) != values.end(); };
  if (op == "In") return value != nullptr && listed();
  if (op == "NotIn") return value == nullptr || !listed();
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if (value == nullptr || values.empty()) return false;
  if (op == "Gt") return NumberLess(values[0], *value);
  if (op == "Lt") return NumberLess(*value, values[0]);
  return false;
}

NodeTerm ReadNodeTerm(const Json& term) {
  return {ReadExpressions(ListAt(term, {"matchExpressions"})),
          ReadExpressions(ListAt(term, {"matchFields"})), 0};
}

int64_t Resources::Extended(std::string_view name) const {
  for (const auto& [key, amount] : extended) {
    if (key == name) return amount;
  }
  return 0;
}

void Resources::Add(const Resources& other, int sign) {
  milli_cpu += sign * other.milli_cpu;
  memory += sign * other.memory;
  ephemeral_storage += sign * other.ephemeral_storage;
  for (const auto& [name, amount] : other.extended) {
    auto it = std::lower_bound(extended.begin(), extended.end(), name,
                               [](const auto& x, const std::string& key) { return x.first < key; });
    if (it == extended.end() || it->first != name) it = extended.insert(it, {name, 0});
    it->second += sign * amount;
  }
}

void Resources::Max(const Resources& other) {
  milli_cpu = std::max(milli_cpu, other.milli_cpu);
  memory = std::max(memory, other.memory);
  ephemeral_storage = std::max(ephemeral_storage, other.ephemeral_storage);
  for (const auto& [name, amount] : other.extended) {
    Resources more;
    more.extended = {{name, std::max<int64_t>(0, amount - Extended(name))}};
    Add(more);
  }
}

Resources ParseResources(const Json& map) {
  Resources resources;
  if (!map.is_object()) return resources;
  for (const auto& [name, value] : map.items()) {
    if (name == "cpu") {
      resources.milli_cpu = static_cast<int64_t>(std::ceil(ParseQuantity(value).value_or(0)));
    } else if (name == "memory") {
      resources.memory = Units(value);
    } else if (name == "ephemeral-storage") {
      resources.ephemeral_storage = Units(value);
    } else if (name == "pods") {
      resources.pods = Units(value);
    } else {
      resources.extended.emplace_back(name, Units(value));  // maps are ordered
    }
  }
  return resources;
}

Resources PodRequests(const Json& spec) {
  Resources sidecars, init_peak, together;
  for (const Json& container : ListAt(spec, {"initContainers"})) {
    const Resources own = ParseResources(At(container, {"resources", "requests"}));
    if (TextAt(container, "restartPolicy") == "Always") {
      sidecars.Add(own);
      together.Add(own);
      init_peak.Max(sidecars);
    } else {
      Resources peak = sidecars;
      peak.Add(own);
      init_peak.Max(peak);
    }
  }
  for (const Json& container : ListAt(spec, {"containers"}))
    together.Add(ParseResources(At(container, {"resources", "requests"})));
  together.Max(init_peak);
  if (const Json& pod_level = At(spec, {"resources", "requests"}); pod_level.is_object()) {
    const Resources given = ParseResources(pod_level);
    if (pod_level.contains("cpu")) together.milli_cpu = given.milli_cpu;
    if (pod_level.contains("memory")) together.memory = given.memory;
  }
  together.Add(ParseResources(At(spec, "overhead")));
  return together;
}

bool Toleration::Tolerates(std::string_view taint_key, std::string_view taint_value,
                           std::string_view taint_effect) const {
  if (!effect.empty() && effect != taint_effect) return false;
  if (!key.empty() && key != taint_key) return false;
  if (op == "Exists") return true;
  return !key.empty() && value == taint_value;
}

bool HostPort::Conflicts(const HostPort& other) const {
  return port == other.port && protocol == other.protocol &&
         (ip == other.ip || ip == "0.0.0.0" || other.ip == "0.0.0.0");
}

bool NodeTerm::Matches(const LabelSelector::Labels& labels, const std::string& node_name) const {
  if (expressions.empty() && fields.empty()) return false;  // an empty term selects nothing
  for (const NodeExpression& expression : expressions) {
    auto it = std::find_if(labels.begin(), labels.end(),
                           [&](const auto& label) { return label.first == expression.key; });
    if (!expression.Holds(it == labels.end() ? nullptr : &it->second)) return false;
  }
  for (const NodeExpression& field : fields) {
    if (!field.Holds(field.key == "metadata.name" ? &node_name : nullptr)) return false;
  }
  return true;
}

PodInfoPtr ReadPod(const Json& object) {
  auto pod = std::make_shared<PodInfo>();
  const Json& meta = At(object, "metadata");
  const Json& spec = At(object, "spec");
  const Json& status = At(object, "status");
  pod->ns = TextAt(meta, "namespace");
  pod->name = TextAt(meta, "name");
  pod->uid = TextAt(meta, "uid");
  pod->labels = ToLabels(At(meta, "labels"));
  pod->terminating = At(meta, "deletionTimestamp").is_string();
  base::ParseRfc3339(TextAt(meta, "creationTimestamp"), &pod->created);
  base::ParseRfc3339(TextAt(status, "startTime"), &pod->started);
  pod->node_name = TextAt(spec, "nodeName");
  pod->nominated_node = TextAt(status, "nominatedNodeName");
  pod->scheduler_name = TextAt(spec, "schedulerName");
  pod->preemption_policy = TextAt(spec, "preemptionPolicy");
  pod->phase = TextAt(status, "phase");
  pod->over = pod->phase == "Succeeded" || pod->phase == "Failed";
  pod->priority = IntAt(spec, "priority");
  for (const Json& gate : ListAt(spec, {"schedulingGates"}))
    pod->gates.push_back(TextAt(gate, "name"));
  pod->requests = PodRequests(spec);
  ReadContainers(spec, pod.get());
  pod->nonzero_cpu += pod->requests.milli_cpu;
  pod->nonzero_memory += pod->requests.memory;
  for (const Json& one : ListAt(spec, {"tolerations"})) {
    pod->tolerations.push_back(
        {TextAt(one, "key"), TextAt(one, "operator"), TextAt(one, "value"), TextAt(one, "effect")});
  }
  if (const Json& selector = At(spec, "nodeSelector"); selector.is_object())
    pod->node_selector = ToLabels(selector);
  ReadNodeAffinity(At(spec, {"affinity", "nodeAffinity"}), pod.get());
  ReadPodTerms(At(spec, {"affinity", "podAffinity"}), *pod, &pod->affinity,
               &pod->preferred_affinity);
  ReadPodTerms(At(spec, {"affinity", "podAntiAffinity"}), *pod, &pod->anti_affinity,
               &pod->preferred_anti_affinity);
  ReadSpread(spec, pod.get());
  ReadVolumes(spec, pod.get());
  for (const Json& owner : ListAt(meta, {"ownerReferences"})) {
    if (!BoolAt(owner, {"controller"})) continue;
    pod->controller_kind = TextAt(owner, "kind");
    pod->controller_uid = TextAt(owner, "uid");
  }
  return pod;
}

bool TermSelects(const PodTerm& term, const PodInfo& other,
                 const LabelSelector::Labels* namespace_labels) {
  const bool named =
      std::find(term.namespaces.begin(), term.namespaces.end(), other.ns) != term.namespaces.end();
  const bool selected =
      term.any_namespace || (term.has_namespace_selector && namespace_labels != nullptr &&
                             term.namespace_selector.Matches(*namespace_labels));
  return (named || selected) && term.selector.Matches(other.labels);
}

}  // namespace opsmesh::kubesim::scheduling
