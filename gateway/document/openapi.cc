#include "gateway/document/openapi.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gateway/document/schemas.h"
#include "google/api/annotations.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::gateway {
namespace {

using google::api::HttpRule;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr char kHttpBody[] = "google.api.HttpBody";

struct Binding {
  const MethodDescriptor* method;
  const HttpRule* rule;
  int number;  // 0 = the rule itself, then the additional ones
};

struct Verb {
  std::string method;  // lower case
  std::string path;
};

Verb VerbOf(const HttpRule& rule) {
  switch (rule.pattern_case()) {
    case HttpRule::kGet:
      return {"get", rule.get()};
    case HttpRule::kPut:
      return {"put", rule.put()};
    case HttpRule::kPost:
      return {"post", rule.post()};
    case HttpRule::kDelete:
      return {"delete", rule.delete_()};
    case HttpRule::kPatch:
      return {"patch", rule.patch()};
    default:
      return {base::AsciiLower(rule.custom().kind()), rule.custom().path()};
  }
}

// "/a/{b=c/*}:verb" -> "/a/{b}:verb"; the variables' field paths are added to `variables`.
std::string OpenApiPath(std::string_view path, std::vector<std::string>* variables) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    out += path[i];
    if (path[i] != '{') continue;
    const size_t end = path.find('}', i);
    const std::string_view inside = path.substr(i + 1, end - i - 1);
    const std::string name(inside.substr(0, inside.find('=')));
    variables->push_back(name);
    out += name + "}";
    i = end;
  }
  return out;
}

const FieldDescriptor* FieldAt(const Descriptor& message, std::string_view path) {
  const FieldDescriptor* field = nullptr;
  const Descriptor* at = &message;
  for (const std::string_view name : base::Split(path, '.')) {
    field = at == nullptr ? nullptr : at->FindFieldByName(std::string(name));
    if (field == nullptr) return nullptr;
    at = field->message_type();
  }
  return field;
}

class DocumentBuilder {
 public:
  explicit DocumentBuilder(const OpenApiOptions& options) : options_(options) {}

  void Add(const Binding& binding) {
    const auto [method, path] = VerbOf(*binding.rule);
    std::vector<std::string> variables;
    const std::string open_path = OpenApiPath(path, &variables);
    paths_[open_path][method] = Operation(binding, variables);
  }

  std::string Build() const {
    OrderedJson document = {
        {"openapi", "3.1.0"},
        {"info",
         {{"title", "OpsMesh"},
          {"version", options_.version},
          {"description",
           "An AI operations copilot for Kubernetes: ask, see what was checked, get typed "
           "proposals. Every endpoint is an "
           "RPC of the mesh; errors have one shape and say what, why and the next step."},
          {"contact", {{"name", "OpsMesh"}, {"url", "https://opsmesh.dev"}}},
          {"license", {{"name", "MIT"}, {"identifier", "MIT"}}}}},
        {"servers", OrderedJson::array({{{"url", "/"}, {"description", "This gateway"}}})},
        // Either a key, or none: without configured keys, callers on the same machine have every
        // role.
        {"security",
         OrderedJson::array({{{"bearer", OrderedJson::array()}}, OrderedJson::object()})}};
    document["tags"] = Tags();
    OrderedJson paths = OrderedJson::object();
    for (const auto& [path, operations] : paths_) {
      for (const auto& [method, operation] : operations) paths[path][method] = operation;
    }
    document["paths"] = std::move(paths);
    document["components"] = {
        {"securitySchemes",
         {{"bearer",
           {{"type", "http"}, {"scheme", "bearer"}, {"description", "A configured key."}}}}},
        {"responses", ErrorResponses()},
        {"schemas", SchemasWithErrors()}};
    return document.dump(2, ' ', false, OrderedJson::error_handler_t::replace);
  }

