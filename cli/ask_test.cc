// `opsmesh ask` against a server that speaks the wire, byte by byte.
#include "cli/ask.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/exit_codes.h"
#include "cli/stdin_data.h"
#include "gtest/gtest.h"
#include "libs/base/json.h"
#include "libs/http_server/http_server.h"
#include "nlohmann/json.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace opsmesh::cli {
namespace {

class Recorder final : public Output {
 public:
  void Answer(std::string_view text) override { answer += text; }
  void Note(std::string_view line) override { (notes += line) += '\n'; }
  std::string answer;
  std::string notes;
};

class AskTest : public testing::Test {
 protected:
  /// Serves one answer: an SSE stream of `events`, or with another status the body `events`.
  void Serve(int status, std::string events) {
    auto server = http_server::Server::Start(
        {}, [this, status, events](std::shared_ptr<http_server::Exchange> exchange) {
          body_ = exchange->request().body;
          authorization_ = std::string(exchange->request().headers.Get("authorization"));
          http_server::Response head;
          head.status = status;
          if (status != 200) {
            head.body = events;
            exchange->Respond(std::move(head));
            return;
          }
          head.headers.Add("Content-Type", "text/event-stream");
          exchange->Start(std::move(head));
          exchange->Write(events);
          exchange->Finish();
        });
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = *std::move(server);
    question_.server.url = "http://127.0.0.1:" + std::to_string(server_->port());
  }
  int Run() {
    return Ask(base::Context::Background().WithTimeout(absl::Seconds(20)), *client_, question_,
               output_);
  }
  int RunWith(const std::string& last_event) {
    Serve(200,
          "data: {\"delta\":\"Two pods\",\"status\":\"processing\",\"done\":false}\n\n"
          "data: {\"delta\":\" fail.\",\"status\":\"processing\",\"done\":false}\n\ndata: " +
              last_event + "\n\n");
    return Run();
  }

  std::unique_ptr<http_server::Server> server_;
  std::unique_ptr<http_client::Client> client_ = http_client::Client::Create();
  Question question_{.query = "what is wrong?"};
  Recorder output_;
  std::string body_;
  std::string authorization_;
};

TEST_F(AskTest, PrintsTheAnswerAsItComesAndEndsItWithALine) {
  EXPECT_EQ(
      RunWith(
          R"({"response":"Two pods fail.","status":"completed","done":true,"metadata":{"outcome":"answered"}})"),
      kOk);
  EXPECT_EQ(output_.answer, "Two pods fail.\n");
  EXPECT_EQ(output_.notes, "");
}

TEST_F(AskTest, SendsQuestionDataSessionAndKey) {
  question_.query = "分析这些 pod";
  question_.attachment = "NAME READY\ncart 0/1\n";
  question_.session_id = "session_1";
  question_.name_space = "shop";
  question_.server.api_key = base::Secret("k-1");
  EXPECT_EQ(RunWith(R"({"response":"ok","status":"completed","done":true})"), kOk);
  const auto body = base::ParseJson(body_);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["query"], "分析这些 pod");
  EXPECT_EQ((*body)["attachment"], "NAME READY\ncart 0/1\n");
  EXPECT_EQ((*body)["session_id"], "session_1");
  EXPECT_EQ((*body)["context"]["namespace"], "shop");
  EXPECT_EQ(authorization_, "Bearer k-1");
}

TEST_F(AskTest, PrintsOnlyTheLastEventAsJsonWhenAskedFor) {
  question_.as_json = true;
  EXPECT_EQ(RunWith(R"({"response":"Two pods fail.","status":"completed","done":true})"), kOk);
  const auto printed = base::ParseJson(output_.answer.substr(0, output_.answer.size() - 1));
  ASSERT_TRUE(printed.ok()) << output_.answer;
  EXPECT_EQ((*printed)["response"], "Two pods fail.");
}

TEST_F(AskTest, SaysThatAChangeWaitsForApproval) {
  EXPECT_EQ(
      RunWith(
          R"({"response":"plan","status":"completed","done":true,"metadata":{"outcome":"needs_approval"}})"),
      kNeedsApproval);
}

TEST_F(AskTest, SaysWhatWorkedOnlyInPart) {
  EXPECT_EQ(
      RunWith(
          R"({"response":"r","status":"completed","done":true,"degraded":["Prometheus is down."]})"),
      kPartial);
  EXPECT_NE(output_.notes.find("Prometheus is down."), std::string::npos);
}

TEST_F(AskTest, ShowsTheSentenceOfAStreamThatFailed) {
  EXPECT_EQ(
      RunWith(
          R"({"status":"error","error":"The k8s service does not answer.","reason":"UNAVAILABLE","done":true})"),
      kFailure);
  EXPECT_NE(output_.notes.find("The k8s service does not answer."), std::string::npos);
}

