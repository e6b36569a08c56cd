// Calls through the whole runtime, in one process: what every RPC gets without a line in its
// handler.
#include <thread>

#include "libs/base/error.h"
#include "libs/testing/toy/toy_mesh.h"

namespace opsmesh::toy {
namespace {

using front::v1::FrontService;
using front::v1::RelayRequest;
using front::v1::RelayWaitRequest;

TEST(Calls, CarryPrincipalCallerSupportIdLanguageAndTraceOverTwoHops) {
  ToyMesh mesh;
  RelayRequest request;
  *request.mutable_echo() = EchoOf("hello");
  const auto answer =
      mesh.Front().Call(ContextOf("key:ann", base::Role::kOperator).WithLanguage("zh-CN"),
                        &FrontService::Stub::Relay, request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->echo().principal(), "key:ann");
  EXPECT_EQ(answer->echo().role(), "operator");
  EXPECT_EQ(answer->echo().caller(), "front");
  EXPECT_EQ(answer->echo().request_id(), "req-1");
  EXPECT_EQ(answer->echo().language(), "zh-CN");
  EXPECT_EQ(answer->echo().trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Calls, LeaveSpansThatHangTogetherOverTwoHops) {
  ToyMesh mesh;
  RelayRequest request;
  *request.mutable_echo() = EchoOf("hello");
  ASSERT_TRUE(mesh.Front().Call(ContextOf(), &FrontService::Stub::Relay, request).ok());
  mesh.Stop();
  const auto spans = mesh.spans->spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].name, "opsmesh.toy.v1.ToyService/Echo");
  EXPECT_EQ(spans[1].name, "opsmesh.front.v1.FrontService/Relay");
  EXPECT_EQ(spans[0].parent_span_id, spans[1].span_id);
  EXPECT_EQ(spans[1].parent_span_id, "00f067aa0ba902b7");
  EXPECT_EQ(spans[0].trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Calls, ShrinkTheDeadlineHopByHop) {
  ToyMesh mesh;
  RelayRequest request;
  *request.mutable_echo() = EchoOf("hello");
  const auto answer = mesh.Front().Call(ContextOf().WithTimeout(absl::Seconds(5)),
                                        &FrontService::Stub::Relay, request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_GT(answer->echo().remaining_ms(), 0);
  EXPECT_LE(answer->echo().remaining_ms(), 5005)
      << "gRPC rounds up to whole milliseconds at each hop";
}

TEST(Calls, WithoutADeadlineGetTheOneOfTheContract) {
  ToyMesh mesh;
  const auto answer =
      mesh.Toy().Call(base::Context::Background(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_GT(answer->remaining_ms(), 20000);
  EXPECT_LE(answer->remaining_ms(), 30000);
}

TEST(Calls, StopTheWorkTwoHopsBehindWhenTheClientLeaves) {
  ToyMesh mesh;
  std::shared_ptr<base::CancelState> leave;
  const base::Context context = ContextOf().WithCancel(&leave);
  absl::Status status;
  std::thread client([&] {
    status =
        mesh.Front().Call(context, &FrontService::Stub::RelayWait, RelayWaitRequest()).status();
  });
  ASSERT_TRUE(mesh.logic->AwaitWaiting(1));
  leave->Cancel();
  client.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(mesh.logic->AwaitGivenUp(1));
}

TEST(Calls, StopTheWorkTwoHopsBehindWhenTheTimeIsUp) {
  ToyMesh mesh;
  const auto answer = mesh.Front().Call(ContextOf().WithTimeout(absl::Seconds(3)),
                                        &FrontService::Stub::RelayWait, RelayWaitRequest());
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(base::DetailOf(answer.status()).reason, "DEADLINE");
  EXPECT_TRUE(mesh.logic->AwaitGivenUp(1));
}

TEST(Calls, AreRefusedWithATimeToComeBackWhenThePoolIsFull) {
  ToyMesh mesh({.yaml = "pools: {toy: {threads: 1, queue: 1}}"});
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back([&] {
      (void)mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Wait, v1::WaitRequest());
    });
  }
  ASSERT_TRUE(mesh.logic->AwaitWaiting(1));
  // The second may still be on its way to the queue; until it is there, calls wait their turn and
  // run out of time.
  absl::Status refused;
  while (refused.code() != absl::StatusCode::kResourceExhausted) {
    refused = mesh.Toy()
                  .Call(ContextOf().WithTimeout(absl::Milliseconds(50)),
                        &v1::ToyService::Stub::Echo, EchoOf("x"))
                  .status();
    ASSERT_FALSE(refused.ok());
  }
  const base::ErrorDetail detail = base::DetailOf(refused);
  EXPECT_EQ(detail.reason, "POOL_FULL");
  EXPECT_EQ(detail.retry_after, absl::Seconds(1));
  EXPECT_FALSE(detail.hint.empty());
  EXPECT_NE(mesh.process->metrics().Text().find("opsmesh_shed_total{reason=\"pool_full\"}"),
            std::string::npos);
  mesh.logic->OpenGate();
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("again")).ok());
}

TEST(Calls, LackingARequiredFieldAreRefusedByItsName) {
  ToyMesh mesh;
  const auto none = mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, v1::EchoRequest());
  EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::DetailOf(none.status()).reason, "FIELD_REQUIRED");
  EXPECT_EQ(base::DetailOf(none.status()).field, "text");

  v1::EchoRequest nested = EchoOf("x");
  nested.add_parts()->set_name("first");
  nested.add_parts();
  const auto second = mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, nested);
  EXPECT_EQ(base::DetailOf(second.status()).field, "parts[1].name");
  EXPECT_EQ(mesh.logic->echoes(), 0);
}

