// One address of one pod under one Service: what Endpoints and slices are written from.
#pragma once

#include <string>

#include "libs/kubesim/behaviour/controllers/endpoints.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

struct EndpointsController::Endpoint {
  const PodView* pod = nullptr;
  Json ports;  // [{name, port, protocol}], resolved for this pod
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  std::string hostname;
};

}  // namespace opsmesh::kubesim
