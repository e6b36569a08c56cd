// What controllers share: owners, conditions, pods at a glance, claims of pods by selector.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/store/selectors.h"

namespace opsmesh::kubesim {

/// {apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true}.
Json ControllerReference(const ResourceType& type, const Object& object);
/// The reference to the controlling owner; a null value when there is none.
const Json& ControllerOf(const Json& object);

/// Time in a member; `otherwise` when absent or malformed.
absl::Time TimeAt(const Json& object, std::initializer_list<const char*> path,
                  absl::Time otherwise = absl::InfinitePast());
bool BeingDeleted(const Json& object);

/// The condition of a type in an object's status.conditions; a null value when absent.
const Json& ConditionOf(const Json& status, std::string_view type);
/// Puts {type, status, reason, message, lastTransitionTime} in; the transition time stays while the
/// status does. True when something other than times changed. `extra` members are set too
/// ("lastUpdateTime").
bool SetCondition(Json& status, std::string_view type, std::string_view value,
                  std::string_view reason, std::string_view message, absl::Time now,
                  const Json& extra);
bool RemoveCondition(Json& status, std::string_view type);

/// A count or "25%" of `of`.
int64_t ShareOf(const Json& int_or_percent, int64_t of, bool round_up);

/// Sets a member, or removes it when `value` is 0: as `omitempty` does.
void SetCount(Json& object, const char* member, int64_t value);

/// What controllers look at in a pod; made once a version.
struct PodView {
  ObjectPtr object;
  std::string controller_uid;
  std::string node;
  std::string phase;
  std::string ip;
  std::string hostname, subdomain;
  absl::Time created;
  absl::Time ready_since;  // last transition of Ready; meaningful while `ready`
  int64_t deletion_cost = 0;
  int restarts = 0;
  bool ready = false;
  bool deleted = false;  // has a deletionTimestamp

  const std::string& name() const { return object->name; }
  bool finished() const { return phase == "Succeeded" || phase == "Failed"; }
  bool active() const { return !finished() && !deleted; }
  /// Ready for `min_ready` at least.
  bool Available(absl::Duration min_ready, absl::Time now) const {
    return ready && (min_ready <= absl::ZeroDuration() || ready_since + min_ready <= now);
  }
};

/// All pods at a glance; the first part of the control plane. The engine's thread only.
class Pods final : public Part {
 public:
  explicit Pods(Engine& engine);

  /// How many of `count` pods controllers may make now: 500 at once, then 100 a second. The others
  /// wait.
  int64_t Admit(int64_t count);

  const PodView& Of(const ObjectPtr& pod) const;
  Informer& informer() { return informer_; }
  /// In order of namespace and name.
  std::vector<const PodView*> ControlledBy(std::string_view uid) const;
  std::vector<const PodView*> OnNode(std::string_view node) const;
  /// Names of the nodes that pods are on, in order.
  std::vector<std::string> Nodes() const { return by_node_.Keys(); }
  /// Pods of a namespace that no controller owns.
  const ObjectSet& Orphans(std::string_view ns) const { return orphans_.Find(ns); }
  /// Matching a selector; `labels` is a map some entry of which every match has (matchLabels), or
  /// anything else.
  std::vector<const PodView*> Selected(std::string_view ns, const LabelSelector& selector,
                                       const Json& labels) const;

 private:
  std::vector<const PodView*> Views(const ObjectSet& objects) const;

  Engine& engine_;
  double tokens_;
  absl::Time filled_ = absl::InfinitePast();
  Informer& informer_;
  const ObjectIndex& by_controller_;
  const ObjectIndex& by_label_;
  ObjectIndex& by_node_;
  const ObjectIndex& orphans_;
  std::unordered_map<const Object*, PodView> views_;
};

/// Takes in orphans that match and lets go what no longer does, as every controller with a selector
/// does. Returns the pods that are the owner's now.
std::vector<const PodView*> ClaimPods(Engine& engine, const Pods& pods,
                                      const ResourceType& owner_type, const Object& owner,
                                      const Json& owner_json);

/// Selectors of the objects of one kind, parsed once a version: who selects this pod?
class SelectorTable {
 public:
  using Extract = std::function<LabelSelector(const Json& object)>;
  /// Before the start. Objects whose selector is empty select nothing unless `empty_selects_all`.
  SelectorTable(Informer& informer, Extract extract, bool empty_selects_all = false);
  /// Names in the namespace whose selector matches.
  std::vector<std::string> Matching(const std::string& ns,
                                    const LabelSelector::Labels& labels) const;

 private:
  const bool empty_selects_all_;
  std::map<std::string, std::map<std::string, LabelSelector>> by_namespace_;
};

/// Adds the keys of those of `kind` whom a change of a pod (or of a ReplicaSet, for Deployments)
/// concerns: its controllers before and now and, when nobody owns it, all that select it.
void EnqueueOwners(const Seen& seen, std::string_view kind, const SelectorTable& selectors,
                   WorkQueue& queue);

/// A LabelSelector as Go prints it: "&LabelSelector{MatchLabels:map[string]string{a: b,},...}".
std::string GoText(const Json& label_selector);

/// The selector of a workload; ReplicationControllers have a plain map of labels.
LabelSelector WorkloadSelector(const ResourceType& type, const Json& workload);

/// A pod from a template: labels, annotations, finalizers and spec, the owner, a name or
/// generateName.
Json PodFromTemplate(const Json& pod_template, const std::string& ns, Json owner,
                     const std::string& generate_name);

/// A template with all defaults and without what controllers and serialisation add: equal templates
/// compare equal, though one was loaded without defaults.
Json CleanTemplate(Json pod_template);

/// The deletion of `count` of the pods, least worth first, as Kubernetes ranks them. `related` are
/// the active pods of all ReplicaSets of the same Deployment: doubled-up nodes are thinned first.
std::vector<const PodView*> PodsToDelete(std::vector<const PodView*> pods, size_t count,
                                         const std::vector<const PodView*>& related,
                                         absl::Time now);

}  // namespace opsmesh::kubesim
