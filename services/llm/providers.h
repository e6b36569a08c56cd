// The language models this process may ask: what the configuration chose, how each is, and chains
// for turns.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/http_client/http_client.h"
#include "libs/llm_provider/catalog.h"
#include "libs/llm_provider/chain.h"
#include "libs/llm_provider/selection.h"
#include "libs/telemetry/metrics.h"
#include "opsmesh/llm/v1/assistant.pb.h"

namespace opsmesh::llm {

/// The name under which the planner is listed.
inline constexpr char kDeterministic[] = "deterministic";

/// Thread-safe.
class Providers {
 public:
  /// Everything referred to outlives it; `metrics` may be null.
  Providers(llm_provider::Selection selection, const llm_provider::Catalog& catalog,
            http_client::Client& http, const base::Clock& clock, base::IdSource& ids,
            telemetry::Registry* metrics, llm_provider::ChainOptions options = {});

  /// The chain of a turn that asks for `provider` and `model` ("" = as configured; routes such as
  /// "fast" are models). It lives as long as this object. nullptr when the planner answers: by
  /// wish, or since no LLM is configured. INVALID_ARGUMENT (UNKNOWN_PROVIDER) for a provider that
  /// is not configured; with why and the next step.
  absl::StatusOr<llm_provider::Chain*> For(const std::string& provider, const std::string& model);

  const llm_provider::Selection& selection() const { return selection_; }
  v1::ListModelsResponse Models() const;
  v1::GetLlmStatusResponse Status() const;

 private:
  std::unique_ptr<llm_provider::Chain> MakeChain(size_t first, const std::string& model) const;

  const llm_provider::Selection selection_;
  const llm_provider::Catalog& catalog_;
  http_client::Client& http_;
  const base::Clock& clock_;
  base::IdSource& ids_;
  telemetry::Registry* const metrics_;
  const llm_provider::ChainOptions options_;
  const std::unique_ptr<llm_provider::Chain> chain_;
  std::mutex mutex_;
  std::map<std::pair<size_t, std::string>, std::unique_ptr<llm_provider::Chain>> asked_;  // bounded
};

}  // namespace opsmesh::llm
