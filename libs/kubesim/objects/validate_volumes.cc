// Volumes of pods: what a real server refuses.
#include <fmt/format.h>

#include <array>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void CheckMode(Causes& causes, const Json& holder, const char* member, const std::string& at) {
  const Json& mode = At(holder, member);
  if (mode.is_number_integer() && (mode < 0 || mode > 0777)) {
    InvalidNumber(causes, fmt::format("{}.{}", at, member), mode.get<int64_t>(),
                  "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void CheckItems(Causes& causes, const Json& source, const std::string& at) {
  CheckMode(causes, source, "defaultMode", at);
  const Json& items = ListAt(source, {"items"});
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string here = fmt::format("{}.items[{}]", at, i), path = TextAt(items[i], "path");
    if (TextAt(items[i], "key").empty()) Required(causes, here + ".key");
    if (path.empty()) Required(causes, here + ".path");
    if (path.starts_with('/')) InvalidText(causes, here + ".path", path, "must be a relative path");
    if (HasBacksteps(path)) InvalidText(causes, here + ".path", path, "must not contain '..'");
    CheckMode(causes, items[i], "mode", here);
  }
}

void CheckVolume(Causes& causes, const Json& volume, const std::string& at) {
  if (const Json& host = At(volume, "hostPath"); host.is_object()) {
    if (const std::string type = TextAt(host, "type"); !type.empty()) {
      OneOf(causes, at + ".hostPath.type", type,
            {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
             "FileOrCreate", "Socket"});
    }
    if (HasBacksteps(TextAt(host, "path")))
      InvalidText(causes, at + ".hostPath.path", TextAt(host, "path"), "must not contain '..'");
  }
  if (const auto size = ParseQuantity(At(volume, {"emptyDir", "sizeLimit"})); size && *size < 0)
    Forbidden(causes, at + ".emptyDir.sizeLimit",
              "SizeLimit field must be a valid resource quantity");
  for (const char* member : {"secret", "configMap"}) {
    if (At(volume, member).is_object())
      CheckItems(causes, volume[member], fmt::format("{}.{}", at, member));
  }
  const Json& sources = ListAt(volume, {"projected", "sources"});
  CheckMode(causes, At(volume, "projected"), "defaultMode", at + ".projected");
  for (size_t i = 0; i < sources.size(); ++i) {
    for (const char* member : {"secret", "configMap"}) {
      if (At(sources[i], member).is_object())
        CheckItems(causes, sources[i][member],
                   fmt::format("{}.projected.sources[{}].{}", at, i, member));
    }
  }
}

// Members that a source cannot be without, by the order in which they are missed.
void CheckNeeded(Causes& causes, const Json& volume, const std::string& at) {
  static constexpr std::array kNeeded = {std::pair{"secret", "secretName"},
                                         std::pair{"configMap", "name"},
                                         std::pair{"persistentVolumeClaim", "claimName"},
                                         std::pair{"hostPath", "path"},
                                         std::pair{"csi", "driver"},
                                         std::pair{"nfs", "server"},
                                         std::pair{"nfs", "path"},
                                         std::pair{"awsElasticBlockStore", "volumeID"},
                                         std::pair{"gcePersistentDisk", "pdName"},
                                         std::pair{"gitRepo", "repository"},
                                         std::pair{"cinder", "volumeID"},
                                         std::pair{"glusterfs", "endpoints"},
                                         std::pair{"glusterfs", "path"},
                                         std::pair{"cephfs", "monitors"},
                                         std::pair{"rbd", "monitors"},
                                         std::pair{"rbd", "image"},
                                         std::pair{"flexVolume", "driver"},
                                         std::pair{"azureFile", "secretName"},
                                         std::pair{"azureFile", "shareName"},
                                         std::pair{"azureDisk", "diskName"},
                                         std::pair{"azureDisk", "diskURI"},
                                         std::pair{"quobyte", "registry"},
                                         std::pair{"quobyte", "volume"},
                                         std::pair{"vsphereVolume", "volumePath"},
                                         std::pair{"photonPersistentDisk", "pdID"},
                                         std::pair{"portworxVolume", "volumeID"},
                                         std::pair{"scaleIO", "gateway"},
                                         std::pair{"scaleIO", "system"},
                                         std::pair{"scaleIO", "volumeName"},
                                         std::pair{"storageos", "volumeName"},
                                         std::pair{"iscsi", "targetPortal"},
                                         std::pair{"iscsi", "iqn"}};
  for (const auto& [source, member] : kNeeded) {
    const Json& given = At(volume, {source, member});
    if (At(volume, source).is_object() && (given.is_null() || given.empty() || given == Json("")))
      Required(causes, fmt::format("{}.{}.{}", at, source, member));
  }
}

// Sources in the order in which a real server counts them: all but the first are refused.
constexpr std::array kSources = {"emptyDir",
                                 "hostPath",
                                 "gitRepo",
                                 "gcePersistentDisk",
                                 "awsElasticBlockStore",
                                 "secret",
                                 "nfs",
                                 "iscsi",
                                 "glusterfs",
                                 "flocker",
                                 "persistentVolumeClaim",
                                 "rbd",
                                 "cinder",
                                 "cephfs",
                                 "quobyte",
                                 "downwardAPI",
                                 "fc",
                                 "flexVolume",
                                 "configMap",
                                 "azureFile",
                                 "vsphereVolume",
                                 "photonPersistentDisk",
                                 "portworxVolume",
                                 "azureDisk",
                                 "storageos",
                                 "projected",
                                 "scaleIO",
                                 "csi",
                                 "ephemeral",
                                 "image"};

void CheckSources(Causes& causes, const Json& volume, const std::string& at) {
  int sources = 0;
  for (const char* source : kSources) {
    if (!At(volume, source).is_object()) continue;
    if (++sources > 1) {
      Forbidden(causes, fmt::format("{}.{}", at, source),
                "may not specify more than 1 volume type");
      continue;
    }
    const Json alone = {{source, volume[source]}};
    CheckNeeded(causes, alone, at);
    CheckVolume(causes, alone, at);
  }
  if (sources == 0) Required(causes, at, "must specify a volume type");
}

}  // namespace

void ValidatePodVolumes(Causes& causes, const Json& spec, const std::string& field,
                        std::map<std::string, const Json*>* good) {
  const Json& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i) {
    const Json& volume = volumes[i];
    const std::string at = fmt::format("{}.volumes[{}]", field, i), name = TextAt(volume, "name");
    const size_t before = causes.size();
    CheckSources(causes, volume, at);
    if (name.empty())
      Required(causes, at + ".name");
    else
      InvalidText(causes, at + ".name", name, LabelFault(name));
    if (good->contains(name)) Duplicate(causes, at + ".name", "\"" + name + "\"");
    if (causes.size() == before) (*good)[name] = &volume;
  }
}

}  // namespace opsmesh::kubesim
