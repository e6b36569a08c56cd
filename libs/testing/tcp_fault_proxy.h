// A TCP proxy on loopback that spoils the connection between two programs on purpose: for tests of
// what OpsMesh promises when the network is bad (design/trust.md section 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::testing {

/// What happens to bytes that arrive from now on, in both directions unless said otherwise.
struct TcpFaults {
  /// Every piece is handed on this much later.
  absl::Duration delay = absl::ZeroDuration();
  /// Pieces handed on have at most this many bytes, each a write of its own; 0 = as they come.
  size_t slice_bytes = 0;
  /// After this many bytes towards the client (counted from SetFaults() on, for each connection)
  /// both sides are reset.
  std::optional<size_t> cut_after_bytes;
  /// Bytes vanish: nothing arrives, nobody is told, connections stay open, new ones are accepted.
  bool blackhole = false;
};

/// Listens on 127.0.0.1 on a free port and connects every client to 127.0.0.1:`target_port`. One
/// thread. Thread-safe.
class TcpFaultProxy {
 public:
  /// UNAVAILABLE (NO_DESCRIPTORS) when no socket can be had.
  static absl::StatusOr<std::unique_ptr<TcpFaultProxy>> Start(uint16_t target_port);
  virtual ~TcpFaultProxy() = default;

  virtual uint16_t port() const = 0;
  virtual void SetFaults(const TcpFaults& faults) = 0;
  /// Resets every open connection, once this returns.
  virtual void CutAll() = 0;
  virtual size_t open_connections() const = 0;
};

}  // namespace opsmesh::testing
