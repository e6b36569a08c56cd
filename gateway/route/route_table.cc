#include "gateway/route/route_table.h"

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

absl::Status Doubt(const Binding& binding, std::string_view what) {
  return base::FailedPrecondition(
             "CONTRACT", fmt::format("{} ({} {}): {}", binding.rpc->name, binding.http_method,
                                     binding.path.text, what))
      .Hint("Correct the google.api.http option and rebuild.");
}

}  // namespace

absl::StatusOr<FieldPath> ResolveField(const MessageSchema& message, std::string_view dotted_path) {
  FieldPath path;
  const MessageSchema* at = &message;
  for (const std::string_view name : base::Split(dotted_path, '.')) {
    const FieldSchema* field = at == nullptr ? nullptr : at->FindByName(name);
    if (field == nullptr) {
      return base::InvalidArgument(
          dotted_path, "UNKNOWN_FIELD",
          fmt::format("There is no field '{}' in {}.", dotted_path, message.full_name));
    }
    path.push_back(field);
    const bool steps_in = field->shape == Shape::kSingular && field->message != nullptr &&
                          field->message->special == Special::kNone;
    at = steps_in ? field->message : nullptr;
  }
  return path;
}

absl::Status RouteTable::Add(const Binding& binding) {
  auto route = std::make_unique<Route>();
  const Rpc& rpc = *binding.rpc;
  route->binding = &binding;
  route->rpc = &rpc;
  route->request = &schemas_.Compile(*rpc.method->input_type());
  route->response = &schemas_.Compile(*rpc.method->output_type());
  route->label = binding.path.Display();
  route->whole_body = binding.body == "*";
  if (!binding.body.empty() && !route->whole_body) {
    route->body_field = route->request->FindByName(binding.body);
    if (route->body_field == nullptr)
      return Doubt(binding, fmt::format("there is no body field '{}'.", binding.body));
  }
  if (!binding.response_body.empty()) {
    route->response_field = route->response->FindByName(binding.response_body);
    if (route->response_field == nullptr) {
      return Doubt(binding, fmt::format("there is no response field '{}'.", binding.response_body));
    }
  }
  for (const HttpTemplate::Variable& variable : binding.path.variables) {
    auto path = ResolveField(*route->request, variable.field_path);
    if (!path.ok()) return Doubt(binding, base::ToStd(path.status().message()));
    const FieldSchema& leaf = *path->back();
    if (leaf.shape != Shape::kSingular ||
        (leaf.message != nullptr && leaf.message->special == Special::kNone)) {
      return Doubt(binding, fmt::format("'{}' is a list or a message and cannot stand in a path.",
                                        variable.field_path));
    }
    route->path_fields.push_back(*std::move(path));
  }
  if (const FieldSchema* id = route->request->FindByName("request_id");
      id != nullptr && id->type == ValueType::kString && id->shape == Shape::kSingular) {
    route->request_id_field = id;
  }
  route->index = routes_.size();
  OPSMESH_RETURN_IF_ERROR(matcher_.Add(binding.http_method, binding.path,
                                       static_cast<uint32_t>(routes_.size()), rpc.name));
  routes_.push_back(std::move(route));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RouteTable>> RouteTable::Build(const Contract& contract) {
  std::unique_ptr<RouteTable> table(new RouteTable(contract));
  for (const auto& binding : contract.bindings()) {
    OPSMESH_RETURN_IF_ERROR(table->Add(*binding));
  }
  return table;
}

const Route* RouteTable::Find(std::string_view http_method, std::string_view path,
                              PathMatcher::Match* match) const {
  if (http_method == "HEAD") http_method = "GET";
  return matcher_.Find(http_method, path, match) ? routes_[match->route].get() : nullptr;
}

}  // namespace opsmesh::gateway
