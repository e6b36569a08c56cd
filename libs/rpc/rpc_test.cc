// Parts of libs/rpc that need no server.
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/rpc/authenticator.h"
#include "libs/rpc/runner.h"
#include "libs/rpc/status_bridge.h"
#include "opsmesh/k8s/v1/k8s_service.pb.h"

namespace opsmesh::rpc {
namespace {

TEST(StatusBridge, KeepsEverythingThereAndBack) {
  const absl::Status status =
      base::InvalidArgument("context.namespace", "NAMESPACE_NAME", "'Shop' is no namespace name.")
          .Hint("Use lower case.")
          .With("namespace", "Shop")
          .RetryAfter(absl::Milliseconds(1500));
  const absl::Status back = FromGrpc(ToGrpc(status));
  EXPECT_EQ(back.code(), status.code());
  EXPECT_EQ(back.message(), status.message());
  EXPECT_EQ(base::DetailOf(back), base::DetailOf(status));
}

TEST(StatusBridge, SpeaksTheStandardDetailTypes) {
  const grpc::Status wire =
      ToGrpc(base::NotFound("POD_NOT_FOUND", "There is no pod 'x'.").Hint("Look at /pods."));
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(wire.error_details()));
  EXPECT_EQ(status.code(), 5);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "POD_NOT_FOUND");
  EXPECT_EQ(info.domain(), "opsmesh.dev");
  EXPECT_EQ(status.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(status.details(1).type_url(), "type.googleapis.com/google.rpc.Help");
}

TEST(StatusBridge, KeepsTrailersSmallWhateverTheError) {
  base::ErrorDetail detail;
  detail.reason = "BIG";
  detail.hint = std::string(100000, 'h');
  detail.field = std::string(5000, 'f');
  for (int i = 0; i < 200; ++i) detail.metadata["key" + std::to_string(i)] = std::string(5000, 'v');
  const grpc::Status wire =
      ToGrpc(base::WithDetail(absl::InternalError(std::string(100000, 'x')), detail));
  EXPECT_LE(wire.error_message().size(), 2048u);
  EXPECT_LE(wire.error_details().size(), 4096u);
  EXPECT_EQ(base::DetailOf(FromGrpc(wire)).reason, "BIG");
}

TEST(StatusBridge, MakesIllFormedTextSendable) {
  const grpc::Status wire = ToGrpc(base::Internal("X",
                                                  "a\xff"
                                                  "b")
                                       .With("k", "\xed\xa0\x80"));
  EXPECT_TRUE(base::IsValidUtf8(wire.error_message()));
  google::rpc::Status status;
  EXPECT_TRUE(status.ParseFromString(wire.error_details()));
}

TEST(StatusBridge, GivesTransportErrorsAReason) {
  EXPECT_EQ(base::DetailOf(FromGrpc({grpc::StatusCode::UNAVAILABLE, "failed to connect"})).reason,
            "SERVICE_UNAVAILABLE");
  EXPECT_EQ(base::DetailOf(FromGrpc({grpc::StatusCode::DEADLINE_EXCEEDED, ""})).reason, "DEADLINE");
  EXPECT_EQ(base::DetailOf(FromGrpc({grpc::StatusCode::CANCELLED, ""})).reason, "CALLER_LEFT");
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
  EXPECT_EQ(FromGrpc({static_cast<grpc::StatusCode>(99), "odd", "not a status"}).code(),
            absl::StatusCode::kUnknown);
}

Credentials FromLoopback() {
  Credentials credentials;
  credentials.peer_is_loopback = true;
  return credentials;
}

TEST(Authenticator, GivesStrangersFromElsewhereTheLeastRole) {
  const Authenticator open({});
  EXPECT_EQ(open.Authenticate(FromLoopback())->principal.role, base::Role::kAdmin);
  EXPECT_EQ(open.Authenticate(Credentials())->principal.role, base::Role::kViewer);
  EXPECT_EQ(open.Authenticate(Credentials())->principal.id, "anonymous");
}

TEST(Authenticator, DoesNotBelieveAClaimWithoutProof) {
  const Authenticator open({});
  Credentials credentials;
  credentials.caller = "gateway";
  credentials.principal = "key:boss";
  credentials.role = "admin";
  const auto caller = open.Authenticate(credentials);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->service, "");
  EXPECT_EQ(caller->principal.role, base::Role::kViewer);
}

TEST(Authenticator, WithoutATokenOfItsOwnAcceptsNone) {
  Credentials credentials = FromLoopback();
  credentials.mesh_token = "";
  credentials.caller = "gateway";
  EXPECT_EQ(Authenticator({}).Authenticate(credentials)->service, "");
  credentials.mesh_token = "guess";
  EXPECT_EQ(base::DetailOf(Authenticator({}).Authenticate(credentials).status()).reason,
            "MESH_TOKEN");
}

TEST(Authenticator, WantsACertificateInPlaceOfTheTokenOnceTheMeshHasThem) {
  AuthenticatorOptions options;
  options.mesh_token = base::Secret("the-token-of-the-mesh");
  options.require_certificate = true;
  const Authenticator authenticator(options);
  Credentials credentials = FromLoopback();
  credentials.mesh_token = "the-token-of-the-mesh";
  credentials.caller = "gateway";
  EXPECT_EQ(base::DetailOf(authenticator.Authenticate(credentials).status()).reason,
            "CLIENT_CERTIFICATE");
  credentials.in_process = true;
  EXPECT_EQ(authenticator.Authenticate(credentials)->service, "gateway");
}

TEST(Authenticator, RefusesAPrincipalThatIsNone) {
  AuthenticatorOptions options;
  options.mesh_token = base::Secret("the-token-of-the-mesh");
  const Authenticator authenticator(options);
  Credentials credentials;
  credentials.mesh_token = "the-token-of-the-mesh";
  credentials.caller = "gateway";
  for (const auto& [principal, role] :
       std::vector<std::pair<std::string, std::string>>{{"ann", "emperor"},
                                                        {"ann", ""},
                                                        {"a\nb", "viewer"},
                                                        {std::string(300, 'x'), "viewer"}}) {
    credentials.principal = principal;
    credentials.role = role;
    EXPECT_EQ(base::DetailOf(authenticator.Authenticate(credentials).status()).reason, "PRINCIPAL")
        << principal << role;
  }
}

TEST(Contract, OfEveryLinkedServiceIsComplete) {
  opsmesh::k8s::v1::ListToolsRequest linked;  // keeps the contract in the program
  EXPECT_TRUE(Runner::CheckContract("opsmesh.k8s.v1.K8sService").ok());
  EXPECT_EQ(base::DetailOf(Runner::CheckContract("opsmesh.none.v1.NoService")).reason,
            "CONTRACT_MISSING");
}

TEST(Sha256, IsTheKnownOne) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace opsmesh::rpc
