// Scripts as credential plugins: the kubeconfig names them, the real helper program runs them, an
// API server judges.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "libs/kube/cache.h"
#include "libs/kube/exec_plugin.h"
#include "libs/kube/test_support.h"
#include "libs/kubesim/simulator.h"
#include "libs/testing/fake_clock.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kube {
namespace {

using http_server::Exchange;
using test::FakeApi;
using test::Json;
using test::Reason;
using test::Seen;
using test::Soon;
using test::StatusJson;

constexpr char kBeta[] = "client.authentication.k8s.io/v1beta1";

class ExecTest : public ::testing::Test {
 protected:
  ExecTest() {
    char name[] = "/tmp/opsmesh-exec-test-XXXXXX";
    folder_ = mkdtemp(name);
    setenv("LLM_API_KEY", "sk-our-own-secret", 1);  // what the helper must not hand on
  }
  ~ExecTest() override {
    StopHelper();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(Path(name)) << text;
    chmod(Path(name).c_str(), mode);
    return Path(name);
  }
  /// A plugin that counts its runs in "runs", keeps its environment in "env", then does `body`.
  void Plugin(const std::string& body) const {
    Write("plugin", "#!/bin/sh\ncd " + folder_ + "\necho run >> runs\nenv > env\n" + body + "\n",
          0700);
  }
  /// A plugin that prints what the file "credential" holds.
  void CredentialPlugin(const std::string& status) const {
    Answer(status);
    Plugin("cat credential");
  }
  void Answer(const std::string& status) const {
    Write("credential.new", R"({"kind":"ExecCredential","apiVersion":")" + std::string(kBeta) +
                                R"(","status":{)" + status + "}}");
    std::filesystem::rename(Path("credential.new"), Path("credential"));
  }
  size_t Runs() const {
    std::string text;
    return test::ReadFile(Path("runs"), &text)
               ? static_cast<size_t>(std::count(text.begin(), text.end(), '\n'))
               : 0;
  }
  std::string Kubeconfig(const std::string& server, const std::string& exec,
                         const std::string& cluster = "") const {
    return Write(
        "config",
        "clusters: [{name: c, cluster: {server: '" + server + "'" +
            (cluster.empty() ? "" : ", " + cluster) +
            "}}]\nusers: [{name: u, user: {exec: {apiVersion: " + kBeta + ", " + exec +
            "}}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n");
  }

  void StartHelper(std::vector<std::string> more = {}) {
    std::vector<std::string> words{
        std::string(std::getenv("OPSMESH_BIN_DIR")) + "/opsmesh-exec-credential", "--socket",
        Path("socket"), "--kubeconfig", Path("config")};
    words.insert(words.end(), more.begin(), more.end());
    int said[2];
    ASSERT_EQ(pipe2(said, O_CLOEXEC), 0);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, said[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, Path("log").c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&helper_, arguments[0], &files, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(said[1]);
    char buffer[256];
    EXPECT_GT(read(said[0], buffer, sizeof buffer), 0) << "the helper did not come up";
    close(said[0]);
  }
  void StopHelper() {
    if (helper_ == 0) return;
    kill(helper_, SIGTERM);
    int status = 0;
    waitpid(std::exchange(helper_, 0), &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_FALSE(std::filesystem::exists(Path("socket"))) << "the socket stayed behind";
  }
  absl::StatusOr<ClusterConfig> Load() const {
    return LoadCluster({.kubeconfig_flag = Path("config"),
                        .allow_exec_plugins = true,
                        .exec_socket = Path("socket")});
  }
  std::unique_ptr<Client> MakeClient() {
    Client::Options options;
    const auto config = Load();
    EXPECT_TRUE(config.ok()) << config.status();
    if (!config.ok()) return nullptr;
    options.config = *config;
    options.http = http_.get();
    options.clock = &clock_;
    options.requests_per_second = 0;
    options.retry_min = options.retry_max = absl::Milliseconds(1);
    auto client = Client::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  absl::Status Failure() {
    const auto config = Load();
    return config.ok() ? AskExecHelper(Soon(), *config->exec).status() : config.status();
  }

  std::string folder_;
  pid_t helper_ = 0;
  testing::FakeClock clock_{absl::FromUnixSeconds(1900000000)};
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
};

/// Takes one token at a time, 401 for others; keeps what it saw.
class GuardedApi {
 public:
  explicit GuardedApi(std::string token)
      : token_(std::move(token)),
        api_([this](const Seen& seen, std::shared_ptr<Exchange> exchange) {
          const std::lock_guard lock(mutex_);
          if (seen.headers.Get("Authorization") != "Bearer " + token_) {
            ++refused_;
            return exchange->Respond(Json(401, StatusJson(401, "Unauthorized", "Unauthorized")));
          }
          exchange->Respond(
              Json(200, R"({"major":"1","minor":"32","gitVersion":"v1.32.0","platform":"linux"})"));
        }) {}
  void Take(const std::string& token) {
    const std::lock_guard lock(mutex_);
    token_ = token;
  }
  int refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  std::string url() const { return api_.url(); }

 private:
  std::mutex mutex_;
  std::string token_;
  int refused_ = 0;
  FakeApi api_;
};

TEST_F(ExecTest, APluginRunsOnceForManyCallsAndSeesWhatTheProtocolSays) {
  GuardedApi api("t-1");
  CredentialPlugin(R"("token":"t-1")");
  Kubeconfig(api.url(),
             "command: ./plugin, args: [a b, '$(c)'], env: [{name: PROFILE, value: ops}], "
             "provideClusterInfo: true",
             "tls-server-name: kubernetes, extensions: [{name: client.authentication.k8s.io/exec, "
             "extension: {audience: '7', n: 7}}]");
  StartHelper();
  const auto client = MakeClient();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client->Version(Soon()).ok());
  EXPECT_EQ(Runs(), 1u);
  EXPECT_EQ(api.refused(), 0);
  std::string env;
  ASSERT_TRUE(test::ReadFile(Path("env"), &env));
  EXPECT_NE(env.find("PROFILE=ops\n"), std::string::npos);
  EXPECT_NE(env.find("PATH="), std::string::npos);
  EXPECT_EQ(env.find("LLM_API_KEY"), std::string::npos);
  const size_t at = env.find("KUBERNETES_EXEC_INFO=") + 21;
  const auto info = nlohmann::json::parse(env.substr(at, env.find('\n', at) - at));
  EXPECT_EQ(
      info,
      nlohmann::json::parse(
          R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false,
      "cluster":{"server":")" +
          api.url() + R"(","tls-server-name":"kubernetes","config":{"audience":"7","n":7}}}})"));
}

