// Limits of gRPC in the mesh (design/trust.md section 3). Bytes unless said.
#pragma once

#include <cstdint>

namespace opsmesh::rpc::limits {

inline constexpr int64_t kDefaultRequestBytes = 1 << 20;  // where the contract says nothing
inline constexpr int64_t kReceiveBytes = 4 << 20;  // what a server takes off the wire, at least
inline constexpr int64_t kMaxMessageBytes = 16
                                            << 20;  // what a client takes: pages of logs and traces
inline constexpr int kMaxMetadataBytes = 16 << 10;
inline constexpr int kStreamsPerConnection =
    100;  // where callers are not authenticated by certificate
inline constexpr int64_t kServerMemoryBytes =
    256 << 20;                            // gRPC's own buffers, all connections together
inline constexpr int kUnarySeconds = 30;  // when neither caller nor contract says a time
inline constexpr int kStreamSeconds = 600;

}  // namespace opsmesh::rpc::limits
