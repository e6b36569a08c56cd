// A copy of a cluster to try things in: of the demo, of a folder of manifests, or of a real
// cluster.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::cli {

struct CopyFlags {
  /// "demo", "empty", or a folder of manifests; not read when `kubeconfig` is set.
  std::string cluster = "demo";
  /// Of the real cluster that is copied. It is only read.
  std::string kubeconfig;
  std::string context;
  /// Of the copy's own names and uids.
  uint64_t seed = 1;
};

struct ClusterCopy {
  /// Controllers, scheduler and kubelets in virtual time.
  std::unique_ptr<kubesim::Simulator> simulator;
  /// One line for people.
  std::string description;
  /// Of a real cluster: what failed there and goes on failing in the copy.
  std::vector<std::string> failing;
  /// What could not be read or has no place in a copy.
  std::vector<std::string> left_out;
};

/// `clock` tells when the copy's time begins; it must outlive it. Errors: of the kubeconfig, of the
/// cluster (UNAVAILABLE, SYNC), of the manifests.
absl::StatusOr<ClusterCopy> CopyCluster(const CopyFlags& flags, const base::Clock& clock);

/// Server-side apply of every document of a YAML or JSON file, at the simulator's door.
/// INVALID_ARGUMENT with file and line, or what the apiserver refuses. Returns how many documents.
absl::StatusOr<int> ApplyFile(kubesim::Simulator& simulator, const std::string& path);

}  // namespace opsmesh::cli
