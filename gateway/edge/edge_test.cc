// Roles, origins, rates and pages, through a real gateway where a socket can show them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config.h"
#include "gateway/edge/edge_auth.h"
#include "gateway/edge/rate_limiter.h"
#include "gateway/testing/gateway_harness.h"
#include "libs/base/error.h"
#include "libs/testing/fake_clock.h"

namespace opsmesh::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

Options WithKeys() {
  Options options;
  for (const auto& [name, role] : {std::pair{"viewer", base::Role::kViewer},
                                   {"operator", base::Role::kOperator},
                                   {"approver", base::Role::kApprover},
                                   {"admin", base::Role::kAdmin}}) {
    options.auth_keys.push_back(
        {.name = name, .role = role, .sha256 = rpc::Sha256Hex(std::string("key-") + name)});
  }
  return options;
}

TEST(EdgeTest, WithoutKeysTheMachineItselfMayDoEverything) {
  GatewayHarness harness;
  for (const char* host : {"localhost", "127.0.0.1:8080", "[::1]:80", "LOCALHOST:1"}) {
    EXPECT_EQ(harness.Post("/toy:administer", "{}", {{"Host", host}}).status, 200) << host;
  }
  EXPECT_THAT(harness.gateway().notices(),
              ::testing::ElementsAre(HasSubstr("No authentication is configured")));
}

TEST(EdgeTest, WithoutKeysAForeignHostOrAProxyOnTheMachineMakesAViewer) {
  GatewayHarness harness;
  for (const HeaderList& headers :
       {HeaderList{{"Host", "abc.ngrok.io"}}, HeaderList{{"Host", "127.evil.example"}},
        HeaderList{{"X-Forwarded-For", "1.2.3.4"}}, HeaderList{{"Via", "1.1 proxy"}}}) {
    const TestAnswer change = harness.Post("/toy:change", "{}", headers);
    EXPECT_EQ(change.Reason(), "403 ROLE_REQUIRED");
    EXPECT_THAT(change.body(), HasSubstr("Configure auth.keys"));
    EXPECT_EQ(harness.Post("/toy", "{}", headers).json()["metadata"]["x-opsmesh-principal"],
              "anonymous");
  }
}

TEST(EdgeTest, WithoutKeysAnotherAddressIsAViewer) {
  EdgeAuth auth({});
  http_server::Request request;
  request.headers.Add("Host", "localhost");
  request.remote_is_loopback = false;
  EXPECT_EQ(auth.Authenticate(request)->role, base::Role::kViewer);
}

TEST(EdgeTest, WithKeysEveryRoleMayDoItsOwnAndWhatIsBelow) {
  GatewayHarness harness(WithKeys());
  const std::vector<std::pair<std::string, base::Role>> routes = {
      {"/toy", base::Role::kViewer},
      {"/toy:change", base::Role::kOperator},
      {"/toy:administer", base::Role::kAdmin}};
  for (const rpc::ApiKey& key : WithKeys().auth_keys) {
    for (const auto& [path, needed] : routes) {
      const TestAnswer answer =
          harness.Post(path, "{}", {{"Authorization", "Bearer key-" + key.name}});
      EXPECT_EQ(answer.Reason(), key.role >= needed ? "200 ?" : "403 ROLE_REQUIRED")
          << key.name << path;
    }
  }
  const auto metadata =
      harness.Post("/toy", "{}", {{"Authorization", "bearer key-operator"}}).json()["metadata"];
  EXPECT_EQ(metadata["x-opsmesh-principal"], "key:operator");
  EXPECT_EQ(metadata["x-opsmesh-role"], "operator");
  EXPECT_THAT(harness.gateway().notices(), IsEmpty());
}

