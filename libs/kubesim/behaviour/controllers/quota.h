// The status of ResourceQuotas: what is used of what.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class QuotaController final : public Part {
 public:
  explicit QuotaController(Engine& engine);

 private:
  Next Sync(const std::string& key);

  Engine& engine_;
  Informer& quotas_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
