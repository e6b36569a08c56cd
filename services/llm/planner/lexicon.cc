#include "services/llm/planner/lexicon.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "embed/opsmesh_services_llm_planner.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/text/tokenizer.h"
#include "libs/text/unicode.h"

namespace opsmesh::llm {
namespace {

absl::Status Malformed(const std::string& file, std::string_view what) {
  return base::InvalidArgument("lexicon", "LEXICON", fmt::format("{}: {}", file, what));
}

bool IsLatinWord(std::string_view unit) {
  return !unit.empty() &&
         std::all_of(unit.begin(), unit.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

std::vector<std::string> UnitsOf(std::string_view sentence) {
  std::vector<std::string> units;
  for (const text::Token& token : text::Tokenize(sentence)) {
    if (token.kind != text::Token::Kind::kHan) {
      units.push_back(token.norm);
      continue;
    }
    for (char32_t c : text::DecodeUtf8(token.norm)) units.push_back(text::EncodeUtf8({&c, 1}));
  }
  return units;
}

std::vector<std::string> BaseForms(std::string_view word) {
  std::vector<std::string> forms = {std::string(word)};
  const size_t n = word.size();
  if (n < 4 || !IsLatinWord(word)) return forms;
  const auto stem = [&](size_t cut, std::string_view tail = "") {
    forms.push_back(std::string(word.substr(0, n - cut)) + std::string(tail));
  };
  if (word.ends_with("ies")) {
    stem(3, "y");
  } else if (word.ends_with("s") && !word.ends_with("ss")) {
    stem(1);
    if (word.ends_with("es")) stem(2);
  } else if (word.ends_with("ed") && n > 4) {
    stem(2);
    stem(1);
    if (n > 5 && word[n - 3] == word[n - 4]) stem(3);
  } else if (word.ends_with("ing") && n > 5) {
    stem(3);
    stem(3, "e");
    if (word[n - 4] == word[n - 5]) stem(4);
  }
  return forms;
}

absl::StatusOr<Lexicon> Lexicon::Load(
    const std::vector<std::pair<std::string, std::string>>& files) {
  Lexicon lexicon;
  for (const auto& [file, text] : files) {
    try {
      for (const YAML::Node& entry : YAML::Load(text)) {
        const std::string id = entry["id"].as<std::string>("");
        if (id.find('.') == std::string::npos)
          return Malformed(file, fmt::format("bad id '{}'", id));
        for (const char* language : {"zh", "en"}) {
          for (const YAML::Node& phrase : entry[language]) {
            OPSMESH_RETURN_IF_ERROR(
                base::Annotate(lexicon.Add(phrase.as<std::string>(), id), file));
          }
        }
      }
    } catch (const YAML::Exception& error) {
      return Malformed(file, error.what());
    }
  }
  std::sort(lexicon.words_.begin(), lexicon.words_.end());
  lexicon.words_.erase(std::unique(lexicon.words_.begin(), lexicon.words_.end()),
                       lexicon.words_.end());
  return lexicon;
}

const Lexicon& Lexicon::Embedded() {
  static const Lexicon* const lexicon = [] {
    std::vector<std::pair<std::string, std::string>> files;
    for (std::string_view name : {"verbs", "kinds", "conditions", "topics", "words", "aliases"}) {
      const std::string path = fmt::format("lexicon/{}.yaml", name);
      files.emplace_back(path, std::string(embedded::EmbeddedFile(path)));
    }
    auto loaded = Load(files);
    if (!loaded.ok()) {
      std::fprintf(stderr, "%s\n", std::string(base::ToStd(loaded.status().message())).c_str());
      std::abort();  // our own data, checked when built
    }
    return new Lexicon(*std::move(loaded));
  }();
  return *lexicon;
}

absl::Status Lexicon::Add(std::string_view phrase, const std::string& concept_id) {
  const std::vector<std::string> units = UnitsOf(phrase);
  if (units.empty()) return Malformed("", fmt::format("empty phrase in {}", concept_id));
  int node = 0;
  for (const std::string& unit : units) {
    const auto [it, fresh] = nodes_[node].next.try_emplace(unit, static_cast<int>(nodes_.size()));
    const int child = it->second;
    if (fresh) nodes_.emplace_back();
    node = child;
    if (unit.size() >= 4 && IsLatinWord(unit)) words_.push_back(unit);
  }
  std::vector<std::string>& concepts = nodes_[node].concepts;
  if (std::find(concepts.begin(), concepts.end(), concept_id) == concepts.end())
    concepts.push_back(concept_id);
  return absl::OkStatus();
}

Lexicon::Match Lexicon::Find(const std::vector<std::string>& units, size_t at) const {
  Match best;
  Walk(units, at, 0, 0, false, &best);
  return best;
}

void Lexicon::Walk(const std::vector<std::string>& units, size_t at, int node, size_t depth,
                   bool inflected, Match* best) const {
  if (depth > best->length && !nodes_[node].concepts.empty()) {
    *best = {depth, &nodes_[node].concepts, inflected};
  }
  if (at + depth >= units.size()) return;
  const std::string& unit = units[at + depth];
  const auto exact = nodes_[node].next.find(unit);
  if (exact != nodes_[node].next.end()) {
    Walk(units, at, exact->second, depth + 1, false, best);
    return;
  }
  const std::vector<std::string> forms = BaseForms(unit);
  for (size_t i = 1; i < forms.size(); ++i) {
    const auto form = nodes_[node].next.find(forms[i]);
    if (form != nodes_[node].next.end()) Walk(units, at, form->second, depth + 1, true, best);
  }
}

}  // namespace opsmesh::llm
