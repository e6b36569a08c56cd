#include "services/rca/topology.h"

#include <string_view>

namespace opsmesh::rca {
namespace {

// Kubernetes makes the ends of pod names of these: no vowels, so that no words arise.
bool Generated(std::string_view text) {
  return text.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string_view::npos;
}

std::string WithoutEnd(const std::string& name, size_t least, size_t most) {
  const size_t dash = name.rfind('-');
  if (dash == std::string::npos || dash == 0) return name;
  const std::string_view end = std::string_view(name).substr(dash + 1);
  return end.size() >= least && end.size() <= most && Generated(end) ? name.substr(0, dash) : name;
}

}  // namespace

std::string WorkloadOfName(const std::string& pod) {
  const std::string set = WithoutEnd(pod, 5, 5);
  if (set != pod) return WithoutEnd(set, 6, 10);
  // "db-0" of a StatefulSet.
  const size_t dash = pod.rfind('-');
  if (dash == std::string::npos || dash == 0 || dash + 1 == pod.size()) return pod;
  const bool ordinal =
      pod.size() - dash <= 4 && pod.find_first_not_of("0123456789", dash + 1) == std::string::npos;
  return ordinal ? pod.substr(0, dash) : pod;
}

void Topology::AddPod(const std::string& ns, const std::string& pod, PodPlace place) {
  if (!place.node.empty()) nodes_.insert(place.node);
  if (!place.workload.name.empty())
    workloads_.emplace(Key(ns, place.workload.name), place.workload);
  pods_.emplace(Key(ns, pod), std::move(place));
}

void Topology::AddNodeAddress(const std::string& address, const std::string& node) {
  nodes_.insert(node);
  if (!address.empty()) node_of_address_.emplace(address, node);
}

void Topology::AddServicePod(const std::string& ns, const std::string& service,
                             const std::string& pod) {
  behind_[Key(ns, service)].insert(WorkloadOf(ns, pod));
}

void Topology::AddCall(CauseObject caller, const std::string& callee_ns,
                       const std::string& callee) {
  calls_.emplace(std::move(caller), Key(callee_ns, callee));
}

const PodPlace* Topology::Pod(const std::string& ns, const std::string& pod) const {
  const auto found = pods_.find(Key(ns, pod));
  return found == pods_.end() ? nullptr : &found->second;
}

CauseObject Topology::WorkloadOf(const std::string& ns, const std::string& pod) const {
  const PodPlace* place = Pod(ns, pod);
  if (place != nullptr && !place->workload.name.empty()) return place->workload;
  const std::string name = WorkloadOfName(pod);
  const auto known = workloads_.find(Key(ns, name));
  if (known != workloads_.end()) return known->second;
  return {name == pod ? "Pod" : "", ns, name};
}

CauseObject Topology::Behind(const std::string& ns, const std::string& service) const {
  const auto behind = behind_.find(Key(ns, service));
  if (behind != behind_.end() && behind->second.size() == 1) return *behind->second.begin();
  const auto known = workloads_.find(Key(ns, service));
  return known != workloads_.end() ? known->second : CauseObject{"Service", ns, service};
}

std::string Topology::NodeOf(const std::string& instance) const {
  if (IsNode(instance)) return instance;
  const std::string address = instance.substr(0, instance.rfind(':'));
  if (IsNode(address)) return address;
  const auto found = node_of_address_.find(address);
  return found == node_of_address_.end() ? instance : found->second;
}

std::vector<std::pair<CauseObject, CauseObject>> Topology::Calls() const {
  std::set<std::pair<CauseObject, CauseObject>> calls;
  for (const auto& [caller, callee] : calls_) {
    CauseObject target = Behind(callee.first, callee.second);
    if (target.name != caller.name || target.ns != caller.ns)
      calls.emplace(caller, std::move(target));
  }
  return {calls.begin(), calls.end()};
}

}  // namespace opsmesh::rca
