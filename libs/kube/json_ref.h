// A cheap reader over the JSON of a kube::Object: no tree, no copies, wrong types read as absent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace opsmesh::kube {

/// Points at one value inside JSON text that was checked before (Object::json()). A default-made
/// one is "absent"; every question to an absent value answers absent. Valid as long as the text.
/// Copyable, immutable, thread-safe.
class JsonRef {
 public:
  enum class Type { kAbsent, kNull, kBool, kNumber, kString, kArray, kObject };

  JsonRef() = default;
  /// `text` is compact, valid JSON; kube::CompactJson makes it.
  explicit JsonRef(std::string_view text) : begin_(text.data()), end_(text.data() + text.size()) {}

  Type type() const;
  /// Absent or null.
  bool empty() const { return type() == Type::kAbsent || type() == Type::kNull; }

  /// Member of an object, or absent. Linear in the members before it.
  JsonRef operator[](std::string_view key) const;
  /// A dotted path: At("spec.template.spec"). Keys with dots need operator[].
  JsonRef At(std::string_view path) const;
  /// Element of an array, or absent.
  JsonRef Index(size_t index) const;
  /// Elements or members; 0 for scalars.
  size_t size() const;

  /// String without its quotes, escapes as they stand; nullopt when it is not a string.
  std::optional<std::string_view> RawString() const;
  /// String with escapes decoded; "" when it is not one.
  std::string String() const;
  /// Integers only ("3", not "3.5" or "1e3"), saturating; nullopt otherwise.
  std::optional<int64_t> Int() const;
  std::optional<double> Double() const;
  std::optional<bool> Bool() const;
  /// The bytes of the value as they stand in the text; "" when absent.
  std::string_view Text() const;

  /// Calls for each member until `visit` returns false. Keys come with escapes as they stand.
  void ForEachMember(const std::function<bool(std::string_view key, JsonRef value)>& visit) const;
  void ForEachElement(const std::function<bool(JsonRef value)>& visit) const;
  /// The same without the cost of a std::function; defined in json_walk.h.
  template <typename F>
  void WalkMembers(F visit) const;
  template <typename F>
  void WalkElements(F visit) const;

 private:
  JsonRef(const char* begin, const char* end) : begin_(begin), end_(end) {}
  const char* begin_ = nullptr;  // first byte of the value
  const char* end_ = nullptr;    // end of the text around it
};

}  // namespace opsmesh::kube
