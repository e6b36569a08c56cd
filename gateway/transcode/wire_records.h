// The fields of a message as they stand on the wire, indexed in one pass without building a
// Message.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/transcode/schema.h"
#include "gateway/transcode/wire.h"

namespace opsmesh::gateway {

/// One occurrence of a field. Points into the bytes it was read from.
struct Record {
  union {
    uint64_t number;   // varint, fixed
    const char* data;  // length-delimited
  };
  uint32_t length;
  uint16_t field;  // index in MessageSchema::fields
  WireType wire_type;

  std::string_view bytes() const { return {data, length}; }
};

using Records = std::vector<Record>;

/// Whether values of `type` may be packed.
inline bool IsNumeric(ValueType type) {
  return type != ValueType::kString && type != ValueType::kBytes && type != ValueType::kMessage;
}

/// Reads a value of record->wire_type at `p`; the byte after it, or null when it is cut or of no
/// such type.
const char* ReadRecord(const char* p, const char* end, Record* record);

/// Appends the records of the known fields of `wire` to `records`, those from `base` on ordered by
/// field and, within one, as sent. Of a oneof only the last member stays. Null, or what is wrong
/// with the bytes, in words.
const char* IndexRecords(const MessageSchema& schema, std::string_view wire, size_t base,
                         Records* records);

}  // namespace opsmesh::gateway
