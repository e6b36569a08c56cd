// What the readers of one section share. For reader*.cc only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "libs/config/reader.h"
#include "libs/config/tree.h"
#include "libs/config/values.h"

namespace opsmesh::config {

struct Reader::State {
  std::shared_ptr<Source::Impl> source;
  Problems problems;
  std::set<Path> asked;  // leaves, and whole subtrees that belong to somebody else
  std::set<std::string> known_variables;
  std::set<Path> inner;  // sections, lists and maps on the way
  Path section;

  struct Found {
    std::string text;
    std::string origin;
    const Node* node = nullptr;
  };
  std::optional<Found> Look(const Path& path, const Names& names);
  void Record(const Path& path, std::string value, std::string origin, bool secret);
  template <typename T>
  T Read(const Path& path, const Names& names, T fallback, std::string_view expected,
         const std::function<std::optional<T>(const std::string&)>& parse,
         const std::function<std::string(T)>& show);
  void Missing(const Path& path, const Names& names);
  void JudgeUnknown(const Node& node, const Path& path);
  void JudgeVariables();
  std::string Suggest(const Path& path) const;
};

}  // namespace opsmesh::config
