#include "libs/kubesim/prometheus/past_reader.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

/// Services that a text names: "http://cart", "redis:6379",
/// "orders-db.payments.svc.cluster.local:5432".
void Mentions(std::string_view text, const std::string& ns, std::vector<std::string>* out) {
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  const std::string_view host = text.substr(0, text.find_first_of(":/ ;"));
  if (host.empty() || host.size() > 253 || host[0] == '-') return;
  const auto parts = base::Split(host, '.');
  for (const std::string_view part : parts) {
    if (part.empty() ||
        part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos)
      return;
  }
  if (parts.size() > 1 && parts.size() > 2 && parts[2] != "svc") return;
  out->push_back((parts.size() > 1 ? std::string(parts[1]) : ns) + "/" + std::string(parts[0]));
}

void ReadPorts(const Json& container, ContainerPast* past) {
  for (const Json& port : ListAt(container, {"ports"})) {
    past->ports.push_back(Scalar(At(port, "containerPort")));
    if (const std::string name = TextAt(port, "name"); !name.empty()) past->ports.push_back(name);
  }
}

promql::Labels LabelsAt(const Json& object) {
  promql::Labels labels;
  if (!object.is_object()) return labels;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) labels.emplace_back(key, value.get<std::string>());
  }
  return labels;
}

std::vector<Run> RunsIn(const Past* before, const std::string& container) {
  if (before == nullptr) return {};
  for (const ContainerPast& one : before->containers) {
    if (one.name == container) return one.runs;
  }
  return {};
}

}  // namespace

ContainerPast PastReader::Container(const Json& pod, const Json& container, const Past* before,
                                    const Past& past) const {
  ContainerPast one;
  one.name = TextAt(container, "name");
  one.image = TextAt(container, "image");
  one.cpu_limit = AmountOf(At(container, {"resources", "limits", "cpu"}));
  one.memory_limit = AmountOf(At(container, {"resources", "limits", "memory"}));
  one.cpu_request = AmountOf(At(container, {"resources", "requests", "cpu"}));
  one.memory_request = AmountOf(At(container, {"resources", "requests", "memory"}));
  ReadPorts(container, &one);
  Use(past, &one);
  const double started = Time(At(pod, {"status", "startTime"}));
  for (const Json& status : ListAt(pod, {"status", "containerStatuses"})) {
    if (TextAt(status, "name") != one.name) continue;
    one.runs = RunsOf(status, std::isnan(started) ? past.created : started,
                      RunsIn(before, one.name), now_);
    one.oom = TextAt(status, {"lastState", "terminated", "reason"}) == "OOMKilled" ||
              TextAt(status, {"state", "terminated", "reason"}) == "OOMKilled";
  }
  return one;
}

void PastReader::Pod(const Json& pod, const Past* before, Past* past) const {
  past->node = TextAt(pod, {"spec", "nodeName"});
  past->ip = TextAt(pod, {"status", "podIP"});
  if (past->ip.empty() && before != nullptr) past->ip = before->ip;
  past->pod_labels = LabelsAt(At(pod, {"metadata", "labels"}));
  Workload(pod, past);
  Ready(pod, before, past);
  for (const Json& container : ListAt(pod, {"spec", "containers"}))
    past->containers.push_back(Container(pod, container, before, *past));
  for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
    const std::string claim = TextAt(volume, {"persistentVolumeClaim", "claimName"});
    if (!claim.empty()) past->claims.push_back(claim);
    if (At(volume, "ephemeral").is_object())
      past->claims.push_back(past->name + "-" + TextAt(volume, "name"));
  }
  Eviction(pod, before, past);
  const std::string phase = TextAt(pod, {"status", "phase"});
  if (phase != "Succeeded" && phase != "Failed") Environment(pod, past);
}

/// The signals are those of the kubelet (pkg/kubelet/eviction/api), told by its message.
void PastReader::Eviction(const Json& pod, const Past* before, Past* past) const {
  if (TextAt(pod, {"status", "reason"}) != "Evicted") return;
  const std::string message = TextAt(pod, {"status", "message"});
  const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
  past->eviction_signal = says("resource: memory")               ? "memory.available"
                          : says("resource: ephemeral-storage")  ? "nodefs.available"
                          : says("resource: pids")               ? "pid.available"
                          : says("EmptyDir")                     ? "emptydirfs.limit"
                          : says("exceeded its local ephemeral") ? "ephemeralcontainerfs.limit"
                          : says("Pod ephemeral local storage")  ? "ephemeralpodfs.limit"
                                                                 : "";
  if (past->eviction_signal.empty()) return;  // it was not let in: that is no eviction
  past->evicted = before != nullptr && !std::isnan(before->evicted) ? before->evicted : now_;
  for (const Json& status : ListAt(pod, {"status", "conditions"})) {
    if (before == nullptr && TextAt(status, "type") == "DisruptionTarget")
      past->evicted = std::min(now_, Time(At(status, "lastTransitionTime")));
  }
}

void PastReader::Workload(const Json& pod, Past* past) const {
  for (const Json& owner : ListAt(pod, {"metadata", "ownerReferences"})) {
    std::string kind = TextAt(owner, "kind");
    std::string name = TextAt(owner, "name");
    const char* plural = kind == "ReplicaSet" ? "replicasets" : kind == "Job" ? "jobs" : nullptr;
    if (plural != nullptr) {
      const ObjectPtr above = store_.Get(
          MustFind(store_, kind == "Job" ? "batch" : "apps", "v1", plural), past->ns, name);
      if (above != nullptr) {
        const Json object = above->Parse();
        for (const Json& next : ListAt(object, {"metadata", "ownerReferences"})) {
          kind = TextAt(next, "kind");
          name = TextAt(next, "name");
        }
      }
    }
    past->workload_kind = kind;
    past->workload = past->ns + "/" + name;
  }
}

