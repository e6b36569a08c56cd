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
  std::string field_selector{};   // of a list, watch or deletecollection
};

struct AccessAnswer {
  bool allowed = false;
  std::string reason;  // what allows it, as a real server words it ("" for the administrators), or
                       // what stands in the way ("" when nothing is known)
};

/// The administrators' group, then the node authorizer, then RBAC.
AccessAnswer Authorize(const Cluster& cluster, const User& user, const AccessQuestion& question);

/// Whether one of the rules of a role (its "rules" member) allows it.
bool RulesAllow(const Json& rules, const AccessQuestion& question);

/// status of a SelfSubjectRulesReview.
Json RulesOf(const Cluster& cluster, const User& user, const std::string& ns);

}  // namespace opsmesh::kubesim
