#include "libs/kubesim/store/yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "libs/base/error.h"
#include "nlohmann/json.hpp"
#include "yaml-cpp/yaml.h"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxBytes = 16 << 20;
constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxScalarBytes = 4 * kMaxBytes;  // aliases can repeat what is long
constexpr int kMaxDepth = 64;
constexpr const char* kAliasing = "document contains excessive aliasing";

// A whole number in any base that YAML 1.1 and Go know: 0x1F, 0b11, 0o17 and 017; "_" is ignored.
std::optional<int64_t> Whole(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(std::tolower(static_cast<unsigned char>(text[1])));
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.erase(0, letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  if (text.starts_with('-') || text.starts_with('+')) return std::nullopt;
  if (negative) text.insert(0, "-");
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc() && at == end ? std::optional(number) : std::nullopt;
}

// As the YAML library of kubectl and the apiserver reads a plain word, which is YAML 1.1's way:
// yes and off are truth values, 010 is eight.
Json Resolve(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  for (const char* word :
       {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"}) {
    if (text == word) return true;
  }
  for (const char* word :
       {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"}) {
    if (text == word) return false;
  }
  if (std::string_view("+-.0123456789").find(text[0]) == std::string_view::npos) return text;
  if (const auto whole = Whole(text)) return *whole;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  // Only what JSON calls a number becomes a double: "1.2.3", "1e" and "inf" stay text.
  if (text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
      text.find_first_of("0123456789") != std::string::npos) {
    double number = 0;
    if (auto [at, error] = std::from_chars(begin, end, number); error == std::errc() && at == end) {
      if (std::abs(number) < 1e15 && number == std::trunc(number))
        return static_cast<int64_t>(number);
      return number;
    }
  }
  return text;
}

class Converter {
 public:
  explicit Converter(std::string_view text) : text_(text) {}

  Json Convert(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) throw YAML::Exception(node.Mark(), "too deep");
    if (++nodes_ > kMaxNodes) throw YAML::Exception(node.Mark(), kAliasing);
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return nullptr;
      case YAML::NodeType::Scalar:
        Count(node, node.Scalar().size());
        NeedClosed(node);
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
          Count(pair.first, pair.first.Scalar().size());
          const std::string key = KeyOf(pair.first);
          if (map.contains(key) && duplicates_.size() < 100) {
            duplicates_.push_back(fmt::format("line {}: key \"{}\" already set in map",
                                              pair.first.Mark().line + 1, pair.first.Scalar()));
          }
          map[key] = Convert(pair.second, depth + 1);
        }
        for (const YAML::Node& one : merged) Merge(one, depth, &map);
        return map;
      }
    }
    return nullptr;
  }

  std::vector<std::string> TakeDuplicates() { return std::exchange(duplicates_, {}); }

 private:
  void Count(const YAML::Node& scalar, size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kMaxScalarBytes) throw YAML::Exception(scalar.Mark(), kAliasing);
  }

  // The reader takes the end of a text for that of a quote which is open; nobody else does.
  void NeedClosed(const YAML::Node& scalar) const {
    const auto begin = static_cast<size_t>(std::max(scalar.Mark().pos, 0));
    if (scalar.Tag() != "!" || begin >= text_.size()) return;
    const char quote = text_[begin];
    if (quote != '"' && quote != '\'') return;
    for (size_t at = begin + 1; at < text_.size(); ++at) {
      if (text_[at] == '\\' && quote == '"')
        ++at;
      else if (text_[at] == quote)
        return;
    }
    YAML::Mark end = scalar.Mark();
    end.line = static_cast<int>(std::count(text_.begin(), text_.end(), '\n'));
    throw YAML::Exception(end, "illegal EOF in scalar");
  }

  // Keys are read as values are, and then written as text: y is "true".
  static std::string KeyOf(const YAML::Node& node) {
    if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return node.Scalar();
    const Json value = Resolve(node.Scalar());
    return value.is_boolean() || value.is_number() ? value.dump() : node.Scalar();
  }

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

  const std::string_view text_;
  bool in_merge_ = false;
  size_t nodes_ = 0;
  size_t bytes_ = 0;  // of scalars
  std::vector<std::string> duplicates_;
};

// The line of a text, without its end; lines are counted from 0.
std::string_view LineOf(std::string_view text, int line) {
  for (; line > 0; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// The name of the anchor that an alias at this place asks for.
std::string_view AliasAt(std::string_view text, size_t at) {
  if (at >= text.size()) return {};
  if (text[at] == '*') ++at;
  return text.substr(at, text.find_first_of(" \t\r\n,]}", at) - at);
}

// A fault as kubectl and apiservers word it, where their reader has a sentence for the same; the
// line is the one that is at fault.
std::string SentenceAbout(std::string_view text, const YAML::Exception& error) {
  if (error.msg == kAliasing) return error.msg;
  const auto at = static_cast<size_t>(std::max(error.mark.pos, 0));
  if (error.msg.starts_with("the referenced anchor is not defined"))
    return fmt::format("unknown anchor '{}' referenced", AliasAt(text, at));
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"illegal map value", "mapping values are not allowed in this context"},
      {"end of map not found", "did not find expected key"},
      {"end of map flow not found", "did not find expected ',' or '}'"},
      {"end of sequence not found", "did not find expected '-' indicator"},
      {"end of sequence flow not found", "did not find expected ',' or ']'"},
      {"unknown token", "found character that cannot start any token"},
      {"illegal EOF in scalar", "found unexpected end of stream"},
      {"unknown escape character: ", "found unknown escape character"},
      {"illegal flow end", "did not find expected node content"}};
  const std::string_view line = LineOf(text, error.mark.line);
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  const bool tabs = indent.find('\t') != std::string_view::npos && indent.size() < line.size();
  std::string_view sentence = error.msg;
  for (const auto& [ours, theirs] : kWords) {
    if (error.msg.starts_with(ours)) sentence = theirs;
  }
  if (tabs) sentence = "found character that cannot start any token";
  return fmt::format("line {}: {}", error.mark.line + 1, sentence);
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
    Converter converter(text);
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      if (!node.IsDefined() || node.IsNull()) continue;
      auto value = std::make_shared<Json>(converter.Convert(node, 0));
      documents.push_back({std::move(value), node.Mark().line + 1, converter.TakeDuplicates()});
    }
  } catch (const YAML::Exception& error) {
    return base::InvalidArgument("", "MALFORMED_YAML",
                                 fmt::format("yaml: {}", SentenceAbout(text, error)));
  }
  return documents;
}

}  // namespace opsmesh::kubesim
