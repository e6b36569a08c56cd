#include "libs/llm_provider/selection.h"

#include <algorithm>
#include <set>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/llm_provider/base_url.h"
#include "libs/llm_provider/failures.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm_provider {
namespace {

constexpr char kGenericProvider[] =
    "openai";  // what LLM_API_KEY alone means in the documents that name it

// Known official models apply on the provider's own host only: whoever stands in front of it may
// use any names.
bool IsOwnHost(const KnownProvider* known, const std::string& base_url) {
  return known != nullptr && !known->base_url.empty() &&
         SplitHead(known->base_url).host == SplitHead(base_url).host;
}

std::string MergeJson(const std::string& a, const std::string& b) {
  const auto first = base::ParseJson(a.empty() ? "{}" : a);
  const auto second = base::ParseJson(b.empty() ? "{}" : b);
  nlohmann::json merged = first.ok() && first->is_object() ? *first : nlohmann::json::object();
  if (second.ok() && second->is_object()) merged.update(*second);
  return merged.empty() ? "" : base::DumpJson(merged);
}

// Builds the settings of one provider; `generic` says that llm.api_key, llm.base_url and llm.model
// are meant for it.
class Builder {
 public:
  Builder(const Catalog& catalog, const Choice& choice) : catalog_(catalog), choice_(choice) {}

  absl::StatusOr<ProviderSettings> Build(const std::string& name, bool generic) const {
    const KnownProvider* known = catalog_.Find(name);
    const ProviderChoice* own = Own(name);
    ProviderSettings settings;
    settings.name = name;
    settings.needs_key = known != nullptr && known->needs_key;
    settings.key_hint = KeyHint(name, known);
    if (known != nullptr) settings.dialect = known->dialect;
    // Ollama's variables stand beside those of another provider in one .env: there its own win.
    const bool own_first = name == "ollama";
    const auto pick = [&](const std::string& generic_value, const std::string& own_value) {
      const std::string& first = own_first ? own_value : generic_value;
      const std::string& second = own_first ? generic_value : own_value;
      if (!generic) return own_value;
      return first.empty() ? second : first;
    };
    settings.model = catalog_.Routed(pick(choice_.model, own != nullptr ? own->model : ""));
    if (settings.model.empty() && known != nullptr) settings.model = known->default_model;
    std::string address = pick(choice_.base_url, own != nullptr ? own->base_url : "");
    const bool own_address = address.empty();
    if (own_address && known != nullptr) address = known->base_url;
    if (address.empty()) {
      return base::FailedPrecondition("LLM_BASE_URL", fmt::format("{}: no address is set", name))
          .Hint(fmt::format(
              "Set LLM_BASE_URL, or llm.providers.{}.base_url, for instance vllm://host:8000.",
              name));
    }
    OPSMESH_ASSIGN_OR_RETURN(settings.base_url,
                             NormalizeBaseUrl(address, known != nullptr ? known->path : "/v1"));
    if (own != nullptr) settings.api_key = own->api_key;
    if (generic && !choice_.api_key.empty() && !own_first) settings.api_key = choice_.api_key;
    if (settings.needs_key && settings.api_key.empty()) return MissingKey(settings);
    if (settings.model.empty()) {
      return base::FailedPrecondition("LLM_MODEL",
                                      fmt::format("model not found: {} has no model", name))
          .Hint(fmt::format("Set LLM_MODEL, or llm.providers.{}.model.", name));
    }
    Finish(known, own, &settings);
    return settings;
  }

  /// Whether anything says that `known` is to be used.
  bool HasWhatItNeeds(const KnownProvider& known) const {
    const ProviderChoice* own = Own(known.name);
    if (own == nullptr) return false;
    if (known.needs_key && own->api_key.empty()) return false;
    if (known.needs_address && own->base_url.empty() &&
        (known.base_url.empty() || own->model.empty()))
      return false;
    return known.needs_key || known.needs_address;
  }

  const ProviderChoice* Own(const std::string& name) const {
    const auto it = choice_.providers.find(name);
    return it == choice_.providers.end() ? nullptr : &it->second;
  }

 private:
  static std::string KeyHint(const std::string& name, const KnownProvider* known) {
    if (known == nullptr || known->key_env.empty())
      return fmt::format("LLM_API_KEY or llm.providers.{}.api_key", name);
    return known->key_env.front() + " or LLM_API_KEY";
  }

