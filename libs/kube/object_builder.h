// Makes Objects out of JSON from the network.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/object.h"
#include "libs/kube/object_packer.h"

namespace opsmesh::kube {

class ObjectBuilder {
 public:
  /// Reads the object that is next. The scanner's error is left in the scanner (the whole text is
  /// broken then); an object that is sound JSON but no Kubernetes object yields UNPARSEABLE_OBJECT
  /// and the scanner stands behind it. `scratch` is reused between calls. With a packer the object
  /// is made for keeping.
  static absl::StatusOr<ObjectPtr> Read(JsonScanner& scanner, std::string_view api_version,
                                        std::string_view kind, std::string* scratch,
                                        ObjectPacker* packer = nullptr);
  /// From compact, stripped JSON.
  static absl::StatusOr<ObjectPtr> FromStripped(std::string_view json,
                                                ObjectPacker* packer = nullptr);
  /// True when the text of a packed object was asked for and is held in plain since then.
  static bool IsInflated(const Object& object) {
    return object.pool_ != nullptr && object.plain_ != nullptr;
  }
};

}  // namespace opsmesh::kube
