#include "libs/llm_provider/catalog.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "embed/opsmesh_libs_llm_provider.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "yaml-cpp/yaml.h"

namespace opsmesh::llm_provider {
namespace {

std::string Text(const YAML::Node& node, const char* key) {
  return node[key] ? node[key].as<std::string>() : "";
}

std::vector<std::string> Texts(const YAML::Node& node, const char* key) {
  return node[key] ? node[key].as<std::vector<std::string>>() : std::vector<std::string>();
}

absl::StatusOr<Dialect> ReadDialect(const YAML::Node& node) {
  Dialect dialect;
  for (const std::string& word : Texts(node, "dialect")) {
    if (word == "azure") {
      dialect.azure = true;
      dialect.api_key_header = true;
    } else if (word == "no_stream_options") {
      dialect.stream_options = false;
    } else if (word == "no_temperature") {
      dialect.temperature = false;
    } else if (word == "no_tool_choice") {
      dialect.tool_choice = false;
    } else if (word == "completion_tokens") {
      dialect.completion_tokens = true;
    } else if (word == "echo_reasoning") {
      dialect.echo_reasoning = true;
    } else {
      return base::InvalidArgument("dialect", "CONFIG",
                                   "providers.yaml: unknown dialect '" + word + "'.");
    }
  }
  return dialect;
}

absl::StatusOr<KnownProvider> ReadProvider(const YAML::Node& node) {
  KnownProvider provider;
  provider.name = Text(node, "name");
  if (provider.name.empty())
    return base::InvalidArgument("name", "CONFIG", "providers.yaml: a provider has no name.");
  provider.aliases = Texts(node, "aliases");
  provider.base_url = Text(node, "base_url");
  provider.path = node["path"] ? Text(node, "path") : "/v1";
  provider.key_env = Texts(node, "key_env");
  provider.url_env = Texts(node, "url_env");
  provider.model_env = Texts(node, "model_env");
  provider.api_version_env = Texts(node, "api_version_env");
  provider.api_version = Text(node, "api_version");
  provider.needs_key = !node["needs_key"] || node["needs_key"].as<bool>();
  provider.needs_address = node["needs_address"] && node["needs_address"].as<bool>();
  provider.default_model = Text(node, "default_model");
  provider.models = Texts(node, "models");
  provider.prefixes = Texts(node, "prefixes");
  provider.reasoning_prefixes = Texts(node, "reasoning_prefixes");
  provider.extra_body = Text(node, "extra_body");
  for (const auto& entry : node["official_models"]) {
    provider.official_models[entry.first.as<std::string>()] = {Text(entry.second, "send"),
                                                               Text(entry.second, "body")};
  }
  OPSMESH_ASSIGN_OR_RETURN(provider.dialect, ReadDialect(node));
  return provider;
}

bool IsOneOf(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& known) {
    return base::EqualsIgnoreAsciiCase(known, name);
  });
}

bool HasPrefix(const std::vector<std::string>& prefixes, std::string_view name) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return name.starts_with(prefix); });
}

}  // namespace

absl::StatusOr<Catalog> Catalog::Load(std::string_view yaml) {
  try {  // yaml-cpp reports by exception
    const YAML::Node root = YAML::Load(std::string(yaml));
    Catalog catalog;
    catalog.default_ = Text(root, "default");
    for (const auto& entry : root["routes"]) {
      catalog.routes_.emplace_back(entry.first.as<std::string>(), entry.second.as<std::string>());
    }
    for (const YAML::Node& node : root["providers"]) {
      OPSMESH_ASSIGN_OR_RETURN(KnownProvider provider, ReadProvider(node));
      catalog.providers_.push_back(std::move(provider));
    }
    return catalog;
  } catch (const YAML::Exception& error) {
    return base::InvalidArgument("providers.yaml", "CONFIG",
                                 std::string("providers.yaml: ") + error.what());
  }
}

const Catalog& Catalog::Embedded() {
  static const Catalog* const kCatalog = [] {
    auto loaded = Load(embedded::EmbeddedFile("providers.yaml"));
    if (!loaded.ok()) {  // a bug of ours: the file is part of the program, and a test loads it
      std::cerr << loaded.status() << '\n';
      std::abort();
    }
    return new Catalog(*std::move(loaded));
  }();
  return *kCatalog;
}

const KnownProvider* Catalog::Find(std::string_view name) const {
  for (const KnownProvider& provider : providers_) {
    if (base::EqualsIgnoreAsciiCase(provider.name, name) || IsOneOf(provider.aliases, name))
      return &provider;
  }
  return nullptr;
}

const KnownProvider* Catalog::OfModel(std::string_view model) const {
  for (const KnownProvider& provider : providers_) {
    if (IsOneOf(provider.models, model)) return &provider;
  }
  // "qwen2.5:3b" is how Ollama writes a model, whoever made it.
  if (model.find(':') != std::string_view::npos) return Find("ollama");
  for (const KnownProvider& provider : providers_) {
    if (HasPrefix(provider.prefixes, model)) return &provider;
  }
  return nullptr;
}

std::string Catalog::Routed(std::string_view model) const {
  for (const auto& [route, behind] : routes_) {
    if (base::EqualsIgnoreAsciiCase(route, model)) return behind;
  }
  return std::string(model);
}

std::vector<std::string> Catalog::Names() const {
  std::vector<std::string> names;
  for (const KnownProvider& provider : providers_) names.push_back(provider.name);
  return names;
}

}  // namespace opsmesh::llm_provider
