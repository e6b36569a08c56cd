#include "libs/rpc/status_bridge.h"

#include <utility>

#include "google/protobuf/any.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::rpc {
namespace {

constexpr size_t kMaxMessage = 2048;
constexpr size_t kMaxValue = 256;
constexpr size_t kMaxDetails = 4096;  // base64 makes it a third longer on the wire

std::string Cut(std::string_view text, size_t max) {
  std::string valid = base::IsValidUtf8(text) ? std::string(text) : base::SanitizeUtf8(text);
  if (valid.size() <= max) return valid;
  return std::string(base::Utf8Prefix(valid, max - 3)) + "...";
}

void Pack(const google::protobuf::Message& detail, google::rpc::Status& status) {
  status.add_details()->PackFrom(detail);
}

google::rpc::Status MakeDetails(const absl::Status& status, const base::ErrorDetail& detail,
                                std::string_view message, bool with_metadata) {
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(std::string(message));
  google::rpc::ErrorInfo info;
  info.set_reason(Cut(detail.reason, 63));
  info.set_domain(kErrorDomain);
  if (with_metadata) {
    for (const auto& [key, value] : detail.metadata)
      (*info.mutable_metadata())[Cut(key, 64)] = Cut(value, kMaxValue);
  }
  Pack(info, wire);
  if (!detail.field.empty()) {
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(Cut(detail.field, kMaxValue));
    violation->set_description(Cut(message, 512));
    Pack(bad, wire);
  }
  if (detail.retry_after) {
    google::rpc::RetryInfo retry;
    const int64_t ms = absl::ToInt64Milliseconds(*detail.retry_after);
    retry.mutable_retry_delay()->set_seconds(ms / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(ms % 1000) * 1000000);
    Pack(retry, wire);
  }
  if (!detail.hint.empty()) {
    google::rpc::Help help;
    help.add_links()->set_description(Cut(detail.hint, 1024));
    Pack(help, wire);
  }
  return wire;
}

// What gRPC itself reports has no reason of ours: give it one that programs can switch on.
base::ErrorDetail DetailOfTransport(absl::StatusCode code) {
  base::ErrorDetail detail;
  switch (code) {
    case absl::StatusCode::kUnavailable:
      detail.reason = "SERVICE_UNAVAILABLE";
      detail.hint =
          "Check that the service runs and that its address in the configuration is right.";
      break;
    case absl::StatusCode::kDeadlineExceeded:
      detail.reason = "DEADLINE";
      detail.hint = "Ask for less (a namespace, a smaller window) or allow more time.";
      break;
    case absl::StatusCode::kCancelled:
      detail.reason = "CALLER_LEFT";
      break;
    case absl::StatusCode::kUnimplemented:
      detail.reason = "RPC_UNKNOWN";
      break;
    default:
      detail.reason = base::CodeName(code);
  }
  return detail;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const base::ErrorDetail detail = base::DetailOf(status);
  const std::string message = Cut(base::ToStd(status.message()), kMaxMessage);
  std::string bytes = MakeDetails(status, detail, message, true).SerializeAsString();
  if (bytes.size() > kMaxDetails)
    bytes = MakeDetails(status, detail, Cut(message, 256), false).SerializeAsString();
  return {static_cast<grpc::StatusCode>(status.code()), message, bytes};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int number = status.error_code();
  const auto code = number >= 1 && number <= 16 ? static_cast<absl::StatusCode>(number)
                                                : absl::StatusCode::kUnknown;
  base::ErrorDetail detail;
  google::rpc::Status wire;
  if (!status.error_details().empty() && wire.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : wire.details()) {
      if (google::rpc::ErrorInfo info; any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info)) {
        detail.reason = info.reason();
        for (const auto& [key, value] : info.metadata()) detail.metadata[key] = value;
      } else if (google::rpc::BadRequest bad;
                 any.Is<google::rpc::BadRequest>() && any.UnpackTo(&bad)) {
        if (bad.field_violations_size() > 0) detail.field = bad.field_violations(0).field();
      } else if (google::rpc::RetryInfo retry;
                 any.Is<google::rpc::RetryInfo>() && any.UnpackTo(&retry)) {
        detail.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                             absl::Nanoseconds(retry.retry_delay().nanos());
      } else if (google::rpc::Help help; any.Is<google::rpc::Help>() && any.UnpackTo(&help)) {
        if (help.links_size() > 0) detail.hint = help.links(0).description();
      }
    }
  }
  if (detail.reason.empty()) detail = DetailOfTransport(code);
  return base::WithDetail(absl::Status(code, base::ToAbsl(status.error_message())), detail);
}

}  // namespace opsmesh::rpc
