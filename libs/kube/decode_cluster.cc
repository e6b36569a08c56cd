#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kube/decoder.h"
#include "libs/kube/views_cluster.h"

namespace opsmesh::kube {
namespace {

constexpr std::string_view kRolePrefix = "node-role.kubernetes.io/";

void DecodeNodeStatus(Decoder& d, Node* v) {
  d.Object("status", [&](std::string_view key) {
    if (key == "capacity") d.Read("status.capacity", &v->capacity);
    if (key == "allocatable") d.Read("status.allocatable", &v->allocatable);
    if (key == "conditions") d.Read("status.conditions", &v->conditions);
    if (key == "addresses") {
      d.Array("status.addresses", [&] {
        Str type, address;
        d.Object("status.addresses", [&](std::string_view part) {
          if (part == "type") d.Read("status.addresses.type", &type);
          if (part == "address") d.Read("status.addresses.address", &address);
        });
        if (type == "InternalIP" && v->internal_ip.empty()) v->internal_ip = address;
        if (type == "Hostname") v->hostname = address;
      });
    }
    if (key == "nodeInfo") {
      d.Object("status.nodeInfo", [&](std::string_view part) {
        if (part == "kubeletVersion") d.Read("status.nodeInfo.kubeletVersion", &v->kubelet_version);
        if (part == "osImage") d.Read("status.nodeInfo.osImage", &v->os_image);
        if (part == "kernelVersion") d.Read("status.nodeInfo.kernelVersion", &v->kernel_version);
        if (part == "containerRuntimeVersion")
          d.Read("status.nodeInfo.containerRuntimeVersion", &v->container_runtime);
        if (part == "architecture") d.Read("status.nodeInfo.architecture", &v->architecture);
      });
    }
  });
}

View* Decode(const Object& object, std::unique_ptr<Node> v) {
  Decoder d(object, v.get());
  d.Object("node", [&](std::string_view key) {
    if (key == "status") DecodeNodeStatus(d, v.get());
    if (key != "spec") return;
    d.Object("spec", [&](std::string_view part) {
      if (part == "unschedulable") d.Read("spec.unschedulable", &v->unschedulable);
      if (part == "providerID") d.Read("spec.providerID", &v->provider_id);
      if (part != "taints") return;
      d.Vector("spec.taints", &v->taints, [&](Taint* taint) {
        d.Object("spec.taints", [&](std::string_view field) {
          if (field == "key") d.Read("spec.taints.key", &taint->key);
          if (field == "value") d.Read("spec.taints.value", &taint->value);
          if (field == "effect") d.Read("spec.taints.effect", &taint->effect);
          if (field == "timeAdded") d.Read("spec.taints.timeAdded", &taint->added);
        });
      });
    });
  });
  const Condition* ready = FindCondition(v->conditions, "Ready");
  v->status = ready == nullptr ? "Unknown" : ready->status == "True" ? "Ready" : "NotReady";
  if (v->unschedulable) v->status += ",SchedulingDisabled";
  std::vector<std::string> roles;
  for (const auto& [label, value] : object.meta().labels) {
    if (label.starts_with(kRolePrefix) && label.size() > kRolePrefix.size()) {
      roles.emplace_back(label.substr(kRolePrefix.size()));
    } else if (label == "kubernetes.io/role" && !value.empty()) {
      roles.emplace_back(value);
    }
  }
  std::sort(roles.begin(), roles.end());
  v->roles = base::Join(roles, ",");
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<Namespace> v) {
  Decoder d(object, v.get());
  d.Object("namespace", [&](std::string_view key) {
    if (key != "status") return;
    d.Object("status", [&](std::string_view part) {
      if (part == "phase") d.Read("status.phase", &v->phase);
      if (part == "conditions") d.Read("status.conditions", &v->conditions);
    });
  });
  return v.release();
}

struct EventTimes {
  absl::Time series = absl::InfinitePast();
  absl::Time last = absl::InfinitePast();
  absl::Time event = absl::InfinitePast();
  absl::Time first = absl::InfinitePast();
};

void DecodeSource(Decoder& d, Event* v) {
  d.Object("source", [&](std::string_view part) {
    Str component;
    if (part == "component") {
      d.Read("source.component", &component);
      if (!component.empty()) v->source = component;
    }
    if (part == "host") d.Read("source.host", &v->source_host);
  });
}

View* Decode(const Object& object, std::unique_ptr<Event> v) {
  Decoder d(object, v.get());
  EventTimes times;
  std::optional<int64_t> series_count;
  Str controller;
  d.Object("event", [&](std::string_view key) {
    if (key == "type") d.Read("type", &v->type);
    if (key == "reason") d.Read("reason", &v->reason);
    if (key == "message" || key == "note") d.Read("message", &v->message);
    if (key == "involvedObject" || key == "regarding") d.Read("involvedObject", &v->about);
    if (key == "count" || key == "deprecatedCount") d.ReadCount("count", &v->count);
    if (key == "source" || key == "deprecatedSource") DecodeSource(d, v.get());
    if (key == "reportingComponent" || key == "reportingController")
      d.Read("reportingComponent", &controller);
    if (key == "firstTimestamp" || key == "deprecatedFirstTimestamp")
      d.Read("firstTimestamp", &times.first);
    if (key == "lastTimestamp" || key == "deprecatedLastTimestamp")
      d.Read("lastTimestamp", &times.last);
    if (key == "eventTime") d.Read("eventTime", &times.event);
    if (key == "series") {
      d.Object("series", [&](std::string_view part) {
        if (part == "count") d.Read("series.count", &series_count);
        if (part == "lastObservedTime") d.Read("series.lastObservedTime", &times.series);
      });
    }
  });
  if (v->source.empty()) v->source = controller;
  if (series_count && *series_count > v->count) v->count = *series_count;
  v->count = std::max<int64_t>(v->count, 1);
  const absl::Time none = absl::InfinitePast();
  for (const absl::Time time :
       {times.series, times.last, times.event, times.first, object.meta().created}) {
    if (v->last_seen == none) v->last_seen = time;
  }
  for (const absl::Time time : {times.first, times.event, object.meta().created}) {
    if (v->first_seen == none) v->first_seen = time;
  }
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<ConfigMap> v) {
  Decoder d(object, v.get());
  d.Object("configmap", [&](std::string_view key) {
    if (key == "immutable") d.Read("immutable", &v->immutable);
    if (key != "data" && key != "binaryData") return;
    d.Object("data", [&](std::string_view name) {
      v->keys.push_back(d.Text(name));
      if (const auto raw = d.Ref().RawString()) v->data_bytes += static_cast<int64_t>(raw->size());
    });
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<Secret> v) {
  Decoder d(object, v.get());
  d.Object("secret", [&](std::string_view key) {
    if (key == "type") d.Read("type", &v->type);
    if (key == "data" || key == "stringData")
      d.Object("data", [&](std::string_view name) { v->keys.push_back(d.Text(name)); });
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<ServiceAccount> v) {
  Decoder d(object, v.get());
  d.Object("serviceaccount", [&](std::string_view key) {
    if (key == "secrets") d.ReadNames("secrets", &v->secrets);
    if (key == "imagePullSecrets") d.ReadNames("imagePullSecrets", &v->image_pull_secrets);
    if (key == "automountServiceAccountToken")
      d.Read("automountServiceAccountToken", &v->automount_token);
  });
  return v.release();
}

/// Takes "storage" out of a list of resources.
void ReadStorage(Decoder& d, std::string_view field, Quantity* out) {
  d.Object(field, [&](std::string_view resource) {
    if (resource == "storage") d.Read(field, out);
  });
}

View* Decode(const Object& object, std::unique_ptr<PersistentVolumeClaim> v) {
  Decoder d(object, v.get());
  d.Object("pvc", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "volumeName") d.Read("spec.volumeName", &v->volume_name);
        if (part == "storageClassName") d.Read("spec.storageClassName", &v->storage_class);
        if (part == "accessModes") d.Read("spec.accessModes", &v->access_modes);
        if (part == "volumeMode") d.Read("spec.volumeMode", &v->volume_mode);
        if (part != "resources") return;
        d.Object("spec.resources", [&](std::string_view field) {
          if (field == "requests") ReadStorage(d, "spec.resources.requests", &v->request);
        });
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "phase") d.Read("status.phase", &v->phase);
        if (part == "capacity") ReadStorage(d, "status.capacity", &v->capacity);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<PersistentVolume> v) {
  Decoder d(object, v.get());
  d.Object("pv", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "storageClassName") d.Read("spec.storageClassName", &v->storage_class);
        if (part == "persistentVolumeReclaimPolicy")
          d.Read("spec.persistentVolumeReclaimPolicy", &v->reclaim_policy);
        if (part == "accessModes") d.Read("spec.accessModes", &v->access_modes);
        if (part == "capacity") ReadStorage(d, "spec.capacity", &v->capacity);
        if (part == "claimRef") d.Read("spec.claimRef", &v->claim);
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "phase") d.Read("status.phase", &v->phase);
        if (part == "reason") d.Read("status.reason", &v->reason);
        if (part == "message") d.Read("status.message", &v->message);
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<StorageClass> v) {
  v->is_default = object.Annotation("storageclass.kubernetes.io/is-default-class") == "true" ||
                  object.Annotation("storageclass.beta.kubernetes.io/is-default-class") == "true";
  Decoder d(object, v.get());
  d.Object("storageclass", [&](std::string_view key) {
    if (key == "provisioner") d.Read("provisioner", &v->provisioner);
    if (key == "reclaimPolicy") d.Read("reclaimPolicy", &v->reclaim_policy);
    if (key == "volumeBindingMode") d.Read("volumeBindingMode", &v->binding_mode);
    if (key == "allowVolumeExpansion") d.Read("allowVolumeExpansion", &v->allow_expansion);
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<ResourceQuota> v) {
  Decoder d(object, v.get());
  ResourceList spec_hard;
  d.Object("quota", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "hard") d.Read("spec.hard", &spec_hard);
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "hard") d.Read("status.hard", &v->hard);
        if (part == "used") d.Read("status.used", &v->used);
      });
    }
  });
  if (v->hard.empty()) v->hard = std::move(spec_hard);
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<LimitRange> v) {
  Decoder d(object, v.get());
  d.Object("limitrange", [&](std::string_view key) {
    if (key != "spec") return;
    d.Object("spec", [&](std::string_view part) {
      if (part != "limits") return;
      d.Vector("spec.limits", &v->items, [&](LimitRange::Item* item) {
        d.Object("spec.limits", [&](std::string_view field) {
          if (field == "type") d.Read("spec.limits.type", &item->type);
          if (field == "min") d.Read("spec.limits.min", &item->min);
          if (field == "max") d.Read("spec.limits.max", &item->max);
          if (field == "default") d.Read("spec.limits.default", &item->defaults);
          if (field == "defaultRequest")
            d.Read("spec.limits.defaultRequest", &item->default_requests);
        });
      });
    });
  });
  return v.release();
}

}  // namespace

View* DecodeClusterView(int view_id, const Object& object) {
  switch (view_id) {
    case kNodeView:
      return Decode(object, std::make_unique<Node>());
    case kNamespaceView:
      return Decode(object, std::make_unique<Namespace>());
    case kEventView:
      return Decode(object, std::make_unique<Event>());
    case kConfigMapView:
      return Decode(object, std::make_unique<ConfigMap>());
    case kSecretView:
      return Decode(object, std::make_unique<Secret>());
    case kServiceAccountView:
      return Decode(object, std::make_unique<ServiceAccount>());
    case kPersistentVolumeClaimView:
      return Decode(object, std::make_unique<PersistentVolumeClaim>());
    case kPersistentVolumeView:
      return Decode(object, std::make_unique<PersistentVolume>());
    case kStorageClassView:
      return Decode(object, std::make_unique<StorageClass>());
    case kResourceQuotaView:
      return Decode(object, std::make_unique<ResourceQuota>());
    case kLimitRangeView:
      return Decode(object, std::make_unique<LimitRange>());
    default:
      return nullptr;
  }
}

}  // namespace opsmesh::kube
