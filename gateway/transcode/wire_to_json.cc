#include "gateway/transcode/wire_to_json.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fmt/format.h"
#include "gateway/transcode/json_value.h"
#include "gateway/transcode/scalar_to_json.h"
#include "gateway/transcode/timestamp.h"
#include "gateway/transcode/wire.h"
#include "gateway/transcode/wire_records.h"
#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "simdjson.h"

namespace opsmesh::gateway {
namespace {

// Records a thread keeps room for between two messages.
constexpr size_t kKeepRecords = 1 << 16;

// A JSON text that is known to be valid, without the line breaks between its tokens.
void AppendJsonText(std::string_view json, base::JsonCharset charset, std::string* out) {
  std::string compact;
  if (json.find_first_of("\n\r") != std::string_view::npos) {
    compact.resize(json.size() + simdjson::SIMDJSON_PADDING);
    size_t length = 0;
    // Valid JSON always minifies; were it not, the copy below still holds valid JSON, only with its
    // line breaks.
    if (simdjson::minify(json.data(), json.size(), compact.data(), length) == simdjson::SUCCESS) {
      json = std::string_view(compact.data(), length);
    }
  }
  if (charset == base::JsonCharset::kAscii) {
    base::AppendJsonAsAscii(json, out);
  } else {
    out->append(json);
  }
}

class Printer {
 public:
  Printer(const SchemaSet& schemas, const PrintOptions& options, Records& records, std::string& out)
      : schemas_(schemas),
        max_depth_(options.max_depth),
        charset_(options.ascii ? base::JsonCharset::kAscii : base::JsonCharset::kUtf8),
        records_(records),
        out_(out) {}

  bool Message(const MessageSchema& schema, std::string_view wire, int depth) {
    switch (schema.special) {
      case Special::kNone:
        return Plain(schema, wire, depth);
      case Special::kJson:
        return InlineJson(wire);
      case Special::kTimestamp:
        return Timestamp(wire);
      case Special::kFallback:
        return Fallback(schema, wire);
    }
    return false;
  }

  bool OneField(const MessageSchema& schema, const FieldSchema& field, std::string_view wire) {
    const size_t base = records_.size();
    if (!Index(schema, wire, base)) return false;
    size_t first = base;
    while (first < records_.size() && records_[first].field != field.index) ++first;
    size_t last = first;
    while (last < records_.size() && records_[last].field == field.index) ++last;
    bool ok = true;
    if (first == last) {
      const std::string_view empty = field.empty;
      out_.append(empty.empty() ? "null" : empty.substr(field.key.size()));
    } else {
      ok = Values(field, first, last, 0);
    }
    records_.resize(base);
    return ok;
  }

  absl::Status Error(const MessageSchema& schema) const {
    std::string path;
    for (auto it = path_.rbegin(); it != path_.rend(); ++it)
      path += (path.empty() ? "" : ".") + *it;
    return base::Internal("BACKEND_ANSWER",
                          fmt::format("The service's answer cannot be shown: {} in {}{}{}.",
                                      problem_, schema.full_name, path.empty() ? "" : " at ", path))
        .Field(path)
        .Hint("This is a fault of the service; report it with the request id.");
  }

 private:
  bool Fail(std::string_view problem) {
    problem_ = problem;
    return false;
  }

  bool Index(const MessageSchema& schema, std::string_view wire, size_t base) {
    const char* problem = IndexRecords(schema, wire, base, &records_);
    return problem == nullptr || Fail(problem);
  }

  bool Plain(const MessageSchema& schema, std::string_view wire, int depth) {
    if (depth > max_depth_) return Fail("messages nested too deep");
    const size_t base = records_.size();
    if (!Index(schema, wire, base)) return false;
    const size_t end = records_.size();
    out_.push_back('{');
    const size_t body = out_.size();
    size_t next = base;
    for (const FieldSchema& field : schema.fields) {
      const size_t first = next;
      while (next < end && records_[next].field == field.index) ++next;
      if (first == next) {
        if (field.empty.empty() || field.omit_empty) continue;
        if (out_.size() != body) out_.push_back(',');
        out_.append(field.empty);
        continue;
      }
      if (out_.size() != body) out_.push_back(',');
      out_.append(field.key);
      if (!Values(field, first, next, depth)) {
        path_.push_back(field.name);
        return false;
      }
    }
    out_.push_back('}');
    records_.resize(base);
    return true;
  }

