#include "libs/kubesim/api/protobuf.h"

#include <map>
#include <string>

#include "embed/opsmesh_libs_kubesim_api.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

// Walks the fields of one message. Unknown fields are skipped; broken bytes end the walk with ok()
// false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool Next() {
    if (!ok_ || bytes_.empty()) return false;
    uint64_t key = 0;
    if (!Varint(&key)) return Fail();
    field_ = static_cast<int>(key >> 3);
    text_ = {};
    number_ = 0;
    switch (key & 7) {
      case 0:
        return Varint(&number_) || Fail();
      case 1:
        return Skip(8);
      case 2: {
        uint64_t size = 0;
        if (!Varint(&size) || size > bytes_.size()) return Fail();
        text_ = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return true;
      }
      case 5:
        return Skip(4);
      default:
        return Fail();
    }
  }
  int field() const { return field_; }
  std::string_view text() const { return text_; }
  uint64_t number() const { return number_; }
  bool ok() const { return ok_; }

 private:
  bool Fail() {
    ok_ = false;
    return false;
  }
  bool Skip(size_t size) {
    if (bytes_.size() < size) return Fail();
    bytes_.remove_prefix(size);
    return true;
  }
  bool Varint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

  std::string_view bytes_;
  bool ok_ = true;
  int field_ = 0;
  std::string_view text_;
  uint64_t number_ = 0;
};

using Names = std::map<int, const char*>;

// A message whose members are all strings.
std::optional<Json> Texts(std::string_view bytes, const Names& names) {
  Json json = Json::object();
  Reader reader(bytes);
  while (reader.Next()) {
    if (auto it = names.find(reader.field()); it != names.end())
      json[it->second] = std::string(reader.text());
  }
  return reader.ok() ? std::optional(std::move(json)) : std::nullopt;
}

std::optional<Json> AccessSpec(std::string_view bytes, bool of_somebody) {
  static const Names kResource = {{1, "namespace"}, {2, "verb"},     {3, "group"},
                                  {4, "version"},   {5, "resource"}, {6, "subresource"},
                                  {7, "name"}};
  static const Names kPath = {{1, "path"}, {2, "verb"}};
  Json spec = Json::object();
  Reader reader(bytes);
  while (reader.Next()) {
    std::optional<Json> part;
    if (reader.field() == 1 || reader.field() == 2) {
      part = Texts(reader.text(), reader.field() == 1 ? kResource : kPath);
      if (!part) return std::nullopt;
      spec[reader.field() == 1 ? "resourceAttributes" : "nonResourceAttributes"] = *part;
    } else if (of_somebody && reader.field() == 3) {
      spec["user"] = std::string(reader.text());
    } else if (of_somebody && reader.field() == 4) {
      spec["groups"].push_back(std::string(reader.text()));
    }
  }
  return reader.ok() ? std::optional(std::move(spec)) : std::nullopt;
}

std::optional<Json> Spec(const std::string& kind, std::string_view bytes) {
  if (kind == "SelfSubjectAccessReview") return AccessSpec(bytes, false);
  if (kind == "SubjectAccessReview" || kind == "LocalSubjectAccessReview")
    return AccessSpec(bytes, true);
  if (kind == "SelfSubjectRulesReview") return Texts(bytes, {{1, "namespace"}});
  return std::nullopt;
}

std::optional<Json> Review(const std::string& kind, std::string_view raw) {
  Json object = Json::object();
  Reader reader(raw);
  while (reader.Next()) {
    if (reader.field() != 2 || kind == "SelfSubjectReview") continue;
    auto spec = Spec(kind, reader.text());
    if (!spec) return std::nullopt;
    object["spec"] = *std::move(spec);
  }
  return reader.ok() ? std::optional(std::move(object)) : std::nullopt;
}

std::optional<Json> DeleteOptions(std::string_view raw) {
  Json object = Json::object();
  Reader reader(raw);
  while (reader.Next()) {
    if (reader.field() == 1) object["gracePeriodSeconds"] = static_cast<int64_t>(reader.number());
    if (reader.field() == 2) {
      auto preconditions = Texts(reader.text(), {{1, "uid"}, {2, "resourceVersion"}});
      if (!preconditions) return std::nullopt;
      object["preconditions"] = *preconditions;
    }
    if (reader.field() == 3) object["orphanDependents"] = reader.number() != 0;
    if (reader.field() == 4) object["propagationPolicy"] = std::string(reader.text());
    if (reader.field() == 5) object["dryRun"].push_back(std::string(reader.text()));
  }
  return reader.ok() ? std::optional(std::move(object)) : std::nullopt;
}

// -- messages described by protobuf_messages.txt --

struct Member {
  std::string name, type;
  bool repeated = false;
};
using Message = std::map<int, Member>;

const std::map<std::string, Message, std::less<>>& Messages() {
  static const auto* messages = [] {
    auto* table = new std::map<std::string, Message, std::less<>>;
    for (std::string_view line :
         base::Split(api_data::EmbeddedFile("api/protobuf_messages.txt"), '\n')) {
      if (line.empty() || line.front() == '#') continue;
      const size_t colon = line.find(':');
      Message& message = (*table)[std::string(line.substr(0, colon))];
      for (std::string_view word : base::SplitWhitespace(line.substr(colon + 1))) {
        const size_t equals = word.find('='), second = word.find(':');
        Member member{std::string(word.substr(equals + 1, second - equals - 1)),
                      std::string(word.substr(second + 1))};
        if (member.type.starts_with('*')) {
          member.repeated = true;
          member.type.erase(0, 1);
        }
        message[std::stoi(std::string(word.substr(0, equals)))] = std::move(member);
      }
    }
    return table;
  }();
  return *messages;
}

