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

/// Whether the object is still at the version that a writer says (empty and "0": any). 409 when it
/// is not; 500 for a version that is no number, which a real server reads too late to blame its
/// client.
MaybeStatus CheckVersion(const Call& call, const std::string& wanted, const Object& current);
/// An object that is not the one a writer means: `what` (UID, ResourceVersion) is another.
ApiStatus UnmetStatus(const Call& call, const ResourceType& type, const Object& object,
                      std::string_view what, std::string_view wanted, std::string_view own);

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
/// Whether who writes may make the object, when a PUT or server-side apply finds none: 403.
MaybeStatus CheckMayCreate(const Cluster& cluster, const Call& call);

/// The patch in the body as its media type is read (RFC 6902's as a list of operations). 400.
Outcome<Json> ReadPatch(Call& call, const std::string& media);
/// What a strategic patch makes is a struct of its type: another kind or version in it says
/// nothing, unless it is no text at all.
void FitKind(const ResourceType& type, Json& patched);

/// The object that server-side apply is given: YAML or JSON of `type`, without managedFields.
Outcome<Json> AppliedConfiguration(Call& call, const ResourceType& type);
/// Keys written twice, as `fieldValidation` says, and whether the object fits the schema of `type`.
/// `given_namespace`: as the object said it, for the sentence.
MaybeStatus CheckApplied(Call& call, const ResourceType& type, const Json& applied,
                         std::string_view given_namespace);

/// Everything between a parsed body and the store; returns the object in the served form. A verb
/// other than create needs the right to create, too.
Outcome<Json> CreateObject(const Cluster& cluster, Call& call, Json object);
/// `check_version`: the body's resourceVersion must be the current one when it has one.
Outcome<Json> ReplaceObject(const Cluster& cluster, Call& call, const ObjectPtr& current,
                            Json object, bool check_version);

/// Also used for status, scale ...: runs the create/update/patch of `call` itself.
Reply HandleObjectChange(const Cluster& cluster, Call& call);

}  // namespace opsmesh::kubesim
