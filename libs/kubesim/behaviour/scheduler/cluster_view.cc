#include "libs/kubesim/behaviour/scheduler/cluster_view.h"

#include <algorithm>
#include <utility>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::scheduling {
namespace {

std::string LabelEntry(std::string_view ns, std::string_view key, std::string_view value) {
  std::string entry;
  entry.reserve(ns.size() + key.size() + value.size() + 2);
  return entry.append(ns).append("/").append(key).append("=").append(value);
}

void Count(const PodInfo& pod, int sign, NodeInfo* node, int64_t* affinity, int64_t* anti) {
  const bool has_anti = !pod.anti_affinity.empty();
  node->with_affinity += sign * pod.HasAffinity();
  node->with_anti_affinity += sign * has_anti;
  *affinity += sign * pod.HasAffinity();
  *anti += sign * has_anti;
}

}  // namespace

const std::string* NodeInfo::Label(std::string_view key) const {
  auto it = std::lower_bound(
      labels.begin(), labels.end(), key,
      [](const auto& label, std::string_view wanted) { return label.first < wanted; });
  return it != labels.end() && it->first == key ? &it->second : nullptr;
}

void NodeInfo::AddPod(const PodInfoPtr& pod) {
  requested.Add(pod->requests);
  nonzero_cpu += pod->nonzero_cpu;
  nonzero_memory += pod->nonzero_memory;
  pods.push_back(pod);
}

bool NodeInfo::RemovePod(const std::string& uid) {
  auto it = std::find_if(pods.begin(), pods.end(),
                         [&](const PodInfoPtr& pod) { return pod->uid == uid; });
  if (it == pods.end()) return false;
  requested.Add((*it)->requests, -1);
  nonzero_cpu -= (*it)->nonzero_cpu;
  nonzero_memory -= (*it)->nonzero_memory;
  pods.erase(it);
  return true;
}

const NodeInfo* ClusterView::Node(std::string_view name) const {
  auto it = std::lower_bound(
      nodes_.begin(), nodes_.end(), name,
      [](const auto& node, std::string_view wanted) { return node->name < wanted; });
  return it != nodes_.end() && (*it)->name == name ? it->get() : nullptr;
}

NodeInfo* ClusterView::Mutable(const std::string& name) {
  return const_cast<NodeInfo*>(Node(name));
}

void ClusterView::PutNode(const Json& node) {
  const std::string name = TextAt(node, {"metadata", "name"});
  NodeInfo* info = Mutable(name);
  if (info == nullptr) {
    auto fresh = std::make_shared<NodeInfo>();
    fresh->name = name;
    info = fresh.get();
    nodes_.insert(std::lower_bound(nodes_.begin(), nodes_.end(), name,
                                   [](const auto& one, const std::string& wanted) {
                                     return one->name < wanted;
                                   }),
                  std::move(fresh));
    auto waiting = homeless_.extract(name);
    if (!waiting.empty()) {
      for (const PodInfoPtr& pod : waiting.mapped()) Place(pod, name);
    }
  }
  info->labels = ToLabels(At(node, {"metadata", "labels"}));
  info->taints.clear();
  for (const Json& taint : ListAt(node, {"spec", "taints"}))
    info->taints.push_back({TextAt(taint, "key"), TextAt(taint, "value"), TextAt(taint, "effect")});
  info->unschedulable = BoolAt(node, {"spec", "unschedulable"});
  info->allocatable = ParseResources(At(node, {"status", "allocatable"}));
  IndexImages(*info, false);
  info->images.clear();
  for (const Json& image : ListAt(node, {"status", "images"})) {
    for (const Json& one : ListAt(image, {"names"}))
      info->images[Scalar(one)] = IntAt(image, "sizeBytes");
  }
  IndexImages(*info, true);
}

void ClusterView::IndexImages(const NodeInfo& node, bool there) {
  for (const auto& [name, size] : node.images) {
    if (there) {
      by_image_[name].insert(&node);
      continue;
    }
    auto known = by_image_.find(name);
    if (known == by_image_.end()) continue;
    known->second.erase(&node);
    if (known->second.empty()) by_image_.erase(known);
  }
}

const ClusterView::NodeSet& ClusterView::WithImage(const std::string& name) const {
  static const auto* none = new NodeSet();
  const auto known = by_image_.find(name);
  return known == by_image_.end() ? *none : known->second;
}

void ClusterView::IndexLabels(const PodInfo& pod, bool there) {
  for (const auto& [key, value] : pod.labels) {
    const std::string entry = LabelEntry(pod.ns, key, value);
    if (there) {
      by_label_[entry].insert(&pod);
      continue;
    }
    auto known = by_label_.find(entry);
    if (known == by_label_.end()) continue;
    known->second.erase(&pod);
    if (known->second.empty()) by_label_.erase(known);
  }
}

const ClusterView::PodSet* ClusterView::Candidates(
    const std::string& ns, const std::vector<const LabelSelector*>& selectors) const {
  static const auto* none = new PodSet();
  const PodSet* fewest = nullptr;
  for (const LabelSelector* selector : selectors) {
    for (const auto& [key, value] : selector->Equalities()) {
      auto known = by_label_.find(LabelEntry(ns, key, value));
      if (known == by_label_.end()) return none;
      if (fewest == nullptr || known->second.size() < fewest->size()) fewest = &known->second;
    }
  }
  return fewest;
}

const NodeInfo* ClusterView::NodeOf(const PodInfo& pod) const {
  auto place = placed_.find(pod.uid);
  return place == placed_.end() ? nullptr : Node(place->second);
}

