// What the object index found for one word of a question. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "services/llm/planner/intent.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

/// The most objects a person is asked to choose from.
inline constexpr size_t kMostChoices = 8;

/// What a mention turned out to be.
struct NameReading {
  std::vector<LinkedObject> objects;  // of the best match that fits the wanted kind
  bool exact = false;
  /// An object of whatever kind is called so, or the app it belongs to.
  bool names_object = false;
  bool is_namespace = false;
  /// Nobody knows whether there is such a namespace: this user may not list them.
  bool namespace_assumed = false;
  std::string namespace_name;
  bool strong = false;             // more than a part of a name
  std::vector<LinkedObject> near;  // "did you mean"
  std::string near_namespace;
};

/// What the question would take.
struct WantedObject {
  std::string kind;    // "" = any
  std::string target;  // of the route: "Pod", "Workload", "Node", "Any" or ""
  bool needs_name = false;
};

/// `object` and `as_namespace` are the index's answers for `name`, the second asked for namespaces
/// only.
NameReading ReadName(const NameMention& name, const WantedObject& wanted,
                     const k8s::v1::ResolvedMention& object,
                     const k8s::v1::ResolvedMention& as_namespace);

/// True when `any`, the answer for a name of any kind, has more than resemblances.
bool NamesObject(const k8s::v1::ResolvedMention& any);

/// Workloads whose names are nearly the one asked for, the likeliest kind only.
std::vector<LinkedObject> NearWorkloads(const k8s::v1::ResolvedMention& any);

}  // namespace opsmesh::llm
