#include "libs/kubesim/behaviour/controllers/certificates.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/door/certificates.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kGroup = "certificates.k8s.io";
constexpr const char* kClient = "kubernetes.io/kube-apiserver-client";
constexpr const char* kKubeletClient = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr const char* kKubeletServing = "kubernetes.io/kubelet-serving";
constexpr absl::Duration kLongest = absl::Hours(24 * 365);

std::set<std::string> UsagesOf(const Json& request) {
  std::set<std::string> usages;
  for (const Json& usage : ListAt(request, {"spec", "usages"})) usages.insert(Scalar(usage));
  return usages;
}

// Exactly what `usage` needs, with or without key encipherment.
bool UsagesAre(std::set<std::string> usages, const char* usage) {
  usages.erase("key encipherment");
  return usages == std::set<std::string>{"digital signature", usage};
}

bool IsKubelet(const RequestSubject& subject) {
  return subject.organizations == std::vector<std::string>{"system:nodes"} &&
         subject.common_name.starts_with("system:node:");
}

// Why the signer does not sign; "" when it does.
std::string Fault(const std::string& signer, const RequestSubject& subject, const Json& request) {
  const std::set<std::string> usages = UsagesOf(request);
  const bool names = !subject.dns_names.empty() || !subject.addresses.empty();
  if (signer == kClient) {
    std::set<std::string> others = usages;
    for (const char* fine : {"digital signature", "key encipherment", "client auth"})
      others.erase(fine);
    return usages.contains("client auth") && others.empty()
               ? ""
               : fmt::format(
                     "invalid usages for client certificate: {}",
                     base::Join(std::vector<std::string>(usages.begin(), usages.end()), ", "));
  }
  if (!IsKubelet(subject))
    return "subject organization is not system:nodes or the common name no node's";
  if (signer == kKubeletClient) {
    if (names || subject.other_names) return "subjectAltNames are not allowed";
    return UsagesAre(usages, "client auth") ? "" : "usages did not match the required usages";
  }
  if (!names || subject.other_names) return "DNS or IP subjectAltNames are required, and no others";
  return UsagesAre(usages, "server auth") ? "" : "usages did not match the required usages";
}

std::optional<RequestSubject> SubjectOf(const Json& request) {
  std::string pem;
  if (!base::Base64Decode(TextAt(request, {"spec", "request"}), &pem)) return std::nullopt;
  return ReadRequest(pem);
}

// What csrapproving allows: a node for itself, or whoever may ask for any node.
bool ApprovedByRule(const Cluster& cluster, const Json& request) {
  const auto subject = SubjectOf(request);
  if (TextAt(request, {"spec", "signerName"}) != kKubeletClient || !subject ||
      !Fault(kKubeletClient, *subject, request).empty())
    return false;
  User user;
  user.name = TextAt(request, {"spec", "username"});
  user.groups.clear();
  for (const Json& group : ListAt(request, {"spec", "groups"}))
    user.groups.push_back(Scalar(group));
  const char* sub = subject->common_name == user.name ? "selfnodeclient" : "nodeclient";
  return Authorize(
             cluster, user,
             {"create", kGroup, fmt::format("certificatesigningrequests/{}", sub), "", "", ""})
      .allowed;
}

}  // namespace

CertificateController::CertificateController(Engine& engine, const CertificateAuthority& authority)
    : engine_(engine),
      authority_(authority),
      requests_(engine.InformerOf(kGroup, "certificatesigningrequests")),
      queue_(
          engine.AddQueue("certificate", [this](const std::string& name) { return Sync(name); })) {
  requests_.OnChange([this](const Seen& seen) {
    if (seen.now) queue_.Add(seen.now->name);
  });
}

Next CertificateController::Sync(const std::string& name) {
  const ObjectPtr request = requests_.Get("", name);
  if (!request) return Next::Done();
  const auto content = engine_.Parsed(request);
  const Json& status = At(*content, "status");
  if (!TextAt(status, "certificate").empty() || ConditionOf(status, "Denied").is_object() ||
      ConditionOf(status, "Failed").is_object())
    return Next::Done();
  if (ConditionOf(status, "Approved").is_object()) return Sign(request, *content);
  if (!ApprovedByRule(engine_.cluster(), *content)) return Next::Done();
  (void)engine_.client().Change(
      requests_.type(), "", name,
      [&](Json& object) {
        return SetCondition(object["status"], "Approved", "True", "AutoApproved",
                            "Auto approving kubelet client certificate after SubjectAccessReview.",
                            engine_.Now(), {{"lastUpdateTime", base::Rfc3339(engine_.Now())}});
      },
      request->uid);
  return Next::Done();
}

Next CertificateController::Sign(const ObjectPtr& request, const Json& content) {
  const std::string signer = TextAt(content, {"spec", "signerName"});
  if (signer != kClient && signer != kKubeletClient && signer != kKubeletServing)
    return Next::Done();
  const auto subject = SubjectOf(content);
  const std::string fault =
      subject ? Fault(signer, *subject, content) : std::string("the request cannot be read");
  CertificateUse use;
  for (const std::string& usage : UsagesOf(content)) use.usages.push_back(usage);
  use.validity = std::min(kLongest, absl::Seconds(IntAt(content, {"spec", "expirationSeconds"},
                                                        absl::ToInt64Seconds(kLongest))));
  std::string pem;
  base::Base64Decode(TextAt(content, {"spec", "request"}), &pem);
  const auto signed_pem =
      fault.empty() ? authority_.SignRequest(pem, use) : absl::StatusOr<std::string>(std::string());
  (void)engine_.client().Change(
      requests_.type(), "", request->name,
      [&](Json& object) {
        if (fault.empty() && signed_pem.ok()) {
          object["status"]["certificate"] = base::Base64Encode(*signed_pem);
          return true;
        }
        return SetCondition(object["status"], "Failed", "True", "SignerValidationFailure",
                            fault.empty() ? std::string(signed_pem.status().message()) : fault,
                            engine_.Now(), {{"lastUpdateTime", base::Rfc3339(engine_.Now())}});
      },
      request->uid);
  return Next::Done();
}

}  // namespace opsmesh::kubesim
