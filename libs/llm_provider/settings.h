// How one provider is reached and spoken to. Made by selection.h from the configuration; by hand in
// tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/secret.h"

namespace opsmesh::llm_provider {

/// Where OpenAI-compatible servers differ. Most of it can also be learnt from a refusal (see
/// MakeOpenAiProvider).
struct Dialect {
  /// Azure's deployment paths:
  /// {base}/openai/deployments/{deployment}/chat/completions?api-version=...
  bool azure = false;
  bool api_key_header = false;     // "api-key: ..." in place of "Authorization: Bearer ..."
  bool stream_options = true;      // ask for the usage of a stream
  bool temperature = true;         // reasoning models refuse it
  bool tool_choice = true;         // "none" can be asked for
  bool completion_tokens = false;  // max_completion_tokens in place of max_tokens
  bool echo_reasoning = false;     // reasoning of turns with tool calls must be sent back
};

struct ProviderSettings {
  std::string name;        // "deepseek"
  std::string base_url;    // without a trailing slash, "https://api.deepseek.com/v1"
  std::string model;       // as people know it
  std::string wire_model;  // as it is sent; "" = model
  base::Secret api_key;    // empty = no Authorization header
  /// What to set when the key is missing or wrong: "DEEPSEEK_API_KEY or LLM_API_KEY".
  std::string key_hint;
  bool needs_key = true;
  Dialect dialect;
  std::string api_version;  // Azure
  std::string deployment;   // Azure; "" = model
  std::vector<std::pair<std::string, std::string>> headers;
  /// JSON object whose members are added to every request
  /// ("{\"thinking\":{\"type\":\"disabled\"}}").
  std::string extra_body;

  bool stream = true;
  double temperature = 0.2;
  int64_t max_tokens = 0;  // 0 = not sent

  bool skip_tls_verify = false;
  std::string ca_pem;
  std::string proxy_url;
  std::string no_proxy;
  absl::Duration connect_timeout = absl::Seconds(10);
  absl::Duration first_byte_timeout = absl::Seconds(20);
  absl::Duration idle_timeout = absl::Seconds(30);
  size_t max_reply_bytes = 1 << 20;
};

}  // namespace opsmesh::llm_provider
