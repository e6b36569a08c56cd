// Claims, volumes, storage classes and what CSI registers: what a real server refuses.
#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void Modes(Causes& causes, const Json& spec, const std::string& field) {
  bool alone = false, others = false;
  for (const Json& mode : ListAt(spec, {"accessModes"})) {
    const size_t before = causes.size();
    OneOf(causes, field + ".accessModes", Scalar(mode),
          {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"});
    (mode == "ReadWriteOncePod" ? alone : others) |= causes.size() == before;
  }
  if (alone && others)
    Forbidden(causes, field + ".accessModes",
              "may not use ReadWriteOncePod with other access modes");
}

void ClassName(Causes& causes, const Json& spec, const std::string& field) {
  const std::string name = TextAt(spec, "storageClassName");
  if (!name.empty()) InvalidText(causes, field + ".storageClassName", name, SubdomainFault(name));
}

void VolumeMode(Causes& causes, const Json& spec, const std::string& field) {
  if (const Json& mode = At(spec, "volumeMode"); mode.is_string())
    OneOf(causes, field + ".volumeMode", Scalar(mode), {"Block", "Filesystem"});
}

void KeepVolumeMode(Causes& causes, const Json& spec, const Json& before) {
  if (At(spec, "volumeMode") != At(before, "volumeMode"))
    Immutable(causes, "volumeMode", GoQuoted(TextAt(spec, "volumeMode")));
}

// dataSource and dataSourceRef: what a claim is filled from.
void Origin(Causes& causes, const Json& origin, const std::string& at, bool any_group) {
  if (!origin.is_object()) return;
  const std::string kind = TextAt(origin, "kind"), group = TextAt(origin, "apiGroup"),
                    space = TextAt(origin, "namespace");
  if (TextAt(origin, "name").empty()) Required(causes, at + ".name");
  if (kind.empty()) Required(causes, at + ".kind");
  if (group.empty() && kind != "PersistentVolumeClaim")
    InvalidText(causes, at, kind,
                "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  if (!group.empty() && !any_group)
    InvalidText(causes, at + ".apiGroup", group, SubdomainFault(group));
  if (!space.empty()) InvalidText(causes, at + ".namespace", space, LabelFault(space));
}

void Origins(Causes& causes, const Json& spec, const std::string& field) {
  const Json& plain = At(spec, "dataSource");
  const Json& any = At(spec, "dataSourceRef");
  Origin(causes, plain, field + ".dataSource", false);
  Origin(causes, any, field + ".dataSourceRef", false);
  if (!plain.is_object() || !any.is_object()) return;
  bool same = true;
  for (const char* member : {"apiGroup", "kind", "name"})
    same = same && At(plain, member) == At(any, member);
  if (!TextAt(any, "namespace").empty())
    Invalid(causes, field, field + ".dataSource",
            "may not be specified when dataSourceRef.namespace is specified");
  else if (!same)
    Invalid(causes, field, field + ".dataSource", "must match dataSourceRef");
}

void ValidateClaim(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  ValidateClaimSpec(causes, spec, "spec");
  if (!before.is_object()) return;
  Json now = spec, then = At(before, "spec");
  const auto wants = ParseQuantity(At(now, {"resources", "requests", "storage"})),
             had = ParseQuantity(At(then, {"resources", "requests", "storage"}));
  const bool bound = TextAt(before, {"status", "phase"}) == "Bound";
  if (then.contains("volumeName") == false) now.erase("volumeName");  // the binder sets it once
  if (TextAt(then, "storageClassName").empty())
    now.erase("storageClassName"), then.erase("storageClassName");
  for (Json* one : {&now, &then}) one->erase("volumeAttributesClassName");
  if (bound) {
    for (Json* one : {&now, &then}) one->erase("resources");
  }
  if (now != then) {
    Forbidden(causes, "spec",
              "spec is immutable after creation except resources.requests and "
              "volumeAttributesClassName for bound claims");
  }
  // A growth that failed may be taken back, but not below what is there.
  const auto there = ParseQuantity(At(before, {"status", "capacity", "storage"}));
  if (had && wants.value_or(0) < *had && wants.value_or(0) <= there.value_or(0))
    Forbidden(causes, "spec.resources.requests.storage",
              "field can not be less than status.capacity");
  KeepVolumeMode(causes, spec, At(before, "spec"));
}

// What a volume consists of: the members that describe storage.
Json SourcesOf(const Json& spec) {
  static const std::set<std::string_view> plain = {"nodeAffinity", "claimRef", "capacity"};
  Json sources = Json::object();
  if (!spec.is_object()) return sources;
  for (const auto& [member, value] : spec.items()) {
    if (value.is_object() && !plain.contains(member)) sources[member] = value;
  }
  return sources;
}

// core.ResourceList{...}, as Go prints it.
std::string GoAmounts(const Json& amounts) {
  if (!amounts.is_object() || amounts.empty()) return "core.ResourceList(nil)";
  std::string text;
  for (const auto& [name, value] : amounts.items())
    text += fmt::format("{}{}:{}", text.empty() ? "" : ", ", GoQuoted(name), GoQuantity(value));
  return fmt::format("core.ResourceList{{{}}}", text);
}

void Capacity(Causes& causes, const Json& spec) {
  const Json& capacity = At(spec, "capacity");
  if (!capacity.is_object() || capacity.empty()) Required(causes, "spec.capacity");
  if (!capacity.is_object() || !capacity.contains("storage") || capacity.size() > 1)
    causes.push_back(
        {"FieldValueNotSupported",
         fmt::format("Unsupported value: {}: supported values: \"storage\"", GoAmounts(capacity)),
         "spec.capacity"});
  if (!capacity.is_object()) return;
  for (const auto& [name, value] : capacity.items()) {
    const auto amount = ParseQuantity(value);
    const std::string at = fmt::format("spec.capacity[{}]", name);
    if (!amount) continue;
    const std::string text = Amount::Of(value).ToString();
    if (*amount < 0)
      InvalidNumber(causes, at, static_cast<int64_t>(*amount / 1000),
                    "must be a valid resource quantity");
    if (*amount <= 0) InvalidText(causes, at, text, "must be greater than zero");
  }
}

// The old way to say how a volume is mounted; only those that are mounted from elsewhere take it.
void MountOptions(Causes& causes, const Json& volume) {
  constexpr const char* kMember = "volume.beta.kubernetes.io/mount-options";
  if (!At(volume, {"metadata", "annotations", kMember}).is_string()) return;
  for (const char* source :
       {"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "gcePersistentDisk",
        "glusterfs", "iscsi", "nfs", "photonPersistentDisk", "quobyte", "rbd", "vsphereVolume"}) {
    if (At(volume, {"spec", source}).is_object()) return;
  }
  Forbidden(causes, fmt::format("metadata.annotations.{}", kMember),
            "may not specify mount options for this volume type");
}

void ValidateVolume(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  if (ListAt(spec, {"accessModes"}).empty()) Required(causes, "spec.accessModes");
  Modes(causes, spec, "spec");
  Capacity(causes, spec);
  const std::string policy = TextAt(spec, "persistentVolumeReclaimPolicy");
  if (!policy.empty())
    OneOf(causes, "spec.persistentVolumeReclaimPolicy", policy, {"Delete", "Recycle", "Retain"});
  if (const Json& affinity = At(spec, "nodeAffinity"); affinity.is_object()) {
    if (At(affinity, "required").is_object())
      ValidateNodeSelector(causes, affinity["required"], "spec.nodeAffinity.required");
    else
      Required(causes, "spec.nodeAffinity.required", "must specify required node constraints");
  }
  ValidateVolumeSources(causes, spec, "spec", true, TextAt(object, {"metadata", "name"}));
  if (policy == "Recycle" && At(spec, "hostPath").is_object() &&
      TextAt(spec, {"hostPath", "path"}).find_first_not_of("/.") == std::string::npos &&
      TextAt(spec, {"hostPath", "path"}).starts_with('/'))
    Forbidden(causes, "spec.persistentVolumeReclaimPolicy",
              "may not be 'recycle' for a hostPath mount of '/'");
  ClassName(causes, spec, "spec");
  VolumeMode(causes, spec, "spec");
  MountOptions(causes, object);
  if (!before.is_object()) return;
  const Json& then = At(before, "spec");
  if (SourcesOf(spec) != SourcesOf(then))
    Forbidden(causes, "spec.persistentvolumesource",
              "spec.persistentvolumesource is immutable after creation");
  KeepVolumeMode(causes, spec, then);
  const Json& affinity = At(spec, "nodeAffinity");
  if (At(then, "nodeAffinity").is_object() && affinity != then["nodeAffinity"])
    Invalid(causes, "nodeAffinity",
            affinity.is_object()
                ? fmt::format("core.VolumeNodeAffinity{{Required:(*core.NodeSelector)({})}}",
                              At(affinity, "required").is_object() ? "0xc000100100" : "nil")
                : "\"null\"",
            "field is immutable, except for updating from beta label to GA");
}

// Where volumes of a class may be: terms of keys with values, each key once, no two terms alike.
void Topologies(Causes& causes, const Json& terms) {
  // One empty term is there for each that is given: that is what a real server compares with.
  std::vector<std::map<std::string, std::set<std::string>>> seen(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    const std::string at = fmt::format("allowedTopologies[{}].matchLabelExpressions", i);
    std::map<std::string, std::set<std::string>> own;
    const Json& list = ListAt(terms[i], {"matchLabelExpressions"});
    for (size_t n = 0; n < list.size(); ++n) {
      const std::string here = fmt::format("{}[{}]", at, n), key = TextAt(list[n], "key");
      const Json& values = ListAt(list[n], {"values"});
      std::set<std::string> texts;
      if (values.empty()) Required(causes, here + ".values");
      for (size_t v = 0; v < values.size(); ++v) {
        if (!texts.insert(Scalar(values[v])).second)
          Duplicate(causes, fmt::format("{}.values[{}]", here, v), GoQuoted(Scalar(values[v])));
      }
      InvalidText(causes, here + ".key", key, QualifiedFault(key));
      if (own.contains(key)) Duplicate(causes, here + ".key", GoQuoted(key));
      own[key] = std::move(texts);
    }
    for (const auto& other : seen) {
      if (other == own) Duplicate(causes, at, "\"\"");
    }
    seen.push_back(std::move(own));
  }
}

void ValidateStorageClass(Causes& causes, const Json& object, const Json& before) {
  if (before.is_object()) {
    for (const char* member : {"parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"}) {
      if (At(before, member) == At(object, member)) continue;
      if (std::string_view(member) == "volumeBindingMode") {
        Immutable(causes, member, "\"" + TextAt(object, member) + "\"");
      } else {
        Forbidden(causes, member, fmt::format("updates to {} are forbidden.", member));
      }
    }
  }
  const std::string provisioner = TextAt(object, "provisioner");
  if (provisioner.empty())
    Required(causes, "provisioner");
  else
    InvalidText(causes, "provisioner", base::AsciiLower(provisioner),
                QualifiedFault(base::AsciiLower(provisioner)));
  if (At(object, "parameters").is_object() && object["parameters"].contains(""))
    InvalidText(causes, "parameters", "", "field can not be empty.");
  if (const std::string policy = TextAt(object, "reclaimPolicy"); !policy.empty())
    OneOf(causes, "reclaimPolicy", policy, {"Delete", "Retain"});
  OneOf(causes, "volumeBindingMode", TextAt(object, "volumeBindingMode"),
        {"Immediate", "WaitForFirstConsumer"});
  Topologies(causes, ListAt(object, {"allowedTopologies"}));
}

// A volume that an attachment describes itself.
void InlineVolume(Causes& causes, const Json& spec) {
  constexpr const char* kAt = "spec.source.inlineVolumeSpec";
  constexpr const char* kWhy = "may not be specified in the context of inline volumes";
  auto refuse = [&](const char* member) {
    Forbidden(causes, fmt::format("{}.{}", kAt, member), kWhy);
  };
  if (At(spec, "claimRef").is_object()) refuse("claimRef");
  if (!At(spec, "capacity").empty()) refuse("capacity");
  if (!At(spec, "csi").is_object())
    Required(causes, fmt::format("{}.csi", kAt),
             "has to be specified in the context of inline volumes");
  if (ListAt(spec, {"accessModes"}).empty()) Required(causes, fmt::format("{}.accessModes", kAt));
  Modes(causes, spec, kAt);
  const std::string policy = TextAt(spec, "persistentVolumeReclaimPolicy");
  if (!policy.empty() && policy != "Retain")
    Forbidden(causes, fmt::format("{}.persistentVolumeReclaimPolicy", kAt),
              "may only be Retain in the context of inline volumes");
  if (At(spec, "nodeAffinity").is_object()) refuse("nodeAffinity");
  ValidateVolumeSources(causes, spec, kAt, true, "");
  if (!TextAt(spec, "storageClassName").empty()) refuse("storageClassName");
  if (const Json& mode = At(spec, "volumeMode"); mode.is_string() && mode != "Filesystem")
    Forbidden(causes, fmt::format("{}.volumeMode", kAt),
              "may not specify volumeMode other than Filesystem in the context of inline volumes");
}

void ValidateAttachment(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string attacher = TextAt(spec, "attacher");
  if (attacher.empty()) Required(causes, "spec.attacher");
  const Json& name = At(spec, {"source", "persistentVolumeName"});
  const bool named = name.is_string(),
             inlined = At(spec, {"source", "inlineVolumeSpec"}).is_object();
  constexpr const char* kOne =
      "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!named && !inlined) Required(causes, "spec.source", kOne);
  if (named && inlined) Forbidden(causes, "spec.source", kOne);
  if (named && !inlined && Scalar(name).empty())
    Required(causes, "spec.source.persistentVolumeName",
             "must specify non empty persistentVolumeName");
  if (inlined && !named) InlineVolume(causes, At(spec, {"source", "inlineVolumeSpec"}));
  InvalidText(causes, "spec.nodeName", TextAt(spec, "nodeName"),
              SubdomainFault(TextAt(spec, "nodeName")));
  if (!before.is_object()) {  // said again by the rules of the newest version
    ValidateDriverName(causes, attacher, "spec.attacher");
    if (named)
      InvalidText(causes, "spec.source.persistentVolumeName", Scalar(name),
                  SubdomainFault(Scalar(name)));
  }
  if (before.is_object() && At(before, "spec") != spec)
    Immutable(causes, "spec", "storage.VolumeAttachmentSpec{...}");
}

void ValidateCsiNode(Causes& causes, const Json& object, const Json& before) {
  const Json& drivers = ListAt(object, {"spec", "drivers"});
  std::set<std::string> names;
  for (size_t i = 0; i < drivers.size(); ++i) {
    const std::string at = fmt::format("spec.drivers[{}]", i), name = TextAt(drivers[i], "name");
    ValidateDriverName(causes, name, at + ".name");
    const std::string id = TextAt(drivers[i], "nodeID");
    if (id.empty()) Required(causes, at + ".nodeID");
    if (id.size() > 256) InvalidText(causes, at + ".nodeID", id, "must be 256 characters or less");
    NonNegative(causes, At(drivers[i], "allocatable"), "count", at + ".allocatable.");
    if (!names.insert(name).second) Duplicate(causes, at + ".name", GoQuoted(name));
    std::set<std::string> keys;
    for (const Json& one : ListAt(drivers[i], {"topologyKeys"})) {
      const std::string key = Scalar(one);
      if (key.empty()) Required(causes, at);
      if (!keys.insert(key).second) Duplicate(causes, at, GoQuoted(key));
      InvalidText(causes, at, key, QualifiedFault(key));
    }
  }
  for (const Json& old : ListAt(before, {"spec", "drivers"})) {
    for (const Json& driver : drivers) {
      if (TextAt(driver, "name") == TextAt(old, "name") &&
          (driver.value("nodeID", "") != old.value("nodeID", "") ||
           ListAt(driver, {"topologyKeys"}) != ListAt(old, {"topologyKeys"}) ||
           At(old, "allocatable") != At(driver, "allocatable"))) {
        Immutable(causes, "CSINodeDriver", "storage.CSINodeDriver{...}");
      }
    }
  }
}

void ValidateCsiDriver(Causes& causes, const Json& object, const Json& before) {
  if (const Json& policy = At(object, {"spec", "fsGroupPolicy"}); policy.is_string())
    OneOf(causes, "spec.fsGroupPolicy", Scalar(policy),
          {"File", "None", "ReadWriteOnceWithFSType"});
  const Json& requests = ListAt(object, {"spec", "tokenRequests"});
  std::set<std::string> audiences;
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::string at = fmt::format("spec.tokenRequests[{}]", i),
                      audience = TextAt(requests[i], "audience");
    if (!audiences.insert(audience).second) {
      Duplicate(causes, at + ".audience", GoQuoted(audience));
      continue;
    }
    const Json& given = At(requests[i], "expirationSeconds");
    if (!given.is_number_integer()) continue;
    const auto seconds = given.get<int64_t>();
    TokenSeconds(causes, seconds, at);
  }
  for (const Json& mode : ListAt(object, {"spec", "volumeLifecycleModes"}))
    OneOf(causes, "spec.volumeLifecycleModes", Scalar(mode), {"Persistent", "Ephemeral"});
  if (!before.is_object()) return;
  if (At(before, {"spec", "attachRequired"}) != At(object, {"spec", "attachRequired"}))
    Immutable(causes, "spec.attachedRequired", At(object, {"spec", "attachRequired"}).dump());
  const Json& modes = ListAt(object, {"spec", "volumeLifecycleModes"});
  if (modes != ListAt(before, {"spec", "volumeLifecycleModes"}))
    Immutable(causes, "spec.volumeLifecycleModes", GoTexts(modes, "storage.VolumeLifecycleMode"));
}

}  // namespace

