// Typed views of nodes, namespaces, events, configuration, storage and quotas.
#pragma once

#include "libs/kube/views_common.h"

namespace opsmesh::kube {

struct Taint {
  Str key;
  Str value;
  Str effect;
  absl::Time added = absl::InfinitePast();
};

struct Node : View {
  static constexpr int kViewId = kNodeView;
  bool unschedulable = false;
  std::vector<Taint> taints;
  ResourceList capacity;
  ResourceList allocatable;
  std::vector<Condition> conditions;
  Str internal_ip;
  Str hostname;
  Str kubelet_version;
  Str os_image;
  Str kernel_version;
  Str container_runtime;
  Str architecture;
  Str provider_id;
  /// As kubectl: "Ready", "NotReady", "Ready,SchedulingDisabled".
  std::string status;
  /// From labels node-role.kubernetes.io/<role>, sorted, comma-separated; "" when none.
  std::string roles;
  bool ready() const { return ConditionTrue(conditions, "Ready"); }
};

struct Namespace : View {
  static constexpr int kViewId = kNamespaceView;
  Str phase;  // "Active", "Terminating"
  std::vector<Condition> conditions;
};

/// core/v1 and events.k8s.io/v1 events in one shape.
struct Event : View {
  static constexpr int kViewId = kEventView;
  Str type;  // "Normal", "Warning"
  Str reason;
  Str message;
  ObjectReference about;
  int64_t count = 1;
  Str source;
  Str source_host;
  absl::Time first_seen = absl::InfinitePast();
  /// series.lastObservedTime > lastTimestamp > eventTime > firstTimestamp > creationTimestamp: the
  /// key to sort by.
  absl::Time last_seen = absl::InfinitePast();
  bool warning() const { return type == "Warning"; }
};

struct ConfigMap : View {
  static constexpr int kViewId = kConfigMapView;
  std::vector<Str> keys;  // data and binaryData
  bool immutable = false;
  int64_t data_bytes = 0;
};

/// Never holds a value.
struct Secret : View {
  static constexpr int kViewId = kSecretView;
  Str type;
  std::vector<Str> keys;
};

struct ServiceAccount : View {
  static constexpr int kViewId = kServiceAccountView;
  std::vector<Str> secrets;
  std::vector<Str> image_pull_secrets;
  std::optional<bool> automount_token;
};

struct PersistentVolumeClaim : View {
  static constexpr int kViewId = kPersistentVolumeClaimView;
  Str phase;  // "Pending", "Bound", "Lost"
  Str volume_name;
  std::optional<Str> storage_class;  // absent = the default class, "" = none
  std::vector<Str> access_modes;
  Str volume_mode;
  Quantity request;
  Quantity capacity;
  std::vector<Condition> conditions;
};

struct PersistentVolume : View {
  static constexpr int kViewId = kPersistentVolumeView;
  Str phase;  // "Available", "Bound", "Released", "Failed"
  Str reason;
  Str message;
  Str storage_class;
  Str reclaim_policy;
  std::vector<Str> access_modes;
  Quantity capacity;
  ObjectReference claim;
};

struct StorageClass : View {
  static constexpr int kViewId = kStorageClassView;
  Str provisioner;
  Str reclaim_policy;
  Str binding_mode;
  bool is_default = false;
  bool allow_expansion = false;
};

struct ResourceQuota : View {
  static constexpr int kViewId = kResourceQuotaView;
  ResourceList hard;
  ResourceList used;
};

struct LimitRange : View {
  static constexpr int kViewId = kLimitRangeView;
  struct Item {
    Str type;
    ResourceList min, max, defaults, default_requests;
  };
  std::vector<Item> items;
};

}  // namespace opsmesh::kube
