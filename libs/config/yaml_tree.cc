#include <set>

#include "fmt/format.h"
#include "libs/base/strings.h"
#include "libs/config/tree.h"
#include "yaml-cpp/yaml.h"

namespace opsmesh::config {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxNodes = 100000;  // after aliases are followed: they can multiply
constexpr int kMaxDepth = 64;

class Converter {
 public:
  Converter(const std::string& name, Problems* problems) : name_(name), problems_(problems) {}

  Node Convert(const YAML::Node& yaml, int depth) {
    Node node;
    node.origin = fmt::format("{}:{}", name_, yaml.Mark().line + 1);
    if (full_) return node;
    if (++nodes_ > kMaxNodes || depth > kMaxDepth) {
      full_ = true;
      problems_->push_back(
          depth > kMaxDepth
              ? fmt::format("{}: nested deeper than {} levels", node.origin, kMaxDepth)
              : fmt::format("{}: more than {} values", node.origin, kMaxNodes));
      return node;
    }
    switch (yaml.Type()) {
      case YAML::NodeType::Scalar:
        node.kind = Node::Kind::kScalar;
        node.value = yaml.Scalar();
        break;
      case YAML::NodeType::Sequence:
        node.kind = Node::Kind::kList;
        for (const YAML::Node& item : yaml) node.items.push_back(Convert(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        ConvertMap(yaml, depth, node);
        break;
      default:
        break;
    }
    return node;
  }

 private:
  void ConvertMap(const YAML::Node& yaml, int depth, Node& node) {
    node.kind = Node::Kind::kMap;
    std::set<std::string> seen;
    for (const auto& entry : yaml) {
      if (full_) return;
      const std::string where = fmt::format("{}:{}", name_, entry.first.Mark().line + 1);
      if (!entry.first.IsScalar()) {
        problems_->push_back(fmt::format("{}: a key must be a word", where));
        continue;
      }
      const std::string& key = entry.first.Scalar();
      if (!seen.insert(key).second) {
        problems_->push_back(fmt::format("{}: '{}' is given twice", where, key));
        continue;
      }
      node.entries.emplace_back(key, Convert(entry.second, depth + 1));
      node.entries.back().second.origin = where;
    }
  }

  const std::string& name_;
  Problems* const problems_;
  int nodes_ = 0;
  bool full_ = false;
};

}  // namespace

void ParseYaml(std::string_view yaml, const std::string& name, Node* root, Problems* problems) {
  if (yaml.size() > kMaxBytes) {
    problems->push_back(fmt::format("{}: larger than 1 MiB", name));
    return;
  }
  if (!base::IsValidUtf8(yaml)) {
    problems->push_back(fmt::format("{}: not UTF-8", name));
    return;
  }
  try {
    const YAML::Node parsed = YAML::Load(std::string(yaml));
    if (parsed.IsNull() || !parsed.IsDefined()) return;
    if (!parsed.IsMap()) {
      problems->push_back(fmt::format("{}:1: a configuration is a map of sections", name));
      return;
    }
    *root = Converter(name, problems).Convert(parsed, 0);
  } catch (const YAML::Exception& error) {
    problems->push_back(fmt::format("{}:{}: {}", name, error.mark.line + 1, error.msg));
  }
}

}  // namespace opsmesh::config
