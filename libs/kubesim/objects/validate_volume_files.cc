// Volumes that are files: of Secrets, ConfigMaps, the pod itself and tokens; what a real server
// refuses.
#include <set>

#include "libs/kubesim/objects/volume_source.h"

namespace opsmesh::kubesim {
namespace {

void Mode(Causes& causes, const Json& holder, const char* member, const std::string& at) {
  const Json& mode = At(holder, member);
  if (mode.is_number_integer() && (mode < 0 || mode > 0777)) {
    InvalidNumber(causes, fmt::format("{}.{}", at, member), mode.get<int64_t>(),
                  "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

// A relative path within the volume that the kubelet does not keep for itself.
void OwnPath(Causes& causes, const std::string& path, const std::string& at) {
  ValidateDescendingPath(causes, path, at);
  if (path.starts_with("..") && !path.starts_with("../"))
    InvalidText(causes, at, path, "must not start with '..'");
}

void Items(Causes& causes, const Json& source, const std::string& at) {
  const Json& items = ListAt(source, {"items"});
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string here = fmt::format("{}.items[{}]", at, i), path = TextAt(items[i], "path");
    if (TextAt(items[i], "key").empty()) Required(causes, here + ".key");
    if (path.empty()) Required(causes, here + ".path");
    OwnPath(causes, path, here + ".path");
    Mode(causes, items[i], "mode", here);
  }
}

// A file of the downward API; a real server names all of them by their volume.
void DownwardFile(Causes& causes, const Json& file, const std::string& at) {
  const std::string path = TextAt(file, "path");
  const Json& field = At(file, "fieldRef");
  const Json& amount = At(file, "resourceFieldRef");
  if (path.empty()) Required(causes, at + ".path");
  OwnPath(causes, path, at + ".path");
  if (field.is_object()) {
    ValidateFieldRef(causes, field, at + ".fieldRef", true);
    if (amount.is_object())
      InvalidText(causes, at, "resource",
                  "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (amount.is_object()) {
    ValidateAmountRef(causes, amount, at + ".resourceFieldRef", true);
  } else {
    Required(causes, at, "one of fieldRef and resourceFieldRef is required");
  }
  Mode(causes, file, "mode", at);
}

void TokenSource(Causes& causes, const Json& token, const std::string& at,
                 const std::string& volume) {
  const int64_t seconds = IntAt(token, "expirationSeconds");
  const std::string path = TextAt(token, "path");
  TokenSeconds(causes, seconds, at);
  if (path.empty())
    Required(causes, volume + ".path");
  else
    OwnPath(causes, path, volume + ".path");
}

}  // namespace

void TokenSeconds(Causes& causes, int64_t seconds, const std::string& at) {
  if (seconds < 600)
    InvalidNumber(causes, at + ".expirationSeconds", seconds,
                  "may not specify a duration less than 10 minutes");
  if (seconds > (int64_t{1} << 32))
    InvalidNumber(causes, at + ".expirationSeconds", seconds,
                  "may not specify a duration larger than 2^32 seconds");
}

void ValidateProjectedSource(const VolumeSource& source) {
  Causes& causes = source.causes;
  Mode(causes, source.value, "defaultMode", source.at);
  std::set<std::string> paths;
  auto once = [&](const std::string& path, const std::string& shown) {
    if (!path.empty() && !paths.insert(path).second)
      InvalidText(causes, source.at, shown, "conflicting duplicate paths");
  };
  const Json& parts = ListAt(source.value, {"sources"});
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string at = fmt::format("{}.sources[{}]", source.at, i);
    int kinds = 0;
    for (const char* kind : {"secret", "configMap", "downwardAPI", "serviceAccountToken"}) {
      const Json& part = At(parts[i], kind);
      if (!part.is_object()) continue;
      const std::string here = fmt::format("{}.{}", at, kind), name = TextAt(part, "name");
      ++kinds;
      if (std::string_view(kind) == "serviceAccountToken") {
        TokenSource(causes, part, here, source.at);
      } else if (std::string_view(kind) == "downwardAPI") {
        for (const Json& file : ListAt(part, {"items"})) {
          DownwardFile(causes, file, here);
          once(TextAt(file, "path"), TextAt(file, "path"));
        }
      } else {
        if (name.empty()) Required(causes, here + ".name");
        Items(causes, part, here);
        for (const Json& item : ListAt(part, {"items"})) once(TextAt(item, "path"), name);
      }
    }
    if (kinds > 1) Forbidden(causes, at, "may not specify more than 1 volume type per source");
  }
}

void ValidateFilesSource(const VolumeSource& source, const char* name) {
  source.Needs({name});
  Mode(source.causes, source.value, "defaultMode", source.at);
  Items(source.causes, source.value, source.at);
}

void ValidateDownwardSource(const VolumeSource& source) {
  Mode(source.causes, source.value, "defaultMode", source.at);
  for (const Json& file : ListAt(source.value, {"items"}))
    DownwardFile(source.causes, file, source.at);
}

}  // namespace opsmesh::kubesim
