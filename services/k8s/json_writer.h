// Writes one JSON document front to back: results of thousands of rows cost one string and no tree.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::k8s {

/// Appends values in document order; the caller balances Begin and End. Ill-formed UTF-8 becomes
/// U+FFFD, NaN and infinities become null. Not thread-safe.
class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);

  JsonWriter& Value(std::string_view text);
  JsonWriter& Value(const char* text) { return Value(std::string_view(text)); }
  JsonWriter& Value(const std::string& text) { return Value(std::string_view(text)); }
  JsonWriter& Value(bool value);
  JsonWriter& Value(double value);
  template <std::integral T>
  requires(!std::same_as<T, bool>) JsonWriter& Value(T value) {
    return Number(std::to_string(value));
  }
  JsonWriter& Null();
  /// `json` is one well-formed document.
  JsonWriter& Raw(std::string_view json);

  template <typename T>
  JsonWriter& Field(std::string_view key, const T& value) {
    return Key(key).Value(value);
  }
  /// Leaves the field out when `text` is empty.
  JsonWriter& OptionalField(std::string_view key, std::string_view text) {
    return text.empty() ? *this : Key(key).Value(text);
  }
  /// null when `text` is empty.
  JsonWriter& NullableField(std::string_view key, std::string_view text) {
    return text.empty() ? Key(key).Null() : Key(key).Value(text);
  }
  template <typename List>
  JsonWriter& StringArray(std::string_view key, const List& list) {
    Key(key).BeginArray();
    for (const auto& item : list) Value(std::string_view(item));
    return EndArray();
  }

  /// The document; the writer is empty afterwards.
  std::string Take();
  size_t size() const { return out_.size(); }

 private:
  JsonWriter& Number(std::string_view digits);
  void Separate();

  std::string out_;
  std::vector<bool> has_items_;
  bool after_key_ = false;
};

}  // namespace opsmesh::k8s
