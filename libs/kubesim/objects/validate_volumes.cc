// Sources of volumes, of pods and of PersistentVolumes: what a real server refuses.
#include <cctype>
#include <functional>
#include <map>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/volume_source.h"

namespace opsmesh::kubesim {
namespace {

using Source = VolumeSource;

void HostPath(const Source& source) {
  const std::string path = source.Text("path");
  if (path.empty()) return Required(source.causes, source.Path("path"));
  if (HasBacksteps(path))
    InvalidText(source.causes, source.Path("path"), path, "must not contain '..'");
  if (const std::string type = source.Text("type"); !type.empty())
    OneOf(source.causes, source.Path("type"), type,
          {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
           "FileOrCreate", "Socket"});
}

bool AllAlphanumeric(std::string_view text) {
  for (unsigned char c : text) {
    if (std::isalnum(c) == 0) return false;
  }
  return true;
}

// iqn.YYYY-MM.domain:name, eui. and 16, or naa. and 32 letters and digits (RFC 3720, 3980).
bool InitiatorName(const std::string& name) {
  const std::string rest = name.substr(std::min<size_t>(4, name.size()));
  if (name.starts_with("eui")) return rest.size() == 16 && AllAlphanumeric(rest);
  if (name.starts_with("naa")) return rest.size() == 32 && AllAlphanumeric(rest);
  const size_t colon = rest.find(':');
  if (!name.starts_with("iqn.") || colon == std::string::npos || colon < 9) return false;
  static constexpr std::string_view kForm = "dddd-dd.";
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? std::isdigit(static_cast<unsigned char>(rest[i])) == 0
                        : rest[i] != kForm[i])
      return false;
  }
  for (unsigned char c : rest.substr(8, colon - 8)) {
    if (std::isalnum(c) == 0 && c != '-' && c != '.') return false;
  }
  return colon + 1 < rest.size() &&
         rest.find_first_of(",;*&$| \t\r\n", colon + 1) == std::string::npos;
}

bool KnownInitiator(const std::string& name) {
  return name.starts_with("iqn") || name.starts_with("eui") || name.starts_with("naa");
}

void Iscsi(const Source& source) {
  Causes& causes = source.causes;
  const char* kForm = source.persistent ? "must be valid format"
                                        : "must be valid format starting with iqn, eui, or naa";
  source.Needs({"targetPortal"});
  const Json& initiator = At(source.value, "initiatorName");
  if (source.persistent && initiator.is_string() &&
      source.volume_name.size() + 1 + source.Text("targetPortal").size() > 64)
    InvalidText(causes, source.Path("targetportal"), source.Text("targetPortal"),
                "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
                "if iscsi.initiatorName is specified.");
  source.Needs({"iqn"});
  if (const std::string iqn = source.Text("iqn"); !iqn.empty()) {
    if (!KnownInitiator(iqn))
      InvalidText(causes, source.Path("iqn"), iqn, kForm);
    else if (!InitiatorName(iqn))
      InvalidText(causes, source.Path("iqn"), iqn, "must be valid format");
  }
  source.Within("lun", 0, 255, "must be between 0 and 255, inclusive");
  if ((BoolAt(source.value, {"chapAuthDiscovery"}) || BoolAt(source.value, {"chapAuthSession"})) &&
      !At(source.value, "secretRef").is_object())
    Required(causes, source.Path("secretRef"));
  if (source.persistent && At(source.value, "secretRef").is_object() &&
      TextAt(source.value, {"secretRef", "name"}).empty())
    Required(causes, source.Path("secretRef.name"));
  if (!initiator.is_string()) return;
  if (!KnownInitiator(Scalar(initiator)))
    InvalidText(causes, source.Path("initiatorname"), Scalar(initiator), kForm);
  else if (!InitiatorName(Scalar(initiator)))
    InvalidText(causes, source.Path("initiatorname"), Scalar(initiator), "must be valid format");
}

