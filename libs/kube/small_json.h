// Small JSON answers and bodies: a checked copy to read with JsonRef, and a writer.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/json_ref.h"

namespace opsmesh::kube {

/// A compact copy of a document that came from the network. Not movable: JsonRefs point into it.
class SmallJson {
 public:
  explicit SmallJson(std::string_view text) {
    if (!base::IsValidUtf8(text)) return;
    JsonScanner scanner(text);
    valid_ = scanner.Copy(&compact_) && scanner.AtEnd();
    if (!valid_) compact_.clear();
  }
  SmallJson(const SmallJson&) = delete;
  SmallJson& operator=(const SmallJson&) = delete;
  bool valid() const { return valid_; }
  JsonRef root() const { return JsonRef(compact_); }

 private:
  std::string compact_;
  bool valid_ = false;
};

/// Writes an object member by member, in the order of the calls.
class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view value) {
    return AddRaw(key, base::JsonString(value));
  }
  JsonObject& AddIf(std::string_view key, std::string_view value) {
    return value.empty() ? *this : Add(key, value);
  }
  JsonObject& AddRaw(std::string_view key, std::string_view json) {
    text_ += text_.empty() ? "{" : ",";
    base::AppendJsonString(key, &text_);
    text_ += ':';
    text_ += json;
    return *this;
  }
  bool empty() const { return text_.empty(); }
  std::string Take() { return text_.empty() ? "{}" : std::exchange(text_, {}) + "}"; }

 private:
  std::string text_;
};

}  // namespace opsmesh::kube