void PastReader::Ready(const Json& pod, const Past* before, Past* past) const {
  bool ready = false;
  double since = kNaN;
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Ready") continue;
    ready = TextAt(condition, "status") == "True";
    since = Time(At(condition, "lastTransitionTime"));
  }
  if (before != nullptr) {
    past->ready = before->ready;
    past->ready.Set(std::isnan(since) ? now_ : std::min(since, now_), ready ? 1 : 0);
    return;
  }
  // A pod that is not ready since some time after its start was ready until then.
  const double started = Time(At(pod, {"status", "startTime"}));
  const bool was = !ready && since > started + 60;
  past->ready.Set(past->created, 0);
  if (was) past->ready.Set(started + 10, 1);
  if (!std::isnan(since) || ready)
    past->ready.Set(std::isnan(since) ? past->created : since, ready ? 1 : 0);
}

/// Typical use: what the metrics API tells, else a guess that stays the same.
void PastReader::Use(const Past& pod, ContainerPast* one) const {
  const std::string who = pod.ns + "/" + one->image + "/" + one->name;
  one->cpu = 0.004 + 0.05 * Chance(who, seed_);
  const double most = std::isnan(one->memory_limit) ? 96 << 20 : one->memory_limit;
  one->memory = most * (0.35 + 0.25 * Chance(who, seed_ + 1));
  const ResourceType* usage = store_.catalog().Find("metrics.k8s.io", "v1beta1", "pods");
  const ObjectPtr metrics = usage == nullptr ? nullptr : store_.Get(*usage, pod.ns, pod.name);
  if (metrics == nullptr) return;
  const Json object = metrics->Parse();
  for (const Json& container : ListAt(object, {"containers"})) {
    if (TextAt(container, "name") != one->name) continue;
    const double cpu = AmountOf(At(container, {"usage", "cpu"}));
    const double memory = AmountOf(At(container, {"usage", "memory"}));
    if (cpu > 0) one->cpu = cpu;
    if (memory > 0) one->memory = memory;
  }
}

void PastReader::Environment(const Json& pod, Past* past) const {
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    for (const Json& env : ListAt(container, {"env"}))
      Mentions(TextAt(env, "value"), past->ns, &past->mentions);
  }
  for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
    const std::string name = TextAt(volume, {"configMap", "name"});
    if (!name.empty()) ConfigMap(name, past);
  }
  std::sort(past->mentions.begin(), past->mentions.end());
  past->mentions.erase(std::unique(past->mentions.begin(), past->mentions.end()),
                       past->mentions.end());
}

void PastReader::ConfigMap(const std::string& name, Past* past) const {
  const ObjectPtr map = store_.Get(MustFind(store_, "", "v1", "configmaps"), past->ns, name);
  if (map == nullptr) return;
  const Json object = map->Parse();
  const Json& data = At(object, "data");
  if (!data.is_object()) return;
  for (const auto& [key, value] : data.items()) {
    if (!value.is_string()) continue;
    const std::string text = value.get<std::string>();
    for (size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3))
      Mentions(std::string_view(text).substr(at), past->ns, &past->mentions);
  }
}

void PastReader::Service(const Json& service, Past* past) {
  past->selector = LabelsAt(At(service, {"spec", "selector"}));
  for (const Json& port : ListAt(service, {"spec", "ports"})) {
    const Json& target = At(port, "targetPort");
    std::string name = TextAt(port, "name");
    if (name.empty()) name = Scalar(At(port, "port"));
    past->ports.emplace_back(std::move(name),
                             target.is_null() ? Scalar(At(port, "port")) : Scalar(target));
  }
}

void PastReader::Node(const Json& node, const Past* before, Past* past) const {
  past->version = TextAt(node, {"status", "nodeInfo", "kubeletVersion"});
  const double cpus = AmountOf(At(node, {"status", "capacity", "cpu"}));
  const double memory = AmountOf(At(node, {"status", "capacity", "memory"}));
  if (cpus > 0) past->cpus = cpus;
  if (memory > 0) past->memory = memory;
  for (const Json& address : ListAt(node, {"status", "addresses"})) {
    if (TextAt(address, "type") == "InternalIP") past->ip = TextAt(address, "address");
  }
  if (before != nullptr) past->up = before->up;
  for (const Json& condition : ListAt(node, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Ready") continue;
    const std::string status = TextAt(condition, "status");
    // A node that fell silent did so at its last heartbeat; the condition follows some 40 s later.
    const double changed =
        Time(At(condition, status == "Unknown" ? "lastHeartbeatTime" : "lastTransitionTime"));
    if (before == nullptr) past->up.Set(past->created, 1);
    past->up.Set(std::isnan(changed) || (before != nullptr && changed > now_) ? now_ : changed,
                 status == "Unknown" ? 0 : 1);
  }
}

void PastReader::Claim(const Json& claim, Past* past) {
  if (TextAt(claim, {"status", "phase"}) != "Bound") return;
  past->capacity = AmountOf(At(claim, {"status", "capacity", "storage"}));
  if (std::isnan(past->capacity))
    past->capacity = AmountOf(At(claim, {"spec", "resources", "requests", "storage"}));
}

void PastReader::ReplicaSet(const Json& set, Past* past) {
  past->replicas = static_cast<double>(IntAt(set, {"spec", "replicas"}, 1));
  past->pod_labels = LabelsAt(At(set, {"spec", "template", "metadata", "labels"}));
  for (const Json& owner : ListAt(set, {"metadata", "ownerReferences"}))
    past->workload = past->ns + "/" + TextAt(owner, "name");
}

}  // namespace opsmesh::kubesim::prometheus
