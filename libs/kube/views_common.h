// Parts that several typed views share. All text is untrusted and lives as long as the object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/kube/object.h"

namespace opsmesh::kube {

/// Numbers in View::kViewId.
enum ViewId : int {
  kNoView = 0,
  kPodView,
  kDeploymentView,
  kReplicaSetView,
  kStatefulSetView,
  kDaemonSetView,
  kJobView,
  kCronJobView,
  kServiceView,
  kEndpointsView,
  kEndpointSliceView,
  kIngressView,
  kNetworkPolicyView,
  kNodeView,
  kNamespaceView,
  kEventView,
  kConfigMapView,
  kSecretView,
  kPersistentVolumeClaimView,
  kPersistentVolumeView,
  kStorageClassView,
  kHorizontalPodAutoscalerView,
  kPodDisruptionBudgetView,
  kResourceQuotaView,
  kLimitRangeView,
  kServiceAccountView,
};

/// A condition of a status. `status` is "True", "False" or "Unknown".
struct Condition {
  Str type;
  Str status;
  Str reason;
  Str message;
  absl::Time last_transition = absl::InfinitePast();
};
const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type);
/// True when the condition is there with status "True".
bool ConditionTrue(const std::vector<Condition>& conditions, std::string_view type);

/// A quantity with the text it came as. `value` is in cores, bytes or pieces; nullopt when the text
/// is no quantity.
struct Quantity {
  Str text;
  std::optional<double> value;
};
using ResourceList = std::vector<std::pair<Str, Quantity>>;  // "cpu" -> 250m
/// Value of a resource; nullopt when absent or unreadable.
std::optional<double> Amount(const ResourceList& list, std::string_view resource);

/// A port by number or by name.
struct IntOrString {
  std::optional<int64_t> number;
  Str name;
  bool empty() const { return !number && name.empty(); }
};

/// A LabelSelector of a spec. `present` is false when the field is absent (selects nothing in most
/// kinds).
struct ObjectSelector {
  struct Expression {
    Str key;
    Str op;  // "In", "NotIn", "Exists", "DoesNotExist"
    std::vector<Str> values;
  };
  bool present = false;
  StrPairs match_labels;
  std::vector<Expression> expressions;
  bool empty() const { return match_labels.empty() && expressions.empty(); }
  /// As the API server judges it: an unknown operator matches nothing; an empty selector matches
  /// everything.
  bool Matches(const StrPairs& labels) const;
};

struct ObjectReference {
  Str kind;
  Str ns;
  Str name;
  Str uid;
  Str api_version;
  Str field_path;  // "spec.containers{web}"
};

}  // namespace opsmesh::kube
