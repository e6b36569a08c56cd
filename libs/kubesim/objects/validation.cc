#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/objects/go_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/kind_rules.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

void ValidateAnnotationKeys(Causes& causes, const Json& annotations, const std::string& field) {
  constexpr size_t kMost = 256 << 10;
  if (!annotations.is_object()) return;
  size_t total = 0;
  for (const auto& [key, value] : annotations.items()) {
    InvalidText(causes, field, key, QualifiedFault(base::AsciiLower(key)));
    total += key.size() + Scalar(value).size();
  }
  if (total > kMost) TooLong(causes, field, kMost);
}

namespace {

// []v1.OwnerReference{...}, as Go prints it; pointers have an address of no meaning.
std::string GoOwners(const Json& owners) {
  auto flag = [](const Json& value) {
    return value.is_boolean() ? "(*bool)(0xc000100100)" : "(*bool)(nil)";
  };
  std::string list;
  for (const Json& owner : owners) {
    list += fmt::format(
        "{}v1.OwnerReference{{APIVersion:\"{}\", Kind:\"{}\", Name:\"{}\", UID:\"{}\", "
        "Controller:{}, BlockOwnerDeletion:{}}}",
        list.empty() ? "" : ", ", TextAt(owner, "apiVersion"), TextAt(owner, "kind"),
        TextAt(owner, "name"), TextAt(owner, "uid"), flag(At(owner, "controller")),
        flag(At(owner, "blockOwnerDeletion")));
  }
  return "[]v1.OwnerReference{" + list + "}";
}

void ValidateOwners(Causes& causes, const Json& metadata) {
  std::string controller;
  const Json& owners = ListAt(metadata, {"ownerReferences"});
  WholeListFaults surplus(&causes, "metadata.ownerReferences",
                          [&owners] { return GoOwners(owners); });
  for (const Json& owner : owners) {
    for (const char* member : {"apiVersion", "kind", "name", "uid"}) {
      if (TextAt(owner, member).empty())
        InvalidText(causes, fmt::format("metadata.ownerReferences.{}", member), "",
                    fmt::format("{} must not be empty",
                                std::string_view(member) == "apiVersion" ? "version" : member));
    }
    if (TextAt(owner, "apiVersion") == "v1" && TextAt(owner, "kind") == "Event") {
      const std::string shown = GoOwners(Json::array({owner}));
      Invalid(causes, "metadata.ownerReferences", shown.substr(20, shown.size() - 21),
              "/v1, Kind=Event is disallowed from being an owner");
    }
    if (!BoolAt(owner, {"controller"})) continue;
    const std::string name = TextAt(owner, "kind") + "/" + TextAt(owner, "name");
    if (surplus.full()) continue;
    if (!controller.empty()) {
      surplus.Add(
          fmt::format("Only one reference can have Controller set to true. Found \"true\" in "
                      "references for {} and {}",
                      controller, name));
    } else {
      controller = name;
    }
  }
}

// Groups whose kinds were made outside of the core take any qualified name.
bool TakesAnyFinalizer(const ResourceType& type) {
  static const std::set<std::string_view> groups = {"policy", "coordination.k8s.io", "node.k8s.io",
                                                    "admissionregistration.k8s.io",
                                                    "apiextensions.k8s.io"};
  return type.custom || groups.contains(type.group) ||
         (type.storage_key == "/events" && type.group.empty());
}

// Kinds of the core take a name without a slash only where it has a meaning.
void ValidateFinalizerNames(Causes& causes, const Json& metadata, const ResourceType& type) {
  const Json& list = ListAt(metadata, {"finalizers"});
  static const std::set<std::string_view> standard = {"orphan", "foregroundDeletion", "kubernetes"};
  if (TakesAnyFinalizer(type)) return;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string name = Scalar(list[i]);
    if (name.find('/') == std::string::npos && !standard.contains(name))
      InvalidText(causes, fmt::format("metadata.finalizers[{}]", i), name,
                  "name is neither a standard finalizer name nor is it fully qualified");
  }
}