void FibreChannel(const Source& source) {
  const Json& names = ListAt(source.value, {"targetWWNs"});
  const Json& ids = ListAt(source.value, {"wwids"});
  if (names.empty() && ids.empty())
    Required(source.causes, source.Path("targetWWNs"),
             "must specify either targetWWNs or wwids, but not both");
  if (!names.empty() && !ids.empty())
    Invalid(source.causes, source.Path("targetWWNs"), GoTexts(names),
            "targetWWNs and wwids can not be specified simultaneously");
  if (names.empty()) return;
  if (At(source.value, "lun").is_null())
    Required(source.causes, source.Path("lun"), "lun is required if targetWWNs is specified");
  source.Within("lun", 0, 255, "must be between 0 and 255, inclusive");
}

void Quobyte(const Source& source) {
  constexpr const char* kPairs = "must be a host:port pair or multiple pairs separated by commas";
  const std::string registry = source.Text("registry");
  if (registry.empty()) {
    Required(source.causes, source.Path("registry"), kPairs);
  } else if (source.Text("tenant").size() >= 65) {
    Required(source.causes, source.Path("tenant"),
             "must be a UUID and may not exceed a length of 64 characters");
  } else {
    for (std::string_view pair : base::Split(registry, ',')) {
      const size_t colon = pair.rfind(':');
      const bool one = colon != std::string_view::npos && pair.find(':') == colon;
      if (!one && !(colon != std::string_view::npos && pair.starts_with('[') && colon > 0 &&
                    pair[colon - 1] == ']'))
        InvalidText(source.causes, source.Path("registry"), registry, kPairs);
    }
  }
  source.Needs({"volume"});
}

void Flocker(const Source& source) {
  const std::string name = source.Text("datasetName"), id = source.Text("datasetUUID");
  if (name.empty() && id.empty())
    Required(source.causes, source.at, "one of datasetName and datasetUUID is required");
  if (!name.empty() && !id.empty())
    InvalidText(source.causes, source.at, "resource",
                "datasetName and datasetUUID can not be specified simultaneously");
  if (name.find('/') != std::string::npos)
    InvalidText(source.causes, source.Path("datasetName"), name, "must not contain '/'");
}

void FlexVolume(const Source& source) {
  source.Needs({"driver"});
  const Json& options = At(source.value, "options");
  if (!options.is_object()) return;
  for (const auto& [key, value] : options.items()) {
    const std::string space = "." + base::AsciiLower(key.substr(0, key.find('/')));
    if (space.ends_with(".kubernetes.io") || space.ends_with(".k8s.io"))
      InvalidText(source.causes, source.Path(fmt::format("options[{}]", key)), key,
                  "kubernetes.io and k8s.io namespaces are reserved");
  }
}

void AzureFile(const Source& source) {
  source.Needs({"secretName", "shareName"});
  const Json& space = At(source.value, "secretNamespace");
  if (source.persistent && space.is_string() && Scalar(space).empty())
    Required(source.causes, source.Path("secretNamespace"));
}

void AzureDisk(const Source& source) {
  const Json& caching = At(source.value, "cachingMode");
  const std::string kind = source.Text("kind"), uri = source.Text("diskURI");
  source.Needs({"diskName", "diskURI"});
  if (caching.is_string())
    OneOf(source.causes, source.Path("cachingMode"), Scalar(caching),
          {"None", "ReadOnly", "ReadWrite"});
  if (At(source.value, "kind").is_null()) return;
  OneOf(source.causes, source.Path("kind"), kind, {"Dedicated", "Managed", "Shared"});
  if (kind == "Managed" && !uri.starts_with("/subscriptions/"))
    OneOf(source.causes, source.Path("diskURI"), uri,
          {"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/"
           "{disk-id}"});
  if (kind != "Managed" && !uri.starts_with("https://"))
    OneOf(source.causes, source.Path("diskURI"), uri,
          {"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"});
}

void StorageOs(const Source& source) {
  const std::string name = source.Text("volumeName"), space = source.Text("volumeNamespace");
  if (name.empty())
    Required(source.causes, source.Path("volumeName"));
  else
    InvalidText(source.causes, source.Path("volumeName"), name, LabelFault(name));
  if (!space.empty())
    InvalidText(source.causes, source.Path("volumeNamespace"), space, LabelFault(space));
  source.NeedsSecretName();
}