void ValidateClaimSpec(Causes& causes, const Json& spec, const std::string& field) {
  if (ListAt(spec, {"accessModes"}).empty())
    Required(causes, field + ".accessModes", "at least 1 access mode is required");
  ValidateSelectorShape(causes, At(spec, "selector"), field + ".selector");
  Modes(causes, spec, field);
  const Json& size = At(spec, {"resources", "requests", "storage"});
  if (size.is_null())
    Required(causes, field + ".resources[storage]");
  else if (const auto amount = ParseQuantity(size); amount && *amount <= 0)
    InvalidText(causes, field + ".resources[storage]", Amount::Of(size).ToString(),
                "must be greater than zero");
  ClassName(causes, spec, field);
  VolumeMode(causes, spec, field);
  Origins(causes, spec, field);
}

bool ValidateStorageKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before) {
  const std::string& key = type.storage_key;
  if (key == "/persistentvolumeclaims")
    ValidateClaim(causes, object, before);
  else if (key == "/persistentvolumes")
    ValidateVolume(causes, object, before);
  else if (key == "storage.k8s.io/storageclasses")
    ValidateStorageClass(causes, object, before);
  else if (key == "storage.k8s.io/volumeattachments")
    ValidateAttachment(causes, object, before);
  else if (key == "storage.k8s.io/csinodes")
    ValidateCsiNode(causes, object, before);
  else if (key == "storage.k8s.io/csidrivers")
    ValidateCsiDriver(causes, object, before);
  else
    return false;
  return true;
}

}  // namespace opsmesh::kubesim
