// Node leases and statuses: what kubelets say of their machines.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kLeaseEvery = absl::Seconds(10);
constexpr uint64_t kStatusEvery =
    30;  // leases between two statuses that say nothing new: 5 minutes
constexpr size_t kManyNodes =
    100;  // beyond, leases are renewed at a third of the rate: half the lease's life

struct Wording {
  const char* type;
  const char* fault;  // that raises it
  const char* good_reason;
  const char* good_message;
  const char* bad_reason;
  const char* bad_message;
};
constexpr Wording kPressures[] = {
    {"MemoryPressure", "memory-pressure", "KubeletHasSufficientMemory",
     "kubelet has sufficient memory available", "KubeletHasInsufficientMemory",
     "kubelet has insufficient memory available"},
    {"DiskPressure", "disk-pressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure",
     "KubeletHasDiskPressure", "kubelet has disk pressure"},
    {"PIDPressure", "pid-pressure", "KubeletHasSufficientPID",
     "kubelet has sufficient PID available", "KubeletHasInsufficientPID",
     "kubelet has insufficient PID available"},
};
constexpr size_t kImagesNamed = 50;

// Sets a condition; true when its status or reason changed.
bool SetCondition(Json& status, const std::string& type, const std::string& value,
                  const std::string& reason, const std::string& message, const std::string& now) {
  Json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  for (Json& one : conditions) {
    if (TextAt(one, "type") != type) continue;
    const bool turned = TextAt(one, "status") != value;
    const bool changed = turned || TextAt(one, "reason") != reason;
    if (turned) one["lastTransitionTime"] = now;
    one["status"] = value;
    one["reason"] = reason;
    one["message"] = message;
    one["lastHeartbeatTime"] = now;
    return changed;
  }
  conditions.push_back({{"type", type},
                        {"status", value},
                        {"lastHeartbeatTime", now},
                        {"lastTransitionTime", now},
                        {"reason", reason},
                        {"message", message}});
  return true;
}

const Json& ConditionOf(const Json& node, const char* type) {
  for (const Json& one : ListAt(node, {"status", "conditions"})) {
    if (TextAt(one, "type") == type) return one;
  }
  return At(node, "no such condition");
}

uint64_t NameHash(const std::string& text, uint64_t seed) {
  uint64_t hash = 14695981039346656037ULL ^ (seed * 0x9E3779B97F4A7C15ULL);
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  hash ^= hash >> 33;
  return hash * 0xff51afd7ed558ccdULL;
}

// What a kubelet finds out about its machine, for a Node that was written by hand.
void FillMachine(const std::string& name, Json& status) {
  if (!At(status, "capacity").is_object()) {
    status["capacity"] = {
        {"cpu", "4"}, {"memory", "16Gi"}, {"pods", "110"}, {"ephemeral-storage", "100Gi"}};
  }
  if (!At(status, "allocatable").is_object()) {
    status["allocatable"] = status["capacity"];
    if (!status["allocatable"].contains("pods")) status["allocatable"]["pods"] = "110";
  }
  if (ListAt(status, {"addresses"}).empty()) {
    uint32_t hash = 2166136261u;
    for (unsigned char c : name) hash = (hash ^ c) * 16777619u;
    status["addresses"] = {
        {{"type", "InternalIP"},
         {"address", fmt::format("192.168.{}.{}", 20 + hash % 200, 1 + hash / 200 % 250)}},
        {{"type", "Hostname"}, {"address", name}}};
  }
  if (!At(status, "nodeInfo").is_object()) {
    auto id = [&](const char* what) {
      std::string hex;
      for (uint64_t i = 0; i < 2; ++i) hex += fmt::format("{:016x}", NameHash(what + name, i));
      return hex;
    };
    const std::string boot = id("boot"), machine = id("machine");
    status["nodeInfo"] = {
        {"architecture", "amd64"},
        {"bootID", fmt::format("{}-{}-{}-{}-{}", boot.substr(0, 8), boot.substr(8, 4),
                               boot.substr(12, 4), boot.substr(16, 4), boot.substr(20))},
        {"containerRuntimeVersion", "containerd://1.7.24"},
        {"kernelVersion", "6.1.0-28-amd64"},
        {"kubeProxyVersion", "v1.32.4"},
        {"kubeletVersion", "v1.32.4"},
        {"machineID", machine},
        {"operatingSystem", "linux"},
        {"osImage", "Debian GNU/Linux 12 (bookworm)"},
        {"systemUUID", machine}};
  }
  if (!At(status, "daemonEndpoints").is_object())
    status["daemonEndpoints"] = {{"kubeletEndpoint", {{"Port", 10250}}}};
}

}  // namespace

