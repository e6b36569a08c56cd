// mTLS between services: the certificate says which service calls (T16).
#include <fstream>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/testing/toy/certificates.h"
#include "libs/testing/toy/toy_mesh.h"

namespace opsmesh::toy {
namespace {

constexpr char kServerName[] = "toy.opsmesh.internal";

std::string WriteFile(const TemporaryFolder& folder, const std::string& name,
                      const std::string& text) {
  const std::string path = folder.path() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

class Mtls : public ::testing::Test {
 protected:
  Mtls() {
    const Certificate own = authority_.Sign(kServerName, "spiffe://opsmesh.internal/toy");
    mesh_ = std::make_unique<ToyMesh>(
        MeshOptions{.yaml = fmt::format("mesh: {{tls: {{ca: {}, certificate: {}, key: {}}}}}",
                                        WriteFile(files_, "ca.pem", authority_.certificate()),
                                        WriteFile(files_, "toy.pem", own.certificate),
                                        WriteFile(files_, "toy.key", own.key)),
                    .grpc_listen = "127.0.0.1:0",
                    .with_front = false});
  }

  // Calls Echo over TCP with these TLS files and this identity.
  absl::StatusOr<v1::EchoResponse> Echo(rpc::TlsFiles tls, rpc::CallIdentity identity) {
    auto channel =
        rpc::MakeChannel({.target = fmt::format("127.0.0.1:{}", mesh_->process->grpc_port()),
                          .tls = std::move(tls),
                          .server_name = kServerName},
                         std::make_shared<const rpc::CallIdentity>(std::move(identity)));
    if (!channel.ok()) return channel.status();
    const clients::Client<v1::ToyService> client(
        *channel,
        std::make_shared<clients::RetryPolicy>(clients::RetryOptions{.max_tries = 1}, mesh_->ids));
    return client.Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x"));
  }
  rpc::TlsFiles With(const Certificate& certificate) const {
    return {authority_.certificate(), certificate.certificate, base::Secret(certificate.key)};
  }

  const Authority authority_;
  const TemporaryFolder files_;
  std::unique_ptr<ToyMesh> mesh_;
};

TEST_F(Mtls, BelievesTheServiceThatTheCertificateNames) {
  const auto echo = Echo(With(authority_.Sign("front", "spiffe://opsmesh.internal/front")),
                         {"gateway", base::Secret(), base::Secret()});
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_EQ(echo->caller(), "front") << "the certificate decides, not the claim in the metadata";
  EXPECT_EQ(echo->principal(), "key:ann");
}

TEST_F(Mtls, RefusesACallWithoutACertificate) {
  const auto echo = Echo({authority_.certificate(), "", base::Secret()},
                         {"gateway", base::Secret(), base::Secret()});
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kUnauthenticated) << echo.status();
  EXPECT_EQ(base::DetailOf(echo.status()).reason, "CLIENT_CERTIFICATE");
}

TEST_F(Mtls, RefusesAServiceThatMayNotCall) {
  const auto echo = Echo(With(authority_.Sign("stranger", "spiffe://opsmesh.internal/stranger")),
                         {"gateway", base::Secret(), base::Secret()});
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kPermissionDenied) << echo.status();
  EXPECT_EQ(base::DetailOf(echo.status()).reason, "CALLER_NOT_ALLOWED");
}

TEST_F(Mtls, RefusesACertificateOfAnotherTrustDomain) {
  const auto echo = Echo(With(authority_.Sign("front", "spiffe://elsewhere.example/front")),
                         {"front", base::Secret(), base::Secret()});
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kUnauthenticated) << echo.status();
  EXPECT_EQ(base::DetailOf(echo.status()).reason, "CLIENT_CERTIFICATE");
}

TEST_F(Mtls, DoesNotTalkToACertificateOfAnotherAuthority) {
  const Authority other;
  const Certificate forged = other.Sign("front", "spiffe://opsmesh.internal/front");
  const auto echo = Echo(With(forged), {"front", base::Secret(), base::Secret()});
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kUnavailable) << echo.status();
  EXPECT_EQ(mesh_->logic->echoes(), 0);
}

TEST_F(Mtls, DoesNotTalkPlainText) {
  const auto echo = Echo({}, {"", base::Secret(), base::Secret()});
  EXPECT_EQ(echo.status().code(), absl::StatusCode::kUnavailable) << echo.status();
}

TEST(Channels, NeverSendTheTokenOfTheMeshInPlainTextBeyondLoopback) {
  const auto identity = std::make_shared<const rpc::CallIdentity>(
      rpc::CallIdentity{"gateway", base::Secret("a-token-of-the-mesh"), base::Secret()});
  EXPECT_EQ(
      base::DetailOf(rpc::MakeChannel({.target = "opsmesh-k8s:50051"}, identity).status()).reason,
      "CHANNEL_TARGET");
  EXPECT_TRUE(rpc::MakeChannel({.target = "127.0.0.1:50051"}, identity).ok());
  EXPECT_TRUE(
      rpc::MakeChannel({.target = "opsmesh-k8s:50051"}, identity, /*allow_plaintext=*/true).ok());
}

}  // namespace
}  // namespace opsmesh::toy