TEST_F(ExecTest, ManyCallersAtOnceStartOneProgram) {
  GuardedApi api("t-1");
  CredentialPlugin(R"("token":"t-1")");
  Plugin("sleep 0.3; cat credential");
  Kubeconfig(api.url(), "command: ./plugin");
  StartHelper();
  const auto client = MakeClient();
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) callers.emplace_back([&] { good += client->Version(Soon()).ok(); });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 16);
  EXPECT_EQ(Runs(), 1u);
}

TEST_F(ExecTest, ARotatedTokenIsFetchedAfterTheRefusalAndBeforeItExpires) {
  GuardedApi api("t-1");
  const absl::Time begin = clock_.Now();
  const auto expiry = [&](absl::Duration from_now) {
    return R"(,"expirationTimestamp":")" +
           absl::FormatTime(absl::RFC3339_sec, clock_.Now() + from_now, absl::UTCTimeZone()) + "\"";
  };
  CredentialPlugin(R"("token":"t-1")" + expiry(absl::Minutes(30)));
  Kubeconfig(api.url(), "command: ./plugin");
  StartHelper();
  const auto client = MakeClient();
  ASSERT_TRUE(client->Version(Soon()).ok());
  clock_.Advance(absl::Minutes(1));
  Answer(R"("token":"t-2")" + expiry(absl::Minutes(30)));
  api.Take("t-2");
  ASSERT_TRUE(client->Version(Soon()).ok());  // 401, then the plugin again, then the call again
  EXPECT_EQ(api.refused(), 1);
  EXPECT_EQ(Runs(), 2u);
  clock_.Advance(absl::Minutes(29));  // one minute is left
  Answer(R"("token":"t-3")");
  api.Take("t-3");
  ASSERT_TRUE(client->Version(Soon()).ok());
  EXPECT_EQ(api.refused(), 1) << "fetched before it expired";
  EXPECT_EQ(Runs(), 3u);
  clock_.Advance(absl::Hours(1000));  // no expiration: kept until the server refuses it
  ASSERT_TRUE(client->Version(Soon()).ok());
  EXPECT_EQ(Runs(), 3u);
  EXPECT_GT(clock_.Now(), begin);
}

