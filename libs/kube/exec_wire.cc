#include <fmt/format.h>

#include <vector>

#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "libs/kube/exec_plugin.h"
#include "libs/kube/small_json.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxTokenBytes = 64 << 10;
constexpr size_t kMaxPemBytes = 64 << 10;

base::Error InvalidOutput(std::string_view why) {
  return base::FailedPrecondition(
             "EXEC_PLUGIN_INVALID_OUTPUT",
             fmt::format("The credential plugin's output cannot be used: {}.", why))
      .Hint("Run the plugin's command by hand and look at what it prints.");
}

/// What may stand in a header: visible ASCII.
bool IsTokenText(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return text.size() <= kMaxTokenBytes;
}

absl::Status ReadCredential(JsonRef status, ExecCredential* out) {
  const std::string token(base::Trim(status["token"].String()));
  if (!IsTokenText(token)) return InvalidOutput("its token has characters that no token has");
  out->token = base::Secret(token);
  out->client_cert_pem = status["clientCertificateData"].String();
  std::string key = status["clientKeyData"].String();
  if (out->client_cert_pem.size() > kMaxPemBytes || key.size() > kMaxPemBytes)
    return InvalidOutput("its certificate is too large");
  if (out->client_cert_pem.empty() != key.empty())
    return InvalidOutput("it has a certificate or a key, but not both");
  out->client_key_pem = base::Secret(std::move(key));
  if (token.empty() && out->client_cert_pem.empty())
    return InvalidOutput("it has neither a token nor a certificate");
  const std::string expires = status["expirationTimestamp"].String();
  if (!expires.empty() && !base::ParseRfc3339(expires, &out->expires))
    return InvalidOutput("its expirationTimestamp is no RFC 3339 time");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExecCredential> ParseExecCredential(std::string_view text,
                                                   std::string_view api_version) {
  const SmallJson json(text);
  if (!json.valid() || json.root().type() != JsonRef::Type::kObject)
    return InvalidOutput("it is not a JSON object");
  const JsonRef root = json.root();
  if (root["kind"].String() != "ExecCredential")
    return InvalidOutput("its kind is not ExecCredential");
  if (root["apiVersion"].String() != api_version) {
    return InvalidOutput(
        fmt::format("its apiVersion is not {}, which the kubeconfig names", api_version));
  }
  if (root["status"].type() != JsonRef::Type::kObject) return InvalidOutput("it has no status");
  ExecCredential credential;
  OPSMESH_RETURN_IF_ERROR(ReadCredential(root["status"], &credential));
  return credential;
}

std::string FormatExecRequest(const ExecRequest& request) {
  std::string files;
  for (const std::string& file : request.files)
    files += (files.empty() ? "" : ",") + base::JsonString(file);
  return JsonObject().AddRaw("files", "[" + files + "]").Add("context", request.context).Take() +
         "\n";
}

absl::StatusOr<ExecRequest> ParseExecRequest(std::string_view line) {
  const SmallJson json(line);
  ExecRequest request;
  bool good = json.valid() && json.root()["files"].type() == JsonRef::Type::kArray &&
              json.root()["context"].type() == JsonRef::Type::kString;
  if (good) {
    request.context = json.root()["context"].String();
    json.root()["files"].ForEachElement([&](JsonRef file) {
      good = good && file.type() == JsonRef::Type::kString && request.files.size() < 100;
      if (good) request.files.push_back(file.String());
      return good;
    });
  }
  if (!good)
    return base::InvalidArgument("", "MALFORMED_REQUEST",
                                 "The request is not {\"files\": [...], \"context\": \"...\"}.");
  return request;
}

std::string FormatExecAnswer(const absl::StatusOr<ExecCredential>& answer) {
  if (!answer.ok()) {
    const base::ErrorDetail detail = base::DetailOf(answer.status());
    return JsonObject()
               .AddRaw("error",
                       JsonObject()
                           .AddRaw("code", std::to_string(static_cast<int>(answer.status().code())))
                           .Add("reason", detail.reason)
                           .Add("message", base::ToStd(answer.status().message()))
                           .Add("hint", detail.hint)
                           .Take())
               .Take() +
           "\n";
  }
  return JsonObject()
             .AddRaw("status",
                     JsonObject()
                         .AddIf("token", answer->token.Reveal())
                         .AddIf("clientCertificateData", answer->client_cert_pem)
                         .AddIf("clientKeyData", answer->client_key_pem.Reveal())
                         .AddIf("expirationTimestamp",
                                answer->expires == absl::InfiniteFuture()
                                    ? ""
                                    : absl::FormatTime(absl::RFC3339_full, answer->expires,
                                                       absl::UTCTimeZone()))
                         .Take())
             .Take() +
         "\n";
}

absl::StatusOr<ExecCredential> ParseExecAnswer(std::string_view line) {
  const SmallJson json(line);
  if (json.valid() && json.root()["status"].type() == JsonRef::Type::kObject) {
    ExecCredential credential;
    OPSMESH_RETURN_IF_ERROR(ReadCredential(json.root()["status"], &credential));
    return credential;
  }
  const JsonRef error = json.valid() ? json.root()["error"] : JsonRef();
  const int64_t code = error["code"].Int().value_or(0);
  if (code < 1 || code > 16) {
    return base::Unavailable("EXEC_HELPER_UNREACHABLE",
                             "What answers on the credential helper's socket is not the helper.")
        .Hint("Check k8s.exec_credential_socket.");
  }
  return base::Error(static_cast<absl::StatusCode>(code), error["reason"].String(),
                     error["message"].String())
      .Hint(error["hint"].String());
}

}  // namespace opsmesh::kube
