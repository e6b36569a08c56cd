#include "libs/kubesim/store/stored_view.h"

#include "libs/base/json.h"

namespace opsmesh::kubesim {

int64_t StoredView::Int(int64_t otherwise) const {
  if (!is_number()) return otherwise;
  switch (element_.type()) {
    case simdjson::dom::element_type::INT64:
      return int64_t(element_);
    case simdjson::dom::element_type::UINT64:
      return static_cast<int64_t>(uint64_t(element_));
    default:
      return static_cast<int64_t>(double(element_));
  }
}

std::string StoredView::Literal() const {
  if (is_boolean()) return bool(element_) ? "true" : "false";
  if (!is_number()) return "";
  switch (element_.type()) {
    case simdjson::dom::element_type::INT64:
      return std::to_string(int64_t(element_));
    case simdjson::dom::element_type::UINT64:
      return std::to_string(uint64_t(element_));
    default:
      return base::DumpJson(double(element_));
  }
}

StoredView::List StoredView::Items() const {
  List items;
  if (!is_array()) return items;
  for (const simdjson::dom::element item : simdjson::dom::array(element_)) items.emplace_back(item);
  return items;
}

bool Scan(const std::string& json, StoredView* root) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json).get(element) != simdjson::SUCCESS) return false;
  *root = StoredView(element);
  return true;
}

}  // namespace opsmesh::kubesim
