// The JSON value type of the simulator, in one place.
#pragma once

#include <memory>
#include <string>

#include "nlohmann/json_fwd.hpp"

namespace opsmesh::kubesim {

using Json = nlohmann::json;

}  // namespace opsmesh::kubesim
