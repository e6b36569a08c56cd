// The revisions of a Deployment: its ReplicaSets, newest first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kube/views_workload.h"
#include "services/k8s/picture.h"

namespace opsmesh::k8s {

struct Revision {
  int64_t number = 0;
  std::string replica_set;
  std::string images;
  std::string change_cause;
  absl::Time created;
  int64_t replicas = 0;  // wanted now
  int64_t ready = 0;
  bool current = false;  // the Deployment's template is this one
  kube::ObjectPtr object;
};

/// ReplicaSets that the Deployment controls and that carry a revision number.
std::vector<Revision> RevisionsOf(Picture& picture, const kube::Object& deployment);

/// What differs between two pod templates, one line a difference: "image of web: nginx:1.25 ->
/// nginx:1.26".
std::vector<std::string> TemplateChanges(const kube::PodTemplate& from,
                                         const kube::PodTemplate& to);

}  // namespace opsmesh::k8s
