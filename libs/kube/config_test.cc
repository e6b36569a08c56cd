#include "libs/kube/config.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "libs/kube/test_support.h"
#include "libs/kube/transport.h"

namespace opsmesh::kube {
namespace {

using test::Always;
using test::FakeApi;
using test::Json;
using test::Reason;
using test::Seen;
using test::Soon;

/// Moved by hand.
class HandClock : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1900000000) + passed; }
  absl::Duration Steady() const override { return passed; }
  absl::Duration passed = absl::ZeroDuration();
};

/// A folder of its own, a fake environment, and kubeconfig files in it.
class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    char name[] = "/tmp/opsmesh-kube-XXXXXX";
    folder_ = mkdtemp(name);
    variables_["HOME"] = folder_;
    env_.variable = [this](const std::string& key) { return variables_[key]; };
    env_.service_account_dir = folder_ + "/sa";
  }
  ~ConfigTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    mkdir(path.substr(0, path.rfind('/')).c_str(), 0700);
    std::ofstream(path) << text;
    return path;
  }
  static std::string Kubeconfig(const std::string& name, const std::string& user = "token: t0k",
                                const std::string& cluster = "") {
    return "clusters: [{name: " + name + ", cluster: {server: 'https://" + name + ":6443'" +
           (cluster.empty() ? "" : ", " + cluster) + "}}]\nusers: [{name: u, user: {" + user +
           "}}]\ncontexts: [{name: " + name + ", context: {cluster: " + name +
           ", user: u, namespace: shop}}]\ncurrent-context: " + name + "\n";
  }
  std::string ServerOf(const LoadOptions& options = {}) {
    const auto config = LoadCluster(options, env_);
    return config.ok() ? config->server : Reason(config.status());
  }

  std::string folder_;
  std::map<std::string, std::string> variables_;
  Environment env_;
};

TEST_F(ConfigTest, TheOrderIsFlagThenPathVariablesThenKubeconfigThenInClusterThenHome) {
  EXPECT_EQ(ServerOf(), "NO_KUBECONFIG");
  Write(".kube/config", Kubeconfig("home"));
  EXPECT_EQ(ServerOf(), "https://home:6443");
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  variables_["KUBERNETES_SERVICE_PORT"] = "443";
  Write("sa/token", "abc\n");
  Write("sa/ca.crt", "PEM");
  Write("sa/namespace", "ops\n");
  EXPECT_EQ(ServerOf(), "https://home:6443");
  variables_["K8S_IN_CLUSTER"] = "true";
  EXPECT_EQ(ServerOf(), "https://[fd00::1]:443");
  EXPECT_EQ(LoadCluster({}, env_)->default_namespace, "ops");
  variables_["KUBECONFIG"] = Write("list", Kubeconfig("list"));
  EXPECT_EQ(ServerOf(), "https://list:6443");
  variables_["K8S_CONFIG_PATH"] = Write("k8s", Kubeconfig("k8s"));
  EXPECT_EQ(ServerOf(), "https://k8s:6443");
  variables_["KUBECONFIG_PATH"] = Write("path", Kubeconfig("path"));
  EXPECT_EQ(ServerOf(), "https://path:6443");
  EXPECT_EQ(ServerOf({.kubeconfig_flag = Write("flag", Kubeconfig("flag"))}), "https://flag:6443");
  EXPECT_EQ(ServerOf({.kubeconfig_flag = folder_ + "/absent"}), "KUBECONFIG_UNREADABLE");
}

