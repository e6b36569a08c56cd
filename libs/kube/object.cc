#include "libs/kube/object.h"

#include <fmt/format.h>
#include <malloc.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_client/wiping.h"
#include "libs/kube/decoder.h"
#include "libs/kube/object_builder.h"
#include "libs/kube/views.h"

namespace opsmesh::kube {
namespace {

void DecodeOwners(Decoder& d, std::vector<OwnerRef>* owners) {
  d.Vector("metadata.ownerReferences", owners, [&](OwnerRef* owner) {
    d.Object("metadata.ownerReferences", [&](std::string_view key) {
      if (key == "apiVersion") d.Read("", &owner->api_version);
      if (key == "kind") d.Read("", &owner->kind);
      if (key == "name") d.Read("", &owner->name);
      if (key == "uid") d.Read("", &owner->uid);
      if (key == "controller") d.Read("", &owner->controller);
    });
  });
}

void DecodeMeta(Decoder& d, Meta* meta) {
  d.Object("", [&](std::string_view key) {
    if (key == "apiVersion") d.Read("", &meta->api_version);
    if (key == "kind") d.Read("", &meta->kind);
    if (key != "metadata") return;
    d.Object("metadata", [&](std::string_view part) {
      if (part == "name") d.Read("", &meta->name);
      if (part == "namespace") d.Read("", &meta->ns);
      if (part == "uid") d.Read("", &meta->uid);
      if (part == "resourceVersion") d.Read("", &meta->resource_version);
      if (part == "creationTimestamp") d.Read("", &meta->created);
      if (part == "deletionTimestamp") d.Read("", &meta->deleted);
      if (part == "generation") d.ReadCount("", &meta->generation);
      if (part == "labels") d.Read("", &meta->labels);
      if (part == "ownerReferences") DecodeOwners(d, &meta->owners);
    });
  });
}

struct ViewName {
  std::string_view group;
  std::string_view kind;
  int id;
};

constexpr ViewName kViewNames[] = {
    {"", "Pod", kPodView},
    {"apps", "Deployment", kDeploymentView},
    {"extensions", "Deployment", kDeploymentView},
    {"apps", "ReplicaSet", kReplicaSetView},
    {"extensions", "ReplicaSet", kReplicaSetView},
    {"apps", "StatefulSet", kStatefulSetView},
    {"apps", "DaemonSet", kDaemonSetView},
    {"extensions", "DaemonSet", kDaemonSetView},
    {"batch", "Job", kJobView},
    {"batch", "CronJob", kCronJobView},
    {"", "Service", kServiceView},
    {"", "Endpoints", kEndpointsView},
    {"discovery.k8s.io", "EndpointSlice", kEndpointSliceView},
    {"networking.k8s.io", "Ingress", kIngressView},
    {"extensions", "Ingress", kIngressView},
    {"networking.k8s.io", "NetworkPolicy", kNetworkPolicyView},
    {"extensions", "NetworkPolicy", kNetworkPolicyView},
    {"", "Node", kNodeView},
    {"", "Namespace", kNamespaceView},
    {"", "Event", kEventView},
    {"events.k8s.io", "Event", kEventView},
    {"", "ConfigMap", kConfigMapView},
    {"", "Secret", kSecretView},
    {"", "PersistentVolumeClaim", kPersistentVolumeClaimView},
    {"", "PersistentVolume", kPersistentVolumeView},
    {"storage.k8s.io", "StorageClass", kStorageClassView},
    {"autoscaling", "HorizontalPodAutoscaler", kHorizontalPodAutoscalerView},
    {"policy", "PodDisruptionBudget", kPodDisruptionBudgetView},
    {"", "ResourceQuota", kResourceQuotaView},
    {"", "LimitRange", kLimitRangeView},
    {"", "ServiceAccount", kServiceAccountView},
};

/// What makes objects resemble each other: one controller.
std::string_view FamilyOf(std::string_view json) {
  std::string_view family;
  JsonRef(json)["metadata"]["ownerReferences"].ForEachElement([&](JsonRef owner) {
    family = owner["uid"].RawString().value_or("");
    return !owner["controller"].Bool().value_or(false);
  });
  return family;
}

size_t HeapBytes(const void* block) {
  return block == nullptr ? 0 : malloc_usable_size(const_cast<void*>(block)) + 8;
}

}  // namespace

int ViewIdFor(std::string_view api_version, std::string_view kind) {
  const size_t slash = api_version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
  for (const ViewName& name : kViewNames) {
    if (name.kind == kind && name.group == group) return name.id;
  }
  return kNoView;
}

View* DecodeView(int view_id, const Object& object) {
  if (view_id == kPodView) return DecodePodView(object);
  if (View* view = DecodeWorkloadView(view_id, object)) return view;
  if (View* view = DecodeNetworkView(view_id, object)) return view;
  return DecodeClusterView(view_id, object);
}

Str Lookup(const StrPairs& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key) return value;
  }
  return {};
}

bool Has(const StrPairs& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key) return true;
  }
  return false;
}

const OwnerRef* Meta::controller() const {
  for (const OwnerRef& owner : owners) {
    if (owner.controller) return &owner;
  }
  return nullptr;
}

