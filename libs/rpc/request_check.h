// REQUIRED fields (google.api.field_behavior) by reflection, so that no handler has to ask.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace opsmesh::rpc {

/// Knows the REQUIRED fields of one message type and of all below it. Immutable after construction,
/// thread-safe.
class RequestCheck {
 public:
  explicit RequestCheck(const google::protobuf::Descriptor& type);

  /// OK, or INVALID_ARGUMENT (FIELD_REQUIRED) naming every missing field by its dotted path.
  /// Missing is: not set; an empty string, bytes, list or map; a zero enum. 0 and false are values.
  /// Fields below an absent message are not asked for.
  absl::Status Check(const google::protobuf::Message& request) const;

 private:
  struct Plan {
    std::vector<const google::protobuf::FieldDescriptor*> required;
    std::vector<std::pair<const google::protobuf::FieldDescriptor*, const Plan*>> nested;
  };
  const Plan* MakePlan(const google::protobuf::Descriptor& type);
  static void Find(const Plan& plan, const google::protobuf::Message& message,
                   const std::string& path, std::vector<std::string>& missing);

  std::map<const google::protobuf::Descriptor*, std::unique_ptr<Plan>> plans_;
  const Plan* root_ = nullptr;
  bool asks_anything_ = false;
};

}  // namespace opsmesh::rpc
