#include "libs/kubesim/objects/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxAnnotations = 256 << 10;

void ValidateAnnotations(Causes& causes, const Json& annotations) {
  if (!annotations.is_object()) return;
  size_t total = 0;
  for (const auto& [key, value] : annotations.items()) {
    if (auto fault = QualifiedFault(base::AsciiLower(key)); !fault.empty())
      InvalidText(causes, "metadata.annotations", key, fault);
    total += key.size() + Scalar(value).size();
  }
  if (total > kMaxAnnotations) TooLong(causes, "metadata.annotations", kMaxAnnotations);
}

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
  for (const Json& owner : ListAt(metadata, {"ownerReferences"})) {
    for (const char* member : {"apiVersion", "kind", "name", "uid"}) {
      if (TextAt(owner, member).empty())
        InvalidText(causes, fmt::format("metadata.ownerReferences.{}", member), "",
                    fmt::format("{} must not be empty",
                                std::string_view(member) == "apiVersion" ? "version" : member));
    }
    if (!BoolAt(owner, {"controller"})) continue;
    const std::string name = TextAt(owner, "kind") + "/" + TextAt(owner, "name");
    if (!controller.empty()) {
      Invalid(causes, "metadata.ownerReferences", GoOwners(ListAt(metadata, {"ownerReferences"})),
              fmt::format("Only one reference can have Controller set to true. Found \"true\" in "
                          "references for {} and {}",
                          controller, name));
    }
    controller = name;
  }
}

void ValidateFinalizers(Causes& causes, const Json& metadata, const ResourceType& type) {
  const Json& list = ListAt(metadata, {"finalizers"});
  static const std::set<std::string_view> standard = {"orphan", "foregroundDeletion", "kubernetes"};
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string name = Scalar(list[i]);
    InvalidText(causes, "metadata.finalizers", name, QualifiedFault(name));
    if (name.find('/') == std::string::npos && !standard.contains(name) && !type.custom) {
      InvalidText(causes, fmt::format("metadata.finalizers[{}]", i), name,
                  "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

}  // namespace

Causes ValidateName(const ResourceType& type, std::string_view name, const std::string& field,
                    bool create) {
  Causes causes;
  Faults fault;
  const std::string& key = type.storage_key;
  if (type.group == "rbac.authorization.k8s.io" || (key == "/events" && type.group.empty())) {
    if (name == "." || name == "..") {
      fault = {fmt::format("may not be '{}'", name)};
    } else {
      for (const char* sign : {"/", "%"}) {
        if (name.find(sign) != std::string_view::npos)
          fault.push_back(fmt::format("may not contain '{}'", sign));
      }
    }
  } else if (key == "policy/poddisruptionbudgets") {
    // Nobody looks.
  } else if (key == "/namespaces" && name.find('.') != std::string_view::npos) {
    fault = {"must not contain dots"};
  } else if (key == "/namespaces" || (key == "apps/statefulsets" && create)) {
    fault = LabelFault(name);
  } else if (key == "/services") {
    fault = Label1035Fault(name);
  } else {
    fault = SubdomainFault(name);
  }
  if (!fault.empty()) InvalidText(causes, field, name, fault);
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
  if (!added.empty())
    Forbidden(causes, "metadata.finalizers",
              fmt::format("no new finalizers can be added if the object is being deleted, found "
                          "new finalizers []string{{{}}}",
                          added));
}

}  // namespace

Causes Validate(const ResourceType& type, const Json& object, const Json& before) {
  Causes causes;
  const Json& metadata = At(object, "metadata");
  ValidatePrefix(causes, type, metadata);
  if (!before.is_object()) {
    for (Cause& cause : ValidateName(type, TextAt(metadata, "name"), "metadata.name", true))
      causes.push_back(std::move(cause));
  }
  ValidateLabels(causes, At(metadata, "labels"), "metadata.labels");
  ValidateAnnotations(causes, At(metadata, "annotations"));
  ValidateOwners(causes, metadata);
  ValidateFinalizers(causes, metadata, type);
  ValidateNewFinalizers(causes, metadata, before);
  if (type.custom) {
    for (Cause& cause : ValidateCustom(type, object)) causes.push_back(std::move(cause));
    return causes;
  }
  if (type.storage_key == "/pods") {
    ValidatePod(causes, object, before);
  } else if (!ValidateWorkloadKind(causes, type, object, before) &&
             !ValidateNetworkKind(causes, type, object, before)) {
    ValidateClusterKind(causes, type, object, before);
  }
  ValidateRareKind(causes, type, object, before);
  if (!before.is_object() || At(before, "spec") != At(object, "spec"))
    ValidateDetails(causes, type, object);
  return causes;
}

}  // namespace opsmesh::kubesim
