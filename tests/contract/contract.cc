#include "tests/contract/contract.h"

#include <algorithm>
#include <fstream>

#include "fmt/core.h"
#include "google/api/annotations.pb.h"
#include "google/api/field_behavior.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/extension_set.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::contract {
namespace {

namespace pb = google::protobuf;

Binding BindingOf(const google::api::HttpRule& rule) {
  Binding binding{.http_method = "",
                  .path_template = "",
                  .body = rule.body(),
                  .response_body = rule.response_body()};
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      binding.http_method = "GET", binding.path_template = rule.get();
      break;
    case google::api::HttpRule::kPut:
      binding.http_method = "PUT", binding.path_template = rule.put();
      break;
    case google::api::HttpRule::kPost:
      binding.http_method = "POST", binding.path_template = rule.post();
      break;
    case google::api::HttpRule::kDelete:
      binding.http_method = "DELETE", binding.path_template = rule.delete_();
      break;
    case google::api::HttpRule::kPatch:
      binding.http_method = "PATCH", binding.path_template = rule.patch();
      break;
    case google::api::HttpRule::kCustom:
      binding.http_method = rule.custom().kind(), binding.path_template = rule.custom().path();
      break;
    case google::api::HttpRule::PATTERN_NOT_SET:
      break;
  }
  return binding;
}

/// A template segment with a verb, "{name}:call", split into "{name}" and ":call".
std::pair<std::string_view, std::string_view> SplitVerb(std::string_view segment) {
  const size_t brace = segment.find('}');
  const size_t colon = segment.find(':', brace == std::string_view::npos ? 0 : brace);
  if (colon == std::string_view::npos) return {segment, {}};
  return {segment.substr(0, colon), segment.substr(colon)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Contract>> Contract::Load(const std::string& path) {
  // Options are read by name only when the code that defines them is linked.
  pb::LinkExtensionReflection(google::api::field_behavior);
  pb::LinkExtensionReflection(opsmesh::type::v1::rpc);
  std::ifstream in(path, std::ios::binary);
  pb::FileDescriptorSet set;
  if (!in || !set.ParseFromIstream(&in)) {
    return base::NotFound("DESCRIPTOR_SET",
                          fmt::format("Cannot read a descriptor set from '{}'.", path))
        .Hint("Build the target opsmesh_descriptor_set first.");
  }
  auto contract = std::make_unique<Contract>();
  for (const pb::FileDescriptorProto& file : set.file()) {
    const pb::FileDescriptor* built = contract->pool_.BuildFile(file);
    if (built == nullptr) {
      return base::Internal("DESCRIPTOR_SET",
                            fmt::format("The descriptor set lacks an import of {}.", file.name()));
    }
    if (file.package().rfind("opsmesh.", 0) == 0) contract->files_.push_back(built);
  }
  std::sort(contract->files_.begin(), contract->files_.end(),
            [](const auto* a, const auto* b) { return a->name() < b->name(); });
  return contract;
}

std::vector<const pb::ServiceDescriptor*> Contract::Services() const {
  std::vector<const pb::ServiceDescriptor*> services;
  for (const pb::FileDescriptor* file : files_) {
    for (int i = 0; i < file->service_count(); ++i) services.push_back(file->service(i));
  }
  std::sort(services.begin(), services.end(),
            [](const auto* a, const auto* b) { return a->full_name() < b->full_name(); });
  return services;
}

std::vector<const pb::MethodDescriptor*> Contract::Methods() const {
  std::vector<const pb::MethodDescriptor*> methods;
  for (const pb::ServiceDescriptor* service : Services()) {
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

std::vector<Binding> BindingsOf(const pb::MethodDescriptor& method) {
  if (!method.options().HasExtension(google::api::http)) return {};
  const google::api::HttpRule& rule = method.options().GetExtension(google::api::http);
  std::vector<Binding> bindings = {BindingOf(rule)};
  for (const google::api::HttpRule& more : rule.additional_bindings())
    bindings.push_back(BindingOf(more));
  return bindings;
}

bool MatchesTemplate(std::string_view path_template, std::string_view path) {
  const std::vector<std::string_view> wanted = base::Split(path_template, '/');
  const std::vector<std::string_view> given = base::Split(path, '/');
  if (wanted.size() != given.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto [want, verb] = SplitVerb(wanted[i]);
    std::string_view have = given[i];
    if (!verb.empty()) {
      if (have.size() <= verb.size() || have.substr(have.size() - verb.size()) != verb)
        return false;
      have.remove_suffix(verb.size());
    }
    const bool variable = !want.empty() && want.front() == '{';
    if (variable ? have.empty() : want != have) return false;
  }
  return true;
}

}  // namespace opsmesh::contract
