// Keeps the rules of ClusterRoles with an aggregationRule: those of all roles that it selects.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class RoleAggregationController final : public Part {
 public:
  explicit RoleAggregationController(Engine& engine);

 private:
  Next Sync(const std::string& name);

  Engine& engine_;
  Informer& roles_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
