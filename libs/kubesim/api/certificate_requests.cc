#include "libs/kubesim/api/certificate_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/door/certificates.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kGroup = "certificates.k8s.io";
constexpr std::string_view kApiClient = "kubernetes.io/kube-apiserver-client";

const std::set<std::string, std::less<>>& KnownUsages() {
  static const auto* known = new std::set<std::string, std::less<>>{"any",
                                                                    "cert sign",
                                                                    "client auth",
                                                                    "code signing",
                                                                    "content commitment",
                                                                    "crl sign",
                                                                    "data encipherment",
                                                                    "decipher only",
                                                                    "digital signature",
                                                                    "email protection",
                                                                    "encipher only",
                                                                    "ipsec end system",
                                                                    "ipsec tunnel",
                                                                    "ipsec user",
                                                                    "key agreement",
                                                                    "key encipherment",
                                                                    "microsoft sgc",
                                                                    "netscape sgc",
                                                                    "ocsp signing",
                                                                    "s/mime",
                                                                    "server auth",
                                                                    "signing",
                                                                    "timestamping"};
  return *known;
}

void CheckRequest(Causes& causes, const Json& spec) {
  std::string pem;
  const std::string text = TextAt(spec, "request");
  if (base::Base64Decode(text, &pem) && ReadRequest(pem)) return;
  const bool block = pem.find("-----BEGIN CERTIFICATE REQUEST-----") != std::string::npos;
  std::string bytes;
  for (const unsigned char c : pem) bytes += fmt::format("{}0x{:x}", bytes.empty() ? "" : ", ", c);
  Invalid(causes, "spec.request", "[]byte{" + bytes + "}",
          block ? "asn1: structure error: malformed certificate request"
                : "PEM block type must be CERTIFICATE REQUEST");
}

void CheckUsages(Causes& causes, const Json& spec) {
  const Json& usages = ListAt(spec, {"usages"});
  if (usages.empty()) Required(causes, "spec.usages", "usages must be provided");
  std::set<std::string> seen;
  for (size_t i = 0; i < usages.size(); ++i) {
    const std::string usage = Scalar(usages[i]), path = fmt::format("spec.usages[{}]", i);
    if (!KnownUsages().contains(usage)) {
      std::vector<std::string> known;
      for (const std::string& one : KnownUsages()) known.push_back("\"" + one + "\"");
      causes.push_back({"FieldValueNotSupported",
                        fmt::format("Unsupported value: \"{}\": supported values: {}", usage,
                                    base::Join(known, ", ")),
                        path});
    }
    if (!seen.insert(usage).second)
      causes.push_back(
          {"FieldValueDuplicate", fmt::format("Duplicate value: \"{}\"", usage), path});
  }
}

void CheckSigner(Causes& causes, const Json& spec) {
  const std::string signer = TextAt(spec, "signerName");
  const size_t slash = signer.find('/');
  if (signer == "kubernetes.io/legacy-unknown")
    InvalidText(causes, "spec.signerName", signer,
                "the legacy signerName is not allowed via this API version");
  else if (signer.empty())
    Required(causes, "spec.signerName", "signerName must be provided");
  else if (slash == std::string::npos || signer.find('/', slash + 1) != std::string::npos)
    InvalidText(causes, "spec.signerName", signer,
                "must be a fully qualified domain and path of the form 'example.com/signer-name'");
}

MaybeStatus CheckNew(const Call& call, const Json& object) {
  const Json& spec = At(object, "spec");
  Causes causes;
  CheckRequest(causes, spec);
  CheckUsages(causes, spec);
  CheckSigner(causes, spec);
  const int64_t seconds = IntAt(spec, "expirationSeconds", 600);
  if (seconds < 600)
    Invalid(causes, "spec.expirationSeconds", std::to_string(seconds),
            "may not specify a duration less than 600 seconds (10 minutes)");
  if (!causes.empty())
    return InvalidStatus(kGroup, call.type->kind, TextAt(object, {"metadata", "name"}),
                         std::move(causes));
  // Nobody becomes an administrator by a certificate.
  std::string pem;
  base::Base64Decode(TextAt(spec, "request"), &pem);
  const auto subject = ReadRequest(pem);
  const auto& groups = subject->organizations;
  if (TextAt(spec, "signerName") == kApiClient &&
      std::find(groups.begin(), groups.end(), "system:masters") != groups.end())
    return ForbiddenStatus(
        *call.type, TextAt(object, {"metadata", "name"}),
        fmt::format("use of {} signer with system:masters group is not allowed", kApiClient));
  return std::nullopt;
}

