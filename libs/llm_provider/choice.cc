// The configuration section of the LLM, read into a Choice.
#include <utility>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/llm_provider/selection.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm_provider {
namespace {

ProviderChoice ReadProvider(config::Reader reader, const KnownProvider* known) {
  ProviderChoice choice;
  const auto env = [&](std::vector<std::string> KnownProvider::*names) {
    config::StringOptions options;
    if (known != nullptr) options.env = known->*names;
    return options;
  };
  choice.base_url = reader.String("base_url", "", env(&KnownProvider::url_env));
  choice.model = reader.String("model", "", env(&KnownProvider::model_env));
  config::Names key_names;
  if (known != nullptr) key_names.env = known->key_env;
  choice.api_key = reader.Secret("api_key", key_names);
  choice.api_version = reader.String("api_version", "", env(&KnownProvider::api_version_env));
  return choice;
}

void ReadDetails(config::Reader& reader, ProviderChoice* choice) {
  choice->deployment = reader.String("deployment", "");
  choice->models = reader.Strings("models", {});
  choice->extra_body = reader.String("extra_body", "");
  if (!choice->extra_body.empty()) {
    const auto body = base::ParseJson(choice->extra_body);
    if (!body.ok() || !body->is_object()) reader.Problem("extra_body", "is no JSON object.");
  }
  for (const std::string& header : reader.Strings("headers", {})) {
    const size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      reader.Problem("headers", "expected \"Name: value\".");
      continue;
    }
    choice->headers.emplace_back(
        std::string(base::Trim(std::string_view(header).substr(0, colon))),
        std::string(base::Trim(std::string_view(header).substr(colon + 1))));
  }
}

}  // namespace

Choice ReadChoice(config::Reader& reader, const Catalog& catalog) {
  Choice choice;
  const auto names = [](std::vector<std::string> env, std::vector<std::string> aliases) {
    config::StringOptions options;
    options.env = std::move(env);
    options.aliases = std::move(aliases);
    return options;
  };
  choice.provider = reader.String("provider", "", names({"LLM_PROVIDER"}, {"llm_provider"}));
  choice.model = reader.String("model", "", names({"LLM_MODEL"}, {"model"}));
  choice.base_url = reader.String("base_url", "", names({"LLM_BASE_URL"}, {"llm_base_url"}));
  choice.api_key = reader.Secret("api_key", {.env = {"LLM_API_KEY"}, .aliases = {"llm_api_key"}});
  choice.fallback_given = reader.Has("fallback", {.env = {"LLM_FALLBACK"}});
  choice.fallback = reader.Strings("fallback", {}, {.env = {"LLM_FALLBACK"}});
  choice.stream = reader.Bool("stream", true);
  config::DoubleOptions warmth;
  warmth.min = 0;
  warmth.max = 2;
  choice.temperature = reader.Double("temperature", 0.2, warmth);
  config::IntOptions tokens;
  tokens.min = 0;
  tokens.max = 1'000'000;
  choice.max_tokens = reader.Int("max_tokens", 0, tokens);
  choice.skip_tls_verify = reader.Bool(
      "skip_verify_ssl", false, {.env = {"LLM_SKIP_VERIFY_SSL"}, .aliases = {"skip_verify_ssl"}});
  choice.ca_pem = reader.String("ca_pem", "");
  choice.http_proxy = reader.String("http_proxy", "", names({"HTTP_PROXY", "http_proxy"}, {}));
  choice.https_proxy = reader.String("https_proxy", "", names({"HTTPS_PROXY", "https_proxy"}, {}));
  choice.no_proxy = reader.String("no_proxy", "", names({"NO_PROXY", "no_proxy"}, {}));
  config::DurationOptions span;
  span.min = absl::Milliseconds(10);
  span.max = absl::Minutes(10);
  choice.connect_timeout = reader.Duration("connect_timeout", absl::Seconds(10), span);
  choice.first_byte_timeout = reader.Duration("first_byte_timeout", absl::Seconds(20), span);
  choice.idle_timeout = reader.Duration("idle_timeout", absl::Seconds(30), span);

  for (auto& [name, section] : reader.Map("providers")) {
    const KnownProvider* known = catalog.Find(name);
    ProviderChoice own = ReadProvider(section, known);
    ReadDetails(section, &own);
    choice.providers[known != nullptr ? known->name : name] = std::move(own);
  }
  for (const KnownProvider& known : catalog.providers()) {
    if (choice.providers.contains(known.name)) continue;
    config::Reader section = reader.Section("providers." + known.name);
    ProviderChoice own = ReadProvider(section, &known);
    choice.providers[known.name] = std::move(own);
  }
  return choice;
}

}  // namespace opsmesh::llm_provider
