// The parts of a pod's validation, each in the order in which a real server states its causes.
// Internal to this folder.
#pragma once

#include <map>
#include <set>
#include <string>

#include "libs/kubesim/objects/causes.h"

namespace opsmesh::kubesim {

/// What containers are judged against.
struct PodRules {
  const Json& spec;
  std::string field;                           // "spec", "spec.template.spec" ...
  std::map<std::string, const Json*> volumes;  // those without faults, by name
};

/// Volumes of a pod; keeps those without faults in `volumes`.
void ValidatePodVolumes(Causes& causes, const Json& spec, const std::string& field,
                        std::map<std::string, const Json*>* volumes);
/// Containers, init containers and ephemeral containers.
void ValidateContainers(Causes& causes, const PodRules& pod);
/// Amounts of `limits` and `requests`.
void ValidateResources(Causes& causes, const Json& resources, const std::string& field);
/// securityContext of a container, and what pods and containers have in common.
void ValidateProfiles(Causes& causes, const Json& context, const std::string& field, bool seccomp);
void ValidateId(Causes& causes, const Json& context, const char* member, const std::string& field);

void ValidateTolerations(Causes& causes, const Json& spec, const std::string& field);
void ValidateAffinity(Causes& causes, const Json& affinity, const std::string& field);
void ValidateSpread(Causes& causes, const Json& spec, const std::string& field);
/// One term of a node selector.
void ValidateNodeTerm(Causes& causes, const Json& term, const std::string& at);

/// "..", as a part of a path.
bool HasBacksteps(const std::string& path);
/// A relative path without "..".
void ValidateDescendingPath(Causes& causes, const std::string& path, const std::string& field);
/// Faults of an IANA service name.
Faults PortNameFault(std::string_view name);
/// A port by number or by name.
void ValidatePortOrName(Causes& causes, const std::string& field, const Json& port);
/// resource.Quantity{...}, as Go prints the struct.
std::string GoQuantity(const Json& value);

}  // namespace opsmesh::kubesim
