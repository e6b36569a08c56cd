// RBAC: Roles, ClusterRoles and their bindings, as they stand in the store at the moment of the
// request.
#pragma once

#include <string>

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// What somebody wants to do.
struct AccessQuestion {
  std::string verb;
  std::string group;
  std::string resource;  // with its subresource: "pods/log"
  std::string ns;
  std::string name;
  std::string non_resource_path;  // when set, the rest but verb is ignored
};

struct AccessAnswer {
  bool allowed = false;
  std::string
      reason;  // the binding that allows it, as a real server words it; "" for the administrators
};

AccessAnswer Authorize(const Cluster& cluster, const User& user, const AccessQuestion& question);

/// status of a SelfSubjectRulesReview.
Json RulesOf(const Cluster& cluster, const User& user, const std::string& ns);

}  // namespace opsmesh::kubesim
