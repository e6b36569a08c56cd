#include "libs/clients/retry.h"

#include <algorithm>

#include "google/protobuf/descriptor.h"
#include "libs/base/error.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::clients {

RetryPolicy::RetryPolicy(RetryOptions options, base::IdSource& ids)
    : options_(options), ids_(ids), budget_(options.budget_cap) {}

bool RetryPolicy::Again(const base::Context& context, int tries, const absl::Status& status) {
  if (status.code() != absl::StatusCode::kUnavailable || tries >= options_.max_tries) return false;
  absl::Duration ceiling = options_.first_backoff;
  for (int i = 1; i < tries; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, options_.max_backoff);
  // Full jitter: callers that failed together do not come back together.
  absl::Duration wait = ceiling * (static_cast<double>(ids_.Random() >> 11) * 0x1.0p-53);
  if (const auto asked = base::DetailOf(status).retry_after) wait = std::max(wait, *asked);
  if (wait >= context.Remaining() || !TakeFromBudget()) return false;
  return context.Sleep(wait).ok();
}

void RetryPolicy::Earn() {
  const std::lock_guard lock(mutex_);
  budget_ = std::min(options_.budget_cap, budget_ + options_.budget_ratio);
}

bool RetryPolicy::TakeFromBudget() {
  const std::lock_guard lock(mutex_);
  if (budget_ < 1) return false;
  budget_ -= 1;
  return true;
}

bool IsReadOnly(std::string_view service_full_name, const google::protobuf::Descriptor& request,
                const google::protobuf::Descriptor& response) {
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      std::string(service_full_name));
  if (service == nullptr) return false;
  // Messages tell the RPC, since every RPC has its own; where several share them (HttpBody), all
  // must be reads.
  bool found = false;
  for (int i = 0; i < service->method_count(); ++i) {
    const auto& method = *service->method(i);
    if (method.input_type() != &request || method.output_type() != &response) continue;
    if (method.options().GetExtension(opsmesh::type::v1::rpc).effect() !=
        opsmesh::type::v1::EFFECT_READ)
      return false;
    found = true;
  }
  return found;
}

}  // namespace opsmesh::clients
