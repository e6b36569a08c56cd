// The end of namespaces, and what every new one gets: the default service account and the root
// certificate.
#pragma once

#include <map>
#include <string>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class NamespaceController final : public Part {
 public:
  explicit NamespaceController(Engine& engine);

 private:
  Next Sync(const std::string& name);
  Next Empty(const ObjectPtr& space, const Json& content);
  /// What waits for somebody: "pods." -> how many; finalizer -> on how many objects.
  struct Content {
    std::map<std::string, size_t> objects, finalizers;
  };
  /// Asks everything in the namespace to go; what is still there afterwards.
  Content DeleteContent(const std::string& ns);
  /// Phase and conditions.
  void Tell(const Content& left, Json& status) const;

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
