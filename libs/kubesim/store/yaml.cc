#include "libs/kubesim/store/yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "libs/base/error.h"
#include "nlohmann/json.hpp"
#include "yaml-cpp/yaml.h"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxBytes = 16 << 20;
constexpr size_t kMaxNodes = 1'000'000;
constexpr int kMaxDepth = 64;

Json Resolve(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (auto [at, error] = std::from_chars(begin, end, integer); error == std::errc() && at == end)
    return integer;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    const int base = text[1] == 'x' ? 16 : 8;
    if (auto [at, error] = std::from_chars(text.data() + 2, end, integer, base);
        error == std::errc() && at == end)
      return integer;
  }
  // Only what JSON calls a number becomes a double: "1.2.3", "1e" and "inf" stay text.
  if (text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
      text.find_first_of("0123456789") != std::string::npos) {
    double number = 0;
    if (auto [at, error] = std::from_chars(begin, end, number); error == std::errc() && at == end)
      return number;
  }
  return text;
}

class Converter {
 public:
  Json Convert(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes)
      throw YAML::Exception(node.Mark(), "too deep or too many nodes");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return nullptr;
      case YAML::NodeType::Scalar:
        return node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str" ? Json(node.Scalar())
                                                                          : Resolve(node.Scalar());
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (const YAML::Node& item : node) list.push_back(Convert(item, depth + 1));
        return list;
      }
      case YAML::NodeType::Map: {
        Json map = Json::object();
        std::vector<YAML::Node> merged;
        for (const auto& pair : node) {
          if (!pair.first.IsScalar())
            throw YAML::Exception(pair.first.Mark(), "a key must be a scalar");
          if (IsMergeKey(pair.first)) {
            merged.push_back(pair.second);
            continue;
          }
          if (map.contains(pair.first.Scalar()) && duplicates_.size() < 100) {
            duplicates_.push_back(fmt::format("line {}: key \"{}\" already set in map",
                                              pair.first.Mark().line + 1, pair.first.Scalar()));
          }
          map[pair.first.Scalar()] = Convert(pair.second, depth + 1);
        }
        for (const YAML::Node& one : merged) Merge(one, depth, &map);
        return map;
      }
    }
    return nullptr;
  }

  std::vector<std::string> TakeDuplicates() { return std::exchange(duplicates_, {}); }

 private:
  // "<<": YAML 1.1's merge key, which kubectl follows too.
  static bool IsMergeKey(const YAML::Node& key) {
    return key.Scalar() == "<<" && key.Tag() != "!" && key.Tag() != "tag:yaml.org,2002:str";
  }

  // What the map does not say itself it has from the merged one, or from the first of several.
  void Merge(const YAML::Node& node, int depth, Json* map) {
    if (node.IsSequence() && !in_merge_) {
      in_merge_ = true;  // a list of lists is none of maps
      for (const YAML::Node& item : node) Merge(item, depth, map);
      in_merge_ = false;
      return;
    }
    if (!node.IsMap()) {
      throw YAML::Exception(node.Mark(), "map merge requires map or sequence of maps as the value");
    }
    const bool inside = std::exchange(in_merge_, false);
    Json other = Convert(node, depth + 1);
    in_merge_ = inside;
    for (auto& [key, value] : other.items()) {
      if (!map->contains(key)) (*map)[key] = std::move(value);
    }
  }

  bool in_merge_ = false;
  size_t nodes_ = 0;
  std::vector<std::string> duplicates_;
};

void Emit(YAML::Emitter& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
      for (const auto& [key, member] : value.items()) {
        out << YAML::Key << key << YAML::Value;
        Emit(out, member);
      }
      out << YAML::EndMap;
      break;
    case Json::value_t::array:
      out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
      for (const Json& item : value) Emit(out, item);
      out << YAML::EndSeq;
      break;
    case Json::value_t::string: {
      const std::string& text = value.get_ref<const std::string&>();
      const bool ambiguous = !Resolve(text).is_string();
      if (text.find('\n') != std::string::npos) {
        out << YAML::Literal << text;
      } else if (ambiguous) {
        out << YAML::DoubleQuoted << text;
      } else {
        out << text;
      }
      break;
    }
    default:
      out << value.dump();
  }
}

}  // namespace

absl::StatusOr<std::vector<YamlDocument>> ParseYaml(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return base::InvalidArgument(
        "", "YAML_TOO_LARGE",
        fmt::format("The YAML text has {} bytes, the limit is {}.", text.size(), kMaxBytes));
  }
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) {
        return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
      })) {
    return base::InvalidArgument("", "MALFORMED_YAML", "yaml: control characters are not allowed");
  }
  std::vector<YamlDocument> documents;
  try {
    Converter converter;
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      if (!node.IsDefined() || node.IsNull()) continue;
      auto value = std::make_shared<Json>(converter.Convert(node, 0));
      documents.push_back({std::move(value), node.Mark().line + 1, converter.TakeDuplicates()});
    }
  } catch (const YAML::Exception& error) {
    return base::InvalidArgument("", "MALFORMED_YAML",
                                 fmt::format("yaml: line {}: {}", error.mark.line + 1, error.msg));
  }
  return documents;
}

std::string DumpYaml(const Json& value) {
  YAML::Emitter out;
  Emit(out, value);
  return std::string(out.c_str()) + "\n";
}

}  // namespace opsmesh::kubesim
