// What the controllers of custom resource definitions do at once: names are accepted or refused,
// the status says so, and what is accepted is served.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// After `definition` was made or changed. A name that another definition of the group holds is
/// refused (condition NamesAccepted), and such a definition is not served until it is free. Writes
/// the status as "kube-apiserver"; nothing when it says all that already.
void AcceptDefinition(const Cluster& cluster, const Object& definition);

/// Whether objects of `definition` have finalizers: then it stays until the last of them is gone.
bool HoldsObjects(const Cluster& cluster, const Json& definition);

/// Begins the end of a definition whose objects are held: it is marked, its objects are deleted as
/// far as they can be, and its condition says so. Returns it as the deletion's answer shows it.
Outcome<ObjectPtr> BeginToLeave(const Cluster& cluster, const ObjectPtr& definition);

/// After an object of `type` is gone: takes away a definition that waited for the last one.
void EndLeaving(const Cluster& cluster, const ResourceType& type);

/// Whether the definition of a custom `type` is about to go: nothing new may be made.
bool IsLeaving(const Cluster& cluster, const ResourceType& type);

/// What a deletion answers with: the definition on its way out, its resources about to go.
Json LeavingDefinition(Json definition, const std::string& now);

/// After `definition` is gone: it is served no more, its resources go with it, and the names it
/// held are free for others of its group.
void ForgetDefinition(const Cluster& cluster, const Json& definition);

}  // namespace opsmesh::kubesim
