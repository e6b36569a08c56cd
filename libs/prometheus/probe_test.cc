#include "libs/prometheus/probe.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::prometheus {
namespace {

TEST(BaseUrl, AddsTheSchemeThatPrometheusHostLacks) {
  EXPECT_EQ(*BaseUrl("127.0.0.1:9090"), "http://127.0.0.1:9090");
  EXPECT_EQ(*BaseUrl(" https://prom.example/prometheus/ "), "https://prom.example/prometheus");
  EXPECT_EQ(*BaseUrl(""), "");
}

TEST(BaseUrl, RefusesWhatIsNoAddress) {
  for (const char* wrong : {"ftp://prom:21", "http://", "http://user:pw@prom:9090",
                            "prom:9090/?query=up", "a b:9090"}) {
    const auto url = BaseUrl(wrong);
    ASSERT_FALSE(url.ok()) << wrong;
    EXPECT_EQ(base::DetailOf(url.status()).reason, "PROMETHEUS_ADDRESS") << wrong;
  }
}

class CheckReadyTest : public testing::Test {
 protected:
  /// Serves `status` at /-/ready and 404 elsewhere.
  void Serve(int status) {
    auto server =
        http_server::Server::Start({}, [status](std::shared_ptr<http_server::Exchange> exchange) {
          http_server::Response response;
          response.status = exchange->request().path == "/-/ready" ? status : 404;
          exchange->Respond(std::move(response));
        });
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = *std::move(server);
  }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  std::unique_ptr<http_server::Server> server_;
  std::unique_ptr<http_client::Client> client_ = http_client::Client::Create();
  base::Context ctx_ = base::Context::Background();
};

TEST_F(CheckReadyTest, IsFineWhenTheServerSaysSo) {
  Serve(200);
  const absl::Status status =
      CheckReady(ctx_, *client_, {.base_url = Url(), .status_timeout = absl::Seconds(5)});
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_F(CheckReadyTest, NamesTheAddressAndTheAnswerWhenItIsNotReady) {
  Serve(503);
  const absl::Status status =
      CheckReady(ctx_, *client_, {.base_url = Url(), .status_timeout = absl::Seconds(5)});
  EXPECT_EQ(base::DetailOf(status).reason, "PROMETHEUS");
  EXPECT_NE(status.message().find("503"), absl::string_view::npos) << status.message();
}

TEST_F(CheckReadyTest, NamesTheCauseWhenNobodyListens) {
  Serve(200);
  const std::string url = Url();
  server_->Stop(absl::ZeroDuration());
  server_.reset();
  const absl::Status status =
      CheckReady(ctx_, *client_, {.base_url = url, .status_timeout = absl::Seconds(5)});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("127.0.0.1"), absl::string_view::npos) << status.message();
}

}  // namespace
}  // namespace opsmesh::prometheus