std::string BinaryQuantity(int64_t bytes) {
  const char* const units[] = {"", "Ki", "Mi", "Gi", "Ti"};
  size_t unit = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && unit < 4; ++unit) bytes /= 1024;
  return fmt::format("{}{}", bytes, units[unit]);
}

void Kubelet::Heartbeat() {
  const bool many = nodes_.size() > kManyNodes;
  const auto nodes = nodes_.List();
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (many && (i + beats_) % 3 != 0) continue;
    if (!NodeAnswers(nodes[i]->name)) continue;
    Beat(*nodes[i], (beats_ + i) % kStatusEvery == 0);
  }
  ++beats_;
  engine_.After(kLeaseEvery, [this] { Heartbeat(); });
}

void Kubelet::Beat(const Object& node, bool status_due) {
  const absl::Time now = engine_.Now();
  const std::string micro = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", now, absl::UTCTimeZone());
  auto renewed =
      engine_.client().Change(lease_type_, "kube-node-lease", node.name, [&](Json& lease) {
        lease["spec"]["renewTime"] = micro;
        return true;
      });
  if (!renewed.ok()) {
    Json lease = {
        {"metadata",
         {{"name", node.name},
          {"namespace", "kube-node-lease"},
          {"ownerReferences",
           {{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node.name}, {"uid", node.uid}}}}}},
        {"spec",
         {{"holderIdentity", node.name}, {"leaseDurationSeconds", 40}, {"renewTime", micro}}}};
    (void)engine_.client().Put(lease_type_, std::move(lease));
  }
  const auto json = engine_.Parsed(nodes_.Get("", node.name));
  const std::string ready = TextAt(ConditionOf(*json, "Ready"), "status");
  bool wants = status_due || ready == "Unknown" || !ConditionOf(*json, "Ready").is_object() ||
               !At(*json, {"status", "nodeInfo"}).is_object();
  for (const Wording& wording : kPressures) {
    const bool fault = faults_.OnNode(wording.fault, node.name).has_value();
    const bool raised = state_.nodes[node.name].pressure.find(wording.type) != std::string::npos;
    wants = wants || fault != raised;
  }
  wants =
      wants ||
      (faults_.OnNode("network-plugin", node.name).has_value() !=
       (TextAt(ConditionOf(*json, "Ready"), "message").find("cni plugin") != std::string::npos));
  if (wants) {
    (void)engine_.client().Change(node_type_, "", node.name, [&](Json& object) {
      UpdateNode(object, node.name);
      return true;
    });
  }
  for (const char* kind : {"memory-pressure", "disk-pressure"}) {
    if (faults_.OnNode(kind, node.name)) Evict(node.name);
  }
}

void Kubelet::TellOfNode(const std::string& name, const std::string& reason,
                         const std::string& message) {
  engine_.events().Record({"kubelet", name}, Json{{"kind", "Node"}, {"name", name}, {"uid", name}},
                          "Normal", reason, message);
}

void Kubelet::TellOfStatus(const std::string& name, const std::string& reason) {
  TellOfNode(name, reason, fmt::format("Node {} status is now: {}", name, reason));
}