  // The value of a field from its records [first, last), at least one.
  bool Values(const FieldSchema& field, size_t first, size_t last, int depth) {
    if (field.shape == Shape::kMap) return Map(field, first, last, depth);
    if (field.shape == Shape::kRepeated) return Array(field, first, last, depth);
    if (field.type == ValueType::kMessage && last - first > 1) {
      std::string merged;  // a message sent in parts is their concatenation
      for (size_t i = first; i < last; ++i) merged += records_[i].bytes();
      return Message(*field.message, merged, depth + 1);
    }
    return Value(field, records_[last - 1], depth);
  }

  bool Value(const FieldSchema& field, Record record, int depth) {
    switch (field.type) {
      case ValueType::kString:
        base::AppendJsonString(record.bytes(), &out_, charset_);
        return true;
      case ValueType::kBytes:
        AppendBytes(record.bytes());
        return true;
      case ValueType::kMessage:
        return Message(*field.message, record.bytes(), depth + 1);
      default:
        AppendNumber(field, record.number, &out_);
        return true;
    }
  }

  void AppendBytes(std::string_view bytes) {
    out_.push_back('"');
    out_.append(base::Base64Encode(bytes));
    out_.push_back('"');
  }

  bool Array(const FieldSchema& field, size_t first, size_t last, int depth) {
    out_.push_back('[');
    const size_t body = out_.size();
    size_t n = 0;
    for (size_t i = first; i < last; ++i) {
      const Record record = records_[i];
      if (record.wire_type == WireType::kLength && IsNumeric(field.type)) {
        if (!Packed(field, record.bytes(), body)) return false;
        continue;
      }
      if (out_.size() != body) out_.push_back(',');
      if (!Value(field, record, depth)) {
        path_.push_back(fmt::format("{}", n));
        return false;
      }
      ++n;
    }
    out_.push_back(']');
    return true;
  }

  bool Packed(const FieldSchema& field, std::string_view bytes, size_t body) {
    const char* p = bytes.data();
    const char* const end = p + bytes.size();
    while (p != end) {
      Record record{};
      record.wire_type = static_cast<WireType>(field.tag & 7);
      if ((p = ReadRecord(p, end, &record)) == nullptr) return Fail("a packed list that is cut");
      if (out_.size() != body) out_.push_back(',');
      AppendNumber(field, record.number, &out_);
    }
    return true;
  }

  // An entry of a map: where its key and value are.
  struct Entry {
    Record key;
    Record value;
    bool has_key = false;
    bool has_value = false;
  };

  bool ReadEntry(const FieldSchema& field, std::string_view wire, Entry* entry) {
    const size_t base = records_.size();
    if (!Index(*field.message, wire, base)) return false;
    for (size_t i = base; i < records_.size(); ++i) {
      const bool is_key = records_[i].field == 0;
      (is_key ? entry->key : entry->value) = records_[i];
      (is_key ? entry->has_key : entry->has_value) = true;
    }
    records_.resize(base);
    return true;
  }

  bool Map(const FieldSchema& field, size_t first, size_t last, int depth) {
    std::vector<Entry> entries(last - first);
    for (size_t i = first; i < last; ++i) {
      if (!ReadEntry(field, records_[i].bytes(), &entries[i - first])) return false;
    }
    const FieldSchema& key = field.message->fields[0];
    const bool text_keys = key.type == ValueType::kString;
    const auto text = [](const Entry& e) { return e.has_key ? e.key.bytes() : std::string_view(); };
    const auto number = [&key](const Entry& e) {
      return e.has_key ? SortNumber(key.type, e.key.number) : 0;
    };
    const auto less = [&](const Entry& a, const Entry& b) {
      return text_keys ? text(a) < text(b) : number(a) < number(b);
    };
    std::stable_sort(entries.begin(), entries.end(), less);
    out_.push_back('{');
    const size_t body = out_.size();
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i + 1 < entries.size() && !less(entries[i], entries[i + 1]))
        continue;  // the last of equal keys counts
      if (out_.size() != body) out_.push_back(',');
      if (!MapEntry(field, entries[i], text(entries[i]), depth)) {
        path_.push_back(std::string(text(entries[i])));
        return false;
      }
    }
    out_.push_back('}');
    return true;
  }

  // Keys order by value; unsigned 64-bit ones beyond the signed range come first, which is stable
  // and harmless.
  static int64_t SortNumber(ValueType type, uint64_t v) {
    switch (type) {
      case ValueType::kSint32:
      case ValueType::kSint64:
        return ZigZagDecode(v);
      case ValueType::kInt32:
      case ValueType::kSfixed32:
        return static_cast<int32_t>(v);
      case ValueType::kBool:
        return v != 0;
      default:
        return static_cast<int64_t>(v);
    }
  }

