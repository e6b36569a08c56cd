// delete and deletecollection: preconditions, grace, finalizers, propagation.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// Jobs leave their pods behind when nothing is said: a warning says so.
void WarnOfOrphans(Call& call);
Reply HandleDelete(const Cluster& cluster, const Call& call);
Reply HandleDeleteCollection(const Cluster& cluster, const Call& call);

/// Deletes one object as a DELETE request would. `options` is a DeleteOptions object.
struct Deletion {
  ObjectPtr object;   // its state afterwards
  bool gone = false;  // false: it stands with a deletionTimestamp
};
Outcome<Deletion> DeleteObject(const Cluster& cluster, const ResourceType& type,
                               const ObjectPtr& current, const Json& options, bool dry_run);
/// The same of the object that has this name, as often as it takes when others write it; not when
/// the options ask for one version of it. 404 when there is none.
Outcome<Deletion> DeleteNamed(const Cluster& cluster, const ResourceType& type, std::string_view ns,
                              std::string_view name, const Json& options, bool dry_run);

/// 422 for options of a deletion that contradict each other or say what nobody knows.
MaybeStatus CheckDeleteOptions(const Json& options);

}  // namespace opsmesh::kubesim