// All conditions: as they were, but for what faults say.
void Kubelet::UpdateNode(Json& node, const std::string& name) {
  Json& status = node["status"];
  const bool registers =
      ConditionOf(node, "Ready").is_null() && !At(status, "nodeInfo").is_object();
  FillMachine(name, status);
  if (registers) {
    TellOfNode(name, "Starting", "Starting kubelet.");
    TellOfNode(name, "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
  }
  SetPressures(node, name);
  SetReadiness(node, name);
  Json images = Json::array();
  for (const std::string& image : state_.nodes[name].images) {
    if (images.size() >= kImagesNamed) break;
    images.push_back({{"names", {image}}, {"sizeBytes", images_.Find(image)->size}});
  }
  if (!images.empty()) status["images"] = std::move(images);
}

void Kubelet::SetPressures(Json& node, const std::string& name) {
  const std::string now = base::Rfc3339(engine_.Now());
  std::string& raised = state_.nodes[name].pressure;
  for (const Wording& wording : kPressures) {
    const bool fault = faults_.OnNode(wording.fault, name).has_value();
    const size_t at = raised.find(wording.type);
    const Json& present = ConditionOf(node, wording.type);
    // What was loaded so stays so; a dead kubelet that is back knows nothing of the past.
    const bool given =
        present.is_object() && TextAt(present, "status") == "True" && at == std::string::npos;
    const bool bad = fault || given;
    const std::string reason = bad ? wording.bad_reason : wording.good_reason;
    const bool changed = SetCondition(node["status"], wording.type, bad ? "True" : "False", reason,
                                      bad ? wording.bad_message : wording.good_message, now);
    if (fault && at == std::string::npos) raised += wording.type;
    if (!fault && at != std::string::npos) raised.erase(at, std::string(wording.type).size());
    // The condition's reason is KubeletHasDiskPressure, the event's NodeHasDiskPressure.
    if (changed) TellOfStatus(name, "Node" + reason.substr(std::string_view("Kubelet").size()));
  }
}

void Kubelet::SetReadiness(Json& node, const std::string& name) {
  constexpr const char* kNoPlugin = "cni plugin not initialized";
  const std::string now = base::Rfc3339(engine_.Now());
  Json& status = node["status"];
  const Json present = ConditionOf(node, "Ready");
  const std::string before = TextAt(present, "status");
  if (faults_.OnNode("network-plugin", name)) {
    SetCondition(
        status, "Ready", "False", "KubeletNotReady",
        fmt::format("container runtime network not ready: NetworkReady=false "
                    "reason:NetworkPluginNotReady message:Network plugin returns error: {}",
                    kNoPlugin),
        now);
    if (before == "True") TellOfStatus(name, "NodeNotReady");
    return;
  }
  if (before == "False" && TextAt(present, "message").find(kNoPlugin) == std::string::npos) {
    SetCondition(status, "Ready", "False", TextAt(present, "reason"), TextAt(present, "message"),
                 now);  // it was loaded so
    return;
  }
  SetCondition(status, "Ready", "True", "KubeletReady", "kubelet is posting ready status", now);
  if (before != "True") TellOfStatus(name, "NodeReady");
}

// Under pressure one pod goes at a time: those beyond their requests first, by priority, then by
// how far beyond.
void Kubelet::Evict(const std::string& node_name) {
  const bool memory = faults_.OnNode("memory-pressure", node_name).has_value();
  struct Candidate {
    std::string uid;
    bool beyond;
    int64_t priority, over, used, request;
    std::string container;
  };
  std::vector<Candidate> candidates;
  for (const ObjectPtr& object : by_node_.Find(node_name)) {
    auto it = state_.pods.find(object->uid);
    if (it == state_.pods.end() || it->second.over || it->second.terminating) continue;
    const auto pod = engine_.Parsed(object);
    const int64_t priority = IntAt(*pod, {"spec", "priority"});
    if (priority >= 2'000'000'000) continue;  // critical pods stay
    int64_t used = 0, most = 0;
    std::string container;
    for (const ContainerRuntime& one : it->second.main) {
      if (!one.process) continue;
      const int64_t own =
          memory ? one.process->memory(engine_.Now()) : (64 << 20) + one.process->DiskUse("/");
      used += own;
      if (own >= most) container = one.status.name;
      most = std::max(most, own);
    }
    if (container.empty()) continue;
    if (memory && used <= scheduling::PodRequests(At(*pod, "spec")).memory)
      continue;  // it has what it asked for
    const int64_t request = memory ? scheduling::PodRequests(At(*pod, "spec")).memory
                                   : scheduling::PodRequests(At(*pod, "spec")).ephemeral_storage;
    candidates.push_back(
        {object->uid, used > request, priority, used - request, used, request, container});
  }
  if (candidates.empty()) return;
  const auto& victim = *std::min_element(
      candidates.begin(), candidates.end(), [](const Candidate& x, const Candidate& y) {
        return std::tuple(!x.beyond, x.priority, -x.over, x.uid) <
               std::tuple(!y.beyond, y.priority, -y.over, y.uid);
      });
  const ObjectPtr object = pods_.GetByUid(victim.uid);
  const auto pod = engine_.Parsed(object);
  View view{state_.pods[victim.uid], object, *pod, At(*pod, "spec"), engine_.Now()};
  const std::string resource = memory ? "memory" : "ephemeral-storage";
  std::string message =
      fmt::format("The node was low on resource: {}. Threshold quantity: {}, available: {}Ki. ",
                  resource, memory ? "100Mi" : "10%", memory ? 87412 : 4718592);
  if (victim.beyond) {
    message += fmt::format(
        "Container {} was using {}, request is {}, has larger consumption of {}. ",
        victim.container, BinaryQuantity(victim.used), BinaryQuantity(victim.request), resource);
  }
  Tell(view, "Warning", "Evicted", message);
  for (const ContainerRuntime& one : view.runtime.main) {
    if (one.process) Tell(view, "Normal", "Killing", "Stopping container " + one.status.name, &one);
  }
  EndPod(view, "Evicted", message, true);
}

}  // namespace opsmesh::kubesim