 private:
  OrderedJson Operation(const Binding& binding, const std::vector<std::string>& variables) {
    const MethodDescriptor& method = *binding.method;
    const auto& policy = method.options().GetExtension(opsmesh::type::v1::rpc);
    const std::string comment = CommentOf(method);
    const size_t sentence = comment.find(". ");
    OrderedJson operation = {
        {"operationId", OperationId(binding)},
        {"summary",
         comment.substr(0, sentence == std::string::npos ? comment.size() : sentence + 1)},
        {"description", fmt::format("{} Needs the role {}.", comment, RoleText(policy.role()))},
        {"tags", OrderedJson::array({Tag(policy.tag())})}};
    std::set<std::string> bound(variables.begin(), variables.end());
    OrderedJson parameters = OrderedJson::array();
    for (const std::string& variable : variables) {
      const FieldDescriptor* field = FieldAt(*method.input_type(), variable);
      OrderedJson parameter = {{"name", variable}, {"in", "path"}, {"required", true}};
      parameter["description"] = field == nullptr ? variable : CommentOf(*field);
      parameter["schema"] = {{"type", "string"}};
      parameters.push_back(std::move(parameter));
    }
    const std::string& body = binding.rule->body();
    if (!body.empty()) bound.insert(body);
    if (body != "*") AddQueryParameters(*method.input_type(), "", bound, 0, &parameters);
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    if (!body.empty()) operation["requestBody"] = RequestBody(method, body);
    operation["responses"] = Responses(method, *binding.rule, policy.error_style());
    return operation;
  }

