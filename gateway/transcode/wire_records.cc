#include "gateway/transcode/wire_records.h"

#include <algorithm>

namespace opsmesh::gateway {
namespace {

constexpr int kMaxGroupDepth = 100;

// Skips a group, which our contracts never use; the byte after its end tag, or null.
const char* SkipGroup(const char* p, const char* end, int depth) {
  if (depth > kMaxGroupDepth) return nullptr;
  while (p != nullptr && p != end) {
    uint64_t tag = 0;
    if ((p = ReadVarint(p, end, &tag)) == nullptr) return nullptr;
    Record record{};
    record.wire_type = static_cast<WireType>(tag & 7);
    if (record.wire_type == WireType::kEndGroup) return p;
    p = record.wire_type == WireType::kStartGroup ? SkipGroup(p, end, depth + 1)
                                                  : ReadRecord(p, end, &record);
  }
  return nullptr;
}

// A value of another wire type counts as an unknown field, as protobuf does.
bool Fits(const FieldSchema& field, WireType type) {
  if (type == static_cast<WireType>(field.tag & 7)) return true;
  return type == WireType::kLength && field.shape == Shape::kRepeated &&
         IsNumeric(field.type);  // packed
}

void DropOtherMembers(const MessageSchema& schema, const FieldSchema& field, size_t base,
                      Records* records) {
  const auto other = [&](const Record& r) {
    return r.field != field.index && schema.fields[r.field].oneof == field.oneof;
  };
  records->erase(
      std::remove_if(records->begin() + static_cast<ptrdiff_t>(base), records->end(), other),
      records->end());
}

}  // namespace

const char* ReadRecord(const char* p, const char* end, Record* record) {
  switch (record->wire_type) {
    case WireType::kVarint:
      return ReadVarint(p, end, &record->number);
    case WireType::kFixed64:
      return ReadFixed(p, end, &record->number);
    case WireType::kFixed32: {
      uint32_t v = 0;
      p = ReadFixed(p, end, &v);
      record->number = v;
      return p;
    }
    case WireType::kLength: {
      uint64_t length = 0;
      p = ReadVarint(p, end, &length);
      if (p == nullptr || length > static_cast<uint64_t>(end - p)) return nullptr;
      record->data = p;
      record->length = static_cast<uint32_t>(length);
      return p + length;
    }
    default:
      return nullptr;
  }
}

const char* IndexRecords(const MessageSchema& schema, std::string_view wire, size_t base,
                         Records* records) {
  const char* p = wire.data();
  const char* const end = p + wire.size();
  bool ordered = true;
  while (p != end) {
    uint64_t tag = 0;
    if ((p = ReadVarint(p, end, &tag)) == nullptr || tag >> 32 != 0 || tag >> 3 == 0)
      return "a broken tag";
    Record record{};
    record.wire_type = static_cast<WireType>(tag & 7);
    if (record.wire_type == WireType::kStartGroup) {
      if ((p = SkipGroup(p, end, 0)) == nullptr) return "a broken group";
      continue;
    }
    if ((p = ReadRecord(p, end, &record)) == nullptr) return "a value that is cut";
    const FieldSchema* field = schema.FindByNumber(tag >> 3);
    if (field == nullptr || !Fits(*field, record.wire_type)) continue;
    record.field = field->index;
    if (field->oneof >= 0) DropOtherMembers(schema, *field, base, records);
    if (records->size() > base && records->back().field > record.field) ordered = false;
    records->push_back(record);
  }
  if (!ordered) {
    std::stable_sort(records->begin() + static_cast<ptrdiff_t>(base), records->end(),
                     [](const Record& a, const Record& b) { return a.field < b.field; });
  }
  return nullptr;
}

}  // namespace opsmesh::gateway
