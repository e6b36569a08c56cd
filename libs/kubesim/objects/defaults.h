// The values a real apiserver fills in when an object is written without them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// not-ready and unreachable for 300 s, where nothing is said about them.
void AddDefaultTolerations(Json& pod_spec);

/// Defaults of spec (not of metadata). Members of a wrong type are left alone: validation refuses
/// them.
void ApplyDefaults(const ResourceType& type, Json& object);
/// Of a pod or a pod template's spec.
void DefaultPodSpec(Json& spec);
/// What admission adds to a Pod: service account with its token volume, tolerations, priority, QoS
/// class.
void AdmitPod(Json& pod, std::string_view volume_suffix);

/// "Guaranteed", "Burstable" or "BestEffort".
std::string QosClass(const Json& pod_spec);

/// The hash of a pod template as a ReplicaSet's name ends with: 8 to 10 of
/// [bcdfghjklmnpqrstvwxz2456789].
std::string TemplateHash(const Json& pod_template);
/// Random suffix of generateName in the same alphabet.
std::string NameSuffix(uint64_t random, int length = 5);

/// A quantity in thousandths: "250m" -> 250, "1Gi" -> 1073741824000. Nothing when it is not one.
std::optional<long double> ParseQuantity(const Json& value);

}  // namespace opsmesh::kubesim
