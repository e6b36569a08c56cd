// Discovery documents, legacy and aggregated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kube/json_ref.h"
#include "libs/kube/types.h"

namespace opsmesh::kube {

/// One type for each group and plural: a version this client knows, else the one that stands first.
std::vector<ResourceType> ChooseVersions(const std::vector<ResourceType>& served);

/// APIGroupDiscoveryList: every type of every version, the server's preferred version first;
/// versions that the server calls stale go to `failed` ("metrics.k8s.io/v1beta1").
void ReadAggregated(JsonRef root, std::vector<ResourceType>* types,
                    std::vector<std::string>* failed);

/// APIGroupList: group versions in the server's order, the preferred one first.
struct GroupVersion {
  std::string group;
  std::string version;
  std::string name() const { return group.empty() ? version : group + "/" + version; }
};
std::vector<GroupVersion> ReadGroupList(JsonRef root);

/// APIResourceList of one group version.
void ReadResourceList(JsonRef root, const GroupVersion& group_version,
                      std::vector<ResourceType>* types);

}  // namespace opsmesh::kube
