// The end of namespaces, and what every new one gets: the default service account and the root
// certificate.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class NamespaceController final : public Part {
 public:
  explicit NamespaceController(Engine& engine);

 private:
  Next Sync(const std::string& name);
  Next Empty(const ObjectPtr& space, const Json& content);

  Engine& engine_;
  Informer& namespaces_;
  WorkQueue& queue_;
};

class ServiceAccountController final : public Part {
 public:
  explicit ServiceAccountController(Engine& engine);

 private:
  Next Sync(const std::string& name);

  Engine& engine_;
  Informer& namespaces_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
