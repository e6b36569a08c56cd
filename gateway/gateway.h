// The gateway: HTTP/1.1 and JSON in front of the gRPC services, from descriptors alone.
//
// It knows no service by name. Routes, roles, limits, deadlines and documents come from the
// `google.api.http` and `opsmesh.type.v1.rpc` options of a descriptor set; an RPC with an http rule
// is a REST endpoint, an OpenAPI operation and a metric without a line here. Used in process by
// `opsmesh up` and by main.cc of `opsmesh-gateway`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/options.h"

namespace opsmesh::gateway {

/// Serves from Start() to Stop(). Thread-safe after Start().
class Gateway {
 public:
  /// Compiles the contract and listens. FAILED_PRECONDITION with a sentence when the contract is in
  /// doubt (two routes that conflict, a field that does not exist, an RPC without a policy),
  /// UNAVAILABLE when an address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(Options options, Parts parts);
  virtual ~Gateway() = default;

  /// Port of a listener, in the order of Options::listeners.
  virtual uint16_t port(size_t listener = 0) const = 0;
  /// Sentences an operator should read, for instance that no authentication is configured. Empty
  /// when all is well.
  virtual std::vector<std::string> notices() const = 0;
  /// Refuses new work with 503 and ends streams with an event that says "interrupted"; returns at
  /// once.
  virtual void Drain() = 0;
  /// Drains, stops accepting, and waits at most `grace` for what runs. Idempotent; the destructor
  /// calls it with no grace.
  virtual void Stop(absl::Duration grace) = 0;
};

}  // namespace opsmesh::gateway
