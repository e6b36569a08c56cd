// The small steps of filling in defaults. Internal to this folder.
#pragma once

#include <functional>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Sets a member unless it is there. A null counts as absent, as in Go.
void Default(Json& object, const char* member, Json value);
/// The object there, made when absent; null when something else is in the way.
Json* Child(Json& object, const char* member);
/// Every object in the list there.
void ForEach(Json& object, const char* member, const std::function<void(Json&)>& visit);

/// Of sources that volumes of pods and PersistentVolumes have in common.
void DefaultSources(Json& holder);
void DefaultClaimSpec(Json& spec);
/// What is filled in for pods, but not for the templates that they are made from.
void DefaultOnlyPods(Json& spec);

}  // namespace opsmesh::kubesim
