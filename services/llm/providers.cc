#include "services/llm/providers.h"

#include <algorithm>
#include <set>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/llm_provider/openai_provider.h"

namespace opsmesh::llm {
namespace {

using llm_provider::Breaker;
using llm_provider::Chain;
using llm_provider::ProviderHealth;
using llm_provider::ProviderSettings;
using type::v1::ComponentStatus;

constexpr size_t kMostAskedChains = 32;

std::string Sentence(const absl::Status& status) {
  std::string text(status.message());
  if (!text.empty() && text.back() != '.') text += '.';
  const std::string hint = base::DetailOf(status).hint;
  return hint.empty() ? text : text + " " + hint;
}

bool Works(const ProviderHealth& health) {
  return health.state == Breaker::State::kClosed && health.why.ok();
}

std::string Describe(const ProviderHealth& health, const base::Clock& clock) {
  const std::string who = fmt::format("{} ({})", health.name, health.model);
  if (health.state == Breaker::State::kOpen)
    return fmt::format("{} is paused after failures. {}", who, Sentence(health.why));
  if (!health.why.ok()) return fmt::format("{} failed last time. {}", who, Sentence(health.why));
  if (health.last_success == absl::InfinitePast())
    return who + " is configured and was not asked yet.";
  return fmt::format("{} answered {} ago.", who,
                     base::GoDuration(absl::ToInt64Seconds(clock.Now() - health.last_success)));
}

ComponentStatus::State StateOf(const std::vector<ProviderHealth>& all, bool wanted_missing) {
  const auto working = std::count_if(all.begin(), all.end(), Works);
  if (working == static_cast<std::ptrdiff_t>(all.size()) && !wanted_missing)
    return ComponentStatus::STATE_OK;
  return working > 0 ? ComponentStatus::STATE_DEGRADED : ComponentStatus::STATE_DOWN;
}

}  // namespace

Providers::Providers(llm_provider::Selection selection, const llm_provider::Catalog& catalog,
                     http_client::Client& http, const base::Clock& clock, base::IdSource& ids,
                     telemetry::Registry* metrics, llm_provider::ChainOptions options)
    : selection_(std::move(selection)),
      catalog_(catalog),
      http_(http),
      clock_(clock),
      ids_(ids),
      metrics_(metrics),
      options_(options),
      chain_(MakeChain(0, "")) {}

std::unique_ptr<Chain> Providers::MakeChain(size_t first, const std::string& model) const {
  std::vector<std::unique_ptr<llm_provider::Provider>> providers;
  for (size_t step = 0; step < selection_.chain.size(); ++step) {
    ProviderSettings settings = selection_.chain[(first + step) % selection_.chain.size()];
    if (step == 0 && !model.empty() && model != settings.model) {
      settings.model = model;
      settings.wire_model.clear();
    }
    providers.push_back(llm_provider::MakeOpenAiProvider(http_, clock_, std::move(settings)));
  }
  return std::make_unique<Chain>(std::move(providers), options_, clock_, ids_, metrics_);
}

absl::StatusOr<Chain*> Providers::For(const std::string& provider,
                                      const std::string& wanted_model) {
  if (provider == kDeterministic) return nullptr;
  const std::string model = catalog_.Routed(wanted_model);
  const std::vector<ProviderSettings>& chain = selection_.chain;
  size_t first = 0;
  if (!provider.empty()) {
    const llm_provider::KnownProvider* known = catalog_.Find(provider);
    const std::string name = known != nullptr ? known->name : provider;
    const auto it = std::find_if(chain.begin(), chain.end(),
                                 [&](const auto& settings) { return settings.name == name; });
    if (it == chain.end()) {
      std::string why = fmt::format("There is no configured provider '{}'.", provider);
      for (const llm_provider::Listed& listed : selection_.listed) {
        if (listed.name == name) why += " " + listed.message;
      }
      return base::InvalidArgument("provider", "UNKNOWN_PROVIDER", why)
          .Hint(
              "Leave `provider` out, or use \"deterministic\"; GET /api/v1/llm/models lists what "
              "is configured.");
    }
    first = static_cast<size_t>(it - chain.begin());
  } else if (!model.empty()) {
    const llm_provider::KnownProvider* owner = catalog_.OfModel(model);
    for (size_t i = 0; i < chain.size(); ++i) {
      if (chain[i].model == model || (owner != nullptr && chain[i].name == owner->name)) {
        first = i;
        break;
      }
    }
  }
  if (chain.empty()) return nullptr;
  if (first == 0 && (model.empty() || model == chain[0].model)) return chain_.get();
  const std::lock_guard lock(mutex_);
  const std::pair key(first, model);
  if (const auto it = asked_.find(key); it != asked_.end()) return it->second.get();
  if (asked_.size() >= kMostAskedChains)
    return chain_.get();  // one process is not asked for more models than this
  return asked_.emplace(key, MakeChain(first, model)).first->second.get();
}

v1::ListModelsResponse Providers::Models() const {
  v1::ListModelsResponse response;
  const bool llm = !selection_.chain.empty();
  const std::string current = llm ? selection_.chain.front().model : kDeterministic;
  response.set_current(current);
  response.set_provider(llm ? selection_.chain.front().name : kDeterministic);
  response.set_default_provider(catalog_.default_provider());
  response.set_supports_tools(true);
  std::set<std::string> named;
  const auto add = [&](const std::string& model) {
    if (named.insert(model).second) response.add_models(model);
  };
  add(current);
  add(kDeterministic);
  auto* planner = response.add_providers();
  planner->set_name(kDeterministic);
  planner->set_configured(true);
  planner->add_models(kDeterministic);
  planner->set_default_model(kDeterministic);
  planner->set_message("Answers in Chinese and English without an LLM.");
  const std::vector<ProviderHealth> health = chain_->Health();
  for (const llm_provider::Listed& listed : selection_.listed) {
    auto* provider = response.add_providers();
    provider->set_name(listed.name);
    provider->set_configured(listed.configured);
    provider->set_default_model(listed.default_model);
    provider->set_message(listed.message);
    for (const ProviderHealth& one : health) {
      if (one.name == listed.name) provider->set_message(Describe(one, clock_));
    }
    for (const std::string& model : listed.models) {
      provider->add_models(model);
      add(model);
    }
  }
  for (const auto& [name, model] : catalog_.routes()) {
    auto* route = response.add_routes();
    route->set_name(name);
    route->set_model(model);
  }
  return response;
}

v1::GetLlmStatusResponse Providers::Status() const {
  v1::GetLlmStatusResponse response;
  const auto add = [&](const char* name, ComponentStatus::State state, std::string message) {
    auto* component = response.add_components();
    component->set_name(name);
    component->set_state(state);
    component->set_message(std::move(message));
    return component;
  };
  add("planner", ComponentStatus::STATE_OK, "Answers in Chinese and English without an LLM.");
  const bool wanted_missing = !selection_.unusable.ok();
  const std::vector<ProviderHealth> health = chain_->Health();
  std::string message;
  if (wanted_missing) message = Sentence(selection_.unusable);
  for (const ProviderHealth& one : health)
    message += (message.empty() ? "" : " ") + Describe(one, clock_);
  if (health.empty()) {
    message +=
        std::string(message.empty() ? "No LLM provider is configured (API key not found)." : "") +
        " The deterministic planner answers.";
    add("llm", wanted_missing ? ComponentStatus::STATE_DOWN : ComponentStatus::STATE_DISABLED,
        message);
  } else {
    auto* llm = add("llm", StateOf(health, wanted_missing), message);
    absl::Time checked = absl::InfinitePast();
    for (const ProviderHealth& one : health) checked = std::max(checked, one.last_success);
    if (checked != absl::InfinitePast()) {
      *llm->mutable_checked_time() =
          google::protobuf::util::TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(checked));
    }
  }
  add("mcp_client", ComponentStatus::STATE_DISABLED,
      "The MCP client is not built in this version.");
  add("knowledge_base", ComponentStatus::STATE_DISABLED,
      "The knowledge index is not built in this version.");
  return response;
}

}  // namespace opsmesh::llm
