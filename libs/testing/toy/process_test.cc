// The same properties between separate programs: fork and exec of toy_server, TCP on 127.0.0.1,
// real signals.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/rpc/health.h"
#include "libs/testing/toy/toy_mesh.h"

namespace opsmesh::toy {
namespace {

constexpr char kToken[] = "a-token-of-the-mesh-for-this-test";

// A toy_server program; killed when the test ends.
class Program {
 public:
  Program(const std::string& which, std::vector<std::string> more) {
    int out[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    log_path_ = folder_.path() + "/stderr";
    const char* bin = std::getenv("OPSMESH_BIN_DIR");
    const std::string program = std::string(bin != nullptr ? bin : "bin") + "/toy_server";
    std::vector<std::string> words = {program,        which,           "--data-dir",
                                      folder_.path(), "--grpc-listen", "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      const int log = open(log_path_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
      dup2(log, STDERR_FILENO);
      // Nothing of this machine's settings.
      const std::string home = "HOME=" + folder_.path();
      const std::string token = std::string("OPSMESH_MESH_TOKEN=") + kToken;
      std::vector<char*> environment = {const_cast<char*>(home.c_str()),
                                        const_cast<char*>(token.c_str()), nullptr};
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      if (chdir(folder_.path().c_str()) != 0) _exit(126);
      execve(program.c_str(), arguments.data(), environment.data());
      _exit(127);
    }
    close(out[1]);
    FILE* lines = fdopen(out[0], "r");
    if (std::fscanf(lines, "PORT %d", &port_) != 1) port_ = 0;
    std::fclose(lines);
  }
  ~Program() {
    if (!ended_) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  void Signal(int signal) { kill(pid_, signal); }
  /// Exit code; 128 + signal when killed by one.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string Log() const {
    std::ifstream in(log_path_);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  int port() const { return port_; }
  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  TemporaryFolder folder_;
  std::string log_path_;
  pid_t pid_ = -1;
  int port_ = 0;
  bool ended_ = false;
};

rpc::Channel ChannelTo(const Program& program, const std::string& as = "gateway",
                       const std::string& token = kToken) {
  return *rpc::MakeChannel({.target = program.address()},
                           std::make_shared<const rpc::CallIdentity>(
                               rpc::CallIdentity{as, base::Secret(token), base::Secret()}));
}

template <typename Service>
clients::Client<Service> ClientOf(const Program& program, const std::string& as = "gateway",
                                  const std::string& token = kToken) {
  static base::SeededIds ids(3);
  return {ChannelTo(program, as, token),
          std::make_shared<clients::RetryPolicy>(clients::RetryOptions{.max_tries = 1}, ids)};
}

TEST(Programs, CallEachOtherAndPassOnWhoAsks) {
  const Program toy("toy", {});
  const Program front("front", {"--set", "mesh.addresses.toy=" + toy.address()});
  ASSERT_NE(front.port(), 0) << front.Log();
  front::v1::RelayRequest request;
  *request.mutable_echo() = EchoOf("hello");
  const auto answer = ClientOf<front::v1::FrontService>(front).Call(
      ContextOf("key:ann", base::Role::kOperator), &front::v1::FrontService::Stub::Relay, request);
  ASSERT_TRUE(answer.ok()) << answer.status() << front.Log();
  EXPECT_EQ(answer->echo().principal(), "key:ann");
  EXPECT_EQ(answer->echo().caller(), "front");
  EXPECT_EQ(answer->echo().trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Programs, StopTheWorkBehindThemWhenTheClientLeaves) {
  Program toy("toy", {});
  const Program front("front", {"--set", "mesh.addresses.toy=" + toy.address()});
  std::shared_ptr<base::CancelState> leave;
  const base::Context context = ContextOf().WithCancel(&leave);
  absl::Status status;
  std::thread client([&] {
    status =
        ClientOf<front::v1::FrontService>(front)
            .Call(context, &front::v1::FrontService::Stub::RelayWait, front::v1::RelayWaitRequest())
            .status();
  });
  absl::SleepFor(absl::Milliseconds(
      100));  // sooner or later makes no difference: either way the work must stop
  leave->Cancel();
  client.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  // A stop that finds work still running would wait its whole grace of 20 s.
  const absl::Duration begin = base::SystemClock().Steady();
  toy.Signal(SIGTERM);
  EXPECT_EQ(toy.Wait(), 0) << toy.Log();
  EXPECT_LT(base::SystemClock().Steady() - begin, absl::Seconds(15));
}

TEST(Programs, AnswerUnavailableAtOnceWhenTheOneBehindIsKilled) {
  Program toy("toy", {});
  const Program front("front", {"--set", "mesh.addresses.toy=" + toy.address()});
  toy.Signal(SIGKILL);
  EXPECT_EQ(toy.Wait(), 128 + SIGKILL);
  front::v1::RelayRequest request;
  *request.mutable_echo() = EchoOf("hello");
  const absl::Duration begin = base::SystemClock().Steady();
  const auto answer = ClientOf<front::v1::FrontService>(front).Call(
      ContextOf(), &front::v1::FrontService::Stub::Relay, request);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable) << answer.status();
  EXPECT_LT(base::SystemClock().Steady() - begin, absl::Seconds(20));
  EXPECT_TRUE(*rpc::CheckHealth(ContextOf(), ChannelTo(front), "liveness"));
}

TEST(Programs, EndWithZeroOnTermAndOnInterrupt) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Program both("both", {});
    ASSERT_NE(both.port(), 0) << both.Log();
    both.Signal(signal);
    EXPECT_EQ(both.Wait(), 0);
    EXPECT_NE(both.Log().find("\"msg\":\"stopped\""), std::string::npos) << both.Log();
  }
}

TEST(Programs, OutliveAHangup) {
  Program both("both", {});
  both.Signal(SIGHUP);
  EXPECT_TRUE(ClientOf<v1::ToyService>(both)
                  .Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"))
                  .ok());
  both.Signal(SIGTERM);
  EXPECT_EQ(both.Wait(), 0);
}

TEST(Programs, RefuseToStartOnADoubtfulConfigurationWithSeventyEight) {
  Program both("both", {"--set", "log.levle=info", "--set", "pools.toy.threads=none"});
  EXPECT_EQ(both.Wait(), 78);
  EXPECT_EQ(both.port(), 0);
  EXPECT_NE(both.Log().find("log.levle: unknown key; did you mean 'level'?"), std::string::npos)
      << both.Log();
  EXPECT_NE(both.Log().find("'none' is not a whole number"), std::string::npos) << both.Log();
}

TEST(Programs, RefuseUnknownFlagsWithTwo) {
  Program both("both", {"--colour"});
  EXPECT_EQ(both.Wait(), 2);
}

TEST(Programs, DoNotBelieveAnIdentityWithoutTheTokenOfTheMesh) {
  const Program toy("toy", {});
  const auto refused = ClientOf<v1::ToyService>(toy, "gateway", "some-other-token")
                           .Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::DetailOf(refused.status()).reason, "MESH_TOKEN");
}

}  // namespace
}  // namespace opsmesh::toy
