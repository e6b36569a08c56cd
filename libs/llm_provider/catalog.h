// The providers and models OpsMesh knows: providers.yaml, embedded. Immutable, thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/llm_provider/settings.h"

namespace opsmesh::llm_provider {

/// A model that the provider's own host knows under another name.
struct OfficialModel {
  std::string send;
  std::string body;  // JSON members for every request
};

struct KnownProvider {
  std::string name;
  std::vector<std::string> aliases;
  std::string base_url;  // "" = must be given
  std::string path;      // appended to an address without a path
  std::vector<std::string> key_env, url_env, model_env, api_version_env;
  std::string api_version;
  bool needs_key = true;
  /// Not in use unless an address or a model is given, since it has none of its own that could be
  /// assumed.
  bool needs_address = false;
  std::string default_model;
  std::vector<std::string> models;
  std::vector<std::string> prefixes;
  std::vector<std::string> reasoning_prefixes;
  std::map<std::string, OfficialModel> official_models;
  Dialect dialect;
  std::string extra_body;
};

class Catalog {
 public:
  /// INVALID_ARGUMENT (CONFIG) with the first thing that is wrong.
  static absl::StatusOr<Catalog> Load(std::string_view yaml);
  static const Catalog& Embedded();

  const std::vector<KnownProvider>& providers() const { return providers_; }
  const std::vector<std::pair<std::string, std::string>>& routes() const { return routes_; }
  const std::string& default_provider() const { return default_; }

  /// By name or alias, without regard to case; nullptr when unknown.
  const KnownProvider* Find(std::string_view name) const;
  /// The provider a model belongs to: listed, else by the beginning of its name, else ollama for
  /// "name:tag". nullptr when nothing fits.
  const KnownProvider* OfModel(std::string_view model) const;
  /// The model behind a route's name, else `model` itself.
  std::string Routed(std::string_view model) const;
  std::vector<std::string> Names() const;

 private:
  std::string default_;
  std::vector<KnownProvider> providers_;
  std::vector<std::pair<std::string, std::string>> routes_;
};

}  // namespace opsmesh::llm_provider
