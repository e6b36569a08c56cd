#include "libs/kubesim/behaviour/controllers/common.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

Json ControllerReference(const ResourceType& type, const Object& object) {
  return {{"apiVersion", type.ApiVersion()},
          {"kind", type.kind},
          {"name", object.name},
          {"uid", object.uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

const Json& ControllerOf(const Json& object) {
  static const auto* none = new Json();
  for (const Json& owner : ListAt(object, {"metadata", "ownerReferences"})) {
    if (BoolAt(owner, {"controller"})) return owner;
  }
  return *none;
}

absl::Time TimeAt(const Json& object, std::initializer_list<const char*> path,
                  absl::Time otherwise) {
  absl::Time time;
  return base::ParseRfc3339(TextAt(object, path), &time) ? time : otherwise;
}

bool BeingDeleted(const Json& object) {
  return At(object, {"metadata", "deletionTimestamp"}).is_string();
}

const Json& ConditionOf(const Json& status, std::string_view type) {
  static const auto* none = new Json();
  for (const Json& condition : ListAt(status, {"conditions"})) {
    if (TextAt(condition, "type") == type) return condition;
  }
  return *none;
}

bool SetCondition(Json& status, std::string_view type, std::string_view value,
                  std::string_view reason, std::string_view message, absl::Time now,
                  const Json& extra) {
  Json condition = {{"type", type},
                    {"status", value},
                    {"reason", reason},
                    {"message", message},
                    {"lastTransitionTime", base::Rfc3339(now)}};
  if (extra.is_object()) condition.update(extra);
  if (!status.is_object()) status = Json::object();
  Json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  for (Json& one : conditions) {
    if (TextAt(one, "type") != type) continue;
    const bool same = TextAt(one, "status") == value;
    const bool changed =
        !same || TextAt(one, "reason") != reason || TextAt(one, "message") != message;
    if (same && one.contains("lastTransitionTime"))
      condition["lastTransitionTime"] = one["lastTransitionTime"];
    one = std::move(condition);
    return changed;
  }
  conditions.push_back(std::move(condition));
  return true;
}

bool RemoveCondition(Json& status, std::string_view type) {
  if (!status.is_object() || !status.contains("conditions") || !status["conditions"].is_array())
    return false;
  Json kept = Json::array();
  for (const Json& one : status["conditions"]) {
    if (TextAt(one, "type") != type) kept.push_back(one);
  }
  const bool removed = kept.size() != status["conditions"].size();
  if (kept.empty()) {
    status.erase("conditions");
  } else {
    status["conditions"] = std::move(kept);
  }
  return removed;
}

int64_t ShareOf(const Json& value, int64_t of, bool round_up) {
  if (value.is_number()) return value.get<int64_t>();
  if (!value.is_string()) return 0;
  const std::string& text = value.get_ref<const std::string&>();
  int64_t percent = 0;
  std::from_chars(text.data(), text.data() + text.size(), percent);
  if (!text.ends_with('%')) return percent;
  return round_up ? (of * percent + 99) / 100 : of * percent / 100;
}

void SetCount(Json& object, const char* member, int64_t value) {
  if (value == 0) {
    object.erase(member);
  } else {
    object[member] = value;
  }
}

namespace {

constexpr double kPodBurst = 500;
constexpr double kPodsPerSecond = 100;  // a real control plane is held to 20 requests a second

PodView ViewOf(const ObjectPtr& object, const Json& pod) {
  PodView view;
  view.object = object;
  view.controller_uid = TextAt(ControllerOf(pod), "uid");
  view.node = TextAt(pod, {"spec", "nodeName"});
  view.phase = TextAt(pod, {"status", "phase"});
  view.ip = TextAt(pod, {"status", "podIP"});
  view.hostname = TextAt(pod, {"spec", "hostname"});
  view.subdomain = TextAt(pod, {"spec", "subdomain"});
  view.created = TimeAt(pod, {"metadata", "creationTimestamp"});
  view.deleted = BeingDeleted(pod);
  const Json& ready = ConditionOf(At(pod, "status"), "Ready");
  view.ready = TextAt(ready, "status") == "True";
  view.ready_since = TimeAt(ready, {"lastTransitionTime"}, view.created);
  const std::string cost =
      TextAt(At(pod, {"metadata", "annotations"}), "controller.kubernetes.io/pod-deletion-cost");
  std::from_chars(cost.data(), cost.data() + cost.size(), view.deletion_cost);
  for (const Json& container : ListAt(pod, {"status", "containerStatuses"})) {
    view.restarts = std::max(view.restarts, static_cast<int>(IntAt(container, "restartCount")));
  }
  return view;
}

}  // namespace

int64_t Pods::Admit(int64_t count) {
  if (filled_ != absl::InfinitePast()) {
    tokens_ = std::min(kPodBurst,
                       tokens_ + kPodsPerSecond * absl::ToDoubleSeconds(engine_.Now() - filled_));
  }
  filled_ = engine_.Now();
  const int64_t allowed = std::min(count, static_cast<int64_t>(tokens_));
  tokens_ -= static_cast<double>(allowed);
  return allowed;
}

Pods::Pods(Engine& engine)
    : engine_(engine),
      tokens_(kPodBurst),
      informer_(engine.InformerOf("", "pods")),
      by_controller_(informer_.ByController()),
      by_label_(informer_.ByLabel()),
      by_node_(informer_.AddIndex([](const Object&, const Json& pod) {
        const std::string node = TextAt(pod, {"spec", "nodeName"});
        return node.empty() ? std::vector<std::string>() : std::vector<std::string>{node};
      })),
      orphans_(informer_.Orphans()) {
  // An index whose keys nobody asks for: views are in step with the other indexes, before any
  // handler.
  informer_.AddIndex([this](const Object& object, const Json& pod) {
    ObjectPtr current = informer_.Get(object.ns, object.name);
    views_[&object] = ViewOf(current, pod);
    return std::vector<std::string>();
  });
  informer_.OnChange([this](const Seen& seen) {
    if (seen.before) views_.erase(seen.before.get());
  });
}

const PodView& Pods::Of(const ObjectPtr& pod) const { return views_.at(pod.get()); }

std::vector<const PodView*> Pods::Views(const ObjectSet& objects) const {
  std::vector<const PodView*> views;
  views.reserve(objects.size());
  for (const ObjectPtr& object : objects) views.push_back(&Of(object));
  return views;
}

std::vector<const PodView*> Pods::ControlledBy(std::string_view uid) const {
  return Views(by_controller_.Find(uid));
}
std::vector<const PodView*> Pods::OnNode(std::string_view node) const {
  return Views(by_node_.Find(node));
}

std::vector<const PodView*> Pods::Selected(std::string_view ns, const LabelSelector& selector,
                                           const Json& labels) const {
  const ObjectSet* smallest = nullptr;
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      const ObjectSet& set = by_label_.Find(fmt::format("{}/{}={}", ns, key, Scalar(value)));
      if (smallest == nullptr || set.size() < smallest->size()) smallest = &set;
    }
  }
  std::vector<const PodView*> views;
  if (smallest != nullptr) {
    for (const ObjectPtr& pod : *smallest) {
      if (selector.Matches(pod->labels)) views.push_back(&Of(pod));
    }
    return views;
  }
  for (const ObjectPtr& pod : informer_.List(ns)) {
    if (selector.Matches(pod->labels)) views.push_back(&Of(pod));
  }
  return views;
}

std::vector<const PodView*> ClaimPods(Engine& engine, const Pods& pods,
                                      const ResourceType& owner_type, const Object& owner,
                                      const Json& owner_json) {
  const LabelSelector selector = WorkloadSelector(owner_type, owner_json);
  const ResourceType& type = engine.Type("", "pods");
  std::vector<const PodView*> claimed;
  for (const PodView* pod : pods.ControlledBy(owner.uid)) {
    if (selector.Matches(pod->object->labels)) {
      claimed.push_back(pod);
      continue;
    }
    if (BeingDeleted(owner_json)) continue;
    (void)engine.client().Change(
        type, owner.ns, pod->name(),
        [&](Json& object) {
          Json kept = Json::array();
          for (const Json& reference : ListAt(object, {"metadata", "ownerReferences"})) {
            if (TextAt(reference, "uid") != owner.uid) kept.push_back(reference);
          }
          if (kept.empty())
            object["metadata"].erase("ownerReferences");
          else
            object["metadata"]["ownerReferences"] = kept;
          return true;
        },
        pod->object->uid);
  }
  if (BeingDeleted(owner_json) || selector.empty()) return claimed;
  // Where pods have no name or number of their own, those that are over are nobody's replicas.
  const bool replicas =
      owner_type.kind == "ReplicaSet" || owner_type.plural == "replicationcontrollers";
  for (const ObjectPtr& orphan : ObjectSet(pods.Orphans(owner.ns))) {
    const PodView* pod = &pods.Of(orphan);
    if (!selector.Matches(orphan->labels) || pod->deleted || (replicas && !pod->active())) continue;
    (void)engine.client().Change(
        type, owner.ns, pod->name(),
        [&](Json& object) {
          if (!ControllerOf(object).is_null()) return false;
          object["metadata"]["ownerReferences"].push_back(ControllerReference(owner_type, owner));
          if (owner_type.kind == "Job")  // counted by it
            object["metadata"]["finalizers"].push_back("batch.kubernetes.io/job-tracking");
          return true;
        },
        pod->object->uid);
    claimed.push_back(pod);
  }
  return claimed;
}

SelectorTable::SelectorTable(Informer& informer, Extract extract, bool empty_selects_all)
    : empty_selects_all_(empty_selects_all) {
  informer.OnChange([this, extract = std::move(extract)](const Seen& seen) {
    auto& table = by_namespace_[seen.any().ns];
    if (seen.now) {
      table.insert_or_assign(seen.now->name, extract(seen.now_json));
    } else {
      table.erase(seen.any().name);
      if (table.empty()) by_namespace_.erase(seen.any().ns);
    }
  });
}

std::vector<std::string> SelectorTable::Matching(const std::string& ns,
                                                 const LabelSelector::Labels& labels) const {
  std::vector<std::string> names;
  auto table = by_namespace_.find(ns);
  if (table == by_namespace_.end()) return names;
  for (const auto& [name, selector] : table->second) {
    if ((!selector.empty() || empty_selects_all_) && selector.Matches(labels))
      names.push_back(name);
  }
  return names;
}

void EnqueueOwners(const Seen& seen, std::string_view kind, const SelectorTable& selectors,
                   WorkQueue& queue) {
  const Json& owner = ControllerOf(seen.now_json);
  for (const Json* one : {&ControllerOf(seen.before_json), &owner}) {
    if (TextAt(*one, "kind") == kind) queue.Add(KeyOf(seen.any().ns, TextAt(*one, "name")));
  }
  if (!seen.now || !owner.is_null()) return;
  for (const std::string& name : selectors.Matching(seen.now->ns, seen.now->labels))
    queue.Add(KeyOf(seen.now->ns, name));
}

std::string GoText(const Json& label_selector) {
  std::string labels, expressions;
  const Json& by_label = At(label_selector, "matchLabels");
  if (by_label.is_object()) {
    for (const auto& [key, value] : by_label.items())
      labels += fmt::format("{}: {},", key, Scalar(value));
  }
  for (const Json& one : ListAt(label_selector, {"matchExpressions"})) {
    std::string values;
    for (const Json& value : ListAt(one, {"values"}))
      values += (values.empty() ? "" : " ") + Scalar(value);
    expressions += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
                               TextAt(one, "key"), TextAt(one, "operator"), values);
  }
  return fmt::format(
      "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:"
      "[]LabelSelectorRequirement{{{}}},}}",
      labels, expressions);
}