void Csi(const Source& source) {
  Causes& causes = source.causes;
  ValidateDriverName(causes, source.Text("driver"), source.Path("driver"));
  if (!source.persistent) {
    const Json& secret = At(source.value, "nodePublishSecretRef");
    const std::string name = TextAt(secret, "name");
    if (secret.is_object() && name.empty())
      Required(causes, source.Path("nodePublishSecretRef.name"));
    else if (secret.is_object())
      InvalidText(causes, source.Path("name"), name, SubdomainFault(name));
    return;
  }
  source.Needs({"volumeHandle"});
  for (const char* member : {"controllerPublishSecretRef", "controllerExpandSecretRef",
                             "nodePublishSecretRef", "nodeExpandSecretRef"}) {
    const Json& secret = At(source.value, member);
    if (!secret.is_object()) continue;
    const std::string name = TextAt(secret, "name"), space = TextAt(secret, "namespace");
    if (name.empty())
      Required(causes, source.Path(member) + ".name");
    else
      InvalidText(causes, source.Path(member) + ".name", name, SubdomainFault(name));
    if (space.empty())
      Required(causes, source.Path(member) + ".namespace");
    else
      InvalidText(causes, source.Path(member) + ".namespace", space, LabelFault(space));
  }
}

void Glusterfs(const Source& source) {
  source.Needs({"endpoints", "path"});
  const Json& space = At(source.value, "endpointsNamespace");
  if (!source.persistent || !space.is_string()) return;
  if (Scalar(space).empty())
    InvalidText(source.causes, source.Path("endpointsNamespace"), "",
                "if the endpointnamespace is set, it must be a valid namespace name");
  else
    InvalidText(source.causes, source.Path("endpointsNamespace"), Scalar(space),
                LabelFault(Scalar(space)));
}

void Disk(const Source& source, const char* id) {
  source.Needs({id});
  source.Within("partition", 0, 255, "must be between 1 and 255, inclusive");
}

void Nfs(const Source& source) {
  source.Needs({"server", "path"});
  if (!source.Text("path").starts_with('/'))
    InvalidText(source.causes, source.Path("path"), source.Text("path"),
                "must be an absolute path");
}

void Claim(const Source& source) {
  const Json& claim = At(source.value, "volumeClaimTemplate");
  if (!claim.is_object()) return Required(source.causes, source.Path("volumeClaimTemplate"));
  const Json& metadata = At(claim, "metadata");
  const std::string at = source.Path("volumeClaimTemplate");
  ValidateAnnotationKeys(source.causes, At(metadata, "annotations"), at + ".metadata.annotations");
  ValidateLabels(source.causes, At(metadata, "labels"), at + ".metadata.labels");
  for (const char* member :
       {"name", "generateName", "namespace", "ownerReferences", "finalizers"}) {
    if (const Json& given = At(metadata, member); !given.is_null() && !given.empty() && given != "")
      Forbidden(source.causes, fmt::format("{}.metadata.{}", at, member), "cannot be set");
  }
  ValidateClaimSpec(source.causes, At(claim, "spec"), at + ".spec");
}

void Local(const Source& source) {
  const std::string path = source.Text("path");
  if (path.empty())
    Required(source.causes, source.Path("path"));
  else if (HasBacksteps(path))
    InvalidText(source.causes, source.Path("path"), path, "must not contain '..'");
}

using Judge = std::function<void(const Source&)>;

Judge Only(std::initializer_list<const char*> members) {
  const std::vector<const char*> needed(members);
  return [needed](const Source& source) {
    for (const char* member : needed) source.Needs({member});
  };
}

