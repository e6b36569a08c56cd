// What a kubelet itself writes into a pod: fields of the pod (the downward API), and the files of
// ConfigMap, Secret, downwardAPI and projected volumes. Of Secrets only the names are told: their
// values are not needed to run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr char kHidden[] = "***";

// All labels or annotations as a file holds them.
std::string Lines(const Json& map) {
  std::string text;
  if (!map.is_object()) return text;
  for (const auto& [name, value] : map.items())
    text += fmt::format("{}{}={}", text.empty() ? "" : "\n", name, value.dump());
  return text;
}

// "metadata.labels['app.kubernetes.io/name']" -> the value of that key.
std::string KeyedField(const Json& pod, const std::string& field) {
  const size_t open = field.find("['");
  const std::string map = field.substr(0, open);
  const std::string key = field.substr(open + 2, field.rfind("']") - open - 2);
  return TextAt(At(pod, {"metadata", map == "metadata.labels" ? "labels" : "annotations"}),
                key.c_str());
}

}  // namespace

std::string Kubelet::FieldOf(const View& view, const std::string& field) const {
  const Json& pod = view.pod;
  if (field == "metadata.name") return view.runtime.name;
  if (field == "metadata.namespace") return view.runtime.ns;
  if (field == "metadata.uid") return view.runtime.uid;
  if (field == "metadata.labels") return Lines(At(pod, {"metadata", "labels"}));
  if (field == "metadata.annotations") return Lines(At(pod, {"metadata", "annotations"}));
  if (field.find("['") != std::string::npos) return KeyedField(pod, field);
  if (field == "spec.nodeName") return view.runtime.node;
  if (field == "spec.serviceAccountName") return TextAt(pod, {"spec", "serviceAccountName"});
  if (field == "status.podIP" || field == "status.podIPs") return view.runtime.ip;
  if (field != "status.hostIP" && field != "status.hostIPs") return field;
  const auto node = Find("nodes", "", view.runtime.node);
  for (const Json& address : node ? ListAt(*node, {"status", "addresses"}) : Json::array()) {
    if (TextAt(address, "type") == "InternalIP") return TextAt(address, "address");
  }
  return "";
}

std::string Kubelet::ResourceOf(const View& view, const Json& container, const Json& ref) const {
  const Json* subject = &container;
  for (const Json& one : ListAt(view.spec, {"containers"})) {
    if (TextAt(one, "name") == TextAt(ref, "containerName")) subject = &one;
  }
  const std::string resource = TextAt(ref, "resource");  // "limits.cpu"
  const size_t dot = std::min(resource.find('.'), resource.size());
  const std::string name = resource.substr(std::min(dot + 1, resource.size()));
  Json amount = At(At(At(*subject, "resources"), resource.substr(0, dot).c_str()), name.c_str());
  // No limit: all that the node has to give.
  if (amount.is_null() && resource.starts_with("limits.")) {
    if (const auto node = Find("nodes", "", view.runtime.node))
      amount = At(At(*node, {"status", "allocatable"}), name.c_str());
  }
  const double value = static_cast<double>(ParseQuantity(amount).value_or(0));
  double divisor = static_cast<double>(ParseQuantity(At(ref, "divisor")).value_or(0));
  if (divisor <= 0) divisor = 1000;  // one
  return fmt::format("{:.0f}", std::ceil(value / divisor));
}

std::map<std::string, std::string> Kubelet::VolumeFiles(const View& view, const Json& container,
                                                        const Json& volume) const {
  std::map<std::string, std::string> files;
  const auto take = [&](const char* plural, const std::string& name, const Json& items) {
    const auto object = Find(plural, view.runtime.ns, name);
    if (!object) return;
    for (const char* member : {"data", "binaryData"}) {
      const Json& data = At(*object, member);
      if (!data.is_object()) continue;
      for (const auto& [key, value] : data.items()) {
        std::string path = items.is_array() && !items.empty() ? "" : key;
        for (const Json& item : items.is_array() ? items : Json::array()) {
          if (TextAt(item, "key") == key) path = TextAt(item, "path");
        }
        if (!path.empty()) files[path] = plural[0] == 's' ? kHidden : Scalar(value);
      }
    }
  };
  const auto source = [&](const Json& one) {
    const Json& config = At(one, "configMap");
    if (config.is_object()) take("configmaps", TextAt(config, "name"), At(config, "items"));
    const Json& secret = At(one, "secret");
    if (secret.is_object()) {
      const std::string name = TextAt(secret, "secretName");
      take("secrets", name.empty() ? TextAt(secret, "name") : name, At(secret, "items"));
    }
    for (const Json& item : ListAt(one, {"downwardAPI", "items"})) {
      const std::string field = TextAt(item, {"fieldRef", "fieldPath"});
      files[TextAt(item, "path")] = field.empty()
                                        ? ResourceOf(view, container, At(item, "resourceFieldRef"))
                                        : FieldOf(view, field);
    }
    if (const std::string token = TextAt(one, {"serviceAccountToken", "path"}); !token.empty())
      files[token] = kHidden;
  };
  source(volume);
  for (const Json& one : ListAt(volume, {"projected", "sources"})) source(one);
  return files;
}

std::map<std::string, std::string> Kubelet::MountedFiles(const View& view, const Json& container,
                                                         bool later) const {
  std::map<std::string, std::string> files;
  for (const Json& mount : ListAt(container, {"volumeMounts"})) {
    std::string path = TextAt(mount, "mountPath");
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    const std::string sub_path = TextAt(mount, "subPath");
    if (later && !sub_path.empty()) continue;  // never updated
    for (const Json& volume : ListAt(view.spec, {"volumes"})) {
      if (TextAt(volume, "name") != TextAt(mount, "name")) continue;
      for (auto& [name, text] : VolumeFiles(view, container, volume)) {
        if (sub_path.empty())
          files[path + "/" + name] = std::move(text);
        else if (sub_path == name)
          files[path] = std::move(text);
        else if (name.starts_with(sub_path + "/"))
          files[path + name.substr(sub_path.size())] = std::move(text);
      }
    }
  }
  return files;
}

void Kubelet::RefreshFiles(const View& view, ContainerRuntime& container, const Json& spec) const {
  WrittenFiles files;
  for (auto& [path, text] : MountedFiles(view, spec, true))
    files[path.substr(1)] = {std::move(text), 0};
  container.process->PutFiles("/", files);
}

}  // namespace opsmesh::kubesim
