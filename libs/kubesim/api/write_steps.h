// The steps of a write that create, update, patch, apply and the subresources share.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/objects/managed_fields.h"

namespace opsmesh::kubesim {

/// dryRun, fieldValidation and fieldManager: 422 for a value that is none.
MaybeStatus CheckWriteOptions(const Call& call);
bool IsDryRun(const Call& call);
Writer WriterOf(const Cluster& cluster, const Call& call);

/// The type under which objects are kept (the preferred version).
const ResourceType& StorageTypeOf(const Cluster& cluster, const ResourceType& type);
ObjectPtr FindObject(const Cluster& cluster, const Call& call);

/// What dryRun may not be; nothing when all are "All".
std::optional<Cause> DryRunFault(const std::vector<std::string>& runs);

/// kind and apiVersion of a body against the resource.
MaybeStatus CheckKind(const Call& call, const Json& object);
/// Types of all members: 400 (422 for what a patch made). Takes unknown members out; they and
/// repeated ones are refused, warned of or ignored as `fieldValidation` says.
MaybeStatus DecodeBody(Call& call, Json& object);
/// A decoder's sentence as the warnings it makes: a YAML decoder's list of faults is one each.
std::vector<std::string> WarningsOf(std::string_view sentence);
/// name and namespace of a body against the path. Fills what is left out.
MaybeStatus CheckNames(const Call& call, Json& object);

/// Everything between a parsed body and the store; returns the object in the served form.
Outcome<Json> CreateObject(const Cluster& cluster, Call& call, Json object);
/// `check_version`: the body's resourceVersion must be the current one when it has one.
Outcome<Json> ReplaceObject(const Cluster& cluster, Call& call, const ObjectPtr& current,
                            Json object, bool check_version);

/// Also used for status, scale ...: runs the create/update/patch of `call` itself.
Reply HandleObjectChange(const Cluster& cluster, Call& call);

}  // namespace opsmesh::kubesim
