// An agent between a scripted model and a scripted tool box, for tests.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/json.h"
#include "libs/http_client/http_client.h"
#include "libs/llm_provider/catalog.h"
#include "libs/testing/fake_llm.h"
#include "services/llm/agent/agent.h"
#include "services/llm/testing/fake_toolbox.h"

namespace opsmesh::llm {

using opsmesh::testing::FakeLlm;
using opsmesh::testing::LastText;
using opsmesh::testing::LlmAnswer;

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (auto& fake : fakes_) {
      auto started = FakeLlm::Start();
      ASSERT_TRUE(started.ok()) << started.status();
      fake = *std::move(started);
    }
    options_.timeout = absl::Seconds(20);
  }

  llm_provider::ProviderSettings Settings(size_t fake, std::string name) {
    llm_provider::ProviderSettings settings;
    settings.name = std::move(name);
    settings.base_url = fakes_[fake]->base_url();
    settings.model = "m" + std::to_string(fake);
    settings.api_key = base::Secret("sk-abcdefghijklmnopqrstuv");
    settings.key_hint = "THE_KEY";
    settings.first_byte_timeout = absl::Seconds(30);
    settings.idle_timeout = absl::Seconds(30);
    return settings;
  }

  void Use(std::vector<llm_provider::ProviderSettings> chain) {
    selection_.chain = std::move(chain);
    Build();
  }

  void Build() {
    agent_.reset();
    planner_ = std::make_unique<Planner>(tools_, PlannerOptions{absl::UTCTimeZone(), true});
    providers_ = std::make_unique<Providers>(
        selection_, llm_provider::Catalog::Embedded(), *http_, base::SystemClock(), ids_, &metrics_,
        llm_provider::ChainOptions{.retry_wait = absl::Milliseconds(1)});
    agent_ = std::make_unique<Agent>(
        AgentParts{tools_, *planner_, *providers_, redactor_, ids_, logger_, &metrics_}, options_);
  }

  struct Outcome {
    absl::Status status;
    std::vector<v1::RunTurnResponse> events;
    v1::TurnDone done;
    std::string streamed;
    int deltas = 0;
  };

  Outcome Run(const v1::RunTurnRequest& request,
              const base::Context& context = base::Context::Background()) {
    if (agent_ == nullptr) Use({Settings(0, "one")});
    Outcome outcome;
    outcome.status = agent_->RunTurn(context, request, [&](v1::RunTurnResponse event) {
      if (event.has_text_delta()) {
        outcome.streamed += event.text_delta().text();
        ++outcome.deltas;
      }
      if (event.has_done()) outcome.done = event.done();
      outcome.events.push_back(std::move(event));
      return absl::OkStatus();
    });
    return outcome;
  }
  Outcome Ask(const std::string& query) {
    v1::RunTurnRequest request;
    request.set_query(query);
    return Run(request);
  }
  static std::vector<std::string> Tools(const Outcome& outcome) {
    return {outcome.done.tools().begin(), outcome.done.tools().end()};
  }
  nlohmann::json Sent(size_t request, size_t fake = 0) {
    const auto asked = fakes_[fake]->asked();
    if (request >= asked.size()) return nullptr;
    return *base::ParseJson(asked[request].body);
  }

  std::unique_ptr<FakeLlm> fakes_[2];
  FakeToolBox tools_;
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  base::SeededIds ids_{11};
  redact::Redactor redactor_;
  log::Logger logger_ = log::Logger::Null();
  telemetry::Registry metrics_;
  ReactOptions options_;
  llm_provider::Selection selection_;
  std::unique_ptr<Planner> planner_;
  std::unique_ptr<Providers> providers_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace opsmesh::llm
