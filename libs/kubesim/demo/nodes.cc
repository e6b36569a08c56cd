#include <fmt/format.h>

#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

Json Condition(const char* type, bool silent, const char* good, const char* reason,
               const char* message, const std::string& beat, const std::string& changed) {
  if (silent) {
    return {{"type", type},
            {"status", "Unknown"},
            {"lastHeartbeatTime", beat},
            {"lastTransitionTime", changed},
            {"reason", "NodeStatusUnknown"},
            {"message", "Kubelet stopped posting node status."}};
  }
  return {{"type", type},
          {"status", good},
          {"lastHeartbeatTime", beat},
          {"lastTransitionTime", changed},
          {"reason", reason},
          {"message", message}};
}

}  // namespace

void DemoBuilder::AddNode(Json node) {
  NodeRoom room;
  room.name = TextAt(node, {"metadata", "name"});
  room.ip = fmt::format("192.168.10.{}", 11 + nodes_.size());
  room.pod_prefix = fmt::format("10.244.{}.", nodes_.size());
  if (auto silent = scenario_.silent_nodes.find(room.name);
      silent != scenario_.silent_nodes.end()) {
    room.silent = true;
    room.silent_since = now_ - silent->second;
  }
  room.tainted = !ListAt(node, {"spec", "taints"}).empty();
  Json& labels = node["metadata"]["labels"];
  for (const char* prefix : {"beta.kubernetes.io", "kubernetes.io"}) {
    labels[std::string(prefix) + "/arch"] = "amd64";
    labels[std::string(prefix) + "/os"] = "linux";
  }
  labels["kubernetes.io/hostname"] = room.name;
  node["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] = "0";
  node["spec"]["podCIDRs"] = {node["spec"]["podCIDR"]};
  node["spec"]["providerID"] = "sim://" + room.name;
  const std::string beat =
      base::Rfc3339(room.silent ? room.silent_since - absl::Seconds(44) : now_ - absl::Seconds(17));
  const std::string born = TextAt(node, {"metadata", "creationTimestamp"});
  const std::string changed = room.silent ? base::Rfc3339(room.silent_since) : born;
  if (room.silent) {
    for (const char* effect : {"NoSchedule", "NoExecute"}) {
      node["spec"]["taints"].push_back(
          {{"key", "node.kubernetes.io/unreachable"}, {"effect", effect}, {"timeAdded", changed}});
    }
  }
  Json& status = node["status"];
  Json allocatable = status["capacity"];
  allocatable["cpu"] =
      fmt::format("{}m", static_cast<int64_t>(*ParseQuantity(At(allocatable, "cpu"))) - 100);
  allocatable["memory"] = fmt::format(
      "{}Mi",
      static_cast<int64_t>(*ParseQuantity(At(allocatable, "memory")) / 1000 / 1048576) - 600);
  allocatable["ephemeral-storage"] = "90Gi";
  status["allocatable"] = allocatable;
  status["conditions"] = {
      Condition("MemoryPressure", room.silent, "False", "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available", beat, changed),
      Condition("DiskPressure", room.silent, "False", "KubeletHasNoDiskPressure",
                "kubelet has no disk pressure", beat, changed),
      Condition("PIDPressure", room.silent, "False", "KubeletHasSufficientPID",
                "kubelet has sufficient PID available", beat, changed),
      Condition("Ready", room.silent, "True", "KubeletReady", "kubelet is posting ready status",
                beat, changed)};
  status["addresses"] = {{{"type", "InternalIP"}, {"address", room.ip}},
                         {{"type", "Hostname"}, {"address", room.name}}};
  status["daemonEndpoints"] = {{"kubeletEndpoint", {{"Port", 10250}}}};
  status["nodeInfo"] = {{"machineID", Hex(32)},
                        {"systemUUID", target_.store.ids().NewUuid()},
                        {"bootID", target_.store.ids().NewUuid()},
                        {"kernelVersion", "6.1.0-28-amd64"},
                        {"osImage", "Debian GNU/Linux 12 (bookworm)"},
                        {"containerRuntimeVersion", "containerd://1.7.24"},
                        {"kubeletVersion", "v1.32.4"},
                        {"kubeProxyVersion", "v1.32.4"},
                        {"operatingSystem", "linux"},
                        {"architecture", "amd64"}};
  room.cpu = *ParseQuantity(At(allocatable, "cpu"));
  room.memory = *ParseQuantity(At(allocatable, "memory"));
  Put(Type("", "nodes"), std::move(node));
  AddLease(room);
  if (room.silent) {
    const EventSubject subject{"Node", "v1", "", room.name, room.name, ""};
    AddEvent(subject, "Normal", "NodeNotReady",
             fmt::format("Node {} status is now: NodeNotReady", room.name), "node-controller", "",
             room.silent_since, room.silent_since, 1);
  }
  nodes_.push_back(std::move(room));
}

void DemoBuilder::AddLease(const NodeRoom& room) {
  const absl::Time beat =
      room.silent ? room.silent_since - absl::Seconds(44) : now_ - absl::Seconds(4);
  Json lease = {
      {"metadata", {{"name", room.name}, {"namespace", "kube-node-lease"}}},
      {"spec",
       {{"holderIdentity", room.name},
        {"leaseDurationSeconds", 40},
        {"renewTime", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", beat, absl::UTCTimeZone())}}}};
  Put(Type("coordination.k8s.io", "leases"),
      Stamp(std::move(lease), now_ - scenario_.AgeOf("", "")));
}

}  // namespace opsmesh::kubesim