TEST_F(ExecTest, ATokenThatIsRefusedForGoodEndsInUnauthorizedAndFewRuns) {
  GuardedApi api("never");
  CredentialPlugin(R"("token":"t-1")");
  Kubeconfig(api.url(), "command: ./plugin");
  StartHelper();
  const auto client = MakeClient();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Reason(client->Version(Soon()).status()), "UNAUTHORIZED");
  EXPECT_LE(Runs(), 2u) << "ten refusals in a moment are no ten logins";
}

TEST_F(ExecTest, AFailedRefreshGoesOnWithWhatIsStillValid) {
  GuardedApi api("t-1");
  CredentialPlugin(
      R"("token":"t-1","expirationTimestamp":")" +
      absl::FormatTime(absl::RFC3339_sec, clock_.Now() + absl::Minutes(10), absl::UTCTimeZone()) +
      "\"");
  Kubeconfig(api.url(), "command: ./plugin");
  StartHelper();
  const auto client = MakeClient();
  ASSERT_TRUE(client->Version(Soon()).ok());
  Plugin("echo 'sso expired' >&2; exit 3");
  clock_.Advance(absl::Minutes(9));
  ASSERT_TRUE(client->Version(Soon()).ok());
  EXPECT_EQ(Runs(), 2u);
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(Reason(client->Version(Soon()).status()), "EXEC_PLUGIN_FAILED");
}

TEST_F(ExecTest, EveryWayToFailHasAReasonAHintAndNoSecret) {
  Kubeconfig("https://127.0.0.1:1", "command: ./plugin, installHint: 'Run: apt install plugin'");
  StartHelper({"--timeout", "1"});
  const auto reason = [&](const std::string& body) {
    Plugin(body);
    const absl::Status status = Failure();
    EXPECT_EQ(base::DetailOf(status).hint, "Run: apt install plugin") << status;
    EXPECT_EQ(base::ToStd(status.message()).find("eyJhbGciOiJIUzI1NiJ9"), std::string_view::npos)
        << status;
    return Reason(status);
  };
  EXPECT_EQ(reason("echo token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ; "
                   "echo Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln >&2; exit 3"),
            "EXEC_PLUGIN_FAILED");
  EXPECT_EQ(reason("kill -9 $$"), "EXEC_PLUGIN_FAILED");
  EXPECT_EQ(reason("echo hello"), "EXEC_PLUGIN_INVALID_OUTPUT");
  EXPECT_EQ(reason("cat"), "EXEC_PLUGIN_INVALID_OUTPUT") << "stdin is at its end";
  EXPECT_EQ(reason("yes"), "EXEC_PLUGIN_FAILED");
  EXPECT_EQ(reason("sleep 1000 & echo $! > sleeper; wait"), "EXEC_PLUGIN_TIMEOUT");
  std::string sleeper;
  ASSERT_TRUE(test::ReadFile(Path("sleeper"), &sleeper));
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    gone = kill(std::stoi(sleeper), 0) != 0;
    (void)Soon().Sleep(absl::Milliseconds(10));
  }
  EXPECT_TRUE(gone) << "the plugin's child lives on";
  EXPECT_EQ(reason("sleep 1000 & echo '{\"kind\":\"ExecCredential\"}'"),
            "EXEC_PLUGIN_INVALID_OUTPUT")
      << "a child that holds the pipe holds nobody up";
  chmod(Path("plugin").c_str(), 0600);
  EXPECT_EQ(Reason(Failure()), "EXEC_PLUGIN_FAILED");
  unlink(Path("plugin").c_str());
  EXPECT_EQ(Reason(Failure()), "EXEC_PLUGIN_NOT_FOUND");
  std::string log;
  ASSERT_TRUE(test::ReadFile(Path("log"), &log));
  EXPECT_NE(log.find("EXEC_PLUGIN_NOT_FOUND"), std::string::npos) << log;
  EXPECT_EQ(log.find("eyJhbGciOiJIUzI1NiJ9"), std::string::npos) << log;
}

