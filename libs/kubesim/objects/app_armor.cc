#include "libs/kubesim/objects/app_armor.h"

#include <fmt/format.h>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// "" for a profile that cannot be said so.
std::string NoteOf(const Json& profile) {
  const std::string type = TextAt(profile, "type");
  if (type == "Unconfined") return "unconfined";
  if (type == "RuntimeDefault") return "runtime/default";
  const Json& path = At(profile, "localhostProfile");
  return type == "Localhost" && path.is_string() ? "localhost/" + Scalar(path) : "";
}

// Null for a note that says none.
Json ProfileOf(const std::string& note) {
  constexpr std::string_view kLocal = "localhost/";
  if (note == "unconfined") return {{"type", "Unconfined"}};
  if (note == "runtime/default") return {{"type", "RuntimeDefault"}};
  if (note.starts_with(kLocal) && note.size() > kLocal.size())
    return {{"type", "Localhost"}, {"localhostProfile", note.substr(kLocal.size())}};
  return nullptr;
}

}  // namespace

std::string OldAppArmorNote(const std::string& annotations, const std::string& key) {
  return fmt::format(R"({}[{}]: deprecated since v1.30; use the "appArmorProfile" field instead)",
                     annotations, key);
}

std::vector<std::string> AlignAppArmor(Json& pod) {
  std::vector<std::string> warnings;
  if (!At(pod, "spec").is_object() || TextAt(pod, {"spec", "os", "name"}) == "windows")
    return warnings;
  const Json whole = At(pod, {"spec", "securityContext", "appArmorProfile"});
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (size_t i = 0; i < ListAt(pod, {"spec", list}).size(); ++i) {
      Json& container = pod["spec"][list][i];
      const std::string key = std::string(kAppArmorNote) + TextAt(container, "name");
      const Json own = At(container, {"securityContext", "appArmorProfile"});
      const Json note = At(pod, {"metadata", "annotations", key.c_str()});
      if (note.is_null()) {
        const std::string value = NoteOf(own.is_object() ? own : whole);
        if (!value.empty()) pod["metadata"]["annotations"][key] = value;
      } else if (!own.is_object()) {
        const Json profile = ProfileOf(Scalar(note));
        if (profile.is_object() && profile == whole) continue;
        if (profile.is_object()) container["securityContext"]["appArmorProfile"] = profile;
        warnings.push_back(OldAppArmorNote("metadata.annotations", key));
      }
    }
  }
  return warnings;
}

}  // namespace opsmesh::kubesim
