// Selectors built from typed terms, so that no argument can smuggle in another one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace opsmesh::kube {

/// One condition on a label.
struct LabelTerm {
  enum class Op { kEquals, kNotEquals, kIn, kNotIn, kExists, kNotExists };
  std::string key;
  Op op = Op::kEquals;
  std::vector<std::string>
      values;  // one for kEquals/kNotEquals, >= 1 for kIn/kNotIn, none otherwise
  friend bool operator==(const LabelTerm&, const LabelTerm&) = default;
};

/// Terms that must all hold. No terms select everything.
class LabelSelector {
 public:
  LabelSelector() = default;
  explicit LabelSelector(std::vector<LabelTerm> terms) : terms_(std::move(terms)) {}
  static LabelSelector Equals(const std::vector<std::pair<std::string, std::string>>& labels);
  /// kubectl's syntax: "a=b,c!=d,e in (x,y),!f,g". INVALID_ARGUMENT (INVALID_SELECTOR) with the
  /// place at fault.
  static absl::StatusOr<LabelSelector> Parse(std::string_view text);

  LabelSelector& Add(LabelTerm term);
  bool empty() const { return terms_.empty(); }
  const std::vector<LabelTerm>& terms() const { return terms_; }
  bool Matches(const std::vector<std::pair<std::string_view, std::string_view>>& labels) const;
  /// Keys and values follow the label syntax. INVALID_ARGUMENT (INVALID_SELECTOR).
  absl::Status Check() const;
  /// The query parameter, not yet percent-encoded.
  std::string ToQuery() const;

 private:
  std::vector<LabelTerm> terms_;
};

/// Equality conditions on fields ("status.phase", "spec.nodeName"); the server says which fields a
/// kind has.
struct FieldTerm {
  std::string field;
  std::string value;
  bool negated = false;
};

/// The query parameter, values escaped, not yet percent-encoded. INVALID_ARGUMENT
/// (INVALID_SELECTOR).
absl::StatusOr<std::string> FieldQuery(const std::vector<FieldTerm>& terms);

}  // namespace opsmesh::kube
