// Secrets of type kubernetes.io/service-account-token: the token controller fills them in, and
// takes them away with their account.
#pragma once

#include "libs/kubesim/api/token_signer.h"
#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class TokenSecretController final : public Part {
 public:
  /// `signer` is not owned and outlives the engine.
  TokenSecretController(Engine& engine, const TokenSigner& signer);

 private:
  Next Sync(const std::string& key);

  Engine& engine_;
  const TokenSigner& signer_;
  Informer& secrets_;
  Informer& accounts_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
