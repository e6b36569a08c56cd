// CertificateSigningRequests at the API: who asks, what a request must be, who may approve.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// For writes of a CertificateSigningRequest, nothing for all other kinds. A new one is told who
/// asks; its request must be PKCS #10, its usages known, its signer a domain and a path. Approval
/// changes conditions alone and needs the verb "approve" on the signer, a certificate "sign".
MaybeStatus AdmitSigningRequest(const Cluster& cluster, const Call& call, Json& object,
                                const Json& before);

/// What approval may change of what is there.
Json ApprovedForm(const Json& before, const Json& object, const std::string& now);

}  // namespace opsmesh::kubesim