TEST(Calls, KeepReasonHintFieldAndMetadataOfAnErrorOverTwoHops) {
  ToyMesh mesh;
  RelayRequest request;
  *request.mutable_echo() = EchoOf("x");
  request.mutable_echo()->set_fail_code(9);
  const auto answer = mesh.Front().Call(ContextOf(), &FrontService::Stub::Relay, request);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(answer.status().message(), "The toy fails as asked: x");
  const base::ErrorDetail detail = base::DetailOf(answer.status());
  EXPECT_EQ(detail.reason, "TOY_FAILS");
  EXPECT_EQ(detail.hint, "Ask for no failure.");
  EXPECT_EQ(detail.field, "fail_code");
  EXPECT_EQ(detail.metadata.at("text"), "x");
}

TEST(Calls, LargerThanTheContractAllowsAreRefused) {
  ToyMesh mesh;
  const auto answer = mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo,
                                      EchoOf(std::string((1 << 20) + 1, 'x')));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(base::DetailOf(answer.status()).reason, "REQUEST_TOO_LARGE");
}

TEST(Calls, ThatOnlyReadAreTriedAgainWhileUnavailable) {
  ToyMesh mesh;
  RelayRequest request;
  *request.mutable_echo() = EchoOf("flaky");
  request.mutable_echo()->set_fail_code(14);
  request.mutable_echo()->set_fail_times(2);
  const auto answer = mesh.Front().Call(ContextOf(), &FrontService::Stub::Relay, request);
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(mesh.logic->echoes(), 3);
}

TEST(Calls, ThatFailOtherwiseAreNotTriedAgain) {
  ToyMesh mesh;
  RelayRequest request;
  *request.mutable_echo() = EchoOf("broken");
  request.mutable_echo()->set_fail_code(13);
  EXPECT_EQ(mesh.Front().Call(ContextOf(), &FrontService::Stub::Relay, request).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(mesh.logic->echoes(), 1);
}

TEST(Calls, LeaveOneAccessLineEachWithoutSecrets) {
  ToyMesh mesh;
  v1::EchoRequest request = EchoOf("password=hunter2-hunter2");
  request.set_fail_code(13);
  ASSERT_FALSE(mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, request).ok());
  mesh.Stop();
  const auto lines = mesh.log->LinesWith("\"method\":\"opsmesh.toy.v1.ToyService/Echo\"");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"level\":\"ERROR\",\"svc\":\"toy\""), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("\"request_id\":\"req-1\""), std::string::npos);
  EXPECT_NE(lines[0].find("\"principal\":\"key:ann\""), std::string::npos);
  EXPECT_NE(lines[0].find("\"err.reason\":\"TOY_FAILS\""), std::string::npos);
  EXPECT_NE(lines[0].find("password=***"), std::string::npos) << lines[0];
  EXPECT_TRUE(mesh.log->LinesWith("hunter2").empty());
}

TEST(Calls, AreCountedAndTimedByServiceMethodAndCode) {
  ToyMesh mesh;
  ASSERT_TRUE(mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x")).ok());
  ASSERT_FALSE(mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, v1::EchoRequest()).ok());
  mesh.Stop();
  const std::string text = mesh.process->metrics().Text();
  EXPECT_NE(
      text.find("opsmesh_grpc_server_handled_total{code=\"OK\",method=\"Echo\",service=\"toy\"} 1"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("opsmesh_grpc_server_handled_total{code=\"INVALID_ARGUMENT\",method=\"Echo\","
                      "service=\"toy\"} 1"),
            std::string::npos);
  EXPECT_NE(text.find("opsmesh_grpc_server_seconds_count{method=\"Echo\",service=\"toy\"} 2"),
            std::string::npos);
  EXPECT_NE(text.find("opsmesh_grpc_server_in_flight{service=\"toy\"} 0"), std::string::npos);
}

TEST(Calls, CarryNamesAndHeadersInAnyScript) {
  ToyMesh mesh;
  rpc::CallOptions options;
  options.http_headers["x-signature"] = "\xe7\xad\xbe\xe5\x90\x8d\r\n";
  options.http_headers["no name"] = "x";
  const auto answer =
      mesh.Toy().Call(ContextOf("feishu:张三 100%").WithRequestId("bad\nid").WithLanguage("中文"),
                      &v1::ToyService::Stub::Echo, EchoOf("x"), options);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->principal(), "feishu:张三 100%");
  EXPECT_EQ(answer->signature(), "\xe7\xad\xbe\xe5\x90\x8d\r\n");
  EXPECT_EQ(answer->language(), "");
}

TEST(Calls, WithAnOddSupportIdGetAGoodOne) {
  ToyMesh mesh;
  const auto answer = mesh.Toy().Call(ContextOf().WithRequestId(std::string(200, 'x')),
                                      &v1::ToyService::Stub::Echo, EchoOf("x"));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->request_id().starts_with("req_")) << answer->request_id();
  EXPECT_EQ(answer->request_id().size(), 36u);
}

}  // namespace
}  // namespace opsmesh::toy
