#include "libs/rpc/health.h"

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "libs/base/error.h"
#include "libs/rpc/status_bridge.h"

namespace opsmesh::rpc {
namespace {

// The two messages have one field each; written by hand because Debian ships no header for them.
constexpr char kRequestTag = 0x0a;   // HealthCheckRequest.service = 1, a string
constexpr char kResponseTag = 0x08;  // HealthCheckResponse.status = 1, an enum
constexpr char kServing = 1;

grpc::ByteBuffer EncodeRequest(std::string_view service) {
  std::string bytes;
  if (!service.empty())
    bytes = std::string{kRequestTag, static_cast<char>(service.size())} + std::string(service);
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

bool IsServing(const grpc::ByteBuffer& response) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!response.Dump(&slices).ok()) return false;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes.size() == 2 && bytes[0] == kResponseTag && bytes[1] == kServing;
}

}  // namespace

absl::StatusOr<bool> CheckHealth(const base::Context& context, const Channel& channel,
                                 std::string_view service) {
  OPSMESH_RETURN_IF_ERROR(context.Check());
  if (service.size() > 127)
    return base::InvalidArgument("service", "SERVICE_NAME",
                                 "A service name has at most 127 bytes.");
  const auto grpc_channel = channel.Get();
  if (grpc_channel == nullptr)
    return base::Unavailable("SERVICE_STARTING", "The process is still starting.");
  grpc::ClientContext client_context;
  Prepare(context, channel.identity(), {}, &client_context);
  const auto cancel = context.OnCancel([&client_context] { client_context.TryCancel(); });
  const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check",
                                         grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::ByteBuffer response;
  const grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer,
                                                                grpc::ByteBuffer, grpc::ByteBuffer>(
      grpc_channel.get(), method, &client_context, EncodeRequest(service), &response);
  OPSMESH_RETURN_IF_ERROR(FromGrpc(status));
  return IsServing(response);
}

}  // namespace opsmesh::rpc
