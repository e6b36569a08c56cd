// What a new cluster holds: the system's own objects, the demo, or a folder of manifests.
#pragma once

#include <string>

#include "absl/status/status.h"
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

/// Namespaces default, kube-system, kube-public, kube-node-lease; the Service kubernetes; default service accounts, roles,
/// bindings and priority classes.
absl::Status LoadSystem(const ContentTarget& target);

/// What controllers put into every namespace: the default service account and the cluster's root certificate.
void AddNamespaceDefaults(const ContentTarget& target, const std::string& ns, absl::Time created);

/// The shipped demo. Takes no files: manifests and behaviours are embedded.
absl::Status LoadDemo(const ContentTarget& target);

/// Decision 32. Errors name the file and the line.
absl::Status LoadFolder(const ContentTarget& target, const std::string& folder);

}  // namespace opsmesh::kubesim
