// From method and path to a route: literal paths by hash, the others by a trie of segments. Built
// once, then immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/contract/http_template.h"

namespace opsmesh::gateway {

/// Finds routes. A literal segment wins over "*", "*" over "**", wherever they first differ.
/// Thread-safe once built.
class PathMatcher {
 public:
  /// A route, known by the number it was added with.
  struct Match {
    uint32_t route = 0;
    /// One value for each variable of the template, decoded.
    std::vector<std::string_view> values;
    /// A variable of several segments keeps them joined here; a view in `values` may point into it.
    std::vector<std::string> joined;
  };

  PathMatcher();
  ~PathMatcher();

  /// FAILED_PRECONDITION (ROUTE_CONFLICT) when another route takes the same method and paths;
  /// `name` is for that message.
  absl::Status Add(std::string_view http_method, const HttpTemplate& path, uint32_t route,
                   std::string_view name);

  /// `path` is decoded and begins with "/"; it outlives the match. False when no route fits.
  bool Find(std::string_view http_method, std::string_view path, Match* match) const;

  /// Methods that have a route at `path`, sorted; empty when the path is unknown.
  std::vector<std::string> MethodsAt(std::string_view path) const;

  /// The template nearest to `path`, or "": for "did you mean".
  std::string Nearest(std::string_view path) const;

 private:
  struct Node;
  struct Target {
    std::string http_method;
    std::string verb;
    uint32_t route = 0;
    std::string name;
    std::vector<HttpTemplate::Variable> variables;
  };
  using Segments = std::vector<std::string_view>;

  const Target* Search(const Node& node, const Segments& segments, size_t at,
                       std::string_view http_method, std::string_view verb) const;
  void CollectMethods(const Node& node, const Segments& segments, size_t at, std::string_view verb,
                      std::vector<std::string>* methods) const;
  bool FindInTrie(std::string_view http_method, std::string_view path, Match* match) const;

  absl::flat_hash_map<std::string, std::vector<Target>> literals_;  // by path
  std::unique_ptr<Node> root_;
  std::vector<std::string> verbs_;  // of templates in the trie, sorted
  std::vector<std::string> texts_;  // all templates, for suggestions
};

}  // namespace opsmesh::gateway
