#include "services/llm/agent/result_digest.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/llm/planner/answers.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

constexpr int kMostFacts = 60;

struct Measure {
  size_t items;
  size_t text;
};
// Tried in order until the document fits.
constexpr Measure kMeasures[] = {{200, 4000}, {100, 2000}, {50, 1000}, {25, 500},
                                 {12, 250},   {6, 120},    {3, 60},    {1, 30}};

bool IsLines(const json& array) {
  return std::all_of(array.begin(), array.end(), [](const json& item) { return item.is_string(); });
}

json Shrunk(const json& value, const Measure& measure, int depth, bool* cut) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (text.size() <= measure.text) return value;
    *cut = true;
    return std::string(base::Utf8Prefix(text, measure.text)) +
           fmt::format("… ({} bytes)", text.size());
  }
  if (value.is_object()) {
    json object = json::object();
    for (const auto& [name, member] : value.items())
      object[name] = Shrunk(member, measure, depth + 1, cut);
    return object;
  }
  if (!value.is_array()) return value;
  json array = json::array();
  const size_t kept = std::min(value.size(), measure.items);
  // The end of a log says more than its beginning.
  const size_t begin = IsLines(value) ? value.size() - kept : 0;
  for (size_t i = begin; i < begin + kept; ++i)
    array.push_back(Shrunk(value[i], measure, depth + 1, cut));
  if (kept < value.size()) {
    *cut = true;
    const std::string note = fmt::format("… {} of {} shown", kept, value.size());
    array.insert(begin > 0 ? array.begin() : array.end(), note);
  }
  return array;
}

std::string Join(std::string_view words, std::string_view facts, std::string_view data) {
  std::string text(words);
  if (!facts.empty())
    text += (text.empty() ? "" : "\n") + std::string("facts: ") + std::string(facts);
  if (!data.empty()) text += (text.empty() ? "" : "\n") + std::string("data: ") + std::string(data);
  return text;
}

}  // namespace

std::string ShrinkJson(std::string_view text, size_t max_bytes, bool* cut) {
  *cut = false;
  if (text.size() <= max_bytes) return std::string(text);
  *cut = true;
  const auto parsed = base::ParseJson(text);
  if (parsed.ok()) {
    for (const Measure& measure : kMeasures) {
      std::string shrunk = base::DumpJson(Shrunk(*parsed, measure, 0, cut));
      if (shrunk.size() <= max_bytes) return shrunk;
    }
  }
  return std::string(base::Utf8Prefix(text, max_bytes)) + fmt::format("… ({} bytes)", text.size());
}

std::string Digest(const k8s::v1::CallToolResponse& response, text::Language language,
                   size_t max_bytes) {
  const std::string words(base::Utf8Prefix(
      InLanguage(response.text().zh(), response.text().en(), language), max_bytes / 2));
  std::string facts;
  for (int i = 0; i < std::min(response.facts_size(), kMostFacts); ++i) {
    const type::v1::Fact& fact = response.facts(i);
    if (facts.size() + fact.key().size() + fact.value().size() > max_bytes / 4) break;
    facts += fmt::format("{}{}={}", facts.empty() ? "" : ", ", fact.key(), fact.value());
  }
  const size_t used = words.size() + facts.size() + 64;
  bool cut = false;
  const std::string data =
      ShrinkJson(response.result().raw(), used + 128 < max_bytes ? max_bytes - used : 128, &cut);
  std::string digest = Join(words, facts, data);
  if (response.truncated())
    digest +=
        "\nnote: the tool returned a part only; ask more narrowly or with its cursor for the rest.";
  if (cut) digest += "\nnote: the data was cut to fit; the counts above are of the whole.";
  return digest;
}

std::string Digest(const k8s::v1::DiagnoseResponse& response, text::Language language,
                   size_t max_bytes) {
  std::string text = InLanguage(response.text().zh(), response.text().en(), language);
  for (const k8s::v1::Finding& finding : response.findings()) {
    const std::string line =
        fmt::format("\n- {} {}/{}/{}: {} | cause: {} | next: {}", finding.code(),
                    finding.object().kind(), finding.object().namespace_(), finding.object().name(),
                    finding.summary().en(), finding.cause().en(), finding.next_step().en());
    if (text.size() + line.size() > max_bytes) {
      return text + fmt::format("\nnote: {} findings in all; the rest was cut to fit.",
                                response.findings_size());
    }
    text += line;
  }
  return text;
}

}  // namespace opsmesh::llm
