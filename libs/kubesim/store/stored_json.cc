#include "libs/kubesim/store/stored_json.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>

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

// As base::DumpJson() writes it; what is not plain ASCII goes there.
void AppendText(const std::string& text, std::string* to) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
  });
  if (!plain) {
    *to += base::DumpJson(text);
    return;
  }
  *to += '"';
  *to += text;
  *to += '"';
}

void AppendKey(const std::string& key, std::string* to) {
  if (to->back() != '{') *to += ',';
  AppendText(key, to);
  *to += ':';
}

void Append(const Json& value, std::string* to) {
  switch (value.type()) {
    case Json::value_t::object:
      *to += '{';
      for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
        AppendKey(key, to);
        Append(member, to);
      }
      *to += '}';
      return;
    case Json::value_t::array: {
      *to += '[';
      for (const Json& item : value) {
        if (to->back() != '[') *to += ',';
        Append(item, to);
      }
      *to += ']';
      return;
    }
    case Json::value_t::string:
      AppendText(value.get_ref<const std::string&>(), to);
      return;
    case Json::value_t::boolean:
      *to += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::null:
      *to += "null";
      return;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: {
      std::array<char, 24> digits;
      char* const begin = digits.data();
      const auto end = value.is_number_unsigned()
                           ? std::to_chars(begin, begin + digits.size(), value.get<uint64_t>())
                           : std::to_chars(begin, begin + digits.size(), value.get<int64_t>());
      to->append(begin, end.ptr);
      return;
    }
    default:
      *to += base::DumpJson(value);
  }
}

// Behind the quote that ends the string which begins at `at`.
size_t TextEnd(std::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

// Behind the value that begins at `at`.
size_t ValueEnd(std::string_view json, size_t at) {
  int depth = 0;
  while (at < json.size()) {
    switch (json[at]) {
      case '"':
        at = TextEnd(json, at);
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;
        --depth;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
    ++at;
  }
  return at;
}

}  // namespace

void AppendStored(const Json& value, std::string* text) { Append(value, text); }

std::string_view StoredMember(std::string_view object, std::string_view member) {
  for (size_t at = 1; at < object.size() && object[at] == '"';) {
    const size_t key = at + 1, colon = TextEnd(object, at);
    const size_t end = ValueEnd(object, std::min(colon + 1, object.size()));
    if (object.substr(key, colon - 1 - key) == member)
      return object.substr(colon + 1, end - colon - 1);
    at = end + 1;
  }
  return {};
}

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
      Append(value, &text);
      continue;
    }
    text += '{';
    for (const auto& [name, member] : value.items()) {
      AppendKey(name, &text);
      if (name == "resourceVersion") *version_at = text.size() + 1;
      Append(member, &text);
    }
    text += '}';
  }
  text += '}';
  return text;
}

}  // namespace opsmesh::kubesim
