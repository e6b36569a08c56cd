// label_replace() and label_join().
#include <fmt/format.h>
#include <re2/re2.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "libs/kubesim/promql/evaluation.h"

namespace opsmesh::kubesim::promql {
namespace {

/// Puts what the groups of a match are in the place of $1, ${name} and $$.
std::string Expand(const std::string& replacement, const RE2& pattern,
                   const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '$' || i + 1 >= replacement.size()) {
      out += replacement[i];
      continue;
    }
    if (replacement[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const bool braces = replacement[i + 1] == '{';
    const size_t start = i + (braces ? 2 : 1);
    size_t end = start;
    while (end < replacement.size() &&
           (std::isalnum(static_cast<unsigned char>(replacement[end])) || replacement[end] == '_'))
      ++end;
    if (end == start || (braces && (end >= replacement.size() || replacement[end] != '}'))) {
      out += '$';
      continue;
    }
    const std::string name = replacement.substr(start, end - start);
    size_t index = groups.size();
    if (name.find_first_not_of("0123456789") == std::string::npos && name.size() < 6) {
      index = static_cast<size_t>(std::stoi(name));
    } else if (const auto named = pattern.NamedCapturingGroups().find(name);
               named != pattern.NamedCapturingGroups().end()) {
      index = static_cast<size_t>(named->second);
    }
    if (index < groups.size()) out.append(groups[index].data(), groups[index].size());
    i = braces ? end : end - 1;
  }
  return out;
}

Labels With(const Labels& labels, const std::string& name, std::string value) {
  Labels copy = labels;
  copy.emplace_back(name, std::move(value));
  return MakeLabels(std::move(copy));
}

}  // namespace

Elements Evaluation::LabelReplace(const Expr& e, int64_t now) {
  const std::string& target = e.args[1]->text;
  const std::string& replacement = e.args[2]->text;
  const std::string& source = e.args[3]->text;
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 pattern("(?s:" + e.args[4]->text + ")", options);
  if (!pattern.ok()) {
    Fail(fmt::format("invalid regular expression in label_replace(): {}", e.args[4]->text));
    return {};
  }
  if (!IsLabelName(target)) {
    Fail(fmt::format("invalid destination label name in label_replace(): {}", target));
    return {};
  }
  Elements out;
  std::vector<re2::StringPiece> groups(static_cast<size_t>(pattern.NumberOfCapturingGroups()) + 1);
  for (const Element& element : Eval(*e.args[0], now).elements) {
    LabelsRef& labels = State(e).labels[element.labels];
    if (labels == nullptr) {
      const std::string value(ValueOf(*element.labels, source));
      labels = element.labels;
      if (pattern.Match(value, 0, value.size(), RE2::ANCHOR_BOTH, groups.data(),
                        static_cast<int>(groups.size()))) {
        labels = Intern(With(*element.labels, target, Expand(replacement, pattern, groups)));
      }
    }
    out.push_back({labels, element.value});
  }
  return out;
}

Elements Evaluation::LabelJoin(const Expr& e, int64_t now) {
  const std::string& target = e.args[1]->text;
  if (!IsLabelName(target)) {
    Fail(fmt::format("invalid destination label name in label_join(): {}", target));
    return {};
  }
  Elements out;
  for (const Element& element : Eval(*e.args[0], now).elements) {
    LabelsRef& labels = State(e).labels[element.labels];
    if (labels == nullptr) {
      std::string joined;
      for (size_t i = 3; i < e.args.size(); ++i) {
        if (i > 3) joined += e.args[2]->text;
        joined += ValueOf(*element.labels, e.args[i]->text);
      }
      labels = Intern(With(*element.labels, target, std::move(joined)));
    }
    out.push_back({labels, element.value});
  }
  return out;
}

}  // namespace opsmesh::kubesim::promql
