// Protobuf wire bytes -> JSON text, straight, without a Message object.
//
// House style (design decisions 12-15): proto field names unless the message's option says
// camelCase; scalars without presence always print, unless omit_empty; 64-bit integers print as
// strings (canonical proto3 JSON); enums by name; map keys in order; opsmesh.type.v1.Json is
// inlined after validation.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/transcode/schema.h"

namespace opsmesh::gateway {

struct PrintOptions {
  /// Only ASCII, everything else as \uXXXX: for event streams, whose readers cut bytes anywhere.
  bool ascii = false;
  /// Deepest nesting of messages.
  int max_depth = 100;
};

/// Appends the JSON of a message. INTERNAL (BACKEND_ANSWER, with the field) when the bytes are not
/// such a message; `out` is then unspecified. Thread-safe.
absl::Status PrintMessage(const SchemaSet& schemas, const MessageSchema& schema,
                          std::string_view wire, const PrintOptions& options, std::string* out);

/// Appends the JSON of one field of a message: an array for a repeated one, null for an absent
/// message or Json.
absl::Status PrintField(const SchemaSet& schemas, const MessageSchema& schema,
                        const FieldSchema& field, std::string_view wire,
                        const PrintOptions& options, std::string* out);

}  // namespace opsmesh::gateway
