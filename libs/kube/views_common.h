// Parts that several typed views share. All text is untrusted and lives as long as the object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

/// An immutable sequence that objects may share: pods of one ReplicaSet have the same containers.
/// Lives as long as any copy of it and the object it was read from.
template <typename T>
class SharedList {
 public:
  using value_type = T;
  using const_iterator = const T*;
  const T* begin() const { return items_ == nullptr ? nullptr : items_->data(); }
  const T* end() const { return begin() + size(); }
  size_t size() const { return items_ == nullptr ? 0 : items_->size(); }
  bool empty() const { return size() == 0; }
  const T& operator[](size_t index) const { return (*items_)[index]; }
  const T& front() const { return items_->front(); }
  const T& back() const { return items_->back(); }
  operator std::span<const T>() const { return {begin(), size()}; }
  /// True when both are the same memory.
  bool SharesWith(const SharedList& other) const { return items_ == other.items_; }

 private:
  friend class Decoder;
  std::shared_ptr<const std::vector<T>> items_;  // null = empty
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
  friend bool operator==(const Quantity&, const Quantity&) = default;
};
using ResourceList = std::vector<std::pair<Str, Quantity>>;  // "cpu" -> 250m
/// Value of a resource; nullopt when absent or unreadable.
std::optional<double> Amount(const ResourceList& list, std::string_view resource);

/// A port by number or by name.
struct IntOrString {
  std::optional<int64_t> number;
  Str name;
  bool empty() const { return !number && name.empty(); }
  friend bool operator==(const IntOrString&, const IntOrString&) = default;
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