TEST(EdgeTest, WithKeysNobodyPassesWithoutOneButSignedWebhooksAndPages) {
  GatewayHarness harness(WithKeys());
  const TestAnswer none = harness.Get("/items");
  EXPECT_EQ(none.Reason(), "401 CREDENTIALS_MISSING");
  EXPECT_EQ(none.Header("www-authenticate"), "Bearer realm=\"opsmesh\"");
  EXPECT_EQ(harness.Get("/items", {{"Authorization", "Bearer nope"}}).Reason(), "401 API_KEY");
  EXPECT_EQ(harness.Get("/items", {{"Authorization", "Basic a2V5"}}).Reason(),
            "401 CREDENTIALS_MISSING");
  EXPECT_EQ(harness.Send({.method = "POST", .target = "/hook", .body = "x"}).status, 200);
  EXPECT_EQ(harness.Get("/docs").status, 200);
  EXPECT_EQ(harness.Get("/metrics").status, 200);
  EXPECT_EQ(harness.Get("/metrics", {{"Host", "example.org"}}).Reason(), "401 CREDENTIALS_MISSING");
}

TEST(EdgeTest, APageOfAnotherOriginChangesNothing) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Post("/toy", "{}", {{"Origin", "https://evil.example"}}).Reason(),
            "403 CROSS_ORIGIN");
  EXPECT_EQ(harness.Post("/toy", "{}", {{"Origin", "null"}}).Reason(), "403 CROSS_ORIGIN");
  EXPECT_EQ(harness.Post("/toy", "{}", {{"Sec-Fetch-Site", "cross-site"}}).Reason(),
            "403 CROSS_ORIGIN");
  EXPECT_EQ(harness.Post("/toy", "{}", {{"Origin", "http://localhost"}}).status, 200);
  EXPECT_EQ(harness.service().calls(), 1);
  EXPECT_EQ(harness.Get("/items", {{"Origin", "https://evil.example"}})
                .Header("access-control-allow-origin"),
            "");
}

TEST(EdgeTest, AConfiguredOriginGetsItsPreflightOnEveryPathAndMayRead) {
  Options options;
  options.allowed_origins = {"https://ops.example.org"};
  GatewayHarness harness(options);
  const auto preflight = [&](const char* origin, const char* path) {
    return harness.Send(
        {.method = "OPTIONS",
         .target = path,
         .headers = {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}}});
  };
  for (const char* path : {"/toy", "/api/v1/anything", "/"}) {
    const TestAnswer allowed = preflight("https://ops.example.org", path);
    EXPECT_EQ(allowed.status, 204) << path;
    EXPECT_EQ(allowed.Header("access-control-allow-origin"), "https://ops.example.org");
    EXPECT_THAT(allowed.Header("access-control-allow-headers"), HasSubstr("Authorization"));
  }
  EXPECT_EQ(preflight("https://evil.example", "/toy").status, 403);
  const TestAnswer answer = harness.Post("/toy", "{}", {{"Origin", "https://ops.example.org"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("access-control-allow-origin"), "https://ops.example.org");
  EXPECT_EQ(answer.Header("vary"), "Origin");
}

TEST(EdgeTest, ACallerThatSendsTooMuchIsToldWhenToComeBack) {
  Options options = WithKeys();
  options.requests_per_second = 0.001;
  options.request_burst = 2;
  GatewayHarness harness(options);
  const HeaderList viewer = {{"Authorization", "Bearer key-viewer"}};
  EXPECT_EQ(harness.Get("/items", viewer).status, 200);
  EXPECT_EQ(harness.Get("/items", viewer).status, 200);
  const TestAnswer refused = harness.Get("/items", viewer);
  EXPECT_EQ(refused.Reason(), "429 RATE_LIMITED");
  EXPECT_THAT(std::stoi(refused.Header("retry-after")), ::testing::Gt(900));
  EXPECT_EQ(harness.Get("/items", {{"Authorization", "Bearer key-admin"}}).status, 200);
}

TEST(RateLimiterTest, TokensComeBackWithTimeAndNeverBeyondTheBurst) {
  opsmesh::testing::FakeClock clock;
  RateLimiter limiter({.per_second = 2, .burst = 2}, clock);
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a"), absl::Milliseconds(500));
  EXPECT_EQ(limiter.Take("b"), absl::ZeroDuration());
  clock.Advance(absl::Seconds(60));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("a"), absl::ZeroDuration());
}

