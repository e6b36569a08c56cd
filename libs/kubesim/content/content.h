// What a new cluster holds: the system's own objects, the demo, or a folder of manifests.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

struct ContentTarget {
  Store& store;
  LogStore& logs;
  const base::Clock& clock;
};

/// Namespaces default, kube-system, kube-public, kube-node-lease; the Service kubernetes; default
/// service accounts, roles, bindings and priority classes.
absl::Status LoadSystem(const ContentTarget& target);

/// The default roles and bindings of 1.32 (content/rbac.txt), where they are not there already.
absl::Status LoadDefaultRoles(const ContentTarget& target, absl::Time created);

/// What the API gives every Namespace it creates: the finalizer "kubernetes" and the phase Active,
/// where they are not given.
void CompleteNamespace(Json& object);

/// What controllers put into every namespace: the default service account and the cluster's root
/// certificate.
void AddNamespaceDefaults(const ContentTarget& target, const std::string& ns, absl::Time created);

/// The shipped demo. Takes no files: manifests and behaviours are embedded.
absl::Status LoadDemo(const ContentTarget& target);

/// One object of a real cluster, as an API server answers it or a watch cache keeps it.
struct GivenObject {
  std::string json;         // the object; may lack kind and apiVersion when they stand here
  std::string api_version;  // "" = in `json`
  std::string kind;
};

/// Objects as they are: uids, times and status are kept, resourceVersions are new; versions
/// that 1.32 no longer serves (policy/v1beta1 ...) become those it serves. Kinds that neither the
/// simulator nor a definition among the objects knows, and objects that are not JSON objects with a
/// name, are left out and named in `left_out` ("ops.example.com/v1 Backup shop/nightly").
/// Namespaces are implied, the system's own objects are added where they are missing.
absl::Status LoadObjects(const ContentTarget& target, const std::vector<GivenObject>& objects,
                         std::vector<std::string>* left_out);

/// Where there is no Node: three, and a default storage class unless there is one
/// (content/machines.yaml): what a live cluster of a folder needs to run anything. How many nodes
/// were added.
absl::StatusOr<int> LoadMachines(const ContentTarget& target);

/// Decision 32. Errors name the file and the line.
absl::Status LoadFolder(const ContentTarget& target, const std::string& folder);

}  // namespace opsmesh::kubesim
