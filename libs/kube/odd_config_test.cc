// Configurations that are wrong or unusual, at the TLS door of a simulated cluster: what a person
// is told.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "libs/kube/small_json.h"
#include "libs/kube/test_support.h"
#include "libs/kube/transport.h"
#include "libs/kubesim/simulator.h"
#include "libs/testing/fake_clock.h"

namespace opsmesh::kube {
namespace {

using test::Always;
using test::FakeApi;
using test::Reason;
using test::Soon;

class OddConfigTest : public ::testing::Test {
 protected:
  static std::unique_ptr<kubesim::Simulator> Cluster() {
    auto simulator = kubesim::Simulator::Create({});
    EXPECT_TRUE(simulator.ok()) << simulator.status();
    kubesim::DoorOptions door;
    door.tls = true;
    EXPECT_TRUE((*simulator)->Start(door).ok());
    return *std::move(simulator);
  }
  static ClusterConfig ConfigOf(kubesim::Simulator& simulator) {
    auto config = ParseKubeconfig(*simulator.Kubeconfig(), ".");
    EXPECT_TRUE(config.ok()) << config.status();
    return *config;
  }
  absl::Status Ask(ClusterConfig config) {
    Client::Options options;
    options.config = std::move(config);
    const auto http = http_client::Client::Create();  // its own: no connection is there already
    options.http = http.get();
    options.retry_min = options.retry_max = absl::Milliseconds(1);
    auto client = Client::Create(std::move(options));
    if (!client.ok()) return client.status();
    return (*client)->List(Soon(), *FindBuiltin("namespaces"), "").status();
  }
};

TEST_F(OddConfigTest, EveryMistakeIsTypedNamesTheClusterAndSaysWhatToDoNext) {
  const auto simulator = Cluster();
  const auto other = Cluster();
  const ClusterConfig good = ConfigOf(*simulator);
  const ClusterConfig foreign = ConfigOf(*other);
  const std::string port = good.server.substr(good.server.rfind(':'));
  ASSERT_TRUE(Ask(good).ok());
  struct Case {
    const char* what;
    std::function<void(ClusterConfig&)> change;
    const char* reason;
  };
  const Case cases[] = {
      {"a CA that is no certificate", [](auto& c) { c.ca_pem = "hello"; }, "TLS_FAILED"},
      {"another cluster's CA", [&](auto& c) { c.ca_pem = foreign.ca_pem; }, "TLS_FAILED"},
      {"no CA for a CA of one's own", [](auto& c) { c.ca_pem.clear(); }, "TLS_FAILED"},
      {"a key that is no key", [](auto& c) { c.client_key_pem = base::Secret("hello"); },
       "TLS_FAILED"},
      {"a key of another certificate", [&](auto& c) { c.client_key_pem = foreign.client_key_pem; },
       "TLS_FAILED"},
      {"another name than the certificate's", [](auto& c) { c.tls_server_name = "not.the.name"; },
       "TLS_FAILED"},
      {"a certificate that another cluster signed",
       [&](auto& c) {
         c.client_cert_pem = foreign.client_cert_pem;
         c.client_key_pem = foreign.client_key_pem;
       },
       "UNAUTHORIZED|TLS_FAILED|CONNECTION_LOST"},
      {"plain HTTP to a TLS port", [&](auto& c) { c.server = "http://127.0.0.1" + port; },
       "MALFORMED_RESPONSE|CONNECTION_LOST|NOT_KUBERNETES"},
      {"nobody on IPv6", [&](auto& c) { c.server = "https://[::1]" + port; }, "CONNECT_FAILED"},
      {"a port that is none", [](auto& c) { c.server = "https://127.0.0.1:99999"; }, "INVALID_URL"},
      {"a space in the address", [](auto& c) { c.server += " "; }, "INVALID_URL"},
      {"a query in the address", [](auto& c) { c.server += "?a=b"; }, "MALFORMED_KUBECONFIG"},
      {"a password in the address",
       [&](auto& c) { c.server = "https://me:pw-7f3a@127.0.0.1" + port; }, "INVALID_URL"},
      {"a host that is none", [](auto& c) { c.server = "https://no.such.host.invalid"; },
       "NAME_NOT_RESOLVED"},
      {"a path that is none", [](auto& c) { c.server += "/k8s/clusters/c-1"; }, "NOT_FOUND"},
      {"a proxy that is none", [](auto& c) { c.proxy_url = "http://127.0.0.1:1"; },
       "PROXY_FAILED|CONNECT_FAILED"},
      {"a token with a line end", [](auto& c) { c.token = base::Secret("abc\r\nX: y"); },
       "MALFORMED_KUBECONFIG"},
      {"a token file that is not there", [](auto& c) { c.token_file = "/nowhere/token"; },
       "TOKEN_UNREADABLE"},
      {"a token nobody knows",
       [](auto& c) {
         c.client_cert_pem.clear();
         c.client_key_pem = base::Secret();
         c.token = base::Secret("t-7f3a");
       },
       "UNAUTHORIZED"},
      {"a certificate without its key", [](auto& c) { c.client_key_pem = base::Secret(); },
       "MALFORMED_KUBECONFIG"},
  };
  for (const Case& c : cases) {
    ClusterConfig config = good;
    c.change(config);
    const absl::Duration begin = base::SystemClock().Steady();
    const absl::Status status = Ask(config);
    EXPECT_NE(("|" + std::string(c.reason) + "|").find("|" + Reason(status) + "|"),
              std::string::npos)
        << c.what << ": " << status;
    EXPECT_LT(base::SystemClock().Steady() - begin, absl::Seconds(30)) << c.what;
    EXPECT_FALSE(base::DetailOf(status).hint.empty()) << c.what << ": " << status;
    EXPECT_EQ(base::ToStd(status.message()).find("7f3a"), std::string_view::npos)
        << c.what << ": " << status;
    std::cerr << "  " << c.what << ": " << base::ToStd(status.message()) << " | "
              << base::DetailOf(status).hint << "\n";
  }
}

TEST_F(OddConfigTest, AServerBehindAPathIsAskedUnderThatPath) {
  FakeApi api(Always(200, R"({"kind":"NamespaceList","metadata":{},"items":[]})"));
  ClusterConfig config = api.config();
  config.server += "/k8s/clusters/c-1/";
  EXPECT_TRUE(Ask(config).ok());
  EXPECT_EQ(api.seen()[0].path, "/k8s/clusters/c-1/api/v1/namespaces");
}

TEST_F(OddConfigTest, AServiceAccountsTokenIsReadAgainWhenTheKubeletRenewsIt) {
  const auto simulator = Cluster();
  const ClusterConfig admin = ConfigOf(*simulator);
  const auto http = http_client::Client::Create();
  Transport transport({.config = admin, .http = http.get(), .allow_writes = true});
  const auto token_of = [&](const std::string& ns) {
    ApiCall call =
        CallOn("create", "POST", *FindBuiltin("serviceaccounts"), ns, "default", "token");
    call.body = R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}})";
    const auto answer = transport.Do(Soon(), call, {});
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? SmallJson(answer->body).root().At("status.token").String() : "";
  };
  char folder[] = "/tmp/opsmesh-account-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(std::string(folder) + "/" + name) << text;
  };
  write("token", token_of("default"));
  write("ca.crt", admin.ca_pem);
  write("namespace", "default");
  Environment pod;
  pod.service_account_dir = folder;
  pod.variable = [&](const std::string& name) {
    if (name == "KUBERNETES_SERVICE_HOST") return std::string("127.0.0.1");
    return name == "KUBERNETES_SERVICE_PORT" ? admin.server.substr(admin.server.rfind(':') + 1)
                                             : std::string();
  };
  const auto config = LoadCluster({}, pod);
  ASSERT_TRUE(config.ok()) << config.status();
  testing::FakeClock clock;
  const auto client = Client::Create({.config = *config, .http = http.get(), .clock = &clock});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(*(*client)->WhoAmI(Soon()), "system:serviceaccount:default:default");
  write("token", token_of("kube-system"));
  EXPECT_EQ(*(*client)->WhoAmI(Soon()), "system:serviceaccount:default:default")
      << "not read for every call";
  clock.Advance(absl::Seconds(61));
  EXPECT_EQ(*(*client)->WhoAmI(Soon()), "system:serviceaccount:kube-system:default");
  write("token", "expired");
  clock.Advance(absl::Seconds(61));
  EXPECT_EQ(Reason((*client)->WhoAmI(Soon()).status()), "UNAUTHORIZED");
  write("token", token_of("default"));  // read again for the 401 alone: no minute passes
  EXPECT_EQ(*(*client)->WhoAmI(Soon()), "system:serviceaccount:default:default");
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace
}  // namespace opsmesh::kube
