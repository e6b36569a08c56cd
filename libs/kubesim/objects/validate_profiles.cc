#include "libs/kubesim/objects/validate_profiles.h"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "libs/kubesim/objects/app_armor.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

std::set<std::string, std::less<>> ContainersOf(const Json& spec) {
  std::set<std::string, std::less<>> names;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Json& container : ListAt(spec, {list})) names.insert(TextAt(container, "name"));
  }
  return names;
}

void Seccomp(Causes& causes, const std::string& profile, const std::string& at) {
  constexpr std::string_view kLocal = "localhost/";
  if (profile == "runtime/default" || profile == "docker/default" || profile == "unconfined")
    return;
  if (profile.starts_with(kLocal))
    ValidateDescendingPath(causes, profile.substr(kLocal.size()), at);
  else
    InvalidText(causes, at, profile, "must be a valid seccomp profile");
}

void Armor(Causes& causes, const std::set<std::string, std::less<>>& containers,
           std::string_view container, const std::string& profile, const std::string& at) {
  if (!containers.contains(container)) InvalidText(causes, at, container, "container not found");
  if (!profile.empty() && profile != "runtime/default" && profile != "unconfined" &&
      !profile.starts_with("localhost/"))
    InvalidText(causes, at, profile, fmt::format("invalid AppArmor profile name: \"{}\"", profile));
}

}  // namespace

void ValidateProfileNotes(Causes& causes, const Json& holder, const std::string& field) {
  const Json& annotations = At(holder, {"metadata", "annotations"});
  if (!annotations.is_object()) return;
  for (const auto& [key, value] : annotations.items()) {
    if (key == "seccomp.security.alpha.kubernetes.io/pod" ||
        key.starts_with("container.seccomp.security.alpha.kubernetes.io/"))
      Seccomp(causes, Scalar(value), fmt::format("{}.{}", field, key));
  }
  std::optional<std::set<std::string, std::less<>>> containers;  // few pods have such notes
  for (const auto& [key, value] : annotations.items()) {
    if (!key.starts_with(kAppArmorNote)) continue;
    if (!containers) containers = ContainersOf(At(holder, "spec"));
    Armor(causes, *containers, std::string_view(key).substr(kAppArmorNote.size()), Scalar(value),
          fmt::format("{}[{}]", field, key));
  }
}

void KeepProfileNotes(Causes& causes, const Json& pod, const Json& before) {
  const Json& old = At(before, {"metadata", "annotations"});
  const Json& now = At(pod, {"metadata", "annotations"});
  auto forbid = [&causes](const std::string& key, const char* what) {
    Forbidden(causes, fmt::format("metadata.annotations[{}]", key),
              fmt::format("may not {} AppArmor annotations", what));
  };
  for (const auto& [key, value] : old.items()) {
    if (key.starts_with(kAppArmorNote) && At(now, key.c_str()) != value)
      forbid(key, "remove or update");
  }
  for (const auto& [key, value] : now.items()) {
    if (key.starts_with(kAppArmorNote) && At(old, key.c_str()).is_null()) forbid(key, "add");
  }
}

}  // namespace opsmesh::kubesim