const std::map<std::string_view, Judge>& Judges() {
  static const auto* judges = new std::map<std::string_view, Judge>{
      {"hostPath", HostPath},
      {"gitRepo",
       [](const Source& source) {
         source.Needs({"repository"});
         ValidateDescendingPath(source.causes, source.Text("directory"), source.Path("directory"));
       }},
      {"gcePersistentDisk", [](const Source& source) { Disk(source, "pdName"); }},
      {"awsElasticBlockStore", [](const Source& source) { Disk(source, "volumeID"); }},
      {"secret", [](const Source& source) { ValidateFilesSource(source, "secretName"); }},
      {"configMap", [](const Source& source) { ValidateFilesSource(source, "name"); }},
      {"nfs", Nfs},
      {"iscsi", Iscsi},
      {"glusterfs", Glusterfs},
      {"flocker", Flocker},
      {"persistentVolumeClaim", Only({"claimName"})},
      {"rbd", Only({"monitors", "image"})},
      {"cinder",
       [](const Source& source) {
         source.Needs({"volumeID"});
         source.NeedsSecretName();
       }},
      {"cephfs", Only({"monitors"})},
      {"quobyte", Quobyte},
      {"downwardAPI", ValidateDownwardSource},
      {"fc", FibreChannel},
      {"flexVolume", FlexVolume},
      {"azureFile", AzureFile},
      {"vsphereVolume", Only({"volumePath"})},
      {"photonPersistentDisk", Only({"pdID"})},
      {"portworxVolume", Only({"volumeID"})},
      {"azureDisk", AzureDisk},
      {"storageos", StorageOs},
      {"projected", ValidateProjectedSource},
      {"scaleIO", Only({"gateway", "system", "volumeName"})},
      {"csi", Csi},
      {"ephemeral", Claim},
      {"local", Local},
  };
  return *judges;
}

// In the order in which a real server counts them: all but the first are refused.
constexpr std::initializer_list<const char*> kOfPods = {"emptyDir",
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
                                                        "ephemeral"};
constexpr std::initializer_list<const char*> kOfVolumes = {"hostPath",
                                                           "gcePersistentDisk",
                                                           "awsElasticBlockStore",
                                                           "glusterfs",
                                                           "flocker",
                                                           "nfs",
                                                           "rbd",
                                                           "quobyte",
                                                           "cephfs",
                                                           "iscsi",
                                                           "cinder",
                                                           "fc",
                                                           "flexVolume",
                                                           "azureFile",
                                                           "vsphereVolume",
                                                           "photonPersistentDisk",
                                                           "portworxVolume",
                                                           "azureDisk",
                                                           "scaleIO",
                                                           "local",
                                                           "storageos",
                                                           "csi"};

// Some are called otherwise where they are one too many, or where a member is wrong.
std::string_view NameOfExtra(std::string_view source) {
  if (source == "cephfs") return "cephFS";
  return source == "downwardAPI" ? "downwarAPI" : source;
}

}  // namespace

void ValidateDriverName(Causes& causes, const std::string& name, const std::string& field) {
  if (name.empty()) Required(causes, field);
  if (name.size() > 63) TooLong(causes, field, 63);
  InvalidText(causes, field, name, SubdomainFault(base::AsciiLower(name)));
}

void ValidateVolumeSources(Causes& causes, const Json& holder, const std::string& field,
                           bool persistent, const std::string& volume_name) {
  int sources = 0;
  for (const char* name : persistent ? kOfVolumes : kOfPods) {
    const Json& value = At(holder, name);
    if (!value.is_object()) continue;
    const bool flexible = persistent && std::string_view(name) == "flexVolume";  // never counted
    if (++sources > 1 && !flexible) {
      Forbidden(causes, fmt::format("{}.{}", field, NameOfExtra(name)),
                "may not specify more than 1 volume type");
      continue;
    }
    const std::string at = fmt::format(
        "{}.{}", field, std::string_view(name) == "gcePersistentDisk" ? "persistentDisk" : name);
    if (const auto judge = Judges().find(name); judge != Judges().end())
      judge->second(Source{causes, value, at, persistent, volume_name});
    if (const auto size = ParseQuantity(At(value, "sizeLimit")); size && *size < 0)
      Forbidden(causes, at + ".sizeLimit", "SizeLimit field must be a valid resource quantity");
    if (std::string_view(name) == "local" && !At(holder, "nodeAffinity").is_object())
      Required(causes, field + ".nodeAffinity", "Local volume requires node affinity");
  }
  if (sources == 0) Required(causes, field, "must specify a volume type");
}

}  // namespace opsmesh::kubesim
