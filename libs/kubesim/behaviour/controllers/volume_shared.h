// Names and readings that the files of the volume controller share.
#pragma once

#include <string>

#include "libs/kubesim/behaviour/controllers/volumes.h"

namespace opsmesh::kubesim::volume {

constexpr const char* kClaimProtection = "kubernetes.io/pvc-protection";
constexpr const char* kVolumeProtection = "kubernetes.io/pv-protection";
constexpr const char* kSelectedNode = "volume.kubernetes.io/selected-node";
constexpr const char* kProvisionedBy = "pv.kubernetes.io/provisioned-by";
constexpr const char* kNoProvisioner = "kubernetes.io/no-provisioner";
constexpr absl::Duration kLookAgain = absl::Seconds(15);  // as the real controller resyncs
constexpr absl::Duration kStorageTakes = absl::Seconds(2);

/// The storage class a claim or volume names.
std::string ClassOf(const Json& object);
/// In thousandths of a byte; 0 for what is no quantity.
long double SizeOf(const Json& quantity);

}  // namespace opsmesh::kubesim::volume