  void AddQueryParameters(const Descriptor& message, const std::string& prefix,
                          const std::set<std::string>& bound, int depth, OrderedJson* parameters) {
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      const std::string name = prefix + field.name();
      if (bound.contains(name) || field.is_map()) continue;
      if (field.message_type() != nullptr &&
          field.message_type()->full_name() != "google.protobuf.Timestamp") {
        if (!field.is_repeated() && depth == 0)
          AddQueryParameters(*field.message_type(), name + ".", bound, 1, parameters);
        continue;
      }
      OrderedJson schema = schemas_.Of(field);
      const std::string description = schema.value("description", name);
      schema.erase("description");
      // A query parameter is given or not; null cannot be written there.
      if (schema.contains("type") && schema["type"].is_array()) schema["type"] = schema["type"][0];
      if (schema.contains("enum") && schema["enum"].back().is_null())
        schema["enum"].erase(schema["enum"].size() - 1);
      OrderedJson parameter = {
          {"name", name}, {"in", "query"}, {"required", Schemas::IsRequired(field)}};
      parameter["description"] = description;
      parameter["schema"] = std::move(schema);
      parameters->push_back(std::move(parameter));
    }
  }

  OrderedJson RequestBody(const MethodDescriptor& method, const std::string& body) {
    const Descriptor& input = *method.input_type();
    if (input.full_name() == kHttpBody) {
      return {{"description", "The raw body, as signed by the sender."},
              {"required", true},
              {"content", {{"*/*", {{"schema", {{"type", "string"}}}}}}}};
    }
    bool required = false;
    OrderedJson schema;
    if (body == "*") {
      schema = schemas_.Of(input);
      for (int i = 0; i < input.field_count(); ++i)
        required = required || Schemas::IsRequired(*input.field(i));
    } else {
      const FieldDescriptor& field = *input.FindFieldByName(body);
      schema = schemas_.Of(field);
      required = Schemas::IsRequired(field);
    }
    return {{"required", required},
            {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
  }

  OrderedJson Responses(const MethodDescriptor& method, const HttpRule& rule,
                        opsmesh::type::v1::ErrorStyle style) {
    const Descriptor& output = *method.output_type();
    OrderedJson content;
    if (output.full_name() == kHttpBody) {
      content = {{"*/*", {{"schema", {{"type", "string"}}}}}};
    } else if (method.server_streaming()) {
      content = {{"text/event-stream", {{"schema", schemas_.Of(output)}}}};
    } else if (!rule.response_body().empty()) {
      content = {{"application/json",
                  {{"schema", schemas_.Of(*output.FindFieldByName(rule.response_body()))}}}};
    } else {
      content = {{"application/json", {{"schema", schemas_.Of(output)}}}};
    }
    const std::string what = method.server_streaming()
                                 ? "A stream of events: each `data:` line is one JSON object."
                                 : "The answer.";
    const bool detail = style == opsmesh::type::v1::ERROR_STYLE_DETAIL;
    const OrderedJson error = {
        {"$ref", detail ? "#/components/responses/DetailError" : "#/components/responses/Error"}};
    OrderedJson responses = {{"200", {{"description", what}, {"content", std::move(content)}}}};
    responses["4XX"] = error;
    responses["5XX"] = error;
    return responses;
  }

  std::string OperationId(const Binding& binding) const {
    std::string service = binding.method->service()->name();
    if (service.ends_with("Service")) service.resize(service.size() - 7);
    const std::string id = service + "_" + binding.method->name();
    return binding.number == 0 ? id : fmt::format("{}_{}", id, binding.number + 1);
  }

  static std::string_view RoleText(opsmesh::type::v1::Role role) {
    switch (role) {
      case opsmesh::type::v1::ROLE_VIEWER:
        return "viewer";
      case opsmesh::type::v1::ROLE_OPERATOR:
        return "operator";
      case opsmesh::type::v1::ROLE_APPROVER:
        return "approver";
      case opsmesh::type::v1::ROLE_ADMIN:
        return "admin";
      default:
        return "(none stated)";
    }
  }

  std::string Tag(const std::string& tag) {
    const std::string name = tag.empty() ? "Other" : tag;
    tags_.insert(name);
    return name;
  }

  OrderedJson Tags() const {
    OrderedJson tags = OrderedJson::array();
    for (const std::string& tag : tags_)
      tags.push_back({{"name", tag}, {"description", "Endpoints of the group " + tag + "."}});
    return tags;
  }

  static OrderedJson ErrorResponses() {
    const auto response = [](const char* description, const char* schema) -> OrderedJson {
      return {{"description", description},
              {"content",
               {{"application/json",
                 {{"schema", {{"$ref", std::string("#/components/schemas/") + schema}}}}}}}};
    };
    return {{"Error", response("What went wrong, why, and the next step.", "Error")},
            {"DetailError", response("What went wrong, in the shape of the Agent Development Kit.",
                                     "DetailError")}};
  }

  OrderedJson SchemasWithErrors() const {
    OrderedJson all = schemas_.Components();
    const OrderedJson text = {{"type", "string"}};
    all["Error"] = {
        {"type", "object"},
        {"required", {"error"}},
        {"properties",
         {{"error",
           {{"type", "object"},
            {"required", {"code", "status", "message", "reason"}},
            {"properties",
             {{"code", {{"type", "integer"}, {"description", "HTTP status."}}},
              {"status",
               {{"type", "string"}, {"description", "Canonical code, for instance NOT_FOUND."}}},
              {"message", {{"type", "string"}, {"description", "What and why, for a person."}}},
              {"reason", {{"type", "string"}, {"description", "Stable reason for programs."}}},
              {"hint", {{"type", "string"}, {"description", "The next step."}}},
              {"request_id",
               {{"type", "string"}, {"description", "Support id, also in X-Request-Id."}}},
              {"details",
               {{"type", "object"}, {"description", "The dynamic parts of the message."}}}}}}}}}};
    all["DetailError"] = {
        {"type", "object"},
        {"required", {"detail"}},
        {"properties", {{"detail", {{"description", "A sentence, or a list of faults."}}}}}};
    return all;
  }

  const OpenApiOptions& options_;
  Schemas schemas_;
  std::set<std::string> tags_;
  std::map<std::string, std::map<std::string, OrderedJson>> paths_;
};

absl::Status Unreadable(std::string_view why) {
  return base::FailedPrecondition(
             "DESCRIPTOR_SET",
             fmt::format("The contract's descriptor set cannot be used: {}.", why))
      .Hint("Build the gateway again: the set is embedded at build time.");
}

std::vector<Binding> Bindings(const google::protobuf::DescriptorPool& pool,
                              const google::protobuf::FileDescriptorSet& set) {
  std::vector<Binding> bindings;
  for (const auto& file_proto : set.file()) {
    const auto* file = pool.FindFileByName(file_proto.name());
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const MethodDescriptor* method = file->service(s)->method(m);
        if (!method->options().HasExtension(google::api::http)) continue;
        const HttpRule& rule = method->options().GetExtension(google::api::http);
        bindings.push_back({method, &rule, 0});
        for (int i = 0; i < rule.additional_bindings_size(); ++i) {
          bindings.push_back({method, &rule.additional_bindings(i), i + 1});
        }
      }
    }
  }
  return bindings;
}

}  // namespace

absl::StatusOr<std::string> OpenApiDocument(std::string_view descriptor_set,
                                            const OpenApiOptions& options) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size())))
    return Unreadable("it does not parse");
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) {
    if (pool.BuildFile(file) == nullptr)
      return Unreadable(fmt::format("'{}' does not link", file.name()));
  }
  DocumentBuilder builder(options);
  for (const Binding& binding : Bindings(pool, set)) builder.Add(binding);
  return builder.Build();
}

}  // namespace opsmesh::gateway