void ValidateFinalizers(Causes& causes, const Json& metadata) {
  const Json& list = ListAt(metadata, {"finalizers"});
  for (const Json& one : list)
    InvalidText(causes, "metadata.finalizers", Scalar(one), QualifiedFault(Scalar(one)));
  auto has = [&list](const char* name) {
    return std::find(list.begin(), list.end(), Json(name)) != list.end();
  };
  if (has("orphan") && has("foregroundDeletion"))
    Invalid(causes, "metadata.finalizers", GoTexts(list),
            "finalizer orphan and foregroundDeletion cannot be both set");
}

}  // namespace

Causes ValidateName(const ResourceType& type, std::string_view name, const std::string& field,
                    bool create) {
  Causes causes;
  Faults fault;
  const std::string& key = type.storage_key;
  if (type.group == "rbac.authorization.k8s.io" || key == "policy/poddisruptionbudgets" ||
      (key == "/events" && type.group.empty())) {
    fault = PathSegmentFault(name);
  } else if (key == "/namespaces" || (key == "apps/statefulsets" && create)) {
    fault = LabelFault(name);
  } else if (key == "/services") {
    fault = Label1035Fault(name);
  } else {
    fault = SubdomainFault(name);
  }
  InvalidText(causes, field, name, fault);
  return causes;
}

namespace {

// What a server would make of a prefix must be a name: its last dash stands for what follows.
void ValidatePrefix(Causes& causes, const ResourceType& type, const Json& metadata) {
  const std::string given = TextAt(metadata, "generateName");
  if (given.empty()) return;
  std::string prefix = given;
  if (prefix.size() > 1 && prefix.back() == '-') prefix.back() = 'a';
  for (const Cause& cause : ValidateName(type, prefix, "metadata.generateName", true)) {
    Cause own = cause;
    const size_t at = own.message.find(prefix);
    if (at != std::string::npos) own.message.replace(at, prefix.size(), given);
    causes.push_back(std::move(own));
  }
}

// An object on its way out takes no new finalizers.
void ValidateNewFinalizers(Causes& causes, const Json& metadata, const Json& before) {
  if (TextAt(before, {"metadata", "deletionTimestamp"}).empty()) return;
  const Json& old = ListAt(before, {"metadata", "finalizers"});
  std::string added;
  for (const Json& one : ListAt(metadata, {"finalizers"})) {
    if (std::find(old.begin(), old.end(), one) == old.end())
      added += fmt::format("{}\"{}\"", added.empty() ? "" : ", ", Scalar(one));
  }
  if (!added.empty()) {
    Forbidden(causes, "metadata.finalizers",
              fmt::format("no new finalizers can be added if the object is being deleted, found "
                          "new finalizers []string{{{}}}",
                          added));
  }
}

}  // namespace

