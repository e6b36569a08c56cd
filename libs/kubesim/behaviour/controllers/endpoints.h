// Endpoints and EndpointSlices of Services with a selector.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class EndpointsController final : public Part {
 public:
  EndpointsController(Engine& engine, Pods& pods);

 private:
  static constexpr size_t kPerSlice = 100;
  static constexpr const char* kTrigger = "endpoints.kubernetes.io/last-change-trigger-time";
  static constexpr const char* kServiceName = "kubernetes.io/service-name";

  struct Endpoint;  // one address of one pod under one Service
  struct Slice;
  class SlicePlan;

  Next Sync(const std::string& key);
  void AddLater(const std::string& key);
  std::vector<Endpoint> Collect(const ObjectPtr& service, const Json& content);
  bool WriteEndpoints(const ObjectPtr& service, const Json& content,
                      const std::vector<Endpoint>& endpoints, absl::Time trigger);
  std::vector<const Endpoint*> ShownInEndpoints(const Json& content,
                                                const std::vector<Endpoint>& endpoints,
                                                bool* truncated) const;
  bool WriteSlices(const ObjectPtr& service, const Json& content,
                   const std::vector<Endpoint>& endpoints, absl::Time trigger);
  Json SliceEndpoint(const Endpoint& endpoint, bool publish_unready);
  std::vector<Slice> SlicesOf(const Object& service);
  bool CreateSlice(const ObjectPtr& service, const Slice& slice, const Json& labels,
                   absl::Time trigger);
  bool UpdateSlice(const ObjectPtr& service, const Slice& slice, const Json& labels,
                   absl::Time trigger);
  void Forget(std::string_view ns, std::string_view name);

  Engine& engine_;
  Pods& pods_;
  Informer& services_;
  Informer& endpoints_;
  Informer& slices_;
  Informer& nodes_;
  const ObjectIndex& slices_by_label_;
  SelectorTable selectors_;
  WorkQueue& queue_;
  std::map<std::string, size_t> sizes_;  // addresses of a Service, by its key
};

}  // namespace opsmesh::kubesim