  void Finish(const KnownProvider* known, const ProviderChoice* own,
              ProviderSettings* settings) const {
    settings->stream = choice_.stream;
    settings->temperature = choice_.temperature;
    settings->max_tokens = choice_.max_tokens;
    settings->skip_tls_verify = choice_.skip_tls_verify;
    settings->ca_pem = choice_.ca_pem;
    settings->connect_timeout = choice_.connect_timeout;
    settings->first_byte_timeout = choice_.first_byte_timeout;
    settings->idle_timeout = choice_.idle_timeout;
    const UrlHead head = SplitHead(settings->base_url);
    if (!IsLoopback(head.host)) {
      settings->proxy_url = head.scheme == "http" ? choice_.http_proxy : choice_.https_proxy;
      settings->no_proxy = choice_.no_proxy;
    }
    if (own != nullptr) {
      settings->headers = own->headers;
      settings->api_version = own->api_version;
      settings->deployment = own->deployment;
      settings->extra_body = own->extra_body;
    }
    if (known == nullptr) return;
    if (settings->api_version.empty()) settings->api_version = known->api_version;
    const auto thinks = [&](const std::string& prefix) {
      return settings->model.starts_with(prefix);
    };
    if (std::any_of(known->reasoning_prefixes.begin(), known->reasoning_prefixes.end(), thinks)) {
      settings->dialect.temperature = false;
      settings->dialect.completion_tokens = true;
    }
    // The v1 surface of Azure is the plain form.
    if (settings->base_url.ends_with("/openai/v1")) settings->dialect.azure = false;
    if (!IsOwnHost(known, settings->base_url)) return;
    std::string body = known->extra_body;
    if (const auto it = known->official_models.find(settings->model);
        it != known->official_models.end()) {
      settings->wire_model = it->second.send;
      body = MergeJson(body, it->second.body);
    }
    settings->extra_body = MergeJson(body, settings->extra_body);
  }

  const Catalog& catalog_;
  const Choice& choice_;
};

bool IsOff(std::string_view provider) {
  return provider == "deterministic" || provider == "none" || provider == "off";
}

// The provider that is asked for explicitly, "" when none is.
absl::StatusOr<std::string> Wanted(const Catalog& catalog, const Choice& choice) {
  if (!choice.provider.empty()) {
    if (const KnownProvider* known = catalog.Find(choice.provider)) return known->name;
    if (choice.providers.contains(choice.provider)) return choice.provider;
    std::vector<std::string> names = catalog.Names();
    names.emplace_back("deterministic");
    const std::string nearest(base::Nearest(choice.provider, names));
    return base::InvalidArgument("llm.provider", "UNKNOWN_PROVIDER",
                                 fmt::format("There is no LLM provider '{}'.", choice.provider))
        .Hint(nearest.empty() ? "Known: " + base::Join(names, ", ") + "."
                              : fmt::format("Did you mean '{}'?", nearest));
  }
  if (choice.base_url.starts_with("vllm:")) return std::string("vllm");
  if (choice.base_url.starts_with("ollama:")) return std::string("ollama");
  const std::string model = catalog.Routed(choice.model);
  const KnownProvider* of_model = model.empty() ? nullptr : catalog.OfModel(model);
  if (!choice.base_url.empty()) {
    // An address that is some known provider's own; else anything that speaks the protocol.
    for (const KnownProvider& known : catalog.providers()) {
      if (IsOwnHost(&known, choice.base_url) && known.needs_key) return known.name;
    }
    return std::string("openai-compatible");
  }
  if (of_model != nullptr) return of_model->name;
  if (!model.empty()) {
    for (const auto& [name, own] : choice.providers) {
      if (own.model == model || std::count(own.models.begin(), own.models.end(), model) > 0)
        return name;
    }
    if (!choice.api_key.empty()) return std::string(kGenericProvider);
    return base::NotFound(
               "LLM_MODEL",
               fmt::format("model not found: no known provider has a model '{}'.", model))
        .Hint("Set LLM_PROVIDER (or llm.provider) too, or LLM_BASE_URL for a server of your own.");
  }
  if (!choice.api_key.empty()) return std::string(kGenericProvider);
  return std::string();
}

std::vector<std::string> Behind(const Catalog& catalog, const Choice& choice,
                                const Builder& builder) {
  if (choice.fallback_given) return choice.fallback;
  std::vector<std::string> names;
  for (const KnownProvider& known : catalog.providers()) {
    if (builder.HasWhatItNeeds(known)) names.push_back(known.name);
  }
  for (const auto& [name, own] : choice.providers) {
    if (catalog.Find(name) == nullptr && !own.base_url.empty()) names.push_back(name);
  }
  return names;
}

std::vector<Listed> List(const Catalog& catalog, const Choice& choice, const Builder& builder,
                         const Selection& selection) {
  std::vector<Listed> all;
  const auto add = [&](const std::string& name, std::vector<std::string> models,
                       std::string default_model) {
    Listed listed{.name = name,
                  .configured = false,
                  .message = "",
                  .default_model = std::move(default_model),
                  .models = std::move(models)};
    for (const ProviderSettings& settings : selection.chain) {
      if (settings.name != name) continue;
      listed.configured = true;
      listed.default_model = settings.model;
      listed.models.insert(listed.models.begin(), settings.model);
    }
    if (!listed.configured) {
      const auto built = builder.Build(name, name == selection.wanted);
      if (built.ok()) {
        listed.message = "Not in use: it is not in llm.fallback.";
      } else {
        listed.message =
            std::string(built.status().message()) + ". " + base::DetailOf(built.status()).hint;
      }
    }
    std::set<std::string> seen;
    std::erase_if(listed.models,
                  [&](const std::string& model) { return !seen.insert(model).second; });
    all.push_back(std::move(listed));
  };
  for (const KnownProvider& known : catalog.providers()) {
    std::vector<std::string> models = known.models;
    if (const ProviderChoice* own = builder.Own(known.name))
      models.insert(models.end(), own->models.begin(), own->models.end());
    add(known.name, std::move(models), known.default_model);
  }
  for (const auto& [name, own] : choice.providers) {
    if (catalog.Find(name) == nullptr) add(name, own.models, own.model);
  }
  return all;
}

}  // namespace

