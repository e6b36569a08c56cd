// What the scheduler knows of a pod: its requests, constraints and preferences, read once from the
// object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/store/selectors.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim::scheduling {

/// Amounts of resources. CPU in thousandths of a core, memory and ephemeral storage in bytes,
/// others in units.
struct Resources {
  int64_t milli_cpu = 0;
  int64_t memory = 0;
  int64_t ephemeral_storage = 0;
  int64_t pods = 0;                                       // allocatable only
  std::vector<std::pair<std::string, int64_t>> extended;  // ordered by name

  int64_t Extended(std::string_view name) const;
  void Add(const Resources& other, int sign = 1);
  void Max(const Resources& other);
};

/// From a map such as `requests` or `allocatable`. Malformed quantities count as 0.
Resources ParseResources(const Json& map);
/// What a pod takes of its node (KEP-753): init containers one after another beside the sidecars
/// started before them, containers together, overhead, and pod-level requests where they are given.
Resources PodRequests(const Json& spec);

struct Toleration {
  std::string key, op, value, effect;
  bool Tolerates(std::string_view taint_key, std::string_view taint_value,
                 std::string_view taint_effect) const;
};
struct Taint {
  std::string key, value, effect;
};

struct HostPort {
  std::string ip;  // "0.0.0.0" = all
  std::string protocol;
  int64_t port = 0;
  bool operator==(const HostPort&) const = default;
  bool Conflicts(const HostPort& other) const;
};

struct NodeExpression {
  std::string key, op;  // In, NotIn, Exists, DoesNotExist, Gt, Lt
  std::vector<std::string> values;
  /// `value` is null when the node has no such label.
  bool Holds(const std::string* value) const;
};

/// One term of a node selector: all expressions hold, and the fields.
struct NodeTerm {
  std::vector<NodeExpression> expressions;  // matchExpressions
  std::vector<NodeExpression> fields;       // matchFields
  int64_t weight = 0;                       // preferred terms
  bool Matches(const LabelSelector::Labels& labels, const std::string& node_name) const;
};

/// A term of pod affinity or anti-affinity.
struct PodTerm {
  LabelSelector selector;
  std::vector<std::string> namespaces;  // the pod's own when nothing is said
  bool any_namespace = false;           // namespaceSelector: {}
  bool has_namespace_selector = false;
  LabelSelector namespace_selector;
  std::string topology_key;
  int64_t weight = 0;  // preferred terms
};

struct SpreadConstraint {
  int64_t max_skew = 1;
  std::string topology_key;
  bool hard = true;  // DoNotSchedule
  LabelSelector selector;
  int64_t min_domains = 1;
  bool honor_affinity = true;  // nodeAffinityPolicy
  bool honor_taints = false;   // nodeTaintsPolicy
};

struct PodVolume {
  enum class Kind { kClaim, kGcePd, kAwsEbs, kOther };
  Kind kind = Kind::kOther;
  std::string name;  // of the claim
};

/// Immutable once made.
struct PodInfo {
  std::string ns, name, uid, node_name, nominated_node, scheduler_name, preemption_policy, phase;
  uint64_t resource_version = 0;
  LabelSelector::Labels labels;
  int64_t priority = 0;
  absl::Time created;
  absl::Time started = absl::InfiniteFuture();  // until a kubelet says when
  bool terminating = false;
  bool over = false;  // Succeeded or Failed
  std::vector<std::string> gates;

  Resources requests;
  int64_t nonzero_cpu = 0,
          nonzero_memory = 0;  // for scoring: 100m and 200 MiB where nothing is requested
  std::vector<HostPort> ports;
  std::vector<std::string> images;
  int64_t containers = 0;
  std::vector<Toleration> tolerations;
  std::vector<std::pair<std::string, std::string>> node_selector;
  bool has_required_nodes = false;  // required node affinity is given
  std::vector<NodeTerm> required_nodes, preferred_nodes;
  std::vector<PodTerm> affinity, anti_affinity, preferred_affinity, preferred_anti_affinity;
  std::vector<SpreadConstraint> spread;
  std::vector<PodVolume> volumes;
  std::string controller_kind, controller_uid;

  bool HasAffinity() const {
    return !affinity.empty() || !anti_affinity.empty() || !preferred_affinity.empty() ||
           !preferred_anti_affinity.empty();
  }
  std::string Key() const { return ns + "/" + name; }
};
using PodInfoPtr = std::shared_ptr<const PodInfo>;

/// A NodeSelectorTerm object.
NodeTerm ReadNodeTerm(const Json& term);
/// Members of a wrong type read as absent.
PodInfoPtr ReadPod(const Json& pod);

/// Whether the term selects `other` (its namespace with the namespace's labels).
bool TermSelects(const PodTerm& term, const PodInfo& other,
                 const LabelSelector::Labels* namespace_labels);

}  // namespace opsmesh::kubesim::scheduling
