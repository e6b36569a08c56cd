// The status of ResourceQuotas: what is used of what.
#pragma once

#include <set>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class QuotaController final : public Part {
 public:
  QuotaController(Engine& engine, Pods& pods);

 private:
  Next Sync(const std::string& key);
  std::string Used(const std::string& ns, const std::string& resource);

  Engine& engine_;
  Pods& pods_;
  Informer& quotas_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
