// What a real cluster's admission and registry add or refuse beyond defaults and validation.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// 404 for a namespace that is not there, 403 for one that goes away. Nothing for "".
/// `name`: of the object that is to be made, as refusals show it.
MaybeStatus CheckNamespace(const Cluster& cluster, const ResourceType& type, const std::string& ns,
                           std::string_view name);
/// Gives a claim that leaves its class open the default one, if there is one.
void DefaultStorageClass(const Cluster& cluster, Json& claim);

/// `before` is null for a create. Pods get their service account and volumes, Services an address,
/// claims the default storage class; quotas are checked.
MaybeStatus Admit(const Cluster& cluster, Call& call, Json& object, const Json& before);
/// What is asked once an object is valid: privileges given away, limits, quotas.
MaybeStatus AdmitValid(const Cluster& cluster, Call& call, const Json& object, const Json& before);
/// Definitions change what is served.
void AfterWrite(const Cluster& cluster, const ResourceType& type, const Object& object);

}  // namespace opsmesh::kubesim
