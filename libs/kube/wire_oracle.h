// What must hold for any bytes that claim to be an answer of an API server. Shared by the mutation
// test and the fuzzer.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "libs/base/strings.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/object_packer.h"
#include "libs/kube/small_json.h"
#include "libs/kube/types.h"
#include "libs/kube/views.h"
#include "libs/kube/wire.h"

namespace opsmesh::kube::test {

/// Reads every typed view there is, and every member of the JSON; the sanitizers look on.
inline void ReadAll(const Object& object) {
  const auto touch = [&]<typename... Views>() {
    return (0 + ... + (object.As<Views>() != nullptr ? 1 : 0));
  };
  (void)touch.template
  operator()<Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, Service, Endpoints,
             EndpointSlice, Ingress, NetworkPolicy, Node, Namespace, Event, ConfigMap, Secret,
             PersistentVolumeClaim, PersistentVolume, StorageClass, HorizontalPodAutoscaler,
             PodDisruptionBudget, ResourceQuota, LimitRange, ServiceAccount>();
  (void)object.MemoryBytes();
  (void)object.Annotation("a");
}

/// Calls `fail(why)` for each rule that `object` breaks.
inline void JudgeObject(const Object& object, const std::function<void(std::string_view)>& fail) {
  ReadAll(object);
  const std::string_view json = object.json();
  if (!base::IsValidUtf8(json)) fail("an object's text is not UTF-8");
  if (!SmallJson(json).valid()) fail("an object's text is not JSON");
  if (object.name().empty()) fail("an object without a name came through");
  if (object.root()["metadata"]["managedFields"].type() != JsonRef::Type::kAbsent)
    fail("managedFields came through");
  if (object.meta().kind != "Secret") return;
  for (const char* part : {"data", "stringData"}) {
    object.root()[part].ForEachMember([&](std::string_view, JsonRef value) {
      if (value.Text() != "\"***\"") fail("a Secret's value came through");
      return true;
    });
  }
}

/// A list and, line by line, a watch (ill-formed UTF-8 costs the object that it stands in, not the
/// list): with and without packing the same objects must come of it.
inline void JudgeBytes(std::string_view bytes, const ResourceType& type,
                       const std::function<void(std::string_view)>& fail) {
  ListPage plain;
  ListPage packed;
  ObjectPacker packer;
  const absl::Status status = ParseList(bytes, type, &plain);
  if (status.code() != ParseList(bytes, type, &packed, &packer).code())
    fail("packing changes what a list is");
  if (status.ok() && base::IsValidUtf8(bytes) && !SmallJson(bytes).valid())
    fail("a list that is not JSON was accepted");
  if (plain.items.size() != packed.items.size() ||
      plain.unparseable.size() != packed.unparseable.size())
    fail("packing changes what is in a list");
  for (size_t i = 0; i < plain.items.size() && i < packed.items.size(); ++i) {
    ReadAll(*packed.items[i]);  // views of a packed object do not need its text
    JudgeObject(*plain.items[i], fail);
    JudgeObject(*packed.items[i], fail);
    if (plain.items[i]->json() != packed.items[i]->json()) fail("packing changes an object's text");
  }
  LineSplitter lines(1 << 20);
  (void)lines.Feed(bytes, [&](std::string_view text) {
    const WatchLine line = ParseWatchLine(text, type, &packer);
    if (line.kind == WatchLine::Kind::kEvent && base::IsValidUtf8(text) && !SmallJson(text).valid())
      fail("a watch line that is not JSON was accepted");
    if (line.kind == WatchLine::Kind::kEvent && line.event.type != WatchEvent::Type::kBookmark &&
        line.event.object == nullptr)
      fail("an event without its object");
    if (line.event.object != nullptr) JudgeObject(*line.event.object, fail);
    return absl::OkStatus();
  });
}

}  // namespace opsmesh::kube::test