  bool MapEntry(const FieldSchema& field, const Entry& entry, std::string_view text, int depth) {
    const FieldSchema& key = field.message->fields[0];
    const FieldSchema& value = field.message->fields[1];
    if (key.type == ValueType::kString) {
      base::AppendJsonString(text, &out_, charset_);
    } else {
      const bool wide = key.empty.ends_with("\"0\"");  // 64-bit keys bring their own quotes
      if (!wide) out_.push_back('"');
      AppendNumber(key, entry.has_key ? entry.key.number : 0, &out_);
      if (!wide) out_.push_back('"');
    }
    out_.push_back(':');
    if (entry.has_value) return Value(value, entry.value, depth);
    if (value.type == ValueType::kMessage) return Message(*value.message, {}, depth + 1);
    out_.append(std::string_view(value.empty).substr(value.key.size()));
    return true;
  }

  // opsmesh.type.v1.Json: field 1 is the text.
  bool InlineJson(std::string_view wire) {
    std::string_view raw;
    if (!ReadLast(wire, 1, &raw)) return Fail("a broken Json");
    if (raw.empty()) {
      out_.append("null");
      return true;
    }
    if (!IsValidJson(raw)) return Fail("a Json that is not JSON");
    AppendJsonText(raw, charset_, &out_);
    return true;
  }

  static bool ReadLast(std::string_view wire, uint64_t number, std::string_view* bytes) {
    const char* p = wire.data();
    const char* const end = p + wire.size();
    while (p != end) {
      uint64_t tag = 0;
      Record record{};
      if ((p = ReadVarint(p, end, &tag)) == nullptr) return false;
      record.wire_type = static_cast<WireType>(tag & 7);
      if ((p = ReadRecord(p, end, &record)) == nullptr) return false;
      if (tag >> 3 == number && record.wire_type == WireType::kLength) *bytes = record.bytes();
    }
    return true;
  }

  bool Timestamp(std::string_view wire) {
    const char* p = wire.data();
    const char* const end = p + wire.size();
    uint64_t seconds = 0;
    uint64_t nanos = 0;
    while (p != end) {
      uint64_t tag = 0;
      Record record{};
      if ((p = ReadVarint(p, end, &tag)) == nullptr) return Fail("a broken time");
      record.wire_type = static_cast<WireType>(tag & 7);
      if ((p = ReadRecord(p, end, &record)) == nullptr) return Fail("a broken time");
      if (record.wire_type != WireType::kVarint) continue;
      if (tag >> 3 == 1) seconds = record.number;
      if (tag >> 3 == 2) nanos = record.number;
    }
    out_.push_back('"');
    if (!AppendTimestamp(static_cast<int64_t>(seconds), static_cast<int32_t>(nanos), &out_)) {
      return Fail("a time out of range");
    }
    out_.push_back('"');
    return true;
  }

  bool Fallback(const MessageSchema& schema, std::string_view wire) {
    std::string json;
    if (!schemas_.FallbackToJson(schema, wire, &json)) return Fail("a value without a JSON form");
    AppendJsonText(json.empty() ? "null" : json, charset_, &out_);  // a Value of no kind
    return true;
  }

  const SchemaSet& schemas_;
  const int max_depth_;
  const base::JsonCharset charset_;
  Records& records_;
  std::string& out_;
  std::string_view problem_;
  std::vector<std::string> path_;  // innermost first
};

template <typename F>
absl::Status Print(const SchemaSet& schemas, const MessageSchema& schema,
                   const PrintOptions& options, std::string* out, F print) {
  thread_local Records records;
  records.clear();
  Printer printer(schemas, options, records, *out);
  const bool ok = print(printer);
  if (records.capacity() > kKeepRecords) records = {};
  return ok ? absl::OkStatus() : printer.Error(schema);
}

}  // namespace

absl::Status PrintMessage(const SchemaSet& schemas, const MessageSchema& schema,
                          std::string_view wire, const PrintOptions& options, std::string* out) {
  return Print(schemas, schema, options, out,
               [&](Printer& p) { return p.Message(schema, wire, 0); });
}

absl::Status PrintField(const SchemaSet& schemas, const MessageSchema& schema,
                        const FieldSchema& field, std::string_view wire,
                        const PrintOptions& options, std::string* out) {
  return Print(schemas, schema, options, out,
               [&](Printer& p) { return p.OneField(schema, field, wire); });
}

}  // namespace opsmesh::gateway
