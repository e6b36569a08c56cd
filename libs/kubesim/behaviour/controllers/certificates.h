// CertificateSigningRequests: kubelets' own are approved by rule, approved ones are signed by the
// cluster's authority.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/door/certificates.h"

namespace opsmesh::kubesim {

/// Approves what a kubelet asks for itself, and signs for the signers kubernetes.io/... that the
/// controller manager serves. Other signers are other people's controllers: their requests stay
/// as they are.
class CertificateController final : public Part {
 public:
  /// `authority` is not owned and outlives the engine.
  CertificateController(Engine& engine, const CertificateAuthority& authority);

 private:
  Next Sync(const std::string& name);
  Next Sign(const ObjectPtr& request, const Json& content);

  Engine& engine_;
  const CertificateAuthority& authority_;
  Informer& requests_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
