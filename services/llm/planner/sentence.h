// A question cut into marks: lexicon phrases, names, numbers, time windows. No grammar yet; see
// interpret.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/text/duration.h"
#include "libs/text/language.h"
#include "services/llm/planner/lexicon.h"

namespace opsmesh::llm {

struct Mark {
  enum class Kind {
    kConcept,  // a phrase of the lexicon
    kWord,     // a Latin word or quoted text outside the lexicon: perhaps a name
    kNumber,   // `number`
    kOrdinal,  // `number`; -1 = the last
    kHan,      // a Han character outside the lexicon
    kPunct,
  };
  Kind kind;
  std::string text;  // as typed
  std::string norm;
  std::vector<std::string> concepts;
  int64_t number = 0;
  bool inflected = false;
  bool quoted = false;
  size_t begin = 0;  // code points
  size_t end = 0;

  bool Is(std::string_view concept_id) const;
  /// Any concept of a class: Has("write.") .
  bool Has(std::string_view prefix) const;
  /// What follows `prefix` in the first concept that has it, "" when none does.
  std::string After(std::string_view prefix) const;
};

struct Sentence {
  text::Language language = text::Language::kEnglish;
  std::vector<Mark> marks;
  std::optional<text::TimeWindow> window;
};

/// Cuts `query`. A leading @mention of the bot is dropped; flags in the style of kubectl ("-n
/// shop", "--tail=20") become words. `fallback` is the language when the question does not show
/// one.
Sentence ReadSentence(std::string_view query, const Lexicon& lexicon, text::Language fallback);

/// "Why *is* foobar slow", "*does* foobar run": a subject in the singular may follow.
bool AsksOfSubject(std::string_view word);

/// `query` without a leading "@bot " and outer blanks.
std::string StripMention(std::string_view query);

}  // namespace opsmesh::llm
