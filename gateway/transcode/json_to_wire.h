// JSON -> protobuf wire bytes, straight, without a Message object.
//
// Input follows proto3 JSON and the house rules: both name styles are read, unknown names are
// ignored (decision 16), null is the same as absent (in a list of doubles it is a gap: NaN, as
// exporters of series write it), a field named twice is refused, integers may be strings, enums
// names or numbers, bytes base64 in either alphabet, opsmesh.type.v1.Json any JSON value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/transcode/schema.h"

namespace opsmesh::gateway {

/// Appends the wire bytes of a message given as one JSON document, which must be an object unless
/// the type has a JSON form of its own. INVALID_ARGUMENT: MALFORMED_JSON, JSON_TOO_DEEP, or
/// INVALID_FIELD, UNKNOWN_ENUM_VALUE, STRING_TOO_LONG, DUPLICATE_FIELD with the field's dotted
/// path. On an error `out` is unspecified. Thread-safe.
absl::Status ParseMessage(const SchemaSet& schemas, const MessageSchema& schema,
                          std::string_view json, std::string* out);

/// The same for a document that is the value of one field (`body: "config"`), written with the
/// field's tag.
absl::Status ParseField(const SchemaSet& schemas, const FieldSchema& field, std::string_view json,
                        std::string* out);

/// Appends one value of a field from plain text, as paths and query parameters carry it: numbers,
/// true and false, enum names, times, base64. For a repeated field one element. INVALID_ARGUMENT
/// (INVALID_FIELD, ...) as above.
absl::Status ParseText(const SchemaSet& schemas, const FieldSchema& field, std::string_view text,
                       std::string* out);

}  // namespace opsmesh::gateway