LabelSelector WorkloadSelector(const ResourceType& type, const Json& workload) {
  const Json& selector = At(workload, {"spec", "selector"});
  return type.plural == "replicationcontrollers" ? LabelSelector::FromMap(selector)
                                                 : LabelSelector::FromObject(selector);
}

Json PodFromTemplate(const Json& pod_template, const std::string& ns, Json owner,
                     const std::string& generate_name) {
  Json pod = {{"metadata", {{"namespace", ns}, {"generateName", generate_name}}},
              {"spec", At(pod_template, "spec")}};
  for (const char* member : {"labels", "annotations", "finalizers"}) {
    const Json& value = At(pod_template, {"metadata", member});
    if (!value.is_null()) pod["metadata"][member] = value;
  }
  pod["metadata"]["ownerReferences"] = Json::array({std::move(owner)});
  return pod;
}

Json CleanTemplate(Json pod_template) {
  if (!pod_template.is_object()) return pod_template;
  pod_template.erase("$patch");
  if (pod_template.contains("spec")) DefaultPodSpec(pod_template["spec"]);
  Json& metadata = pod_template["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata.erase("creationTimestamp");
  if (At(metadata, "labels").is_object()) metadata["labels"].erase("pod-template-hash");
  for (const char* member : {"labels", "annotations"}) {
    if (metadata.contains(member) && metadata[member].empty()) metadata.erase(member);
  }
  return pod_template;
}

std::vector<const PodView*> PodsToDelete(std::vector<const PodView*> pods, size_t count,
                                         const std::vector<const PodView*>& related,
                                         absl::Time now) {
  if (count >= pods.size()) return pods;
  std::map<std::string_view, int> on_node;
  for (const PodView* pod : related) {
    if (pod->active()) ++on_node[pod->node];
  }
  auto phase = [](const PodView& pod) {
    return pod.phase == "Pending" ? 0 : pod.phase == "Running" ? 2 : 1;
  };
  // Ages count in powers of two, so that among pods of like age chance (the uid) decides.
  auto rank = [now](absl::Time since) {
    const double nanos = absl::ToDoubleNanoseconds(now - since);
    return nanos < 1 ? 0 : static_cast<int>(std::log2(nanos));
  };
  std::stable_sort(pods.begin(), pods.end(), [&](const PodView* x, const PodView* y) {
    if (x->node.empty() != y->node.empty()) return x->node.empty();
    if (phase(*x) != phase(*y)) return phase(*x) < phase(*y);
    if (x->ready != y->ready) return !x->ready;
    if (x->deletion_cost != y->deletion_cost) return x->deletion_cost < y->deletion_cost;
    if (on_node[x->node] != on_node[y->node]) return on_node[x->node] > on_node[y->node];
    if (x->ready && y->ready && x->ready_since != y->ready_since) {
      const int x_rank = rank(x->ready_since), y_rank = rank(y->ready_since);
      if (x_rank == y_rank) return x->object->uid < y->object->uid;
      return x_rank < y_rank;
    }
    if (x->restarts != y->restarts) return x->restarts > y->restarts;
    if (x->created != y->created) {
      const int x_rank = rank(x->created), y_rank = rank(y->created);
      if (x_rank == y_rank) return x->object->uid < y->object->uid;
      return x_rank < y_rank;
    }
    return false;
  });
  pods.resize(count);
  return pods;
}

}  // namespace opsmesh::kubesim