TEST(EdgeTest, TheRootIsAPageForBrowsersAndAnAnswerForPrograms) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Get("/").body(), R"({"items":[{"some_text":"root"}]})");
  EXPECT_EQ(harness.Get("/", {{"Accept", "application/json, text/html"}}).Header("content-type"),
            "application/json");
  const TestAnswer page =
      harness.Get("/", {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}});
  EXPECT_THAT(page.Header("content-type"), HasSubstr("text/html"));
  EXPECT_THAT(page.Header("content-security-policy"), HasSubstr("default-src 'self'"));
  EXPECT_THAT(page.Header("content-security-policy"), Not(HasSubstr("unsafe")));
}

TEST(EdgeTest, TheDocumentAndTheMetricsAreServed) {
  GatewayHarness harness;
  const auto document = harness.Get("/api/v1/openapi.json").json();
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_TRUE(document["paths"].contains("/items"));
  harness.Get("/toy/some-name");
  harness.Get("/nothing/here");
  const TestAnswer metrics = harness.Get("/metrics");
  EXPECT_THAT(metrics.Header("content-type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(metrics.body(),
              HasSubstr("opsmesh_http_requests_total{code=\"200\",route=\"/toy/{name}\"} 1"));
  EXPECT_THAT(metrics.body(),
              HasSubstr("opsmesh_http_requests_total{code=\"404\",route=\"other\"} 1"));
  EXPECT_THAT(metrics.body(), HasSubstr("opsmesh_http_request_seconds_count"));
  EXPECT_THAT(metrics.body(), Not(HasSubstr("some-name")));
}

TEST(EdgeTest, EveryAnswerCarriesTheSecurityHeaders) {
  GatewayHarness harness;
  for (const char* path : {"/items", "/nothing", "/docs", "/metrics", "/api/v1/openapi.json"}) {
    const TestAnswer answer = harness.Get(path);
    EXPECT_EQ(answer.Header("x-content-type-options"), "nosniff") << path;
    EXPECT_THAT(answer.Header("content-security-policy"), HasSubstr("frame-ancestors 'none'"))
        << path;
    EXPECT_EQ(answer.Header("referrer-policy"), "no-referrer") << path;
    EXPECT_NE(answer.Header("x-request-id"), "") << path;
  }
}

TEST(GatewayConfigTest, ListenersAreReadFromTextAndTheirFaultsNamed) {
  EXPECT_EQ(ParseListener("0.0.0.0:8888")->address, "0.0.0.0");
  EXPECT_EQ(ParseListener("[::1]:80")->address, "::1");
  EXPECT_EQ(ParseListener("8080")->address, "127.0.0.1");
  EXPECT_EQ(ParseListener(":8080")->address, "0.0.0.0");
  for (const char* text : {"", "host:", "1.2.3.4:99999", "::1", "a:b"})
    EXPECT_FALSE(ParseListener(text).ok()) << text;
  const auto source =
      config::Source::FromYaml("gateway:\n  listen: [127.0.0.1:0, 0.0.0.0:8000]\n  threads: 2\n");
  const auto options = LoadOptions(*source);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listeners.size(), 2u);
  EXPECT_EQ(options->threads, 2);
  EXPECT_EQ(
      LoadOptions(*config::Source::FromYaml("{}", "t", {{"PORT", "8000"}}))->listeners[0].port,
      8000);
  EXPECT_FALSE(LoadOptions(*config::Source::FromYaml("gateway: {listen: nowhere}")).ok());
}

}  // namespace
}  // namespace opsmesh::gateway