namespace {

// A definition is named by what it defines.
void ValidateDefinedName(Causes& causes, const Json& object, const char* member) {
  const std::string name = TextAt(object, {"metadata", member});
  const std::string wanted =
      TextAt(object, {"spec", "names", "plural"}) + "." + TextAt(object, {"spec", "group"});
  if (!name.empty() && name != wanted)
    InvalidText(causes, fmt::format("metadata.{}", member), name,
                "must be spec.names.plural+\".\"+spec.group");
}

void ValidateAnyMetadata(Causes& causes, const Json& metadata) {
  ValidateLabels(causes, At(metadata, "labels"), "metadata.labels");
  ValidateAnnotationKeys(causes, At(metadata, "annotations"), "metadata.annotations");
  ValidateOwners(causes, metadata);
}

Causes ValidateNewMetadata(const ResourceType& type, const Json& object) {
  Causes causes;
  const Json& metadata = At(object, "metadata");
  const bool definition = type.storage_key == "apiextensions.k8s.io/customresourcedefinitions";
  ValidatePrefix(causes, type, metadata);
  if (definition) ValidateDefinedName(causes, object, "generateName");
  for (Cause& cause : ValidateName(type, TextAt(metadata, "name"), "metadata.name", true))
    causes.push_back(std::move(cause));
  if (definition) ValidateDefinedName(causes, object, "name");
  ValidateAnyMetadata(causes, metadata);
  ValidateFinalizers(causes, metadata);
  ValidateFinalizerNames(causes, metadata, type);
  return causes;
}

// Nobody begins a deletion, or changes its grace, by writing the object.
void ValidateNoDeletion(Causes& causes, const Json& metadata, const Json& before) {
  const std::string time = TextAt(metadata, "deletionTimestamp");
  absl::Time when;
  if (!time.empty() && TextAt(before, {"metadata", "deletionTimestamp"}).empty() &&
      base::ParseRfc3339(time, &when)) {
    Immutable(causes, "metadata.deletionTimestamp",
              absl::FormatTime("%Y-%m-%d %H:%M:%E*S +0000 UTC", when, absl::UTCTimeZone()));
  }
  const Json& grace = At(metadata, "deletionGracePeriodSeconds");
  if (grace.is_number() && grace != At(before, {"metadata", "deletionGracePeriodSeconds"}))
    Immutable(causes, "metadata.deletionGracePeriodSeconds", GoNumber(grace));
}

// An update's metadata is judged as every kind's, and again by the kind as often as that does.
Causes ValidateChangedMetadata(const ResourceType& type, const Json& object, const Json& before,
                               const KindRules& rules) {
  Causes causes;
  const Json& metadata = At(object, "metadata");
  InvalidText(causes, "metadata.generateName", TextAt(metadata, "generateName"),
              PathSegmentFault(TextAt(metadata, "generateName")));
  for (int i = 0; i < 1 + rules.metadata_judged; ++i) {
    if (i > 0) ValidatePrefix(causes, type, metadata);
    ValidateAnyMetadata(causes, metadata);
    ValidateFinalizers(causes, metadata);
    if (i > 0) ValidateFinalizerNames(causes, metadata, type);
  }
  for (int i = 0; i < 1 + rules.metadata_compared; ++i) {
    ValidateAnyMetadata(causes, metadata);
    ValidateNewFinalizers(causes, metadata, before);
    ValidateNoDeletion(causes, metadata, before);
    if (i > 0) ValidateFinalizerNames(causes, metadata, type);
  }
  return causes;
}

}  // namespace

void ValidateContent(Causes& causes, const ResourceType& type, const Json& object,
                     const Json& before) {
  if (type.storage_key == "/pods") {
    ValidatePod(causes, object, before);
  } else if (!ValidateWorkloadKind(causes, type, object, before) &&
             !ValidateNetworkKind(causes, type, object, before)) {
    ValidateClusterKind(causes, type, object, before);
  }
  ValidateRareKind(causes, type, object, before);
}

namespace {

void Append(Causes& causes, Causes more) {
  causes.insert(causes.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

Causes ValidateNew(const ResourceType& type, const Json& object) {
  Causes metadata = ValidateNewMetadata(type, object), causes;
  // These kinds say nothing about metadata themselves: that is looked at when all else is well.
  const bool last = type.storage_key == "policy/poddisruptionbudgets" ||
                    (type.storage_key == "/events" && type.group.empty());
  if (!last) causes = std::move(metadata);
  ValidateContent(causes, type, object, nullptr);
  return last && causes.empty() ? metadata : causes;
}

// What would be wrong with a new object, too, is said as often as the kind looks at all of it.
Causes Repeated(Causes causes, const ResourceType& type, const Json& object) {
  Causes fresh, all;
  ValidateContent(fresh, type, object, nullptr);
  for (Cause& cause : causes) {
    const bool again = std::any_of(fresh.begin(), fresh.end(), [&cause](const Cause& one) {
      return one.field == cause.field && one.message == cause.message;
    });
    if (again) all.push_back(cause);
    all.push_back(std::move(cause));
  }
  return all;
}

}  // namespace

Causes Validate(const ResourceType& type, const Json& object, const Json& before) {
  const bool change = before.is_object();
  if (!change && !type.custom) return ValidateNew(type, object);
  const KindRules rules = RulesOf(type);
  Causes causes = change ? ValidateChangedMetadata(type, object, before, rules)
                         : ValidateNewMetadata(type, object);
  if (type.custom) {
    Append(causes, ValidateCustom(type, object, before));
    return causes;
  }
  Causes content;
  ValidateContent(content, type, object, before);
  if (rules.content_judged > 1 && !content.empty())
    content = Repeated(std::move(content), type, object);
  Append(causes, std::move(content));
  return causes;
}

}  // namespace opsmesh::kubesim