TEST_F(ConfigTest, FilesOfTheListAreMergedAndTheFirstToSaySomethingWins) {
  Write("a",
        "current-context: b\nclusters: [{name: a, cluster: {server: "
        "'https://first:1'}}]\ncontexts: [{name: a, context: {cluster: a}}]\n");
  Write("b", Kubeconfig("b") + "\n");
  Write("c", "clusters: [{name: a, cluster: {server: 'https://second:1'}}]\n");
  variables_["KUBECONFIG"] =
      folder_ + "/missing:" + folder_ + "/a::" + folder_ + "/b:" + folder_ + "/c";
  EXPECT_EQ(ServerOf(), "https://b:6443");
  EXPECT_EQ(ServerOf({.context = "a"}), "https://first:1");
  variables_["KUBE_CONTEXT"] = "a";
  EXPECT_EQ(ServerOf(), "https://first:1");
  const auto contexts = ListContexts({}, env_);
  ASSERT_TRUE(contexts.ok());
  ASSERT_EQ(contexts->size(), 2u);
  EXPECT_TRUE((*contexts)[0].current);
  variables_["KUBE_CONTEXT"] = "bb";
  const auto unknown = LoadCluster({}, env_).status();
  EXPECT_EQ(Reason(unknown), "UNKNOWN_CONTEXT");
}

TEST_F(ConfigTest, FilesAreRelativeToTheirKubeconfigAndDataWinsOverThem) {
  Write("certs/ca.pem", "CA");
  Write("certs/tls.crt", "CERT");
  Write("certs/tls.key", "KEY");
  const std::string path =
      Write("config", Kubeconfig("x",
                                 "client-certificate: certs/tls.crt, client-key: certs/tls.key, "
                                 "client-key-data: S0VZMg==, tokenFile: certs/token",
                                 "certificate-authority: certs/ca.pem, tls-server-name: "
                                 "kubernetes, proxy-url: 'socks5://p:1'"));
  const auto config = LoadCluster({.kubeconfig_flag = path}, env_);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->ca_pem, "CA");
  EXPECT_EQ(config->client_cert_pem, "CERT");
  EXPECT_EQ(config->client_key_pem.Reveal(), "KEY2");
  EXPECT_EQ(config->token_file, folder_ + "/certs/token");
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->proxy_url, "socks5://p:1");
  EXPECT_EQ(config->default_namespace, "shop");
}

