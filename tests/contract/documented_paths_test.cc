// Every path the public documents print reaches an RPC. The gateway's own pages (/docs, /metrics)
// are tested end to end.
#include <string>

#include "tests/contract/fixture.h"

namespace opsmesh::contract {
namespace {

struct Documented {
  const char* http_method;
  const char* path;
  const char* rpc;
};

constexpr Documented kDocumented[] = {
    // The DingTalk bot.
    {"GET", "/", "ChatService.GetRoot"},
    {"POST", "/webhook", "ChatService.ReceiveDingtalk"},
    {"POST", "/dingtalk/webhook", "ChatService.ReceiveDingtalk"},
    {"GET", "/status", "ChatService.GetSystemStatus"},
    {"GET", "/api/status", "ChatService.GetSystemStatus"},
    {"GET", "/tools", "K8sService.ListTools"},
    {"GET", "/api/tools", "K8sService.ListTools"},
    {"POST", "/test", "K8sService.TestTool"},
    {"POST", "/api/tools/test", "K8sService.TestTool"},
    {"POST", "/chat", "ChatService.SendMessage"},
    {"POST", "/api/test", "ChatService.TestMessage"},
    {"GET", "/shortcuts", "ChatService.ListShortcuts"},
    {"GET", "/api/config/llm", "ChatService.GetConfig"},
    {"POST", "/api/config/dingtalk", "ChatService.UpdateConfig"},
    // AI-CloudOps.
    {"GET", "/api/v1/health", "ChatService.GetHealth"},
    {"GET", "/api/v1/predict", "PredictService.Predict"},
    {"POST", "/api/v1/predict", "PredictService.Predict"},
    {"POST", "/api/v1/forecasts", "PredictService.ForecastSeries"},
    {"POST", "/api/v1/rca", "RcaService.AnalyzeRootCause"},
    {"POST", "/api/v1/anomalies:detect", "RcaService.DetectAnomalies"},
    {"POST", "/api/v1/autofix", "LlmService.Autofix"},
    {"GET", "/api/v1/autofix/health", "LlmService.GetAutofixHealth"},
    {"POST", "/api/v1/autofix/diagnose", "K8sService.Diagnose"},
    {"POST", "/api/v1/autofix/workflow", "LlmService.RunAutofixWorkflow"},
    {"POST", "/api/v1/autofix/notify", "NotifyService.Notify"},
    {"POST", "/api/v1/assistant/session", "LlmService.CreateAssistantSession"},
    {"POST", "/api/v1/assistant/query", "LlmService.QueryAssistant"},
    {"POST", "/api/v1/assistant/refresh", "LlmService.RefreshAssistant"},
    // kubelet-wuhrai.
    {"POST", "/api/v1/chat", "ChatService.Chat"},
    {"POST", "/api/v1/chat/stream", "ChatService.ChatStream"},
    {"GET", "/api/v1/models", "ChatService.GetModels"},
    {"GET", "/api/v1/status", "ChatService.GetStatus"},
    // The SRE agent.
    {"POST", "/apps/sre_agent/users/u_U123/sessions/s_C1_1700000000.000100",
     "ChatService.CreateAdkSession"},
    {"POST", "/run", "ChatService.RunAdk"},
    {"POST", "/slack/events", "ChatService.ReceiveSlack"},
    // Shapes our own design promises.
    {"POST", "/feishu/events", "ChatService.ReceiveFeishu"},
    {"POST", "/api/v1/alerts", "RcaService.ReceiveAlerts"},
    {"GET", "/api/v1/incidents/inc_1", "RcaService.GetIncident"},
    {"POST", "/api/v1/incidents/inc_1:acknowledge", "RcaService.AcknowledgeIncident"},
    {"POST", "/api/v1/notify/channels/ops:test", "NotifyService.TestChannel"},
    {"POST", "/api/v1/proposals/p1:approve", "K8sService.ApproveProposal"},
};

/// RPCs whose template fits, literal templates before those with variables.
std::string Route(const std::string& http_method, const std::string& path) {
  std::string with_variables;
  for (const google::protobuf::MethodDescriptor* method : TheContract().Methods()) {
    for (const Binding& binding : BindingsOf(*method)) {
      if (binding.http_method != http_method || !MatchesTemplate(binding.path_template, path))
        continue;
      const std::string rpc = method->service()->name() + "." + method->name();
      if (binding.path_template == path) return rpc;
      if (with_variables.empty()) with_variables = rpc;
    }
  }
  return with_variables;
}

TEST(DocumentedPaths, EachReachesItsRpc) {
  for (const Documented& documented : kDocumented) {
    EXPECT_EQ(Route(documented.http_method, documented.path), documented.rpc)
        << documented.http_method << " " << documented.path;
  }
}

TEST(DocumentedPaths, APathNobodyPromisedReachesNothing) {
  EXPECT_EQ(Route("GET", "/api/v1/nothing"), "");
  EXPECT_EQ(Route("DELETE", "/api/v1/chat"), "");
}

TEST(DocumentedPaths, TemplatesMatchSegmentsAndVerbs) {
  EXPECT_TRUE(MatchesTemplate("/a/{id}:go", "/a/7:go"));
  EXPECT_FALSE(MatchesTemplate("/a/{id}:go", "/a/:go"));
  EXPECT_FALSE(MatchesTemplate("/a/{id}:go", "/a/7"));
  EXPECT_TRUE(MatchesTemplate("/a:go", "/a:go"));
  EXPECT_FALSE(MatchesTemplate("/a/{id}", "/a/b/c"));
}

}  // namespace
}  // namespace opsmesh::contract
