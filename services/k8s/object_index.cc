#include "services/k8s/object_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "libs/base/strings.h"
#include "libs/kube/views.h"

namespace opsmesh::k8s {
namespace {

constexpr const char* kIndexed[] = {"namespaces",
                                    "nodes",
                                    "deployments",
                                    "statefulsets",
                                    "daemonsets",
                                    "cronjobs",
                                    "jobs",
                                    "pods",
                                    "services",
                                    "ingresses",
                                    "configmaps",
                                    "secrets",
                                    "persistentvolumeclaims",
                                    "persistentvolumes",
                                    "storageclasses",
                                    "horizontalpodautoscalers",
                                    "poddisruptionbudgets",
                                    "networkpolicies",
                                    "resourcequotas",
                                    "serviceaccounts",
                                    "replicasets"};
constexpr const char* kAppLabels[] = {
    "app",     "app.kubernetes.io/name",      "app.kubernetes.io/instance",
    "k8s-app", "app.kubernetes.io/component", "component"};

// The name of a pod's workload: its owner, without the hash that a ReplicaSet or a CronJob's job
// adds.
std::string WorkloadName(const kube::Object& pod) {
  const kube::OwnerRef* owner = pod.meta().controller();
  if (!owner) return "";
  std::string name(owner->name);
  if (owner->kind == "ReplicaSet") {
    const std::string suffix =
        "-" + std::string(kube::Lookup(pod.meta().labels, "pod-template-hash"));
    if (suffix.size() > 1 && name.ends_with(suffix)) {
      name.resize(name.size() - suffix.size());
    } else if (const size_t dash = name.rfind('-'); dash != std::string::npos) {
      name.resize(dash);
    }
  }
  return name;
}

// "nginx-deployment-xxx" or a pod that is gone: the same name with one and with two parts less.
std::vector<std::string> ShorterNames(const std::string& text) {
  std::vector<std::string> out;
  std::string name = text;
  for (int i = 0; i < 2; ++i) {
    const size_t dash = name.rfind('-');
    if (dash == std::string::npos || dash < 2) break;
    name.resize(dash);
    out.push_back(name);
  }
  return out;
}

}  // namespace

ObjectIndex::ObjectIndex(std::shared_ptr<const kube::Snapshot> snapshot)
    : snapshot_(std::move(snapshot)) {
  for (const char* plural : kIndexed) AddAll(plural);
  if (!snapshot_->Of("namespaces").status().synced()) AddNamespacesOfObjects();
  for (const auto& [name, ids] : by_name_) {
    names_.push_back(name);
    const bool pods_only = std::all_of(ids.begin(), ids.end(), [&](uint32_t id) {
      return entries_[id].kind == "Pod" || entries_[id].kind == "ReplicaSet";
    });
    if (!pods_only) near_names_.push_back(name);
  }
  std::sort(names_.begin(), names_.end());
  std::sort(near_names_.begin(), near_names_.end());
}

// A user who may not list namespaces still has those whose objects he may read.
void ObjectIndex::AddNamespacesOfObjects() {
  std::set<std::string_view> names;
  for (const auto& [plural, kind] : snapshot_->kinds()) {
    for (const std::string& ns : kind->status().only_in) names.insert(ns);
    for (const kube::ObjectPtr& object : kind->objects()) {
      if (!object->ns().empty()) names.insert(object->ns());
    }
  }
  for (const std::string_view name : names) {
    auto object = kube::Object::Parse(fmt::format(
        R"({{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"{}"}}}})", name));
    if (!object.ok()) continue;
    named_.push_back(*std::move(object));
    by_name_[named_.back()->name()].push_back(static_cast<uint32_t>(entries_.size()));
    entries_.push_back({named_.back().get(), named_.back()->meta().kind, ""});
  }
}

void ObjectIndex::AddAll(std::string_view plural) {
  const bool pods = plural == "pods";
  const bool sets = plural == "replicasets";
  for (const kube::ObjectPtr& object : snapshot_->Of(plural).objects()) {
    const auto id = static_cast<uint32_t>(entries_.size());
    entries_.push_back({object.get(), object->meta().kind, pods ? WorkloadName(*object) : ""});
    by_name_[object->name()].push_back(id);
    if (pods && !entries_.back().workload.empty())
      by_workload_[entries_.back().workload].push_back(id);
    if (sets) continue;
    for (const char* label : kAppLabels) {
      const kube::Str value = kube::Lookup(object->meta().labels, label);
      if (value.empty()) continue;
      Ids& ids = by_label_[value];
      if (ids.empty() || ids.back() != id) ids.push_back(id);
    }
    if (pods) continue;
    for (const std::string_view dotted : base::Split(object->name(), '.')) {
      for (const std::string_view part : base::Split(dotted, '-')) {
        if (part.size() < 2 || part.size() == object->name().size()) continue;
        Ids& ids = by_part_[part];
        if (ids.empty() || ids.back() != id) ids.push_back(id);
      }
    }
  }
}

// One look-up: collects candidates, best match of each object only.
class ObjectIndex::Search {
 public:
  Search(const ObjectIndex& index, const MentionQuery& query) : index_(index), query_(query) {
    text_ = base::AsciiLower(base::Trim(query.text));
    // "shop/cart" names the namespace, too; "deployment/cart" the kind.
    if (const size_t slash = text_.find('/'); slash != std::string::npos) {
      const std::string head = text_.substr(0, slash);
      if (const kube::ResourceType* type = kube::FindBuiltin(head))
        kind_ = type->kind;
      else
        name_space_ = head;
      text_ = text_.substr(slash + 1);
    }
    if (!query.kind.empty()) kind_ = query.kind;
    if (!query.name_space.empty()) name_space_ = query.name_space;
  }