TEST_F(ConfigTest, WhatCannotWorkIsSaidWithTheFileAndTheEntryAndWithoutTheCredential) {
  const auto reason = [&](const std::string& text) {
    const auto config = ParseKubeconfig(text, folder_);
    const std::string message(config.status().message().data(), config.status().message().size());
    EXPECT_EQ(message.find("t0ps3cret"), std::string::npos) << message;
    return Reason(config.status());
  };
  EXPECT_EQ(reason(Kubeconfig("x", "exec: {command: aws, args: [t0ps3cret]}")),
            "EXEC_PLUGIN_DISABLED");
  EXPECT_EQ(reason(Kubeconfig("x", "auth-provider: {name: gcp}")), "AUTH_PROVIDER_UNSUPPORTED");
  EXPECT_EQ(reason(Kubeconfig("x", "client-key-data: t0ps3cret!")), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason(Kubeconfig("x", "client-certificate-data: QQ==")), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason(Kubeconfig("x", "as-groups: [a]")), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason(Kubeconfig("x", "token: t",
                              "insecure-skip-tls-verify: true, certificate-authority-data: QQ==")),
            "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason(Kubeconfig("x", "token: t", "proxy-url: 'ftp://x'")), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason("token: t0ps3cret\n  bad: ["), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason("[]"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason("clusters: {a: b}"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(reason(""), "NO_CURRENT_CONTEXT");
  EXPECT_EQ(reason("contexts: [{name: a, context: {cluster: nope}}]"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(
      reason(
          R"({"clusters":[{"name":"a","cluster":{"server":"https://j:1"}}],"contexts":[{"name":"a","context":{"cluster":"a"}}]})"),
      "OK");
}

TEST_F(ConfigTest, TwoEntriesOfOneNameAreAnErrorInOneFileAndAMergeInTwo) {
  const std::string twice = "users: [{name: u, user: {token: a}}, {name: u, user: {token: b}}]\n";
  EXPECT_EQ(Reason(ParseKubeconfig(twice, ".").status()), "MALFORMED_KUBECONFIG");
  variables_["KUBECONFIG"] = Write("one", "users: [{name: u, user: {token: first}}]\n") +
                             "::" + folder_ +
                             "/absent:" + Write("two", Kubeconfig("x", "token: second"));
  const auto config = LoadCluster({}, env_);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->token.Reveal(), "first");
  EXPECT_EQ(config->server, "https://x:6443");
}

TEST_F(ConfigTest, ATokenWithTheLineEndOfItsFileIsTrimmed) {
  const auto config = ParseKubeconfig(Kubeconfig("x", "token: \"abc\\n\""), ".");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->token.Reveal(), "abc");
}

TEST_F(ConfigTest, HostileYamlIsRefusedInBoundedTimeAndMemory) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string(i ? "," : "") + "*" + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  EXPECT_FALSE(ParseKubeconfig(bomb + "clusters: *i\n", ".").ok());
  EXPECT_FALSE(ParseKubeconfig(std::string(100000, '['), ".").ok());
  EXPECT_FALSE(ParseKubeconfig(std::string(2 << 20, 'a'), ".").ok());
  const std::string folder = test::SharedDir() + "/badinputs/yaml-test-suite/src";
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) {
    std::cerr << "*** NOT TESTED: " << folder << " is not there ***\n";
    return;
  }
  while (const dirent* entry = readdir(dir)) {
    std::string text;
    if (test::ReadFile(folder + "/" + entry->d_name, &text)) (void)ParseKubeconfig(text, ".");
  }
  closedir(dir);
}

TEST_F(ConfigTest, TheProxyOfTheEnvironmentIsForClustersThatAreNotOnThisMachine) {
  variables_["HTTPS_PROXY"] = "http://proxy:3128";
  variables_["NO_PROXY"] = "10.0.0.0/8";
  EXPECT_EQ(LoadCluster({.kubeconfig_flag = Write("far", Kubeconfig("far"))}, env_)->proxy_url,
            "http://proxy:3128");
  EXPECT_EQ(
      LoadCluster({.kubeconfig_flag = Write("near", Kubeconfig("127.0.0.1"))}, env_)->proxy_url,
      "");
}

TEST_F(ConfigTest, AServerWithoutASchemeIsReadAsKubectlReadsIt) {
  const auto server = [&](const std::string& cluster) {
    const auto config = ParseKubeconfig(
        "clusters: [{name: x, cluster: {" + cluster +
            "}}]\ncontexts: [{name: x, context: {cluster: x}}]\ncurrent-context: x\n",
        folder_);
    return config.ok() ? config->server : Reason(config.status());
  };
  EXPECT_EQ(server("server: 'localhost:8080'"), "http://localhost:8080");
  EXPECT_EQ(server("server: '10.0.0.1:6443', certificate-authority-data: UEVN"),
            "https://10.0.0.1:6443");
  EXPECT_EQ(server("server: 'api.example', insecure-skip-tls-verify: true"), "https://api.example");
  EXPECT_EQ(server("server: 'HTTPS://api.example/'"), "https://api.example");
  EXPECT_EQ(server("server: 'ftp://api.example'"), "MALFORMED_KUBECONFIG");
  EXPECT_EQ(server("server: ''"), "MALFORMED_KUBECONFIG");
}

TEST_F(ConfigTest, AKubeconfigMayComeThroughAPipeThatIsStillBeingWritten) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string text = Kubeconfig("piped");
  std::thread writer([&] {
    for (size_t at = 0; at < text.size(); at += 40)
      EXPECT_GT(write(ends[1], text.data() + at, std::min<size_t>(40, text.size() - at)), 0);
    close(ends[1]);
  });
  EXPECT_EQ(ServerOf({.kubeconfig_flag = "/dev/fd/" + std::to_string(ends[0])}),
            "https://piped:6443");
  writer.join();
  close(ends[0]);
}

