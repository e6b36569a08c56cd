// What the contract says about each RPC of a service, looked up once.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/principal.h"
#include "libs/rpc/request_check.h"
#include "libs/telemetry/metrics.h"

namespace opsmesh::rpc::internal {

/// One RPC.
struct MethodInfo {
  std::string name;       // "CallTool"
  std::string full_name;  // "opsmesh.k8s.v1.K8sService/CallTool"
  base::Role role = base::Role::kAdmin;
  bool signed_webhook = false;
  int64_t max_request_bytes = 0;
  absl::Duration default_timeout;
  std::unique_ptr<RequestCheck> check;
  telemetry::Histogram* seconds = nullptr;
};

class MethodTable {
 public:
  /// INTERNAL (CONTRACT_MISSING, CONTRACT_POLICY) when the service is not linked in or an RPC has
  /// no policy.
  static absl::StatusOr<MethodTable> Make(std::string_view service);
  /// nullptr when there is no such RPC.
  const MethodInfo* Find(std::string_view name) const;
  std::map<std::string, MethodInfo, std::less<>>& methods() { return methods_; }

 private:
  std::map<std::string, MethodInfo, std::less<>> methods_;
};

}  // namespace opsmesh::rpc::internal
