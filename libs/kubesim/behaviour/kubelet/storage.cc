// Local storage: directories that the containers of a pod share, and what pods use beyond what they
// may (directories with a size limit, limits of ephemeral storage). A kubelet measures every ten
// seconds.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kMeasureEvery = absl::Seconds(10);

int64_t Bytes(const Json& quantity) {
  return static_cast<int64_t>(ParseQuantity(quantity).value_or(0) / 1000);
}

// What a container wrote that lies in no volume.
int64_t OwnLayer(const ContainerRuntime& container, const Json& spec) {
  int64_t bytes = container.process->DiskUse("/");
  for (const Json& mount : ListAt(spec, {"volumeMounts"}))
    bytes -= container.process->DiskUse(TextAt(mount, "mountPath"));
  return std::max<int64_t>(0, bytes);
}

}  // namespace

void Kubelet::TakeShared(View& view, ContainerRuntime& container, const Json& spec) {
  if (!container.process) return;
  if (container.process->runs_script()) RefreshFiles(view, container, spec);
  if (view.runtime.directories.empty()) return;
  for (const Json& mount : ListAt(spec, {"volumeMounts"})) {
    auto shared = view.runtime.directories.find(TextAt(mount, "name"));
    if (shared != view.runtime.directories.end())
      container.process->PutFiles(TextAt(mount, "mountPath"), shared->second);
  }
}

void Kubelet::GiveShared(View& view, const ContainerRuntime& container, const Json& spec) {
  if (view.runtime.init.size() + view.runtime.main.size() < 2 || !container.process) return;
  for (const Json& mount : ListAt(spec, {"volumeMounts"})) {
    const std::string name = TextAt(mount, "name");
    for (const Json& volume : ListAt(view.spec, {"volumes"})) {
      if (TextAt(volume, "name") != name || !At(volume, "emptyDir").is_object()) continue;
      WrittenFiles files = container.process->FilesIn(TextAt(mount, "mountPath"));
      if (!files.empty() || view.runtime.directories.contains(name))
        view.runtime.directories[name] = std::move(files);
    }
  }
}

// All containers see the same files: the one that sees most counts.
int64_t Kubelet::DirectoryUse(const View& view, const std::string& volume) const {
  int64_t bytes = 0;
  for (const auto* list : {&view.runtime.init, &view.runtime.main}) {
    for (const ContainerRuntime& one : *list) {
      if (!one.process) continue;
      for (const Json& mount : ListAt(ContainerSpec(view.spec, one), {"volumeMounts"})) {
        if (TextAt(mount, "name") == volume)
          bytes = std::max(bytes, one.process->DiskUse(TextAt(mount, "mountPath")));
      }
    }
  }
  return bytes;
}

std::string Kubelet::StorageExcess(const View& view) const {
  int64_t all = 0, limits = 0;
  for (const Json& volume : ListAt(view.spec, {"volumes"})) {
    if (!At(volume, "emptyDir").is_object() || TextAt(volume, {"emptyDir", "medium"}) == "Memory")
      continue;
    const int64_t used = DirectoryUse(view, TextAt(volume, "name"));
    const Json& limit = At(volume, {"emptyDir", "sizeLimit"});
    if (const int64_t most = Bytes(limit); most > 0 && used > most)
      return fmt::format("Usage of EmptyDir volume \"{}\" exceeds the limit \"{}\". ",
                         TextAt(volume, "name"), Scalar(limit));
    all += used;
  }
  std::string text, container;
  bool every = true;
  for (const ContainerRuntime& one : view.runtime.main) {
    const Json& spec = ContainerSpec(view.spec, one);
    const Json& limit = At(spec, {"resources", "limits", "ephemeral-storage"});
    every = every && !limit.is_null();
    const int64_t own = one.process ? OwnLayer(one, spec) : 0;
    all += own;
    limits += Bytes(limit);
    if (text.empty() && !limit.is_null() && own > Bytes(limit)) {
      text = Scalar(limit);
      container = one.status.name;
    }
  }
  if (every && limits > 0 && all > limits) {
    return fmt::format(
        "Pod ephemeral local storage usage exceeds the total limit of containers {}. ",
        BinaryQuantity(limits));
  }
  if (container.empty()) return "";
  return fmt::format("Container {} exceeded its local ephemeral storage limit \"{}\". ", container,
                     text);
}

bool Kubelet::WithinStorage(View& view) {
  const std::string excess = StorageExcess(view);
  if (excess.empty()) {
    view.runtime.evict_at = absl::InfiniteFuture();
    return true;
  }
  if (view.runtime.evict_at == absl::InfiniteFuture())
    view.runtime.evict_at = view.now + kMeasureEvery;
  if (view.now < view.runtime.evict_at) {
    view.At(view.runtime.evict_at);
    return true;
  }
  Tell(view, "Warning", "Evicted", excess);
  for (const ContainerRuntime& one : view.runtime.main) {
    if (one.process) Tell(view, "Normal", "Killing", "Stopping container " + one.status.name, &one);
  }
  EndPod(view, "Evicted", excess, true);
  return false;
}

}  // namespace opsmesh::kubesim