TEST_F(ConfigTest, AnEmptyTokenFileIsNotTakenForNoCredential) {
  HandClock clock;
  ClusterConfig config;
  config.token_file = Write("token", "first");
  TokenSource source(config, clock);
  EXPECT_EQ(source.Get()->Reveal(), "first");
  Write("token", "\n");  // between truncation and writing
  clock.passed += absl::Minutes(2);
  EXPECT_EQ(source.Get()->Reveal(), "first");
  Write("token", "second");
  EXPECT_EQ(source.Get()->Reveal(), "second");
  config.token_file = Write("never", "");
  EXPECT_EQ(Reason(TokenSource(config, clock).Get().status()), "TOKEN_UNREADABLE");
  config.token = base::Secret("fixed");
  EXPECT_EQ(TokenSource(config, clock).Get()->Reveal(), "fixed");
}

TEST_F(ConfigTest, ATokenFileIsReadAgainAfterA401) {
  const std::string path = Write("token", "old");
  FakeApi api([&](const Seen& seen, std::shared_ptr<http_server::Exchange> exchange) {
    if (seen.headers.Get("Authorization") == "Bearer new")
      return exchange->Respond(Json(200, R"({"metadata":{"name":"a"}})"));
    Write("token", "new\n");  // rotated in the meantime
    exchange->Respond(Json(401, test::StatusJson(401, "Unauthorized")));
  });
  const auto http = http_client::Client::Create();
  auto config = api.config();
  config.token_file = path;
  const auto client = test::MakeClient(*http, config);
  EXPECT_TRUE(client->Get(Soon(), *FindBuiltin("pods"), "shop", "a").ok());
  EXPECT_EQ(api.seen().size(), 2u);
}

TEST_F(ConfigTest, ACredentialThatStaysWrongIsOneErrorNotALoop) {
  FakeApi api(Always(401, test::StatusJson(401, "Unauthorized")));
  const auto http = http_client::Client::Create();
  auto config = api.config();
  config.token_file = Write("token", "bad");
  EXPECT_EQ(
      Reason(
          test::MakeClient(*http, config)->Get(Soon(), *FindBuiltin("pods"), "shop", "a").status()),
      "UNAUTHORIZED");
  EXPECT_EQ(api.seen().size(), 2u);
}

TEST(LabelSelector, ParsesWhatKubectlParsesAndRefusesTheRest) {
  for (const std::string text : {"", "a=b", "a==b", "a!=b", "a in (b,c)", "a notin (b)", "!a", "a",
                                 "example.com/a=b", " a = b , c "}) {
    EXPECT_TRUE(LabelSelector::Parse(text).ok()) << text;
  }
  for (const std::string text : {"a===b", "a in b", "a in (b", "=b", "a=b,", "a b", "a=b c",
                                 "a>1&x=y", "-a", "a=b\n", "A/B/C", "a=\"b\""}) {
    EXPECT_EQ(Reason(LabelSelector::Parse(text).status()), "INVALID_SELECTOR") << text;
  }
  const auto selector = *LabelSelector::Parse("a=1,b!=2,c in (x,y),!d,e");
  EXPECT_TRUE(selector.Matches({{"a", "1"}, {"c", "y"}, {"e", ""}}));
  EXPECT_FALSE(selector.Matches({{"a", "1"}, {"b", "2"}, {"c", "y"}, {"e", ""}}));
  EXPECT_FALSE(selector.Matches({{"a", "1"}, {"c", "y"}}));
  EXPECT_FALSE(selector.Matches({{"a", "1"}, {"c", "y"}, {"d", ""}, {"e", ""}}));
  EXPECT_EQ(Reason(FieldQuery({{"a&b", "c", false}}).status()), "INVALID_SELECTOR");
}

}  // namespace
}  // namespace opsmesh::kube