bool MaySignFor(const Cluster& cluster, const User& user, const char* verb,
                const std::string& signer) {
  const std::string domain = signer.substr(0, signer.find('/')) + "/*";
  return Authorize(cluster, user, {verb, kGroup, "signers", "", signer, ""}).allowed ||
         Authorize(cluster, user, {verb, kGroup, "signers", "", domain, ""}).allowed;
}

const Json& ConditionOf(const Json& request, std::string_view type) {
  static const auto* none = new Json();
  for (const Json& condition : ListAt(request, {"status", "conditions"})) {
    if (TextAt(condition, "type") == type) return condition;
  }
  return *none;
}

// Approved and Denied exclude each other and stay once they are said.
MaybeStatus CheckConditions(const Call& call, const Json& object, const Json& before) {
  Causes causes;
  const Json& conditions = ListAt(object, {"status", "conditions"});
  for (const char* type : {"Approved", "Denied", "Failed"}) {
    if (ConditionOf(before, type).is_object() && !ConditionOf(object, type).is_object())
      causes.push_back(
          {"FieldValueForbidden",
           fmt::format("Forbidden: updates may not remove a condition of type \"{}\"", type),
           "status.conditions"});
  }
  bool approved = false, denied = false;
  for (size_t i = 0; i < conditions.size(); ++i) {
    const std::string type = TextAt(conditions[i], "type"),
                      status = TextAt(conditions[i], "status");
    const std::string path = fmt::format("status.conditions[{}]", i);
    const bool own = type == "Approved" || type == "Denied" || type == "Failed";
    if (type.empty()) Required(causes, path + ".type", "");
    if (status.empty()) {
      Required(causes, path + ".status", "");
    } else if (own && status != "True") {
      causes.push_back(
          {"FieldValueNotSupported",
           fmt::format("Unsupported value: \"{}\": supported values: \"True\"", status),
           path + ".status"});
    }
    if ((type == "Approved" && denied) || (type == "Denied" && approved))
      InvalidText(causes, path + ".type", type,
                  "Approved and Denied conditions are mutually exclusive");
    approved = approved || type == "Approved";
    denied = denied || type == "Denied";
  }
  if (causes.empty()) return std::nullopt;
  return InvalidStatus(kGroup, call.type->kind, call.info.name, std::move(causes));
}

}  // namespace

Json ApprovedForm(const Json& before, const Json& object, const std::string& now) {
  Json kept = before;
  Json conditions = ListAt(object, {"status", "conditions"});
  for (Json& condition : conditions) {
    if (!condition.is_object()) continue;
    const Json& old = ConditionOf(before, TextAt(condition, "type"));
    if (TextAt(condition, "lastUpdateTime").empty()) condition["lastUpdateTime"] = now;
    if (TextAt(condition, "lastTransitionTime").empty())
      condition["lastTransitionTime"] = TextAt(old, "status") == TextAt(condition, "status")
                                            ? At(old, "lastTransitionTime")
                                            : Json(now);
  }
  if (!kept["status"].is_object()) kept["status"] = Json::object();
  if (conditions.empty())
    kept["status"].erase("conditions");
  else
    kept["status"]["conditions"] = std::move(conditions);
  return kept;
}

MaybeStatus AdmitSigningRequest(const Cluster& cluster, const Call& call, Json& object,
                                const Json& before) {
  if (call.type->storage_key != "certificates.k8s.io/certificatesigningrequests")
    return std::nullopt;
  if (!before.is_object()) {
    Json& spec = object["spec"];
    if (!spec.is_object()) spec = Json::object();
    for (const char* member : {"username", "uid", "groups", "extra"}) spec.erase(member);
    spec["username"] = call.user.name;
    if (!call.user.uid.empty()) spec["uid"] = call.user.uid;
    spec["groups"] = call.user.groups;
    if (!call.user.extra.empty()) spec["extra"] = call.user.extra;
    return CheckNew(call, object);
  }
  const std::string signer = TextAt(before, {"spec", "signerName"});
  const bool approval = call.info.subresource == "approval";
  const bool signing =
      call.info.subresource == "status" &&
      At(object, {"status", "certificate"}) != At(before, {"status", "certificate"});
  if ((approval && !MaySignFor(cluster, call.user, "approve", signer)) ||
      (signing && !MaySignFor(cluster, call.user, "sign", signer))) {
    return ForbiddenStatus(*call.type, call.info.name,
                           fmt::format("user not permitted to {} requests with signerName \"{}\"",
                                       approval ? "approve" : "sign", signer));
  }
  if (call.info.subresource.empty()) {  // the request itself never changes
    object["spec"] = before["spec"];
    return std::nullopt;
  }
  return CheckConditions(call, object, before);
}

}  // namespace opsmesh::kubesim
