// Names of the gRPC metadata keys of the mesh. Identity travels in metadata only (a peer address is
// "unknown" between services of one process). The principal keys are believed only from a caller
// that proved to be part of the mesh.
#pragma once

#include <string_view>

namespace opsmesh::rpc::metadata {

/// Proof of being part of the mesh where there is no mTLS: the shared token.
inline constexpr char kMeshToken[] = "x-opsmesh-mesh-token";
/// Which service calls: "gateway", "chat", ... Believed beside a valid token; with mTLS the
/// certificate says it.
inline constexpr char kCaller[] = "x-opsmesh-caller";
/// The person or program behind the call and their role ("viewer" ... "admin").
/// The principal's id is percent-encoded where it is not visible ASCII.
inline constexpr char kPrincipal[] = "x-opsmesh-principal";
inline constexpr char kRole[] = "x-opsmesh-role";
/// "Bearer <key>" of a caller from outside the mesh (auth.keys).
inline constexpr char kAuthorization[] = "authorization";
/// Support id of the request, 1-128 visible ASCII characters; made by the first service when
/// absent.
inline constexpr char kRequestId[] = "x-request-id";
/// W3C trace context.
inline constexpr char kTraceparent[] = "traceparent";
/// Language tags of the person asking, as in HTTP.
inline constexpr char kAcceptLanguage[] = "accept-language";
/// Header `X-Foo` of the HTTP request travels as "x-http-x-foo"; only the gateway sets these.
inline constexpr char kHttpPrefix[] = "x-http-";
/// Ends the key of a header whose value is no visible ASCII; gRPC carries any bytes there.
inline constexpr char kBinarySuffix[] = "-bin";
/// Details of an error (google.rpc.Status), gRPC's own convention.
inline constexpr char kStatusDetails[] = "grpc-status-details-bin";

}  // namespace opsmesh::rpc::metadata
