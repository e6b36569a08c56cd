// Slices for Endpoints that somebody wrote by hand, as the endpointslicemirroring controller makes
// them.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

/// Mirrors the Endpoints of Services without a selector, unless their label
/// endpointslice.kubernetes.io/skip-mirror is "true".
class EndpointMirrorController final : public Part {
 public:
  explicit EndpointMirrorController(Engine& engine);

 private:
  Next Sync(const std::string& key);
  bool Mirrored(std::string_view ns, std::string_view name);
  /// The slices that an Endpoints object asks for: one for each set of ports, 1000 addresses at
  /// most in each subset.
  std::vector<Json> Wanted(const Object& endpoints, const Json& content);

  Engine& engine_;
  Informer& endpoints_;
  Informer& services_;
  Informer& slices_;
  const ObjectIndex& slices_by_label_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
