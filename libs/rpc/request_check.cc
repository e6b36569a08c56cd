#include "libs/rpc/request_check.h"

#include "fmt/format.h"
#include "google/api/field_behavior.pb.h"
#include "google/protobuf/message.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxNamed = 8;

bool IsRequired(const FieldDescriptor& field) {
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == google::api::REQUIRED) return true;
  }
  return false;
}

bool IsMissing(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (field.is_repeated()) return reflection.FieldSize(message, &field) == 0;
  if (field.has_presence() && !reflection.HasField(message, &field)) return true;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return reflection.GetStringReference(message, &field, &scratch).empty();
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnumValue(message, &field) == 0;
    default:
      return false;
  }
}

}  // namespace

RequestCheck::RequestCheck(const google::protobuf::Descriptor& type) {
  root_ = MakePlan(type);
  for (const auto& [descriptor, plan] : plans_) asks_anything_ |= !plan->required.empty();
}

const RequestCheck::Plan* RequestCheck::MakePlan(const google::protobuf::Descriptor& type) {
  auto& slot = plans_[&type];
  if (slot != nullptr) return slot.get();
  slot = std::make_unique<Plan>();
  Plan* plan = slot.get();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsRequired(field)) plan->required.push_back(&field);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      plan->nested.emplace_back(&field, MakePlan(*field.message_type()));
    }
  }
  return plan;
}

void RequestCheck::Find(const Plan& plan, const Message& message, const std::string& path,
                        std::vector<std::string>& missing) {
  if (missing.size() >= kMaxNamed) return;
  for (const FieldDescriptor* field : plan.required) {
    if (IsMissing(message, *field)) missing.push_back(path + field->name());
  }
  const auto& reflection = *message.GetReflection();
  for (const auto& [field, below] : plan.nested) {
    if (below->required.empty() && below->nested.empty()) continue;
    if (field->is_repeated()) {
      const int size = reflection.FieldSize(message, field);
      for (int i = 0; i < size && missing.size() < kMaxNamed; ++i) {
        Find(*below, reflection.GetRepeatedMessage(message, field, i),
             fmt::format("{}{}[{}].", path, field->name(), i), missing);
      }
    } else if (reflection.HasField(message, field)) {
      Find(*below, reflection.GetMessage(message, field), path + field->name() + ".", missing);
    }
  }
}

absl::Status RequestCheck::Check(const Message& request) const {
  if (!asks_anything_) return absl::OkStatus();
  std::vector<std::string> missing;
  Find(*root_, request, "", missing);
  if (missing.empty()) return absl::OkStatus();
  const std::string names = base::Join(missing, "', '");
  return base::InvalidArgument(missing.front(), "FIELD_REQUIRED",
                               missing.size() == 1
                                   ? fmt::format("The field '{}' is required.", names)
                                   : fmt::format("The fields '{}' are required.", names))
      .Hint(fmt::format("Send '{}' with a value.", names))
      .With("fields", base::Join(missing, ","));
}

}  // namespace opsmesh::rpc
