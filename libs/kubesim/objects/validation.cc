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
      Invalid(causes, "metadata.ownerReferences", "[]v1.OwnerReference{...}",
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
    if (auto fault = QualifiedFault(name); !fault.empty()) {
      InvalidText(causes,
                  type.custom ? "metadata.finalizers" : fmt::format("metadata.finalizers[{}]", i),
                  name, fault);
    } else if (name.find('/') == std::string::npos && !standard.contains(name) && !type.custom) {
      InvalidText(causes, fmt::format("metadata.finalizers[{}]", i), name,
                  "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

}  // namespace

Causes ValidateName(const ResourceType& type, std::string_view name, const std::string& field) {
  Causes causes;
  std::string_view fault;
  const std::string& key = type.storage_key;
  if (type.group == "rbac.authorization.k8s.io" || key == "/events") {
    if (name == "." || name == "..") fault = name == "." ? "may not be '.'" : "may not be '..'";
    if (name.find('/') != std::string_view::npos) fault = "may not contain '/'";
    if (name.find('%') != std::string_view::npos) fault = "may not contain '%'";
  } else if (key == "/namespaces") {
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
  for (const Cause& cause : ValidateName(type, prefix, "metadata.generateName")) {
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
    for (Cause& cause : ValidateName(type, TextAt(metadata, "name"), "metadata.name"))
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
