#include "libs/rpc/method_table.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "libs/base/error.h"
#include "libs/rpc/limits.h"
#include "libs/rpc/runner.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::rpc::internal {

absl::StatusOr<MethodTable> MethodTable::Make(std::string_view service) {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(service));
  if (descriptor == nullptr) {
    return base::Internal(
               "CONTRACT_MISSING",
               fmt::format("The service '{}' is in no contract that is linked in.", service))
        .Hint("Check the name in its ServiceSpec against the proto's package and service.");
  }
  MethodTable table;
  for (int i = 0; i < descriptor->method_count(); ++i) {
    const auto& method = *descriptor->method(i);
    const auto& policy = method.options().GetExtension(opsmesh::type::v1::rpc);
    if (policy.role() == opsmesh::type::v1::ROLE_UNSPECIFIED ||
        policy.effect() == opsmesh::type::v1::EFFECT_UNSPECIFIED) {
      return base::Internal("CONTRACT_POLICY",
                            fmt::format("The RPC {} has no role or no effect.", method.full_name()))
          .Hint("Give it option (opsmesh.type.v1.rpc) = {role: ... effect: ...}.");
    }
    MethodInfo info;
    info.name = method.name();
    info.full_name = fmt::format("{}/{}", service, method.name());
    info.role = static_cast<base::Role>(policy.role());
    info.signed_webhook = policy.signed_webhook();
    info.max_request_bytes =
        policy.max_request_bytes() > 0 ? policy.max_request_bytes() : limits::kDefaultRequestBytes;
    const int seconds = policy.timeout_seconds() > 0 ? policy.timeout_seconds()
                        : method.server_streaming()  ? limits::kStreamSeconds
                                                     : limits::kUnarySeconds;
    info.default_timeout = absl::Seconds(seconds);
    info.check = std::make_unique<RequestCheck>(*method.input_type());
    table.methods_.emplace(method.name(), std::move(info));
  }
  return table;
}

const MethodInfo* MethodTable::Find(std::string_view name) const {
  const auto it = methods_.find(name);
  return it == methods_.end() ? nullptr : &it->second;
}

}  // namespace opsmesh::rpc::internal

namespace opsmesh::rpc {

int64_t LargestRequest(const std::set<std::string>& services) {
  int64_t largest = limits::kReceiveBytes;
  for (const std::string& service : services) {
    const auto* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
    for (int i = 0; descriptor != nullptr && i < descriptor->method_count(); ++i) {
      const auto& policy = descriptor->method(i)->options().GetExtension(opsmesh::type::v1::rpc);
      largest = std::max<int64_t>(largest, policy.max_request_bytes() + (64 << 10));
    }
  }
  return largest;
}

}  // namespace opsmesh::rpc
