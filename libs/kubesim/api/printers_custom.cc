// Cells of custom resources, as the columns of their definition ask for them.
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/printers_internal.h"
#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::printers {
namespace {

// The subset of JSONPath that printer columns use: .a.b, ['a.b'], [0], [-1], [*], [?(@.k=="v")]. Of
// several values the first is shown.
const Json* Follow(const Json& object, std::string_view path) {
  const Json* node = &object;
  while (!path.empty() && node != nullptr) {
    if (path.front() == '.') {
      path.remove_prefix(1);
      std::string key;
      while (!path.empty() && path.front() != '.' && path.front() != '[') {
        if (path.front() == '\\' && path.size() > 1) path.remove_prefix(1);
        key += path.front();
        path.remove_prefix(1);
      }
      if (!key.empty()) node = node->is_object() && node->contains(key) ? &(*node)[key] : nullptr;
      continue;
    }
    const size_t close = path.find(']');
    if (path.front() != '[' || close == std::string_view::npos) return nullptr;
    const std::string_view inner = path.substr(1, close - 1);
    path.remove_prefix(close + 1);
    const Json* found = nullptr;
    if (inner == "*" && node->is_structured()) {
      for (const Json& element : *node) {
        if ((found = Follow(element, path)) != nullptr) break;
      }
      return found;
    }
    if (inner.starts_with("?(@.") && node->is_array()) {
      const size_t equals = inner.find("==");
      if (equals == std::string_view::npos) return nullptr;
      const std::string key(base::Trim(inner.substr(4, equals - 4)));
      std::string_view value = base::Trim(inner.substr(equals + 2));
      while (!value.empty() && (value.back() == ')' || value.back() == '"' || value.back() == '\''))
        value.remove_suffix(1);
      while (!value.empty() && (value.front() == '"' || value.front() == '\''))
        value.remove_prefix(1);
      for (const Json& element : *node) {
        if (found == nullptr && TextAt(element, key.c_str()) == value) found = &element;
      }
    } else if (node->is_array() && !inner.empty() &&
               inner.find_first_not_of("0123456789") == std::string_view::npos) {
      const size_t index = std::stoul(std::string(inner.substr(0, 6)));
      if (index < node->size()) found = &(*node)[index];
    } else if (node->is_array() && inner.size() > 1 && inner.front() == '-' &&
               inner.find_first_not_of("0123456789", 1) == std::string_view::npos) {
      const size_t back = std::stoul(std::string(inner.substr(1, 6)));  // from the end
      if (back > 0 && back <= node->size()) found = &(*node)[node->size() - back];
    } else if (inner.size() > 2 && node->is_object()) {
      const std::string key(inner.substr(1, inner.size() - 2));
      if (node->contains(key)) found = &(*node)[key];
    }
    node = found;
  }
  return node;
}

}  // namespace

// A value in a column of a type that it does not have is not shown.
Json CustomCell(const Json& column, const Json& object, absl::Time now) {
  const Json* value = Follow(object, TextAt(column, "jsonPath"));
  if (value == nullptr) return nullptr;
  const std::string type = TextAt(column, "type");
  if (type == "string") {
    if (value->is_null()) return "<no value>";
    return value->is_structured() ? Json(value->dump()) : Json(GoFormatted(*value));
  }
  if (type == "integer" && value->is_number())
    return IsGoInteger(*value) ? *value : Json(static_cast<int64_t>(value->get<double>()));
  if (type == "number" && value->is_number()) return *value;
  if (type == "boolean" && value->is_boolean()) return *value;
  if (type != "date" || !value->is_string()) return nullptr;
  const auto& text = value->get_ref<const std::string&>();
  absl::Time then;
  if (text.empty()) return "<unknown>";
  return base::ParseRfc3339(text, &then) ? Json(Age(*value, now)) : Json("<invalid>");
}

}  // namespace opsmesh::kubesim::printers
