#include "services/llm/planner/sentence.h"

#include <re2/re2.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/text/numbers.h"
#include "libs/text/tokenizer.h"
#include "libs/text/unicode.h"
#include "libs/text/variants.h"

namespace opsmesh::llm {
namespace {

using text::Token;

struct FlagRewrite {
  RE2 pattern;
  const char* replacement;
};

const std::vector<std::unique_ptr<FlagRewrite>>& Rewrites() {
  static const auto* const rewrites = [] {
    auto* made = new std::vector<std::unique_ptr<FlagRewrite>>;
    const auto add = [made](const char* pattern, const char* replacement) {
      made->push_back(std::unique_ptr<FlagRewrite>(new FlagRewrite{RE2(pattern), replacement}));
    };
    // Contractions as they are typed in a hurry; "its" is a word of its own.
    add(R"((?i)\b(can|don|doesn|isn|aren|won|didn|hasn|haven|couldn|wasn|shouldn)t\b)", R"(\1't)");
    add(R"((?i)\b(what|who|where|how|there)s\b)", R"(\1's)");
    add(R"((^|\s)(?:-A|--all-namespaces)(\s|$))", R"(\1all namespaces\2)");
    add(R"((^|\s)-n[=\s]*(\d+)(\s|$))", R"(\1last \2 lines\3)");  // of tail and head
    add(R"((^|\s)(?:-n|--namespace)[=\s]+)", R"(\1in namespace )");
    add(R"((^|\s)(?:-c|--container)[=\s]+)", R"(\1container )");
    add(R"((^|\s)(?:-l|--selector)[=\s]+)", R"(\1label )");
    add(R"((^|\s)--tail[=\s]+(\d+))", R"(\1last \2 lines)");
    add(R"((^|\s)--since[=\s]+(\d+[smhd]))", R"(\1last \2)");
    add(R"((^|\s)(?:-p|--previous)(\s|$))", R"(\1previous container\2)");
    add(R"((^|\s)--replicas[=\s]+(\d+))", R"(\1to \2 replicas)");
    add(R"((^|\s)-o[=\s]*yaml(\s|$))", R"(\1yaml\2)");
    // A verb in two parts around its object: "roll nginx back to revision 1".
    add(R"((?i)\broll(ing)?\s+((?:[\w./-]+\s+){1,4}?)back\b)", R"(roll\1 back \2)");
    // No name has such a character: "failed_pods" are two words.
    add(R"((^|\s)([a-z]+)_([a-z]+)(\s|$))", R"(\1\2 \3\4)");
    return made;
  }();
  return *rewrites;
}

struct Unit {
  std::string norm;
  std::string text;
  Token::Kind kind;
  size_t begin;
  size_t end;
};

std::vector<Unit> Units(std::string_view sentence) {
  std::vector<Unit> units;
  for (Token& token : text::Tokenize(sentence)) {
    if (token.kind != Token::Kind::kHan) {
      units.push_back({token.norm, token.text, token.kind, token.begin, token.end});
      continue;
    }
    const std::u32string norm = text::DecodeUtf8(token.norm);
    const std::u32string typed = text::DecodeUtf8(token.text);
    for (size_t i = 0; i < norm.size(); ++i) {
      units.push_back({text::EncodeUtf8({&norm[i], 1}), text::EncodeUtf8({&typed[i], 1}),
                       token.kind, token.begin + i, token.begin + i + 1});
    }
  }
  return units;
}

bool IsNumeral(std::string_view han) {
  static constexpr std::string_view kNumerals = "零一二两三四五六七八九十百千万";
  return han.size() == 3 && kNumerals.find(han) != std::string_view::npos;
}

class Cutter {
 public:
  Cutter(std::vector<Unit> units, const Lexicon& lexicon, std::pair<size_t, size_t> skip)
      : units_(std::move(units)), lexicon_(lexicon), skip_(skip) {
    for (const Unit& unit : units_) {
      // Quoted text and names are never words of the lexicon.
      norms_.push_back(unit.kind == Token::Kind::kQuoted ? "\"" : unit.norm);
    }
  }

  std::vector<Mark> Run() {
    while (at_ < units_.size()) {
      if (units_[at_].begin >= skip_.first && units_[at_].begin < skip_.second) {
        ++at_;
        continue;
      }
      Lexicon::Match match = lexicon_.Find(norms_, at_);
      // A phrase never reaches into the time window.
      if (match.length > 0 && units_[at_].begin < skip_.first &&
          units_[at_ + match.length - 1].begin >= skip_.first) {
        match = {};
      }
      if (TakeHanNumber(match.length)) continue;
      if (match.length > 0) {
        TakeConcept(match);
      } else {
        TakeOther();
      }
    }
    return std::move(marks_);
  }