std::string Meta::full_name() const {
  return ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
}

absl::Duration Meta::Age(absl::Time now) const {
  if (created == absl::InfinitePast() || created >= now) return absl::ZeroDuration();
  return now - created;
}

absl::StatusOr<ObjectPtr> Object::Parse(std::string_view json, std::string_view api_version,
                                        std::string_view kind) {
  std::string repaired;
  const http_client::WipedAtEnd wiped(kind == "Secret" ? &repaired : nullptr);
  if (!base::IsValidUtf8(json)) {
    repaired = base::SanitizeUtf8(json);
    json = repaired;
  }
  JsonScanner scanner(json);
  std::string scratch;
  auto object = ObjectBuilder::Read(scanner, api_version, kind, &scratch);
  if (*scanner.error() == '\0' && !scanner.AtEnd()) scanner.Fail("text after the end of the value");
  OPSMESH_RETURN_IF_ERROR(scanner.ToStatus());
  return object;
}

absl::StatusOr<ObjectPtr> ObjectBuilder::Read(JsonScanner& scanner, std::string_view api_version,
                                              std::string_view kind, std::string* scratch,
                                              ObjectPacker* packer) {
  if (scanner.Peek() != '{') {
    if (!scanner.Skip()) return scanner.ToStatus();
    return base::InvalidArgument("", "UNPARSEABLE_OBJECT",
                                 "Something that is not an object stands in an object's place.");
  }
  scratch->clear();
  if (!CopyStripped(scanner, api_version, kind, scratch)) return scanner.ToStatus();
  return FromStripped(*scratch, packer);
}

absl::StatusOr<ObjectPtr> ObjectBuilder::FromStripped(std::string_view json, ObjectPacker* packer) {
  struct Enabled : Object {};
  auto object = std::make_shared<Enabled>();
  if (packer != nullptr) {
    auto parts = packer->Pack(json, FamilyOf(json));
    object->packed_ = std::move(parts.text);
    object->pool_ = std::move(parts.pool);
  } else {
    const auto* text = new std::string(json);
    object->plain_ = text;
    json = *text;
  }
  Decoder d(json, &object->own_, object->pool_.get(), nullptr);
  DecodeMeta(d, &object->meta_);
  if (object->meta_.name.empty()) {
    return base::InvalidArgument(
        "metadata.name", "UNPARSEABLE_OBJECT",
        fmt::format(
            "An object{} has no metadata.name that can be read.",
            object->meta_.kind.empty() ? "" : fmt::format(" of kind {}", object->meta_.kind)));
  }
  object->view_id_ = ViewIdFor(object->meta_.api_version, object->meta_.kind);
  return ObjectPtr(std::move(object));
}

std::string_view Object::Text(std::string* scratch) const {
  if (const std::string* plain = plain_.load(std::memory_order_acquire)) return *plain;
  packed_.Unpack(scratch);
  return *scratch;
}

std::string_view Object::json() const {
  const std::string* plain = plain_.load(std::memory_order_acquire);
  if (plain != nullptr) return *plain;
  auto text = std::make_unique<std::string>();
  packed_.Unpack(text.get());
  if (!plain_.compare_exchange_strong(plain, text.get(), std::memory_order_acq_rel)) return *plain;
  pool_->inflated().fetch_add(1, std::memory_order_relaxed);
  return *text.release();
}

std::optional<std::string> Object::Annotation(std::string_view key) const {
  std::string scratch;
  const JsonRef value = JsonRef(Text(&scratch))["metadata"]["annotations"][key];
  if (value.type() != JsonRef::Type::kString) return std::nullopt;
  return value.String();
}

const View* Object::ViewFor(int view_id) const {
  if (view_id != view_id_ || view_id_ == kNoView) return nullptr;
  const View* view = view_.load(std::memory_order_acquire);
  if (view != nullptr) return view;
  View* made = DecodeView(view_id_, *this);
  if (view_.compare_exchange_strong(view, made, std::memory_order_acq_rel)) return made;
  delete made;  // someone else was first
  return view;
}

size_t Object::MemoryBytes() const {
  size_t bytes = sizeof(Object) + 32 + packed_.MemoryBytes() + own_.MemoryBytes();
  if (const std::string* plain = plain_.load(std::memory_order_acquire))
    bytes += sizeof(*plain) + HeapBytes(plain->data());
  bytes += meta_.labels.capacity() * sizeof(meta_.labels[0]) +
           meta_.owners.capacity() * sizeof(OwnerRef);
  // Views hold vectors of views; measurement puts them at some two fifths of the text they came
  // from.
  const size_t text = pool_ != nullptr ? packed_.size() : 0;
  if (const View* view = view_.load(std::memory_order_acquire))
    bytes += HeapBytes(view) + text * 2 / 5;
  return bytes;
}

Object::~Object() {
  delete view_.load(std::memory_order_acquire);
  const std::string* plain = plain_.load(std::memory_order_acquire);
  if (plain != nullptr && pool_ != nullptr)
    pool_->inflated().fetch_sub(1, std::memory_order_relaxed);
  delete plain;
}

}  // namespace opsmesh::kube
