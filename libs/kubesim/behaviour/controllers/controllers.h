// All controllers of the simulated control plane.
#pragma once

#include "libs/kubesim/behaviour/engine.h"

namespace opsmesh::kubesim {

class CertificateAuthority;
class Pods;
class TokenSigner;

struct ControllersOptions {
  /// What the control plane signs with; not owned, outlives the engine. Null = nobody fills in
  /// token Secrets, nobody signs certificate requests.
  const TokenSigner* signer = nullptr;
  const CertificateAuthority* authority = nullptr;
  /// False where no kubelets report: nodes are as their objects say.
  bool node_lifecycle = true;
};

/// Adds every controller to an engine that is not started yet.
void AddControllers(Engine& engine, const ControllersOptions& options = {});

}  // namespace opsmesh::kubesim
