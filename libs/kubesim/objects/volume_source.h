// Sources of volumes, for the files that judge them. Internal to this folder.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

/// A source of a volume, where it stands, and whether it is a PersistentVolume's.
struct VolumeSource {
  Causes& causes;
  const Json& value;
  std::string at;
  bool persistent;
  std::string volume_name;  // of a PersistentVolume

  std::string Text(const char* member) const { return TextAt(value, member); }
  std::string Path(std::string_view member) const { return fmt::format("{}.{}", at, member); }
  // Members that it cannot be without, in this order.
  void Needs(std::initializer_list<const char*> members) const {
    for (const char* member : members) {
      const Json& given = At(value, member);
      if (given.is_null() || given.empty() || given == Json("")) Required(causes, Path(member));
    }
  }
  void Within(const char* member, int64_t least, int64_t most, const char* why) const {
    const Json& number = At(value, member);
    if (number.is_number_integer() && (number < least || number > most))
      InvalidNumber(causes, Path(member), number.get<int64_t>(), why);
  }
  // The Secret that a source names: a PersistentVolume says in which namespace.
  void NeedsSecretName() const {
    const Json& secret = At(value, "secretRef");
    if (!secret.is_object()) return;
    if (TextAt(secret, "name").empty()) Required(causes, Path("secretRef.name"));
    if (persistent && TextAt(secret, "namespace").empty())
      Required(causes, Path("secretRef.namespace"));
  }
};

/// Files of a Secret or ConfigMap, whose name is the member `name`.
void ValidateFilesSource(const VolumeSource& source, const char* name);
/// Files about the pod itself.
void ValidateDownwardSource(const VolumeSource& source);
/// Files from several sources in one folder.
void ValidateProjectedSource(const VolumeSource& source);

}  // namespace opsmesh::kubesim
