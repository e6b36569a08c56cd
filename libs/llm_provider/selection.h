// From the configuration to the providers in the order they are tried.
//
// What is set explicitly wins (provider, else the provider of the model, else of the address); else
// the first known provider with a key; else none: the deterministic planner answers. Others that
// have what they need stand behind the first one, unless `fallback` says which.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/secret.h"
#include "libs/config/reader.h"
#include "libs/llm_provider/catalog.h"
#include "libs/llm_provider/settings.h"

namespace opsmesh::llm_provider {

/// Settings of one provider: llm.providers.<name>, and its own environment variables.
struct ProviderChoice {
  std::string base_url, model, api_version, deployment, extra_body;
  base::Secret api_key;
  std::vector<std::string> models;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Section `llm`, as far as it is about providers.
struct Choice {
  std::string provider, model, base_url;
  base::Secret api_key;
  bool fallback_given = false;
  std::vector<std::string> fallback;
  std::map<std::string, ProviderChoice> providers;  // by name of the catalogue, or of its own

  bool stream = true;
  double temperature = 0.2;
  int64_t max_tokens = 0;
  bool skip_tls_verify = false;
  std::string ca_pem;
  std::string http_proxy, https_proxy, no_proxy;
  absl::Duration connect_timeout, first_byte_timeout, idle_timeout;
};

/// Reads the keys below `reader`; problems land there.
Choice ReadChoice(config::Reader& reader, const Catalog& catalog);

/// A provider as lists show it.
struct Listed {
  std::string name;
  bool configured = false;
  std::string message;  // why not, and the next step
  std::string default_model;
  std::vector<std::string> models;
};

struct Selection {
  /// In the order they are tried; all have what they need. Empty = no LLM.
  std::vector<ProviderSettings> chain;
  /// The provider that was asked for explicitly, "" when none was.
  std::string wanted;
  /// Why the wanted one is not in the chain; OK when it is, or none was wanted.
  absl::Status unusable;
  std::vector<Listed> listed;
};

/// INVALID_ARGUMENT (UNKNOWN_PROVIDER, LLM_BASE_URL) for a choice that means nothing; a missing key
/// and a model nobody is known to have are no error (Selection::unusable).
absl::StatusOr<Selection> Select(const Catalog& catalog, const Choice& choice);

/// "vllm://host:8000" -> "http://host:8000/v1": scheme and `path` added where missing,
/// "/chat/completions" and trailing slashes taken off. INVALID_ARGUMENT (LLM_BASE_URL) for what is
/// no address.
absl::StatusOr<std::string> NormalizeBaseUrl(std::string_view url, std::string_view path);

}  // namespace opsmesh::llm_provider
