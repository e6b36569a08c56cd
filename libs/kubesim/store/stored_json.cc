#include "libs/kubesim/store/stored_json.h"

#include <simdjson.h>

#include "libs/base/json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using simdjson::dom::element_type;

// Members come in order, so each is put at the map's end without a search.
void Fill(const simdjson::dom::element& from, Json* to) {
  switch (from.type()) {
    case element_type::OBJECT: {
      *to = Json::object();
      auto& members = to->get_ref<Json::object_t&>();
      for (const auto& [key, value] : simdjson::dom::object(from)) {
        auto it = members.insert_or_assign(members.end(), std::string(key), Json());
        Fill(value, &it->second);
      }
      return;
    }
    case element_type::ARRAY: {
      const simdjson::dom::array list(from);
      *to = Json::array();
      auto& items = to->get_ref<Json::array_t&>();
      items.reserve(list.size());
      for (const auto& value : list) Fill(value, &items.emplace_back());
      return;
    }
    case element_type::STRING:
      *to = std::string(std::string_view(from));
      return;
    case element_type::INT64: {
      const int64_t number(from);
      if (number < 0)
        *to = number;
      else
        *to = static_cast<uint64_t>(number);
      return;
    }
    case element_type::UINT64:
      *to = uint64_t(from);
      return;
    case element_type::DOUBLE:
      *to = double(from);
      return;
    case element_type::BOOL:
      *to = bool(from);
      return;
    case element_type::NULL_VALUE:
      *to = nullptr;
      return;
  }
}

void AppendKey(const std::string& key, std::string* text) {
  if (text->size() > 1) *text += ',';
  *text += base::DumpJson(key);
  *text += ':';
}

}  // namespace

Json ParseStored(const std::string& json) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  // What it does not take (numbers beyond 64 bits, odd bytes) the slower parser judges.
  if (parser.parse(json).get(root) != simdjson::SUCCESS) return Json::parse(json, nullptr, false);
  Json value;
  Fill(root, &value);
  return value;
}

std::string DumpStored(const Json& object, size_t* version_at) {
  *version_at = 0;
  std::string text = "{";
  for (const auto& [key, value] : object.items()) {
    AppendKey(key, &text);
    if (key != "metadata" || !value.is_object()) {
      text += base::DumpJson(value);
      continue;
    }
    std::string metadata = "{";
    for (const auto& [name, member] : value.items()) {
      AppendKey(name, &metadata);
      if (name == "resourceVersion") *version_at = text.size() + metadata.size() + 1;
      metadata += base::DumpJson(member);
    }
    text += metadata + "}";
  }
  return text + "}";
}

}  // namespace opsmesh::kubesim