absl::StatusOr<Selection> Select(const Catalog& catalog, const Choice& choice) {
  Selection selection;
  const Builder builder(catalog, choice);
  if (!IsOff(choice.provider)) {
    absl::StatusOr<std::string> wanted = Wanted(catalog, choice);
    if (wanted.ok()) {
      selection.wanted = *std::move(wanted);
    } else if (wanted.status().code() == absl::StatusCode::kNotFound) {
      selection.unusable = wanted.status();
    } else {
      return wanted.status();
    }
    std::set<std::string> taken;
    const auto take = [&](const std::string& name, bool generic) -> absl::Status {
      if (taken.contains(name)) return absl::OkStatus();
      absl::StatusOr<ProviderSettings> settings = builder.Build(name, generic);
      if (settings.ok()) {
        taken.insert(name);
        selection.chain.push_back(*std::move(settings));
      }
      return settings.status();
    };
    if (!selection.wanted.empty()) {
      selection.unusable = take(selection.wanted, true);
      if (selection.unusable.code() == absl::StatusCode::kInvalidArgument)
        return selection.unusable;
    }
    for (const std::string& name : Behind(catalog, choice, builder)) {
      const KnownProvider* known = catalog.Find(name);
      if (known == nullptr && !choice.providers.contains(name)) {
        return base::InvalidArgument("llm.fallback", "UNKNOWN_PROVIDER",
                                     fmt::format("There is no LLM provider '{}'.", name))
            .Hint(
                "llm.fallback lists providers by name, for instance [qwen, ollama]; [] turns it "
                "off.");
      }
      const absl::Status taken_status = take(known != nullptr ? known->name : name, false);
      if (taken_status.code() == absl::StatusCode::kInvalidArgument) return taken_status;
    }
    // LLM_* beside a local first choice: what they describe stands behind it.
    if (selection.wanted == "ollama" && !choice.fallback_given && !choice.api_key.empty() &&
        !choice.base_url.empty()) {
      (void)take(kGenericProvider, true);
    }
  }
  selection.listed = List(catalog, choice, builder, selection);
  return selection;
}

}  // namespace opsmesh::llm_provider
