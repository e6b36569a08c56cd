#include "libs/kube/selector.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsLabelWord(std::string_view text) {
  if (text.empty() || text.size() > 63 || !IsAlnum(text.front()) || !IsAlnum(text.back()))
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsLabelKey(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return IsLabelWord(key);
  const std::string_view prefix = key.substr(0, slash);
  const bool domain =
      !prefix.empty() && prefix.size() <= 253 &&
      std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
      });
  return domain && IsLabelWord(key.substr(slash + 1));
}

base::Error Bad(std::string_view why) {
  return base::InvalidArgument("selector", "INVALID_SELECTOR",
                               fmt::format("The selector cannot be used: {}.", why))
      .Hint("Write for example app=web,tier!=cache,env in (prod,test),!legacy.");
}

/// A reader over kubectl's selector syntax.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<LabelTerm>> Terms() {
    std::vector<LabelTerm> terms;
    if (base::Trim(text_).empty()) return terms;
    do {
      OPSMESH_ASSIGN_OR_RETURN(LabelTerm term, Term());
      terms.push_back(std::move(term));
    } while (Take(","));
    Space();
    if (at_ != text_.size()) return Unexpected();
    return terms;
  }

 private:
  absl::StatusOr<LabelTerm> Term() {
    LabelTerm term;
    const bool negated = Take("!");
    term.key = Word();
    if (term.key.empty()) return Unexpected();
    if (negated) {
      term.op = LabelTerm::Op::kNotExists;
    } else if (Take("==") || (!Ahead("!=") && Take("="))) {
      term.values.push_back(Word());
    } else if (Take("!=")) {
      term.op = LabelTerm::Op::kNotEquals;
      term.values.push_back(Word());
    } else if (TakeWord("notin")) {
      term.op = LabelTerm::Op::kNotIn;
      OPSMESH_RETURN_IF_ERROR(Set(&term.values));
    } else if (TakeWord("in")) {
      term.op = LabelTerm::Op::kIn;
      OPSMESH_RETURN_IF_ERROR(Set(&term.values));
    } else {
      term.op = LabelTerm::Op::kExists;
    }
    return term;
  }

  absl::Status Set(std::vector<std::string>* values) {
    if (!Take("(")) return Unexpected();
    do {
      values->push_back(Word());
    } while (Take(","));
    return Take(")") ? absl::OkStatus() : Unexpected();
  }

  void Space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool Ahead(std::string_view token) {
    Space();
    return text_.substr(at_).starts_with(token);
  }
  bool Take(std::string_view token) {
    if (!Ahead(token)) return false;
    at_ += token.size();
    return true;
  }
  bool TakeWord(std::string_view word) {
    const size_t before = at_;
    if (Word() == word) return true;
    at_ = before;
    return false;
  }
  std::string Word() {
    Space();
    const size_t start = at_;
    while (at_ < text_.size() &&
           (IsAlnum(text_[at_]) ||
            std::string_view("-_./").find(text_[at_]) != std::string_view::npos)) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }
  absl::Status Unexpected() const {
    if (at_ >= text_.size()) return Bad("it ends too early");
    return Bad(fmt::format("'{}' at position {} was not expected",
                           base::Utf8Prefix(base::SanitizeUtf8(text_.substr(at_)), 20), at_ + 1));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

LabelSelector LabelSelector::Equals(
    const std::vector<std::pair<std::string, std::string>>& labels) {
  LabelSelector selector;
  for (const auto& [key, value] : labels) selector.Add({key, LabelTerm::Op::kEquals, {value}});
  return selector;
}

absl::StatusOr<LabelSelector> LabelSelector::Parse(std::string_view text) {
  OPSMESH_ASSIGN_OR_RETURN(std::vector<LabelTerm> terms, Parser(text).Terms());
  LabelSelector selector(std::move(terms));
  OPSMESH_RETURN_IF_ERROR(selector.Check());
  return selector;
}

LabelSelector& LabelSelector::Add(LabelTerm term) {
  terms_.push_back(std::move(term));
  return *this;
}

bool LabelSelector::Matches(
    const std::vector<std::pair<std::string_view, std::string_view>>& labels) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const LabelTerm& term) {
    const auto label = std::find_if(labels.begin(), labels.end(),
                                    [&](const auto& l) { return l.first == term.key; });
    const bool has = label != labels.end();
    const bool listed = has && std::find(term.values.begin(), term.values.end(), label->second) !=
                                   term.values.end();
    switch (term.op) {
      case LabelTerm::Op::kEquals:
      case LabelTerm::Op::kIn:
        return listed;
      case LabelTerm::Op::kNotEquals:
      case LabelTerm::Op::kNotIn:
        return !listed;
      case LabelTerm::Op::kExists:
        return has;
      case LabelTerm::Op::kNotExists:
        return !has;
    }
    return false;
  });
}

absl::Status LabelSelector::Check() const {
  for (const LabelTerm& term : terms_) {
    if (!IsLabelKey(term.key)) {
      return Bad(fmt::format("'{}' is not a label key",
                             base::Utf8Prefix(base::SanitizeUtf8(term.key), 80)));
    }
    const bool one = term.op == LabelTerm::Op::kEquals || term.op == LabelTerm::Op::kNotEquals;
    const bool many = term.op == LabelTerm::Op::kIn || term.op == LabelTerm::Op::kNotIn;
    if ((one && term.values.size() != 1) || (many && term.values.empty()) ||
        (!one && !many && !term.values.empty())) {
      return Bad(fmt::format("the condition on '{}' has the wrong number of values", term.key));
    }
    for (const std::string& value : term.values) {
      if (!value.empty() && !IsLabelWord(value)) {
        return Bad(fmt::format("'{}' is not a label value",
                               base::Utf8Prefix(base::SanitizeUtf8(value), 80)));
      }
    }
  }
  return absl::OkStatus();
}

std::string LabelSelector::ToQuery() const {
  std::vector<std::string> parts;
  for (const LabelTerm& term : terms_) {
    const std::string values = base::Join(term.values, ",");
    switch (term.op) {
      case LabelTerm::Op::kEquals:
        parts.push_back(term.key + "=" + values);
        break;
      case LabelTerm::Op::kNotEquals:
        parts.push_back(term.key + "!=" + values);
        break;
      case LabelTerm::Op::kIn:
        parts.push_back(term.key + " in (" + values + ")");
        break;
      case LabelTerm::Op::kNotIn:
        parts.push_back(term.key + " notin (" + values + ")");
        break;
      case LabelTerm::Op::kExists:
        parts.push_back(term.key);
        break;
      case LabelTerm::Op::kNotExists:
        parts.push_back("!" + term.key);
        break;
    }
  }
  return base::Join(parts, ",");
}

absl::StatusOr<std::string> FieldQuery(const std::vector<FieldTerm>& terms) {
  std::string query;
  for (const FieldTerm& term : terms) {
    if (term.field.empty() || !std::all_of(term.field.begin(), term.field.end(),
                                           [](char c) { return IsAlnum(c) || c == '.'; })) {
      return base::InvalidArgument(
                 "field_selector", "INVALID_SELECTOR",
                 fmt::format("'{}' is not the name of a field.",
                             base::Utf8Prefix(base::SanitizeUtf8(term.field), 80)))
          .Hint("Write a path such as status.phase or spec.nodeName.");
    }
    if (!query.empty()) query += ',';
    query += term.field;
    query += term.negated ? "!=" : "=";
    for (const char c : term.value) {
      if (c == '\\' || c == ',' || c == '=') query += '\\';
      query += c;
    }
  }
  return query;
}

}  // namespace opsmesh::kube
