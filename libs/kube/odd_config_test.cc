// Configurations that are wrong or unusual, at the TLS door of a simulated cluster: what a person
// is told.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>

#include "libs/kube/test_support.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::kube {
namespace {

using test::Always;
using test::FakeApi;
using test::Reason;
using test::Soon;

class OddConfigTest : public testing::Test {
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
    return (*client)
        ->List(Soon().WithTimeout(absl::Seconds(5)), *FindBuiltin("namespaces"), "")
        .status();
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
    EXPECT_LT(base::SystemClock().Steady() - begin, absl::Seconds(6)) << c.what;
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

}  // namespace
}  // namespace opsmesh::kube