void ClusterView::DropNode(const std::string& name) {
  NodeInfo* node = Mutable(name);
  if (node == nullptr) return;
  for (const PodInfoPtr& pod : std::vector<PodInfoPtr>(node->pods)) {
    Count(*pod, -1, node, &pods_with_affinity_, &pods_with_anti_affinity_);
    homeless_[name].push_back(pod);
  }
  IndexImages(*node, false);
  std::erase_if(nodes_, [&](const auto& one) { return one->name == name; });
}

void ClusterView::Place(const PodInfoPtr& pod, const std::string& node_name) {
  placed_[pod->uid] = node_name;
  IndexLabels(*pod, true);
  NodeInfo* node = Mutable(node_name);
  if (node == nullptr) {
    homeless_[node_name].push_back(pod);
    return;
  }
  node->AddPod(pod);
  Count(*pod, 1, node, &pods_with_affinity_, &pods_with_anti_affinity_);
}

void ClusterView::PutPod(const PodInfoPtr& pod) {
  auto known = pods_.find(pod->uid);
  if (known != pods_.end() && placed_.contains(pod->uid) && pod->node_name.empty()) {
    // An echo older than our own decision: the decision stands.
    if (!pod->over && !pod->terminating) return;
  }
  DropPod(pod->uid);
  if (pod->over) return;
  pods_[pod->uid] = pod;
  if (!pod->node_name.empty()) {
    Place(pod, pod->node_name);
  } else if (!pod->nominated_node.empty()) {
    nominated_[pod->nominated_node][pod->uid] = pod;
  }
}

void ClusterView::DropPod(const std::string& uid) {
  auto known = pods_.find(uid);
  if (known == pods_.end()) return;
  const PodInfoPtr pod = known->second;
  pods_.erase(known);
  Unnominate(uid);
  auto place = placed_.find(uid);
  if (place == placed_.end()) return;
  IndexLabels(*pod, false);
  if (NodeInfo* node = Mutable(place->second)) {
    auto there = std::find_if(node->pods.begin(), node->pods.end(),
                              [&](const PodInfoPtr& one) { return one->uid == uid; });
    if (there != node->pods.end()) {
      Count(**there, -1, node, &pods_with_affinity_, &pods_with_anti_affinity_);
      node->RemovePod(uid);
    }
  } else {
    std::erase_if(homeless_[place->second], [&](const PodInfoPtr& one) { return one->uid == uid; });
  }
  placed_.erase(place);
}

void ClusterView::Assume(const PodInfoPtr& pod, const std::string& node) {
  DropPod(pod->uid);
  pods_[pod->uid] = pod;
  Place(pod, node);
}

void ClusterView::Nominate(const PodInfoPtr& pod, const std::string& node) {
  Unnominate(pod->uid);
  nominated_[node][pod->uid] = pod;
}

void ClusterView::Unnominate(const std::string& uid) {
  for (auto it = nominated_.begin(); it != nominated_.end();) {
    it->second.erase(uid);
    it = it->second.empty() ? nominated_.erase(it) : std::next(it);
  }
}

void ClusterView::DropService(const std::string& ns, const std::string& name) {
  if (auto it = services_.find(ns); it != services_.end()) it->second.erase(name);
}

const LabelSelector::Labels* ClusterView::NamespaceLabels(const std::string& name) const {
  auto it = namespaces_.find(name);
  return it == namespaces_.end() ? nullptr : &it->second;
}

PodInfoPtr ClusterView::Pod(const std::string& uid) const {
  auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : it->second;
}

std::vector<const LabelSelector*> ClusterView::SelectorsOf(const PodInfo& pod) const {
  std::vector<const LabelSelector*> matching;
  if (auto it = services_.find(pod.ns); it != services_.end()) {
    for (const auto& [name, selector] : it->second) {
      if (!selector.empty() && selector.Matches(pod.labels)) matching.push_back(&selector);
    }
  }
  if (auto it = workloads_.find(pod.controller_uid); it != workloads_.end())
    matching.push_back(&it->second);
  return matching;
}

ClusterView ClusterView::FromStore(const Store& store) {
  ClusterView view;
  auto each = [&](const char* group, const char* plural, auto take) {
    for (const ObjectPtr& object : store.List(*store.catalog().Preferred(group, plural)).objects)
      take(*object, object->Parse());
  };
  each("", "nodes", [&](const Object&, const Json& json) { view.PutNode(json); });
  each("", "namespaces",
       [&](const Object& object, const Json&) { view.PutNamespace(object.name, object.labels); });
  each("", "persistentvolumeclaims",
       [&](const Object&, const Json& json) { view.storage_.PutClaim(json); });
  each("", "persistentvolumes",
       [&](const Object&, const Json& json) { view.storage_.PutVolume(json); });
  each("storage.k8s.io", "storageclasses",
       [&](const Object&, const Json& json) { view.storage_.PutClass(json); });
  each("", "services", [&](const Object& object, const Json& json) {
    if (const Json& map = At(json, {"spec", "selector"}); map.is_object() && !map.empty())
      view.PutService(object.ns, object.name, LabelSelector::FromMap(map));
  });
  for (const char* plural : {"replicasets", "statefulsets"}) {
    each("apps", plural, [&](const Object& object, const Json& json) {
      view.PutWorkload(object.uid, LabelSelector::FromObject(At(json, {"spec", "selector"})));
    });
  }
  each("", "pods", [&](const Object&, const Json& json) { view.PutPod(ReadPod(json)); });
  return view;
}

}  // namespace opsmesh::kubesim::scheduling
