#include "gateway/route/path_matcher.h"

#include <algorithm>
#include <set>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

// No template has more segments than this; a longer path goes the same way with more of them in its
// last variable.
void SplitPath(std::string_view path, std::vector<std::string_view>* segments) {
  segments->clear();
  size_t start = 1;
  while (start <= path.size()) {
    const size_t slash = std::min(path.find('/', start), path.size());
    segments->push_back(path.substr(start, slash - start));
    start = slash + 1;
  }
  if (segments->size() == 1 && segments->front().empty()) segments->clear();  // "/"
}

}  // namespace

struct PathMatcher::Node {
  absl::flat_hash_map<std::string, std::unique_ptr<Node>> literals;
  std::unique_ptr<Node> one;
  std::unique_ptr<Node> rest;
  std::vector<Target> targets;
};

PathMatcher::PathMatcher() : root_(std::make_unique<Node>()) {}
PathMatcher::~PathMatcher() = default;

absl::Status PathMatcher::Add(std::string_view http_method, const HttpTemplate& path,
                              uint32_t route, std::string_view name) {
  std::vector<Target>* targets = nullptr;
  std::string verb;
  if (path.literal_only()) {
    targets = &literals_[path.text];
  } else {
    Node* node = root_.get();
    for (const HttpTemplate::Segment& segment : path.segments) {
      std::unique_ptr<Node>& next = segment.kind == HttpTemplate::Kind::kLiteral
                                        ? node->literals[segment.literal]
                                    : segment.kind == HttpTemplate::Kind::kOne ? node->one
                                                                               : node->rest;
      if (next == nullptr) next = std::make_unique<Node>();
      node = next.get();
    }
    targets = &node->targets;
    verb = path.verb;
    if (!verb.empty() && !std::binary_search(verbs_.begin(), verbs_.end(), verb)) {
      verbs_.insert(std::upper_bound(verbs_.begin(), verbs_.end(), verb), verb);
    }
  }
  for (const Target& other : *targets) {
    if (other.http_method == http_method && other.verb == verb) {
      return base::FailedPrecondition("ROUTE_CONFLICT",
                                      fmt::format("{} and {} both claim {} {}.", other.name, name,
                                                  http_method, path.text))
          .Hint("Give one of the RPCs another path in its google.api.http option.");
    }
  }
  targets->push_back({std::string(http_method), verb, route, std::string(name), path.variables});
  texts_.push_back(path.Display());
  return absl::OkStatus();
}

const PathMatcher::Target* PathMatcher::Search(const Node& node, const Segments& segments,
                                               size_t at, std::string_view http_method,
                                               std::string_view verb) const {
  if (at == segments.size()) {
    for (const Target& target : node.targets) {
      if (target.http_method == http_method && target.verb == verb) return &target;
    }
  } else {
    const std::string_view segment = segments[at];
    if (const auto it = node.literals.find(base::ToAbsl(segment)); it != node.literals.end()) {
      if (const Target* found = Search(*it->second, segments, at + 1, http_method, verb))
        return found;
    }
    if (node.one != nullptr && !segment.empty()) {
      if (const Target* found = Search(*node.one, segments, at + 1, http_method, verb))
        return found;
    }
  }
  if (node.rest != nullptr) {
    for (const Target& target : node.rest->targets) {
      if (target.http_method == http_method && target.verb == verb) return &target;
    }
  }
  return nullptr;
}

bool PathMatcher::FindInTrie(std::string_view http_method, std::string_view path,
                             Match* match) const {
  thread_local Segments segments;
  SplitPath(path, &segments);
  const Target* found = nullptr;
  const size_t colon = segments.empty() ? std::string_view::npos : segments.back().rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view whole = segments.back();
    const std::string_view verb = whole.substr(colon + 1);
    if (std::binary_search(verbs_.begin(), verbs_.end(), verb)) {
      segments.back() = whole.substr(0, colon);
      found = Search(*root_, segments, 0, http_method, verb);
      if (found == nullptr) segments.back() = whole;
    }
  }
  if (found == nullptr) found = Search(*root_, segments, 0, http_method, "");
  if (found == nullptr) return false;
  match->route = found->route;
  match->joined.reserve(found->variables.size());
  for (const HttpTemplate::Variable& variable : found->variables) {
    const size_t last = variable.to_end ? segments.size() : variable.last;
    if (last == variable.first + 1) {
      match->values.push_back(segments[variable.first]);
      continue;
    }
    std::string text;
    for (size_t i = variable.first; i < last; ++i) {
      if (i > variable.first) text += '/';
      text += segments[i];
    }
    match->joined.push_back(std::move(text));
    match->values.push_back(match->joined.back());
  }
  return true;
}

bool PathMatcher::Find(std::string_view http_method, std::string_view path, Match* match) const {
  if (const auto it = literals_.find(base::ToAbsl(path)); it != literals_.end()) {
    for (const Target& target : it->second) {
      if (target.http_method != http_method) continue;
      match->route = target.route;
      return true;
    }
  }
  return FindInTrie(http_method, path, match);
}

void PathMatcher::CollectMethods(const Node& node, const Segments& segments, size_t at,
                                 std::string_view verb, std::vector<std::string>* methods) const {
  const auto take = [&](const Node& end) {
    for (const Target& target : end.targets) {
      if (target.verb == verb) methods->push_back(target.http_method);
    }
  };
  if (node.rest != nullptr) take(*node.rest);
  if (at == segments.size()) return take(node);
  if (const auto it = node.literals.find(base::ToAbsl(segments[at])); it != node.literals.end()) {
    CollectMethods(*it->second, segments, at + 1, verb, methods);
  }
  if (node.one != nullptr && !segments[at].empty())
    CollectMethods(*node.one, segments, at + 1, verb, methods);
}

std::vector<std::string> PathMatcher::MethodsAt(std::string_view path) const {
  std::vector<std::string> methods;
  if (const auto it = literals_.find(base::ToAbsl(path)); it != literals_.end()) {
    for (const Target& target : it->second) methods.push_back(target.http_method);
  }
  Segments segments;
  SplitPath(path, &segments);
  CollectMethods(*root_, segments, 0, "", &methods);
  const size_t colon = segments.empty() ? std::string_view::npos : segments.back().rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view verb = segments.back().substr(colon + 1);
    segments.back() = segments.back().substr(0, colon);
    CollectMethods(*root_, segments, 0, verb, &methods);
  }
  std::sort(methods.begin(), methods.end());
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  return methods;
}

std::string PathMatcher::Nearest(std::string_view path) const {
  return std::string(base::Nearest(path.substr(0, 256), texts_));
}

}  // namespace opsmesh::gateway
