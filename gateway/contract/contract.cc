#include "gateway/contract/contract.h"

#include <algorithm>

#include "embed/opsmesh_gateway.h"
#include "fmt/format.h"
#include "google/api/annotations.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libs/base/error.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::gateway {
namespace {

namespace pb = google::protobuf;
namespace type = opsmesh::type::v1;

constexpr size_t kDefaultRequestBytes = 1 << 20;
constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
constexpr absl::Duration kDefaultStreamTimeout = absl::Seconds(600);

absl::Status Doubt(std::string_view sentence) {
  return base::FailedPrecondition("CONTRACT", sentence).Hint("Correct the .proto and rebuild.");
}

absl::StatusOr<Rpc> ReadRpc(const pb::MethodDescriptor& method) {
  const type::RpcPolicy& policy = method.options().GetExtension(type::rpc);
  if (policy.role() == type::ROLE_UNSPECIFIED || policy.effect() == type::EFFECT_UNSPECIFIED) {
    return Doubt(fmt::format("{} has no policy: state role and effect in (opsmesh.type.v1.rpc).",
                             method.full_name()));
  }
  Rpc rpc;
  rpc.method = &method;
  rpc.service = method.service()->full_name();
  rpc.path = fmt::format("/{}/{}", rpc.service, method.name());
  rpc.name = fmt::format("{}.{}", method.service()->name(), method.name());
  rpc.server_streaming = method.server_streaming();
  rpc.raw_request = method.input_type()->full_name() == "google.api.HttpBody";
  rpc.raw_response = method.output_type()->full_name() == "google.api.HttpBody";
  rpc.role = static_cast<base::Role>(policy.role());
  rpc.effect = static_cast<Effect>(policy.effect());
  rpc.max_request_bytes = policy.max_request_bytes() > 0
                              ? static_cast<size_t>(policy.max_request_bytes())
                              : kDefaultRequestBytes;
  rpc.timeout = policy.timeout_seconds() > 0 ? absl::Seconds(policy.timeout_seconds())
                : rpc.server_streaming       ? kDefaultStreamTimeout
                                             : kDefaultTimeout;
  rpc.signed_webhook = policy.signed_webhook();
  rpc.error_style =
      policy.error_style() == type::ERROR_STYLE_DETAIL ? ErrorStyle::kDetail : ErrorStyle::kHouse;
  rpc.tag = policy.tag();
  return rpc;
}

// Method and template of a rule; an empty method when the rule has neither.
std::pair<std::string, std::string> PatternOf(const google::api::HttpRule& rule) {
  using Rule = google::api::HttpRule;
  switch (rule.pattern_case()) {
    case Rule::kGet:
      return {"GET", rule.get()};
    case Rule::kPut:
      return {"PUT", rule.put()};
    case Rule::kPost:
      return {"POST", rule.post()};
    case Rule::kDelete:
      return {"DELETE", rule.delete_()};
    case Rule::kPatch:
      return {"PATCH", rule.patch()};
    case Rule::kCustom:
      return {rule.custom().kind(), rule.custom().path()};
    case Rule::PATTERN_NOT_SET:
      break;
  }
  return {};
}

absl::StatusOr<Binding> ReadBinding(const Rpc& rpc, const google::api::HttpRule& rule, int index) {
  auto [http_method, text] = PatternOf(rule);
  if (http_method.empty()) return Doubt(fmt::format("{}: an http rule has no path.", rpc.name));
  auto path = HttpTemplate::Parse(text);
  if (!path.ok()) return base::Annotate(path.status(), rpc.name);
  Binding binding;
  binding.rpc = &rpc;
  binding.http_method = std::move(http_method);
  binding.path = *std::move(path);
  binding.body = rule.body();
  binding.response_body = rule.response_body();
  binding.index = index;
  return binding;
}

}  // namespace

Contract::Contract() : pool_(std::make_unique<pb::DescriptorPool>()) {}
Contract::~Contract() = default;

absl::Status Contract::AddRpc(const pb::MethodDescriptor& method) {
  OPSMESH_ASSIGN_OR_RETURN(Rpc read, ReadRpc(method));
  rpcs_.push_back(std::make_unique<Rpc>(std::move(read)));
  const Rpc& rpc = *rpcs_.back();
  if (!method.options().HasExtension(google::api::http)) return absl::OkStatus();
  if (method.client_streaming()) {
    return Doubt(fmt::format("{} streams from the client and cannot have an http rule.", rpc.name));
  }
  const google::api::HttpRule& rule = method.options().GetExtension(google::api::http);
  for (int i = 0; i <= rule.additional_bindings_size(); ++i) {
    OPSMESH_ASSIGN_OR_RETURN(Binding binding,
                             ReadBinding(rpc, i == 0 ? rule : rule.additional_bindings(i - 1), i));
    bindings_.push_back(std::make_unique<Binding>(std::move(binding)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Contract>> Contract::Load(std::string_view descriptor_set) {
  pb::FileDescriptorSet files;
  if (!files.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size())) ||
      files.file_size() == 0) {
    return Doubt("The descriptor set cannot be read.");
  }
  std::unique_ptr<Contract> contract(new Contract());
  std::vector<std::string> names;
  for (const pb::FileDescriptorProto& file : files.file()) {  // a file follows those it imports
    if (contract->pool_->BuildFile(file) == nullptr) {
      return Doubt(fmt::format("The descriptor of {} is inconsistent.", file.name()));
    }
    names.push_back(file.name());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const pb::FileDescriptor* file = contract->pool_->FindFileByName(name);
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        OPSMESH_RETURN_IF_ERROR(contract->AddRpc(*file->service(s)->method(m)));
      }
    }
  }
  return contract;
}

std::string_view OwnDescriptorSet() { return embedded::EmbeddedFile("opsmesh.binpb"); }

}  // namespace opsmesh::gateway
