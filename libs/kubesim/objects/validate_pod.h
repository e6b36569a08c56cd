// The parts of a pod's validation, each in the order in which a real server states its causes.
// Internal to this folder.
#pragma once

#include <cstdint>
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
/// The one source that a volume has. `persistent`: `holder` is the spec of a PersistentVolume named
/// `volume_name`, not a volume of a pod.
void ValidateVolumeSources(Causes& causes, const Json& holder, const std::string& field,
                           bool persistent, const std::string& volume_name);
/// Of a CSI driver.
void ValidateDriverName(Causes& causes, const std::string& name, const std::string& field);
/// A PersistentVolumeClaimSpec.
void ValidateClaimSpec(Causes& causes, const Json& spec, const std::string& field);
/// Containers, init containers and ephemeral containers.
void ValidateContainers(Causes& causes, const PodRules& pod);
/// Amounts of `limits` and `requests`.
void ValidateResources(Causes& causes, const Json& resources, const std::string& field);
/// Variables, mounts and devices of a container at `field`.
void ValidateEnvironment(Causes& causes, const Json& container, const std::string& field);
void ValidateMounts(Causes& causes, const Json& container, const std::string& field,
                    const PodRules& pod);
void ValidateDevices(Causes& causes, const Json& container, const std::string& field,
                     const PodRules& pod);
/// A fieldRef and a resourceFieldRef; `volume`: of a file, where other fields are known.
void ValidateFieldRef(Causes& causes, const Json& ref, const std::string& at, bool volume);
void ValidateAmountRef(Causes& causes, const Json& ref, const std::string& at, bool volume);
/// expirationSeconds of a token described at `at`: from 10 minutes to 2^32 seconds.
void TokenSeconds(Causes& causes, int64_t seconds, const std::string& at);
/// Hooks and probes of a container; `grace`: terminationGracePeriodSeconds of its pod.
void ValidateHandlers(Causes& causes, const Json& container, const std::string& at, int64_t grace);
/// In a pod itself, not in a template, images may not begin or end with white space.
void ValidateImagesOfPod(Causes& causes, const Json& spec);

/// securityContext of a container.
void ValidateSecurity(Causes& causes, const Json& context, const std::string& field);
/// securityContext of the pod whose spec stands at `pod_field`.
void ValidatePodSecurity(Causes& causes, const Json& spec, const std::string& pod_field);
/// Containers of Windows that run as processes of their host.
void ValidateHostProcess(Causes& causes, const Json& spec, const std::string& field);
/// os, and options that the system does not know.
void ValidateSystem(Causes& causes, const Json& spec, const std::string& field);

void ValidateTolerations(Causes& causes, const Json& spec, const std::string& field);
void ValidateAffinity(Causes& causes, const Json& affinity, const std::string& field);
void ValidateSpread(Causes& causes, const Json& spec, const std::string& field);
/// A NodeSelector.
void ValidateNodeSelector(Causes& causes, const Json& selector, const std::string& field);

/// "..", as a part of a path.
bool HasBacksteps(const std::string& path);
/// A relative path without "..".
void ValidateDescendingPath(Causes& causes, const std::string& path, const std::string& field);
/// Faults of an IANA service name.
Faults PortNameFault(std::string_view name);
void ValidatePortNumber(Causes& causes, const std::string& field, int64_t port);
/// A port by number or by name.
void ValidatePortOrName(Causes& causes, const std::string& field, const Json& port);
/// What a container may ask for: a standard resource or one with a domain.
void ValidateContainerResourceName(Causes& causes, const std::string& name,
                                   const std::string& path);
/// resource.Quantity{...}, as Go prints the struct.
std::string GoQuantity(const Json& value);

}  // namespace opsmesh::kubesim
