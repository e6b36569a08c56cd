// kill -9 at every step of a delivery: nothing is lost, nothing is repeated. The killed process is
// a real one, the platform lives in this one and counts.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/testing/fake_chat_platform.h"

namespace opsmesh::notify {
namespace {

using testing::FakeChatPlatform;

constexpr int kMessages = 4;

struct Ended {
  int signal = 0;
  int code = 0;
  std::string printed;
};

class Child {
 public:
  Child(const std::string& yaml, const std::string& data, const std::string& step, int nth) {
    const char* bin = std::getenv("OPSMESH_BIN_DIR");
    const std::string program =
        std::string(bin == nullptr ? "bin" : bin) + "/../tests/notify_crash_child";
    const std::string count = std::to_string(kMessages);
    const std::string when = std::to_string(nth);
    std::array<const char*, 7> arguments{program.c_str(), yaml.c_str(), data.c_str(), count.c_str(),
                                         step.c_str(),    when.c_str(), nullptr};
    std::array<int, 2> fds{};
    EXPECT_EQ(pipe(fds.data()), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    const std::string log = data + ".log";
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr,
                          const_cast<char**>(arguments.data()), environ),
              0)
        << program;
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    out_ = fds[0];
  }
  void Kill() const { kill(pid_, SIGKILL); }
  Ended Wait() const {
    Ended ended;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = read(out_, buffer.data(), buffer.size())) > 0;)
      ended.printed.append(buffer.data(), static_cast<size_t>(n));
    close(out_);
    int status = 0;
    waitpid(pid_, &status, 0);
    if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
    if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
    return ended;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

class CrashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    folder_ =
        ::testing::TempDir() + "/crash-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Config(const std::string& kind, const std::string& url) const {
    const std::string path = folder_ + "/config.yaml";
    std::ofstream(path)
        << "notify:\n  channels:\n    ops: {kind: " << kind << ", url: \"" << url
        << "\", per_minute: 6000}\n  outbox: {first_backoff: 20ms, max_backoff: 50ms}\n";
    return path;
  }
  std::string data() const { return folder_ + "/data"; }

  /// How often each of the messages arrived, from its text.
  static std::map<int, int> Arrivals(const FakeChatPlatform& platform) {
    std::map<int, int> arrivals;
    for (const auto& message : platform.messages()) {
      for (int i = 1; i <= kMessages; ++i) {
        if (message.body.find("message " + std::to_string(i) + " end") != std::string::npos)
          ++arrivals[i];
      }
    }
    return arrivals;
  }
  static bool IsDead(const Ended& ended, int message) {
    return ended.printed.find("dead message " + std::to_string(message) + " end|OUTCOME_UNKNOWN") !=
           std::string::npos;
  }

  std::string folder_;
};

constexpr const char* kSteps[] = {"before_preparing", "preparing",    "connected", "on_wire",
                                  "answered",         "before_noted", "noted"};

TEST_F(CrashTest, APlatformWithoutIdempotencyGetsEveryMessageAtMostOnceAndWhatIsInDoubtIsShown) {
  for (const char* kind : {"dingtalk", "feishu"}) {
    for (const char* step : kSteps) {
      for (const int nth : {1, 3}) {
        SCOPED_TRACE(std::string(kind) + " killed at " + step + " of delivery " +
                     std::to_string(nth));
        std::filesystem::remove_all(data());
        FakeChatPlatform platform;
        const std::string yaml = Config(
            kind, std::string(kind) == "dingtalk" ? platform.DingtalkUrl() : platform.FeishuUrl());
        EXPECT_EQ(Child(yaml, data(), step, nth).Wait().signal, SIGKILL);
        const Ended ended = Child(yaml, data(), "-", 0).Wait();
        ASSERT_EQ(ended.code, 0) << ended.printed;
        std::map<int, int> arrivals = Arrivals(platform);
        int in_doubt = 0;
        for (int i = 1; i <= kMessages; ++i) {
          EXPECT_LE(arrivals[i], 1) << "message " << i << " was repeated";
          if (IsDead(ended, i)) ++in_doubt;
          EXPECT_TRUE(arrivals[i] == 1 || IsDead(ended, i)) << "message " << i << " was lost\n"
                                                            << ended.printed;
        }
        const std::set<std::string> certain = {"before_preparing", "preparing", "connected",
                                               "noted"};
        EXPECT_EQ(in_doubt, certain.count(step) > 0 ? 0 : 1);
      }
    }
  }
}

TEST_F(CrashTest, AWebhookGetsEveryMessageAndASecondCopyOnlyUnderTheSameKey) {
  for (const char* step : kSteps) {
    SCOPED_TRACE(step);
    std::filesystem::remove_all(data());
    FakeChatPlatform platform;
    const std::string yaml = Config("webhook", platform.WebhookUrl());
    EXPECT_EQ(Child(yaml, data(), step, 2).Wait().signal, SIGKILL);
    const Ended ended = Child(yaml, data(), "-", 0).Wait();
    ASSERT_EQ(ended.code, 0) << ended.printed;
    EXPECT_EQ(ended.printed.find("dead"), std::string::npos) << ended.printed;
    std::map<std::string, std::set<std::string>> keys;
    for (const auto& message : platform.messages()) {
      for (int i = 1; i <= kMessages; ++i) {
        const std::string text = "message " + std::to_string(i) + " end";
        if (message.body.find(text) != std::string::npos)
          keys[text].emplace(message.headers.Get("Idempotency-Key"));
      }
    }
    EXPECT_EQ(keys.size(), static_cast<size_t>(kMessages));
    for (const auto& [text, used] : keys) EXPECT_EQ(used.size(), 1u) << text;
  }
}

TEST_F(CrashTest, AProcessKilledFromOutsideAgainAndAgainLosesAndRepeatsNothing) {
  FakeChatPlatform platform;
  const std::string yaml = Config("dingtalk", platform.DingtalkUrl());
  for (size_t round = 0; round < 6; ++round) {
    const Child child(yaml, data(), "-", 0);
    platform.WaitFor(std::min<size_t>(round, kMessages), absl::Seconds(5));
    child.Kill();
    child.Wait();
  }
  const Ended ended = Child(yaml, data(), "-", 0).Wait();
  ASSERT_EQ(ended.code, 0) << ended.printed;
  std::map<int, int> arrivals = Arrivals(platform);
  for (int i = 1; i <= kMessages; ++i) {
    EXPECT_LE(arrivals[i], 1);
    EXPECT_TRUE(arrivals[i] == 1 || IsDead(ended, i)) << i << "\n" << ended.printed;
  }
}

TEST_F(CrashTest, OfTwoProcessesOnOneOutboxOneDelivers) {
  FakeChatPlatform platform;
  const std::string yaml = Config("dingtalk", platform.DingtalkUrl());
  const Child first(yaml, data(), "-", 0);
  const Child second(yaml, data(), "-", 0);
  EXPECT_EQ(first.Wait().code, 0);
  EXPECT_EQ(second.Wait().code, 0);
  EXPECT_EQ(platform.messages().size(), static_cast<size_t>(kMessages));
}

}  // namespace
}  // namespace opsmesh::notify
