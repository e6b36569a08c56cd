// The layers of a Source as plain trees. Internal to libs/config.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/config/source.h"

namespace opsmesh::config {

using Path = std::vector<std::string>;  // normalised names; "[2]" = third element of a list

/// A YAML value without YAML: what it is and where it stood.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string value;                                  // scalars, expanded
  std::vector<Node> items;                            // lists
  std::vector<std::pair<std::string, Node>> entries;  // maps: name as written
  std::string origin;                                 // "config.yaml:12"
};

/// The child that a path component names, or null.
const Node* Child(const Node& node, std::string_view component);
/// The node at `path` below `root`, or null. Null values count as absent.
const Node* At(const Node& root, const Path& path);
Path SplitKey(std::string_view key);
std::string JoinPath(const Path& path);
/// "llm.api_key" -> "OPSMESH_LLM_API_KEY".
std::string EnvironmentName(const Path& path);

/// What the parser and the readers find wrong, in order.
using Problems = std::vector<std::string>;

/// Parses YAML into `root`; problems are appended with "<name>:<line>: ".
void ParseYaml(std::string_view yaml, const std::string& name, Node* root, Problems* problems);

struct Source::Impl {
  struct Value {
    std::string text;
    std::string origin;
  };
  struct Layer {
    std::string name;
    Node root;
  };
  std::map<std::string, Value> flags;  // by normalised key
  std::map<std::string, std::string> environment;
  std::map<std::string, Value> dotenv;
  std::vector<Layer> layers;  // strongest first

  /// The first node at `path` over the layers. A path through a list stays in the layer whose list
  /// it is.
  const Node* Find(const Path& path) const;
  /// A variable of the environment, else of .env; nullopt when unset or empty.
  std::optional<Value> Variable(const std::string& name) const;
  /// `${VAR}`, `${VAR:-default}`, `${file:/path}`, `$$`. Problems get `where` before them.
  std::string Expand(std::string_view text, const std::string& where, Problems* problems) const;
  void ExpandTree(Node& node, Problems* problems) const;

  std::mutex mutex;
  std::map<std::string, Effective> asked;  // by key, for show --origin
  std::set<std::string> secrets;
  std::set<std::string> alias_roots;  // top-level names that older key names begin with
};

/// The one shape of a configuration error; OK when there is no problem.
absl::Status ProblemsToStatus(const Problems& problems);

}  // namespace opsmesh::config
