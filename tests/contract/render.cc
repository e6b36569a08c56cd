// The contract as text, for the golden file: one line an element, options in one bracket, nothing
// that a comment changes.
#include <algorithm>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "tests/contract/contract.h"

namespace opsmesh::contract {
namespace {

namespace pb = google::protobuf;

/// Every option that is set, extensions by their full name, in one bracket; "" when none is.
std::string Options(const pb::Message& options) {
  pb::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  if (!printer.PrintToString(options, &text) || text.empty()) return "";
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return fmt::format("  [{}]", text);
}

std::string TypeName(const pb::FieldDescriptor& field) {
  if (field.type() == pb::FieldDescriptor::TYPE_MESSAGE) return field.message_type()->full_name();
  if (field.type() == pb::FieldDescriptor::TYPE_ENUM) return field.enum_type()->full_name();
  return field.type_name();
}

std::string FieldType(const pb::FieldDescriptor& field) {
  if (field.is_map()) {
    const pb::Descriptor* entry = field.message_type();
    return fmt::format("map<{}, {}>", TypeName(*entry->map_key()), TypeName(*entry->map_value()));
  }
  if (field.is_repeated()) return "repeated " + TypeName(field);
  if (field.real_containing_oneof() != nullptr) {
    return fmt::format("oneof {} {}", field.real_containing_oneof()->name(), TypeName(field));
  }
  return (field.has_optional_keyword() ? "optional " : "") + TypeName(field);
}

std::string JsonName(const pb::FieldDescriptor& field) {
  std::string camel;
  bool upper = false;
  for (const char c : field.name()) {
    if (c == '_') {
      upper = true;
      continue;
    }
    camel += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return field.json_name() == camel ? "" : fmt::format(" json={}", field.json_name());
}

void RenderEnum(const pb::EnumDescriptor& type, std::string* out) {
  *out += fmt::format("enum {}\n", type.full_name());
  for (int i = 0; i < type.value_count(); ++i) {
    *out += fmt::format("  {} = {}{}\n", type.value(i)->name(), type.value(i)->number(),
                        Options(type.value(i)->options()));
  }
}

void RenderMessage(const pb::Descriptor& type, std::string* out) {
  if (type.options().map_entry()) return;
  *out += fmt::format("message {}{}\n", type.full_name(), Options(type.options()));
  std::vector<const pb::FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) fields.push_back(type.field(i));
  std::sort(fields.begin(), fields.end(),
            [](const auto* a, const auto* b) { return a->number() < b->number(); });
  for (const pb::FieldDescriptor* field : fields) {
    *out += fmt::format("  {} = {}  {}{}{}\n", field->name(), field->number(), FieldType(*field),
                        JsonName(*field), Options(field->options()));
  }
  for (int i = 0; i < type.enum_type_count(); ++i) RenderEnum(*type.enum_type(i), out);
  for (int i = 0; i < type.nested_type_count(); ++i) RenderMessage(*type.nested_type(i), out);
}

void RenderMethod(const pb::MethodDescriptor& method, std::string* out) {
  *out +=
      fmt::format("  rpc {}({}{}) returns ({}{})\n", method.name(),
                  method.client_streaming() ? "stream " : "", method.input_type()->full_name(),
                  method.server_streaming() ? "stream " : "", method.output_type()->full_name());
  for (const Binding& binding : BindingsOf(method)) {
    *out +=
        fmt::format("    {} {}{}{}\n", binding.http_method, binding.path_template,
                    binding.body.empty() ? "" : " body=" + binding.body,
                    binding.response_body.empty() ? "" : " response_body=" + binding.response_body);
  }
  pb::MethodOptions others = method.options();
  if (const pb::FieldDescriptor* http =
          others.GetReflection()->FindKnownExtensionByName("google.api.http")) {
    others.GetReflection()->ClearField(&others, http);
  }
  const std::string options = Options(others);
  if (!options.empty()) *out += fmt::format("  {}\n", options);
}

}  // namespace

std::string Render(const Contract& contract) {
  std::string out =
      "# The whole contract, rendered from the descriptors. Written by `./dev fix`; a change here "
      "is a change of the API.\n";
  for (const pb::FileDescriptor* file : contract.files()) {
    out += fmt::format("\nfile {}\n", file->name());
    for (int i = 0; i < file->service_count(); ++i) {
      out += fmt::format("service {}\n", file->service(i)->full_name());
      for (int j = 0; j < file->service(i)->method_count(); ++j)
        RenderMethod(*file->service(i)->method(j), &out);
    }
    for (int i = 0; i < file->extension_count(); ++i) {
      const pb::FieldDescriptor& extension = *file->extension(i);
      out += fmt::format("extend {}\n  {} = {}  {}\n", extension.containing_type()->full_name(),
                         extension.full_name(), extension.number(), FieldType(extension));
    }
    for (int i = 0; i < file->enum_type_count(); ++i) RenderEnum(*file->enum_type(i), &out);
    for (int i = 0; i < file->message_type_count(); ++i)
      RenderMessage(*file->message_type(i), &out);
  }
  return out;
}

}  // namespace opsmesh::contract
