#include "libs/kubesim/behaviour/scheduler/storage_view.h"

#include <utility>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::scheduling {
namespace {

int64_t Bytes(const Json& quantity) {
  return static_cast<int64_t>(ParseQuantity(quantity).value_or(0) / 1000);
}

std::vector<std::string> Texts(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& one : list) texts.push_back(Scalar(one));
  return texts;
}

// What an index holds under a key; empty where it holds nothing.
const StorageView::Names& Found(const std::unordered_map<std::string, StorageView::Names>& index,
                                const std::string& key) {
  static const auto* none = new StorageView::Names();
  const auto known = index.find(key);
  return known == index.end() ? *none : known->second;
}

}  // namespace

void StorageView::PutClaim(const Json& claim) {
  ClaimInfo info;
  info.volume = TextAt(claim, {"spec", "volumeName"});
  info.class_name = TextAt(claim, {"spec", "storageClassName"});
  info.access_modes = Texts(ListAt(claim, {"spec", "accessModes"}));
  info.request = Bytes(At(claim, {"spec", "resources", "requests", "storage"}));
  info.deleting = At(claim, {"metadata", "deletionTimestamp"}).is_string();
  const std::string phase = TextAt(claim, {"status", "phase"});
  info.lost = phase == "Lost";
  info.fully_bound =
      !info.volume.empty() &&
      (phase == "Bound" ||
       At(claim, {"metadata", "annotations", "pv.kubernetes.io/bind-completed"}).is_string());
  info.selected_node =
      TextAt(claim, {"metadata", "annotations", "volume.kubernetes.io/selected-node"});
  info.has_selected_node = !info.selected_node.empty();
  info.block = TextAt(claim, {"spec", "volumeMode"}) == "Block";
  const Json& selector = At(claim, {"spec", "selector"});
  info.has_selector = selector.is_object();
  if (info.has_selector) info.selector = LabelSelector::FromObject(selector);
  claims_[TextAt(claim, {"metadata", "namespace"}) + "/" + TextAt(claim, {"metadata", "name"})] =
      std::move(info);
}

void StorageView::PutVolume(const Json& volume) {
  VolumeInfo info;
  const Json& required = At(volume, {"spec", "nodeAffinity", "required"});
  info.has_affinity = required.is_object();
  for (const Json& term : ListAt(required, {"nodeSelectorTerms"}))
    info.affinity.push_back(ReadNodeTerm(term));
  info.labels = ToLabels(At(volume, {"metadata", "labels"}));
  info.claim_ns = TextAt(volume, {"spec", "claimRef", "namespace"});
  info.claim_name = TextAt(volume, {"spec", "claimRef", "name"});
  info.class_name = TextAt(volume, {"spec", "storageClassName"});
  info.capacity = Bytes(At(volume, {"spec", "capacity", "storage"}));
  info.access_modes = Texts(ListAt(volume, {"spec", "accessModes"}));
  info.block = TextAt(volume, {"spec", "volumeMode"}) == "Block";
  const std::string name = TextAt(volume, {"metadata", "name"});
  IndexVolume(name, false);
  volumes_[name] = std::move(info);
  IndexVolume(name, true);
}

void StorageView::DropVolume(const std::string& name) {
  IndexVolume(name, false);
  volumes_.erase(name);
}

void StorageView::IndexVolume(const std::string& name, bool there) {
  const auto known = volumes_.find(name);
  if (known == volumes_.end()) return;
  const VolumeInfo& info = known->second;
  const bool free = info.claim_name.empty();
  auto& index = free ? free_ : kept_;
  const std::string key = free ? info.class_name : info.claim_ns + "/" + info.claim_name;
  if (there) {
    index[key].insert(name);
  } else if (auto it = index.find(key); it != index.end()) {
    it->second.erase(name);
    if (it->second.empty()) index.erase(it);
  }
}

void StorageView::AssumeVolume(const std::string& name, const std::string& claim_key) {
  auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  const size_t slash = claim_key.find('/');
  IndexVolume(name, false);
  it->second.claim_ns = claim_key.substr(0, slash);
  it->second.claim_name = claim_key.substr(slash + 1);
  IndexVolume(name, true);
}

void StorageView::PutClass(const Json& storage_class) {
  ClassInfo info;
  info.wait_for_consumer = TextAt(storage_class, "volumeBindingMode") == "WaitForFirstConsumer";
  info.can_provision = TextAt(storage_class, "provisioner") != "kubernetes.io/no-provisioner";
  for (const Json& one : ListAt(storage_class, {"allowedTopologies"})) {
    NodeTerm term;
    for (const Json& expression : ListAt(one, {"matchLabelExpressions"})) {
      term.expressions.push_back(
          {TextAt(expression, "key"), "In", Texts(ListAt(expression, {"values"}))});
    }
    info.topologies.push_back(std::move(term));
  }
  classes_[TextAt(storage_class, {"metadata", "name"})] = std::move(info);
}

const ClaimInfo* StorageView::Claim(const std::string& key) const {
  auto it = claims_.find(key);
  return it == claims_.end() ? nullptr : &it->second;
}

const StorageView::Names& StorageView::FreeVolumes(const std::string& class_name) const {
  return Found(free_, class_name);
}

const StorageView::Names& StorageView::VolumesFor(const std::string& claim_key) const {
  return Found(kept_, claim_key);
}

const VolumeInfo* StorageView::Volume(const std::string& name) const {
  auto it = volumes_.find(name);
  return it == volumes_.end() ? nullptr : &it->second;
}

const ClassInfo* StorageView::Class(const std::string& name) const {
  auto it = classes_.find(name);
  return it == classes_.end() ? nullptr : &it->second;
}

}  // namespace opsmesh::kubesim::scheduling
