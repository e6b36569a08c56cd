// All controllers of the simulated control plane.
#pragma once

#include "libs/kubesim/behaviour/engine.h"

namespace opsmesh::kubesim {

class CertificateAuthority;
class Pods;
class TokenSigner;

/// What the control plane signs with; not owned, outlives the engine. Null = nobody fills in token
/// Secrets, nobody signs certificate requests.
struct SigningKeys {
  const TokenSigner* signer = nullptr;
  const CertificateAuthority* authority = nullptr;
};

/// Adds every controller to an engine that is not started yet.
void AddControllers(Engine& engine, const SigningKeys& keys = {});

}  // namespace opsmesh::kubesim
