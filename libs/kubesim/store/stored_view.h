// Stored objects read where they lie: the functions of json_path.h over bytes that were scanned by
// simdjson and not copied into values. For lists of many objects, of which a few members count.
// Brings in simdjson.h: for .cc files only.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

/// A value in scanned bytes, or none. Lives until this thread scans the next object.
class StoredView {
 public:
  StoredView() = default;
  explicit StoredView(simdjson::dom::element element) : element_(element), there_(true) {}

  bool there() const { return there_; }
  bool is_object() const { return there_ && element_.is_object(); }
  bool is_array() const { return there_ && element_.is_array(); }
  bool is_string() const { return there_ && element_.is_string(); }
  bool is_boolean() const { return there_ && element_.is_bool(); }
  bool is_number() const { return there_ && element_.is_number(); }
  /// None when absent or not in an object.
  StoredView Member(std::string_view name) const {
    simdjson::dom::element found;
    if (!is_object() || element_.at_key(name).get(found) != simdjson::SUCCESS) return {};
    return StoredView(found);
  }
  /// "" for what is no string.
  std::string_view Text() const {
    std::string_view text;
    if (there_ && element_.get(text) != simdjson::SUCCESS) return {};
    return text;
  }
  int64_t Int(int64_t otherwise) const;
  bool Bool(bool otherwise) const {
    bool value = otherwise;
    return is_boolean() && element_.get(value) == simdjson::SUCCESS ? value : otherwise;
  }
  /// A number or boolean as JSON; "" for everything else.
  std::string Literal() const;

  using List = absl::InlinedVector<StoredView, 4>;
  /// Empty for what is no array.
  List Items() const;

 private:
  simdjson::dom::element element_;
  bool there_ = false;
};

inline StoredView At(const StoredView& object, const char* member) { return object.Member(member); }
inline StoredView At(const StoredView& object, std::initializer_list<const char*> path) {
  StoredView node = object;
  for (const char* member : path) node = node.Member(member);
  return node;
}
inline std::string TextAt(const StoredView& object, std::initializer_list<const char*> path) {
  return std::string(At(object, path).Text());
}
inline std::string TextAt(const StoredView& object, const char* member) {
  return std::string(object.Member(member).Text());
}
inline int64_t IntAt(const StoredView& object, const char* member, int64_t otherwise = 0) {
  return object.Member(member).Int(otherwise);
}
inline bool BoolAt(const StoredView& object, std::initializer_list<const char*> path,
                   bool otherwise = false) {
  return At(object, path).Bool(otherwise);
}
inline StoredView::List ListAt(const StoredView& object, std::initializer_list<const char*> path) {
  return At(object, path).Items();
}

/// False when simdjson does not take the bytes (numbers beyond 64 bits, odd text).
bool Scan(const std::string& json, StoredView* root);

/// `look(content)` with a StoredView, or with a Json where the bytes cannot be scanned: it reads
/// both by the functions above, which read both alike. It scans nothing else meanwhile.
template <typename F>
auto WithContent(const Object& object, const F& look) {
  StoredView view;
  if (Scan(object.json, &view)) return look(view);
  return look(object.Parse());
}

}  // namespace opsmesh::kubesim
