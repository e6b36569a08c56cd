#include "libs/log/logger.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/redact/redactor.h"
#include "libs/testing/fake_clock.h"
#include "nlohmann/json.hpp"

namespace opsmesh::log {
namespace {

struct Logged {
  Logged()
      : logger(sink,
               {.service = "k8s", .level = Level::kInfo, .clock = &clock, .redactor = &redactor}) {}
  testing::FakeClock clock;
  redact::Redactor redactor;
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();
  Logger logger;
};

TEST(Logger, WritesOneJsonObjectALine) {
  Logged logged;
  logged.logger.Info("pod list refreshed",
                     {{"pods", 412}, {"cluster", "prod"}, {"ratio", 0.5}, {"ok", true}});
  ASSERT_EQ(logged.sink->lines().size(), 1u);
  EXPECT_EQ(
      logged.sink->lines()[0],
      R"({"ts":"2025-01-21T10:30:00.000Z","level":"INFO","svc":"k8s","msg":"pod list refreshed","pods":412,)"
      R"("cluster":"prod","ratio":0.5,"ok":true})");
}

TEST(Logger, NamesTheRequestItWorksFor) {
  Logged logged;
  const auto context =
      base::Context::Background()
          .WithRequestId("req-7")
          .WithPrincipal({"key:ann", base::Role::kViewer})
          .WithTrace({"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true});
  logged.logger.With({{"session", "s1"}})
      .Error(context, "failed",
             ErrorFields(base::NotFound("POD_NOT_FOUND", "There is no pod 'x'.")));
  const std::string line = logged.sink->lines()[0];
  EXPECT_NE(line.find(R"("level":"ERROR")"), std::string::npos);
  EXPECT_NE(
      line.find(
          R"("request_id":"req-7","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","principal":"key:ann","session":"s1")"),
      std::string::npos)
      << line;
  EXPECT_NE(
      line.find(
          R"("err.code":"NOT_FOUND","err.reason":"POD_NOT_FOUND","err.msg":"There is no pod 'x'.")"),
      std::string::npos);
}

TEST(Logger, DropsWhatIsBelowItsLevel) {
  Logged logged;
  logged.logger.Debug("detail");
  EXPECT_TRUE(logged.sink->lines().empty());
  EXPECT_FALSE(logged.logger.Enabled(Level::kDebug));
  Logger::Null().Error("nowhere");
}

TEST(Logger, StaysJsonWhateverTheText) {
  Logged logged;
  logged.logger.Info("a\"b\\c\nd\x01\xff",
                     {{"k\"ey", std::string("\xed\xa0\x80\x7f\0x", 6)}, {"nan", 0.0 / 0.0}});
  const auto parsed = base::ParseJson(logged.sink->lines()[0]);
  ASSERT_TRUE(parsed.ok()) << parsed.status() << logged.sink->lines()[0];
  EXPECT_TRUE(parsed->at("nan").is_null());
  EXPECT_EQ(logged.sink->lines()[0].find('\n'), std::string::npos);
}

TEST(Logger, MasksSecretsInMessageAndFields) {
  Logged logged;
  logged.logger.Info("calling with Bearer abcdefgh12345678",
                     {{"api_key", "plain-words"}, {"url", "https://u:pa55word@host/x"}});
  const std::string line = logged.sink->lines()[0];
  EXPECT_NE(line.find("Bearer ***"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("api_key":"***")"), std::string::npos) << line;
  EXPECT_EQ(line.find("pa55word"), std::string::npos) << line;
}

TEST(Levels, AreReadInAnyCase) {
  EXPECT_EQ(*ParseLevel("Warning"), Level::kWarn);
  EXPECT_EQ(*ParseLevel("DEBUG"), Level::kDebug);
  EXPECT_EQ(base::DetailOf(ParseLevel("loud").status()).reason, "LOG_LEVEL");
}

TEST(FileSinks, RotateAndKeepAFixedNumber) {
  std::string name = (std::filesystem::temp_directory_path() / "opsmesh-log-XXXXXX").string();
  const std::string folder = mkdtemp(name.data());
  {
    const auto sink =
        FileSink({.path = folder + "/logs/app.log", .max_bytes = 1000, .max_files = 2});
    ASSERT_TRUE(sink.ok()) << sink.status();
    for (int i = 0; i < 100; ++i) (*sink)->Write(Level::kInfo, std::string(90, 'x'));
    (*sink)->Flush();
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/logs")) {
    ++files;
    EXPECT_LE(entry.file_size(), 1000u);
  }
  EXPECT_EQ(files, 3);
  std::filesystem::remove_all(folder);
}

TEST(FileSinks, ThatCannotOpenSayWhy) {
  const auto sink = FileSink({.path = "/proc/no/such/app.log"});
  EXPECT_EQ(base::DetailOf(sink.status()).reason, "LOG_FILE");
}

}  // namespace
}  // namespace opsmesh::log