TEST_F(AskTest, DoesNotSayAgainWhatTheAnswerHasSaid) {
  EXPECT_EQ(
      RunWith(
          R"({"status":"error","error":"Two pods fail. Nothing was changed.","reason":"FAILED","done":true})"),
      kFailure);
  EXPECT_EQ(output_.answer, "Two pods fail.\n");
  EXPECT_EQ(output_.notes, "opsmesh: Nothing was changed.\n");
}

TEST_F(AskTest, NoticesAStreamThatBrokeOff) {
  Serve(200, "data: {\"delta\":\"Two\",\"done\":false}\n\n");
  EXPECT_EQ(Run(), kDependencyDown);
  EXPECT_NE(output_.notes.find("broke off"), std::string::npos);
}

TEST_F(AskTest, ShowsTheServersReasonAndNextStepWhenItRefuses) {
  Serve(
      403,
      R"({"error":{"code":403,"status":"PERMISSION_DENIED","message":"You are a viewer.","reason":"ROLE","hint":"Ask for a key."}})");
  EXPECT_EQ(Run(), kDenied);
  EXPECT_NE(output_.notes.find("You are a viewer."), std::string::npos);
  EXPECT_NE(output_.notes.find("Ask for a key."), std::string::npos);
}

TEST_F(AskTest, SaysWhatToDoWhenAnotherProgramAnswers) {
  Serve(404, "<html>nginx</html>");
  EXPECT_EQ(Run(), kFailure);
  EXPECT_NE(output_.notes.find("--server"), std::string::npos);
}

TEST_F(AskTest, SaysHowToStartOneWhenNobodyListens) {
  Serve(200, "");
  server_->Stop(absl::ZeroDuration());
  server_.reset();
  EXPECT_EQ(Run(), kDependencyDown);
  EXPECT_NE(output_.notes.find("opsmesh up"), std::string::npos) << output_.notes;
}

/// A pipe that holds `bytes` and is closed for writing unless `open`.
int PipeWith(const std::string& bytes, bool open, int* writer) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  if (open) {
    *writer = ends[1];
  } else {
    close(ends[1]);
  }
  return ends[0];
}

TEST(ReadStdin, TakesAPipeToItsEndAndCutsItAtACharacter) {
  const int fd = PipeWith("多多多", false, nullptr);
  const auto data = ReadStdin(fd, 7, absl::Seconds(5));
  close(fd);
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->bytes, "多多");
  EXPECT_EQ(data->left_out, "Only the first 0 KiB of standard input are handed over.");
}

TEST(ReadStdin, AListOfObjectsThatIsTooLongStaysAList) {
  std::string text = R"({"kind": "List", "items": [)";
  for (int i = 0; i < 4; ++i) {
    text += fmt::format(R"({}{{"metadata": {{"name": "pod-{}", "managedFields": ["{}"]}}}})",
                        i == 0 ? "" : ",", i, std::string(300, 'm'));
  }
  text += "]}";
  const StdinData all = FitData(text, 1024);
  EXPECT_EQ(all.left_out, "");
  EXPECT_EQ(all.bytes.find("managedFields"), std::string::npos);
  EXPECT_NE(all.bytes.find("pod-3"), std::string::npos);

  const StdinData some = FitData(text, 100);
  EXPECT_LE(some.bytes.size(), 100u);
  EXPECT_EQ(some.bytes,
            R"({"items":[{"metadata":{"name":"pod-0"}},{"metadata":{"name":"pod-1"}}],"kind":"List"})");
  EXPECT_TRUE(some.left_out.starts_with("Only the first 2 of 4 objects")) << some.left_out;
}

TEST(ReadStdin, JsonThatIsNoListIsCutAsText) {
  EXPECT_EQ(FitData("{\"a\": 1, \"b\": 2}", 8).bytes, "{\"a\": 1,");
  EXPECT_EQ(FitData("{\"items\": [1, 2", 8).bytes, "{\"items\"");
}

TEST(ReadStdin, ReadsNothingFromADevice) {
  const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  const auto data = ReadStdin(fd, 100, absl::Seconds(5));
  close(fd);
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->bytes, "");
}

TEST(ReadStdin, DoesNotWaitForEverOnASilentPipe) {
  int writer = -1;
  const int fd = PipeWith("", true, &writer);
  const auto data = ReadStdin(fd, 100, absl::Milliseconds(20));
  close(fd);
  close(writer);
  EXPECT_EQ(base::DetailOf(data.status()).reason, "STDIN_SILENT");
}

}  // namespace
}  // namespace opsmesh::cli
