// One synchronisation of a Deployment; for the files of the Deployment controller alone.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/controllers/deployment.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

struct DeploymentController::Set {
  ObjectPtr object;
  Json json;
  int64_t wanted = 0;      // spec.replicas
  int64_t actual() const;  // status.replicas
  int64_t ready() const;
  int64_t available() const;
};
struct DeploymentController::Sync {
  ObjectPtr object;
  Json json;
  int64_t replicas = 0;
  int64_t surge = 0;
  int64_t unavailable = 0;
  bool rolling = true;
  std::vector<Set> sets;  // by creation
  int newest = -1;        // index of the set with the present template
  std::vector<int> Old() const;
  Set* New() { return newest < 0 ? nullptr : &sets[static_cast<size_t>(newest)]; }
  int64_t TotalWanted() const;
};

namespace deployment {

constexpr const char* kRevision = "deployment.kubernetes.io/revision";
constexpr const char* kHistory = "deployment.kubernetes.io/revision-history";
constexpr const char* kDesired = "deployment.kubernetes.io/desired-replicas";
constexpr const char* kMax = "deployment.kubernetes.io/max-replicas";
constexpr const char* kHash = "pod-template-hash";

const Json& Annotations(const Json& object);
int64_t NumberOf(const Json& annotations, const char* name, int64_t otherwise);

}  // namespace deployment
}  // namespace opsmesh::kubesim
