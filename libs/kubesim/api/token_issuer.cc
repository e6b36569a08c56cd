// What a relying party reads to check service account tokens by itself.
#include <fmt/format.h>

#include "libs/base/strings.h"
#include "libs/kubesim/api/account_tokens.h"
#include "libs/kubesim/api/discovery.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool AcceptsKeySet(std::string_view accept) {
  if (base::Trim(accept).empty()) return true;
  for (const MediaRange& range : ParseAccept(accept)) {
    if (range.type == "*/*" || range.type == "application/*" ||
        range.type == "application/jwk-set+json")
      return true;
  }
  return false;
}

}  // namespace

std::optional<Reply> HandleTokenIssuer(const TokenSigner& signer, const Call& call) {
  const bool document = call.http.path == "/.well-known/openid-configuration";
  if (!document && call.http.path != "/openid/v1/jwks") return std::nullopt;
  const std::string root =
      fmt::format("{}://{}", call.http.tls ? "https" : "http", call.http.headers.Get("Host"));
  if (!document && !AcceptsKeySet(call.http.headers.Get("Accept")))
    return StatusReply({.code = 406,
                        .reason = "NotAcceptable",
                        .message = "406: Not Acceptable",
                        .has_details = true});
  Reply reply = JsonReply(document ? IssuerDocument(root) : signer.KeySet());
  if (!document) reply.content_type = "application/jwk-set+json";
  reply.headers.emplace_back("Cache-Control", "public, max-age=3600");
  return reply;
}

}  // namespace opsmesh::kubesim
