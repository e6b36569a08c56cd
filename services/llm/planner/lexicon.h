// The planner's vocabulary: phrases of both languages -> concepts ("verb.list", "kind.Pod").
// Immutable after Load.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace opsmesh::llm {

class Lexicon {
 public:
  /// The longest phrase found at a position.
  struct Match {
    size_t length = 0;  // units it covers; 0 = none
    const std::vector<std::string>* concepts = nullptr;
    /// The last English word was inflected ("restarted", "updates"): then it is no imperative.
    bool inflected = false;
  };

  /// From the texts of lexicon files. INVALID_ARGUMENT (LEXICON) naming file and entry when one is
  /// malformed.
  static absl::StatusOr<Lexicon> Load(
      const std::vector<std::pair<std::string, std::string>>& files);
  /// The one compiled in; a broken one aborts at start (it is checked by a test).
  static const Lexicon& Embedded();

  /// `units` are Latin words in lower case and single Han characters (Simplified).
  Match Find(const std::vector<std::string>& units, size_t at) const;
  /// English words of four letters and more, for correcting typing errors.
  const std::vector<std::string>& words() const { return words_; }

 private:
  struct Node {
    std::map<std::string, int, std::less<>> next;
    std::vector<std::string> concepts;
  };
  absl::Status Add(std::string_view phrase, const std::string& concept_id);
  void Walk(const std::vector<std::string>& units, size_t at, int node, size_t depth,
            bool inflected, Match* best) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<std::string> words_;
};

/// A sentence as lexicon units: each Latin word one unit, each Han character one unit.
std::vector<std::string> UnitsOf(std::string_view sentence);

/// Base forms of an English word: itself first, then without -s, -es, -ies, -ed, -ing (at most 6).
std::vector<std::string> BaseForms(std::string_view word);

}  // namespace opsmesh::llm