 private:
  Mark& Push(Mark::Kind kind, size_t length) {
    Mark mark;
    mark.kind = kind;
    mark.begin = units_[at_].begin;
    mark.end = units_[at_ + length - 1].end;
    for (size_t i = at_; i < at_ + length; ++i) {
      const bool blank = i > at_ && units_[i].kind != Token::Kind::kHan;
      mark.text += (blank ? " " : "") + units_[i].text;
      mark.norm += (blank ? " " : "") + units_[i].norm;
    }
    at_ += length;
    marks_.push_back(std::move(mark));
    return marks_.back();
  }

  // "五", "十二", "第二": only where no longer phrase of the lexicon begins.
  bool TakeHanNumber(size_t phrase) {
    const bool nth = units_[at_].norm == "第";
    size_t end = at_ + (nth ? 1 : 0);
    std::string digits;
    if (nth && end < units_.size() && units_[end].kind == Token::Kind::kNumber) {
      digits = units_[end++].norm;
    } else {
      while (end < units_.size() && IsNumeral(units_[end].norm)) digits += units_[end++].norm;
    }
    const size_t length = end - at_;
    if (digits.empty() || length < phrase || (length == phrase && !nth)) return false;
    const auto number = text::ParseNumber(digits);
    if (!number) return false;
    Push(nth ? Mark::Kind::kOrdinal : Mark::Kind::kNumber, length).number = *number;
    return true;
  }

  void TakeConcept(const Lexicon::Match& match) {
    Mark& mark = Push(Mark::Kind::kConcept, match.length);
    mark.concepts = *match.concepts;
    mark.inflected = match.inflected;
  }

  void TakeOther() {
    const Unit& unit = units_[at_];
    if (unit.kind == Token::Kind::kHan) {
      Push(Mark::Kind::kHan, 1);
    } else if (unit.kind == Token::Kind::kPunct) {
      Push(Mark::Kind::kPunct, 1);
    } else if (unit.kind == Token::Kind::kQuoted) {
      Push(Mark::Kind::kWord, 1).quoted = true;
    } else if (const auto number = text::ParseNumber(unit.norm)) {
      Push(Mark::Kind::kNumber, 1).number = *number;
    } else if (const auto ordinal = text::ParseOrdinal(unit.norm)) {
      Push(Mark::Kind::kOrdinal, 1).number = *ordinal;
    } else {
      Push(Mark::Kind::kWord, 1);
    }
  }

  const std::vector<Unit> units_;
  const Lexicon& lexicon_;
  const std::pair<size_t, size_t> skip_;
  std::vector<std::string> norms_;
  size_t at_ = 0;
  std::vector<Mark> marks_;
};

}  // namespace

bool Mark::Is(std::string_view concept_id) const {
  return std::find(concepts.begin(), concepts.end(), concept_id) != concepts.end();
}

bool Mark::Has(std::string_view prefix) const { return !After(prefix).empty(); }

std::string Mark::After(std::string_view prefix) const {
  for (const std::string& id : concepts) {
    if (id.starts_with(prefix)) return id.substr(prefix.size());
  }
  return "";
}

bool AsksOfSubject(std::string_view word) {
  return word == "is" || word == "does" || word == "did" || word == "was" || word == "has" ||
         word == "isn't" || word == "doesn't" || word == "can't";
}

std::string StripMention(std::string_view query) {
  query = base::Trim(query);
  static constexpr std::string_view kWideAt = "＠";
  while (query.starts_with('@') || query.starts_with(kWideAt)) {
    const size_t end = query.find_first_of(" \t\r\n");
    if (end == std::string_view::npos) return "";
    query = base::Trim(query.substr(end));
  }
  // Slack writes a mention as <@U123>.
  if (query.starts_with("<@")) {
    const size_t end = query.find('>');
    if (end != std::string_view::npos) query = base::Trim(query.substr(end + 1));
  }
  return std::string(query);
}

Sentence ReadSentence(std::string_view query, const Lexicon& lexicon, text::Language fallback) {
  std::string prepared = base::SanitizeUtf8(query);
  for (const auto& rewrite : Rewrites())
    RE2::GlobalReplace(&prepared, rewrite->pattern, rewrite->replacement);
  Sentence sentence;
  sentence.language = text::DetectLanguage(query, fallback);
  const std::string normal = text::NormalizeForMatching(prepared);
  std::pair<size_t, size_t> skip = {SIZE_MAX, SIZE_MAX};
  sentence.window = text::FindTimeWindow(normal);
  if (sentence.window) {
    const auto points = [&](size_t bytes) {
      return text::DecodeUtf8(normal.substr(0, bytes)).size();
    };
    skip = {points(sentence.window->begin), points(sentence.window->end)};
  }
  sentence.marks = Cutter(Units(prepared), lexicon, skip).Run();
  return sentence;
}

}  // namespace opsmesh::llm
