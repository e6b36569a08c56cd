#include "libs/kubesim/api/review_selectors.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/names.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kAt = "spec.resourceAttributes.";

bool TakesValues(const std::string& word) { return word == "In" || word == "NotIn"; }
bool TakesNone(const std::string& word) { return word == "Exists" || word == "DoesNotExist"; }

void CheckValues(Causes& causes, const Json& requirement, const std::string& at) {
  const std::string word = TextAt(requirement, "operator");
  const bool any = !ListAt(requirement, {"values"}).empty();
  if (TakesValues(word) && !any)
    Required(causes, at + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
  if (TakesNone(word) && any)
    Forbidden(causes, at + ".values",
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
}

void CheckSelector(Causes& causes, const Json& selector, const std::string& at, bool of_labels) {
  if (!selector.is_object()) return;
  const std::string raw = TextAt(selector, "rawSelector");
  const Json& requirements = ListAt(selector, {"requirements"});
  if (!raw.empty() && !requirements.empty())
    InvalidText(causes, at + ".rawSelector", raw,
                "may not specified at the same time as requirements");
  if (raw.empty() && requirements.empty())
    Required(causes, at + ".requirements",
             fmt::format("when {} is specified, requirements or rawSelector is required", at));
  for (size_t i = 0; i < requirements.size(); ++i) {
    const std::string here = fmt::format("{}.requirements[{}]", at, i),
                      key = TextAt(requirements[i], "key");
    if (!of_labels && key.empty()) Required(causes, here + ".key", "must be specified");
    CheckValues(causes, requirements[i], here);
    if (!of_labels) continue;
    InvalidText(causes, here + ".key", key, QualifiedFault(key));
    const Json& values = ListAt(requirements[i], {"values"});
    for (size_t n = 0; n < values.size(); ++n)
      InvalidText(causes, fmt::format("{}.values[{}]", here, n), Scalar(values[n]),
                  LabelValueFault(Scalar(values[n])));
  }
}

// Whether a requirement can be part of a question; fields are compared with one value only.
bool Understood(const Json& requirement, bool of_labels) {
  const std::string word = TextAt(requirement, "operator");
  if (of_labels) return TakesValues(word) || TakesNone(word);
  return TakesValues(word) && ListAt(requirement, {"values"}).size() == 1;
}

bool ReadsAsFields(std::string_view text) {
  for (std::string_view term : base::Split(text, ',')) {
    if (!term.empty() && term.find('=') == std::string_view::npos) return false;
  }
  return true;
}

// " ignored" or " partially ignored"; "" when a selector was understood.
std::string Ignored(const Json& selector, bool of_labels) {
  const Json& requirements = ListAt(selector, {"requirements"});
  const std::string raw = TextAt(selector, "rawSelector");
  if (requirements.empty()) {
    if (raw.empty() || (of_labels ? LabelSelector::Parse(raw).ok() : ReadsAsFields(raw))) return "";
    return " ignored";
  }
  const auto known = std::count_if(requirements.begin(), requirements.end(),
                                   [&](const Json& one) { return Understood(one, of_labels); });
  if (static_cast<size_t>(known) == requirements.size()) return "";
  return known == 0 ? " ignored" : " partially ignored";
}

}  // namespace

void CheckSelectors(Causes& causes, const Json& resource) {
  CheckSelector(causes, At(resource, "fieldSelector"), std::string(kAt) + "fieldSelector", false);
  CheckSelector(causes, At(resource, "labelSelector"), std::string(kAt) + "labelSelector", true);
}

std::string SelectorsIgnored(const Json& resource) {
  std::vector<std::string> sentences;
  for (const char* member : {"fieldSelector", "labelSelector"}) {
    const bool of_labels = std::string_view(member) == "labelSelector";
    if (const std::string how = Ignored(At(resource, member), of_labels); !how.empty())
      sentences.push_back(fmt::format("{}{}{} due to parse error", kAt, member, how));
  }
  return base::Join(sentences, "; ");
}

std::string AskedFields(const Json& resource) {
  const Json& selector = At(resource, "fieldSelector");
  std::vector<std::string> terms;
  for (const Json& one : ListAt(selector, {"requirements"})) {
    if (!Understood(one, false)) continue;
    const char* sign = TextAt(one, "operator") == "In" ? "=" : "!=";
    terms.push_back(TextAt(one, "key") + sign + Scalar(ListAt(one, {"values"})[0]));
  }
  return terms.empty() ? TextAt(selector, "rawSelector") : base::Join(terms, ",");
}

}  // namespace opsmesh::kubesim
