// Who may call what: over a real channel, with and without keys.
#include "libs/base/error.h"
#include "libs/testing/toy/toy_mesh.h"

namespace opsmesh::toy {
namespace {

std::string KeysYaml() {
  return "auth: {keys: [{name: reader, role: viewer, sha256: " + rpc::Sha256Hex("reader-key") +
         "}, {name: boss, role: admin, sha256: " + rpc::Sha256Hex("boss-key") + "}]}";
}

// A client that shows a key, from outside the mesh.
clients::Client<v1::ToyService> WithKey(ToyMesh& mesh, const std::string& key) {
  const rpc::Channel outside = mesh.process->ChannelAs("");
  auto identity = std::make_shared<const rpc::CallIdentity>(
      rpc::CallIdentity{"", base::Secret(), base::Secret(key)});
  return {rpc::Channel(outside.Get(), identity),
          std::make_shared<clients::RetryPolicy>(clients::RetryOptions{.max_tries = 1}, mesh.ids)};
}

TEST(Access, FromThisMachineHasEveryRoleWhenNothingIsConfigured) {
  ToyMesh mesh;
  const auto echo = mesh.Toy("").Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_EQ(echo->principal(), "loopback");
  EXPECT_EQ(echo->role(), "admin");
  EXPECT_FALSE(mesh.log->LinesWith("no authentication is configured").empty());
}

TEST(Access, FromOutsideCannotClaimAPrincipal) {
  ToyMesh mesh({.yaml = KeysYaml()});
  // The identity has no token, so Prepare() sends none of the mesh's keys; the key decides alone.
  const auto echo = WithKey(mesh, "reader-key")
                        .Call(ContextOf("key:boss", base::Role::kAdmin),
                              &v1::ToyService::Stub::Echo, EchoOf("x"));
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_EQ(echo->principal(), "key:reader");
  EXPECT_EQ(echo->role(), "viewer");
  EXPECT_EQ(echo->caller(), "");
}

TEST(Access, WithoutAKeyIsRefusedOnceKeysAreConfigured) {
  ToyMesh mesh({.yaml = KeysYaml()});
  const auto echo = mesh.Toy("").Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::DetailOf(echo.status()).reason, "CREDENTIALS_MISSING");
}

TEST(Access, WithAnUnknownKeyIsRefused) {
  ToyMesh mesh({.yaml = KeysYaml()});
  const auto echo =
      WithKey(mesh, "no-such-key").Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::DetailOf(echo.status()).reason, "API_KEY");
}

TEST(Access, NeedsTheRoleOfTheContract) {
  ToyMesh mesh({.yaml = KeysYaml()});
  const auto refused = WithKey(mesh, "reader-key")
                           .Call(ContextOf(), &v1::ToyService::Stub::Change, v1::ChangeRequest());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(base::DetailOf(refused.status()).reason, "ROLE");
  EXPECT_EQ(base::DetailOf(refused.status()).metadata.at("needed"), "operator");
  EXPECT_TRUE(WithKey(mesh, "boss-key")
                  .Call(ContextOf(), &v1::ToyService::Stub::Change, v1::ChangeRequest())
                  .ok());
}

TEST(Access, OfAServiceIsBoundByTheRulesOfTheMesh) {
  ToyMesh mesh;
  const auto refused =
      mesh.Toy("stranger").Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(base::DetailOf(refused.status()).reason, "CALLER_NOT_ALLOWED");
  EXPECT_EQ(mesh.logic->echoes(), 0);
}

TEST(Access, WithAWrongMeshTokenIsRefused) {
  ToyMesh mesh;
  auto identity = std::make_shared<const rpc::CallIdentity>(
      rpc::CallIdentity{"gateway", base::Secret("not-the-token-of-this-mesh"), base::Secret()});
  const clients::Client<v1::ToyService> client(
      rpc::Channel(mesh.process->ChannelAs("").Get(), identity),
      std::make_shared<clients::RetryPolicy>(clients::RetryOptions{.max_tries = 1}, mesh.ids));
  const auto refused = client.Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::DetailOf(refused.status()).reason, "MESH_TOKEN");
}

TEST(Access, HttpHeadersComeOnlyFromTheGateway) {
  ToyMesh mesh;
  rpc::CallOptions options;
  options.http_headers["x-signature"] = "v0=abc";
  const auto through_gateway =
      mesh.Toy("gateway").Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"), options);
  ASSERT_TRUE(through_gateway.ok());
  EXPECT_EQ(through_gateway->signature(), "v0=abc");
  const auto from_front =
      mesh.Toy("front").Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"), options);
  ASSERT_TRUE(from_front.ok());
  EXPECT_EQ(from_front->signature(), "");
}

TEST(Access, OfAServiceThatNamesNobodyIsThatOfAViewer) {
  ToyMesh mesh;
  const base::Context nobody = base::Context::Background().WithTimeout(absl::Seconds(10));
  const auto echo = mesh.Toy("front").Call(nobody, &v1::ToyService::Stub::Echo, EchoOf("x"));
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_EQ(echo->principal(), "service:front");
  EXPECT_EQ(echo->role(), "viewer");
}

TEST(DefaultRules, LetTheLlmProposeButNeverApprove) {
  const rpc::AllowList rules = rpc::DefaultAllowList();
  EXPECT_TRUE(rules.Allows("llm", "opsmesh.k8s.v1.K8sService/CreateProposal"));
  EXPECT_TRUE(rules.Allows("llm", "opsmesh.k8s.v1.K8sService/CallTool"));
  for (const char* method :
       {"ApproveProposal", "RejectProposal", "RollbackProposal", "SetFreeze"}) {
    EXPECT_FALSE(rules.Allows("llm", std::string("opsmesh.k8s.v1.K8sService/") + method)) << method;
    EXPECT_TRUE(rules.Allows("chat", std::string("opsmesh.k8s.v1.K8sService/") + method)) << method;
    EXPECT_TRUE(rules.Allows("gateway", std::string("opsmesh.k8s.v1.K8sService/") + method))
        << method;
  }
  EXPECT_FALSE(rules.Allows("notify", "opsmesh.k8s.v1.K8sService/GetObject"));
  EXPECT_FALSE(rules.Allows("unheard-of", "opsmesh.k8s.v1.K8sService/GetObject"));
}

}  // namespace
}  // namespace opsmesh::toy