  Resolution Run(size_t max_candidates) {
    if (text_.size() < 2 && index_.by_name_.find(text_) == index_.by_name_.end()) return {};
    Look(index_.by_name_, std::string_view(text_), Match::kExact, 1.0);
    Look(index_.by_workload_, text_, Match::kWorkload, 0.9);
    Look(index_.by_label_, std::string_view(text_), Match::kLabel, 0.85);
    Prefix();
    Look(index_.by_part_, std::string_view(text_), Match::kPart, 0.6);
    if (best_.empty()) Shorter();
    if (best_.empty()) Near();
    return Finish(max_candidates);
  }

 private:
  template <typename Map, typename Key>
  void Look(const Map& map, const Key& key, Match match, double score) {
    if (const auto it = map.find(key); it != map.end()) {
      for (const uint32_t id : it->second) Offer(id, match, score);
    }
  }

  void Offer(uint32_t id, Match match, double score) {
    const Entry& entry = index_.entries_[id];
    if (!kind_.empty() && entry.kind != kind_) return;
    if (kind_.empty() && entry.kind == "ReplicaSet" && match != Match::kExact) return;
    if (!name_space_.empty() && !entry.object->ns().empty() && entry.object->ns() != name_space_)
      score *= 0.5;
    auto& best = best_[id];
    if (score > best.second) best = {match, score};
  }

  void Prefix() {
    auto it = std::lower_bound(index_.names_.begin(), index_.names_.end(), std::string_view(text_));
    for (; it != index_.names_.end() && it->starts_with(text_); ++it) {
      if (it->size() == text_.size()) continue;
      // The closer in length the better; whole words better than halves.
      const bool word = (*it)[text_.size()] == '-' || (*it)[text_.size()] == '.';
      const double share = static_cast<double>(text_.size()) / static_cast<double>(it->size());
      Look(index_.by_name_, *it, Match::kPrefix, (word ? 0.7 : 0.62) + 0.08 * share);
    }
  }

  void Shorter() {
    double score = 0.55;
    for (const std::string& name : ShorterNames(text_)) {
      Look(index_.by_name_, std::string_view(name), Match::kWorkload, score);
      Look(index_.by_workload_, name, Match::kWorkload, score);
      if (!best_.empty()) return;
      score -= 0.05;
    }
  }

  void Near() {
    const size_t limit = std::clamp<size_t>(text_.size() / 3, 1, 3);
    for (const std::string_view name : index_.near_names_) {
      const size_t longer = std::max(name.size(), text_.size()),
                   shorter = std::min(name.size(), text_.size());
      if (longer - shorter > limit) continue;
      const size_t distance = base::EditDistance(text_, name, limit);
      if (distance > limit) continue;
      Look(index_.by_name_, name, Match::kNear,
           0.5 * (1.0 - static_cast<double>(distance) / static_cast<double>(longer)));
    }
  }

  Resolution Finish(size_t max_candidates) {
    std::vector<Candidate> all;
    all.reserve(best_.size());
    std::vector<std::pair<double, uint32_t>> order;
    for (const auto& [id, best] : best_) order.emplace_back(best.second, id);
    const auto key = [&](uint32_t id) {
      const Entry& e = index_.entries_[id];
      return std::tuple(e.object->ns(), e.kind, e.object->name());
    };
    const size_t keep = std::min(max_candidates, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(keep), order.end(),
                      [&](const auto& a, const auto& b) {
                        return a.first != b.first ? a.first > b.first
                                                  : key(a.second) < key(b.second);
                      });
    Resolution out;
    out.total = static_cast<int64_t>(order.size());
    for (size_t i = 0; i < keep; ++i) {
      const kube::Object& object = *index_.entries_[order[i].second].object;
      Candidate candidate;
      candidate.object.kind = object.meta().kind;
      const size_t slash = object.meta().api_version.find('/');
      if (slash != std::string_view::npos)
        candidate.object.group = object.meta().api_version.substr(0, slash);
      candidate.object.name_space = object.ns();
      candidate.object.name = object.name();
      candidate.object.resource_version = object.meta().resource_version;
      candidate.match = best_[order[i].second].first;
      candidate.score = order[i].first;
      out.candidates.push_back(std::move(candidate));
    }
    return out;
  }

  const ObjectIndex& index_;
  const MentionQuery& query_;
  std::string text_;
  std::string kind_;
  std::string name_space_;
  std::unordered_map<uint32_t, std::pair<Match, double>> best_;
};

Resolution ObjectIndex::Resolve(const MentionQuery& query, size_t max_candidates) const {
  return Search(*this, query).Run(max_candidates);
}

std::shared_ptr<const ObjectIndex> IndexCache::Get(
    const std::shared_ptr<const kube::Snapshot>& snapshot, uint64_t change_count) {
  size_t places = 0;
  for (const auto& [plural, kind] : snapshot->kinds()) places += kind->status().only_in.size();
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_.Steady();
  const bool fresh = change_count == change_count_ || now - built_ < absl::Seconds(1);
  if (index_ && fresh && places == places_) return index_;
  index_ = std::make_shared<const ObjectIndex>(snapshot);
  change_count_ = change_count;
  places_ = places;
  built_ = now;
  return index_;
}

}  // namespace opsmesh::k8s