// One entry of a map: key = 1, value = 2.
bool MapEntry(std::string_view bytes, const std::string& type, Json& map) {
  std::string key;
  std::string_view value;
  Reader reader(bytes);
  while (reader.Next()) {
    if (reader.field() == 1) key = reader.text();
    if (reader.field() == 2) value = reader.text();
  }
  if (!reader.ok()) return false;
  if (type == "qm") {
    const auto quantity = Texts(value, {{1, "text"}});
    if (!quantity) return false;
    map[key] = quantity->value("text", "0");
  } else {
    map[key] = type == "Bm" ? base::Base64Encode(value) : base::SanitizeUtf8(value);
  }
  return true;
}

std::optional<Json> IntOrText(std::string_view bytes) {
  Reader reader(bytes);
  uint64_t kind = 0, number = 0;
  std::string text;
  while (reader.Next()) {
    if (reader.field() == 1) kind = reader.number();
    if (reader.field() == 2) number = reader.number();
    if (reader.field() == 3) text = reader.text();
  }
  if (!reader.ok()) return std::nullopt;
  return kind == 1 ? Json(text) : Json(static_cast<int64_t>(number));
}

// Nothing for broken bytes and for members that are not described: better refused than lost.
std::optional<Json> DecodeMessage(const Message& message, std::string_view bytes, int depth) {
  if (depth > 16) return std::nullopt;
  Json object = Json::object();
  Reader reader(bytes);
  while (reader.Next()) {
    auto it = message.find(reader.field());
    if (it == message.end()) {
      if (reader.text().empty() && reader.number() == 0) continue;
      return std::nullopt;
    }
    const Member& member = it->second;
    const std::string& type = member.type;
    std::optional<Json> value;
    if (type == "-") continue;
    if (type == "sm" || type == "Bm" || type == "qm") {
      if (!MapEntry(reader.text(), type, object[member.name])) return std::nullopt;
      continue;
    }
    if (type == "s" || type == "S") {
      if (type == "s" && reader.text().empty() && !member.repeated) continue;
      value = base::SanitizeUtf8(reader.text());
    } else if (type == "i" || type == "I") {
      if (type == "i" && reader.number() == 0) continue;
      value = static_cast<int64_t>(reader.number());
    } else if (type == "b" || type == "B") {
      if (type == "b" && reader.number() == 0) continue;
      value = reader.number() != 0;
    } else if (type == "q") {
      const auto quantity = Texts(reader.text(), {{1, "text"}});
      if (!quantity) return std::nullopt;
      value = quantity->value("text", "0");
    } else if (type == "y") {
      value = base::Base64Encode(reader.text());
    } else if (type == "t") {
      const auto time = DecodeMessage(Messages().at("Time"), reader.text(), depth + 1);
      if (!time) return std::nullopt;
      value = base::Rfc3339(absl::FromUnixSeconds(time->value("seconds", int64_t{0})));
    } else if (type == "x") {
      value = IntOrText(reader.text());
    } else {
      auto part = Messages().find(type);
      if (part == Messages().end()) return std::nullopt;
      value = DecodeMessage(part->second, reader.text(), depth + 1);
    }
    if (!value) return std::nullopt;
    if (member.name == ".") {
      object.update(*value);
      continue;
    }
    if (member.repeated) {
      object[member.name].push_back(*std::move(value));
    } else {
      object[member.name] = *std::move(value);
    }
  }
  return reader.ok() ? std::optional(std::move(object)) : std::nullopt;
}

}  // namespace

bool IsProtobufEnvelope(std::string_view bytes) { return bytes.starts_with(kMagic); }

std::optional<Json> DecodeProtobuf(std::string_view bytes) {
  if (!IsProtobufEnvelope(bytes)) return std::nullopt;
  std::string kind, api_version;
  std::string_view raw;
  Reader reader(bytes.substr(kMagic.size()));
  while (reader.Next()) {
    if (reader.field() == 1) {
      Reader meta(reader.text());
      while (meta.Next()) {
        if (meta.field() == 1) api_version = meta.text();
        if (meta.field() == 2) kind = meta.text();
      }
      if (!meta.ok()) return std::nullopt;
    } else if (reader.field() == 2) {
      raw = reader.text();
    }
  }
  if (!reader.ok()) return std::nullopt;
  std::optional<Json> object;
  if (kind == "DeleteOptions") {
    object = DeleteOptions(raw);
  } else if (kind.ends_with("Review")) {
    object = Review(kind, raw);
  } else {
    auto it = Messages().find(api_version + "." + kind);
    if (it == Messages().end()) it = Messages().find(kind);
    if (it != Messages().end()) object = DecodeMessage(it->second, raw, 0);
  }
  if (!object) return std::nullopt;
  (*object)["kind"] = kind;
  (*object)["apiVersion"] = api_version;
  return object;
}

}  // namespace opsmesh::kubesim