TEST_F(ExecTest, TheHelperBelievesItsOwnKubeconfigsOnly) {
  CredentialPlugin(R"("token":"t-1")");
  Kubeconfig("https://127.0.0.1:1", "command: ./plugin");
  StartHelper();
  auto config = Load();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(AskExecHelper(Soon(), *config->exec).ok());
  ExecPlugin other = *config->exec;
  other.command = "/bin/touch";  // never sent, so never believed
  other.args = {Path("owned")};
  EXPECT_TRUE(AskExecHelper(Soon(), other).ok());
  EXPECT_FALSE(std::filesystem::exists(Path("owned")));
  other.files = {Write("evil", "users: [{name: u, user: {exec: {command: /bin/touch}}}]")};
  EXPECT_EQ(Reason(AskExecHelper(Soon(), other).status()), "EXEC_PLUGIN_REFUSED");
  other.files = {};
  EXPECT_EQ(Reason(AskExecHelper(Soon(), other).status()), "EXEC_PLUGIN_REFUSED");
  other = *config->exec;
  other.context = "nope";
  EXPECT_EQ(Reason(AskExecHelper(Soon(), other).status()), "UNKNOWN_CONTEXT");
  other.context = std::string(300 << 10, 'x');
  EXPECT_FALSE(AskExecHelper(Soon(), other).ok());
  EXPECT_TRUE(AskExecHelper(Soon(), *config->exec).ok()) << "it is still there";
  StopHelper();
  EXPECT_EQ(Reason(AskExecHelper(Soon(), *config->exec).status()), "EXEC_HELPER_UNREACHABLE");
}

TEST_F(ExecTest, ItIsOffUnlessAllowedAndNeedsTheHelper) {
  Kubeconfig("https://127.0.0.1:1", "command: ./plugin");
  EXPECT_EQ(Reason(LoadCluster({.kubeconfig_flag = Path("config")}).status()),
            "EXEC_PLUGIN_DISABLED");
  EXPECT_EQ(
      Reason(LoadCluster({.kubeconfig_flag = Path("config"), .allow_exec_plugins = true}).status()),
      "EXEC_HELPER_MISSING");
  const auto reason = [&](const std::string& exec) {
    Kubeconfig("https://127.0.0.1:1", exec);
    return Reason(Load().status());
  };
  EXPECT_EQ(reason("command: x, interactiveMode: Always"), "EXEC_PLUGIN_INTERACTIVE");
  EXPECT_EQ(reason("command: x, interactiveMode: Sometimes"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason("command: x, env: [{value: x}]"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason("args: [x]"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason("command: x, interactiveMode: Never"), "OK");
}

TEST_F(ExecTest, ASimulatedClusterTakesTheCertificateThatAPluginMakes) {
  auto simulator = kubesim::Simulator::Create({.content = kubesim::Content::kDemo});
  ASSERT_TRUE(simulator.ok());
  kubesim::DoorOptions door;
  door.tls = true;
  ASSERT_TRUE((*simulator)->Start(door).ok());
  const auto given = ParseKubeconfig(*(*simulator)->KubeconfigFor("jane", {"system:masters"}), ".");
  ASSERT_TRUE(given.ok());
  CredentialPlugin(R"("clientCertificateData":)" + nlohmann::json(given->client_cert_pem).dump() +
                   R"(,"clientKeyData":)" + nlohmann::json(given->client_key_pem.Reveal()).dump());
  Kubeconfig(given->server, "command: ./plugin",
             "certificate-authority-data: " + base::Base64Encode(given->ca_pem));
  StartHelper();
  const auto client = MakeClient();
  const auto who = client->WhoAmI(Soon());
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(*who, "jane");
  Cache::Options options;
  options.kinds = {"pods", "services"};
  const auto cache = Cache::Start(*client, options);
  ASSERT_TRUE(cache.ok());
  EXPECT_TRUE((*cache)->WaitForSync(Soon()).ok());
  EXPECT_GT((*cache)->Get("pods")->objects().size(), 5u);
  EXPECT_EQ(Runs(), 1u);
}

}  // namespace
}  // namespace opsmesh::kube
