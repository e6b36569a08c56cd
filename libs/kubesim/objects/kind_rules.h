// How the registry of a real apiserver treats a kind on writes, where kinds differ.
#pragma once

#include <string_view>

#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

struct KindRules {
  bool generation = false;           // metadata.generation is counted
  bool create_on_update = false;     // PUT makes what is not there
  bool unconditional_update = true;  // PUT without a resourceVersion is taken
  bool returns_object = false;       // DELETE answers with the object instead of a Status
  // What a kind judges of an update beside what every kind's update is judged by: how often its
  // metadata as a whole and the changes in it, and how often what is not metadata. Each tells its
  // causes anew.
  int metadata_judged = 1;
  int metadata_compared = 1;
  int content_judged = 1;
};
KindRules RulesOf(const ResourceType& type);

/// A DaemonSet's template has a number of its own, in an annotation: one more when it changes.
void CountTemplate(const Json& before, Json& daemon_set);

/// Takes out what 1.32 serves only with features that are off; what `before` (null for a new
/// object) has already is kept. Both ways to say what a claim is filled from are made alike.
void DropUnservedFields(const ResourceType& type, Json& object, const Json& before);
/// The status of a kind before anybody wrote one; null for kinds without.
Json EmptyStatusOf(const ResourceType& type);
/// Members of a status that a kind always has, where a client's left them out.
void FillStatus(const ResourceType& type, Json& status);

/// What the registry puts into a new object before anybody admits it: the empty status, a Job's
/// selector, a node's podCIDRs ... Not owned by the writer in managedFields. `metadata.uid` must be
/// set.
void PrepareForCreate(const ResourceType& type, Json& object, std::string_view now);

}  // namespace opsmesh::kubesim
