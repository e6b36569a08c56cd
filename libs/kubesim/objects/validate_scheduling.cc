// Where pods may run: tolerations, affinity and spread; what a real server refuses.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void FieldTerm(Causes& causes, const Json& field, const std::string& at) {
  const std::string word = TextAt(field, "operator"), key = TextAt(field, "key");
  const Json& values = ListAt(field, {"values"});
  if (word == "In" || word == "NotIn") {
    if (values.size() != 1)
      Required(causes, at + ".values",
               "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  } else {
    InvalidText(causes, at + ".operator", word, "not a valid selector operator");
  }
  if (key != "metadata.name")
    return InvalidText(causes, at + ".key", key, "not a valid field selector key");
  for (size_t i = 0; i < values.size(); ++i)
    InvalidText(causes, fmt::format("{}.values[{}]", at, i), Scalar(values[i]),
                SubdomainFault(Scalar(values[i])));
}

std::set<std::string> KeysOf(const Json& selector) {
  std::set<std::string> keys;
  const Json& labels = At(selector, "matchLabels");
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) keys.insert(key);
  }
  for (const Json& one : ListAt(selector, {"matchExpressions"})) keys.insert(TextAt(one, "key"));
  return keys;
}

void LabelKeys(Causes& causes, const Json& term, const char* member, const std::string& field) {
  const Json& keys = ListAt(term, {member});
  if (keys.empty()) return;
  const std::string at = fmt::format("{}.{}", field, member);
  if (!At(term, "labelSelector").is_object())
    return Forbidden(causes, at, "must not be specified when labelSelector is not set");
  for (size_t i = 0; i < keys.size(); ++i)
    InvalidText(causes, fmt::format("{}[{}]", at, i), Scalar(keys[i]),
                QualifiedFault(Scalar(keys[i])));
}

void PodTerm(Causes& causes, const Json& term, const std::string& at) {
  ValidateSelectorShape(causes, At(term, "labelSelector"), at + ".labelSelector");
  ValidateSelectorShape(causes, At(term, "namespaceSelector"), at + ".namespaceSelector");
  for (const Json& name : ListAt(term, {"namespaces"}))
    InvalidText(causes, at + ".namespace", Scalar(name), LabelFault(Scalar(name)));
  LabelKeys(causes, term, "matchLabelKeys", at);
  LabelKeys(causes, term, "mismatchLabelKeys", at);
  const Json& match = ListAt(term, {"matchLabelKeys"});
  const Json& mismatch = ListAt(term, {"mismatchLabelKeys"});
  for (size_t i = 0; i < match.size(); ++i) {
    if (std::find(mismatch.begin(), mismatch.end(), match[i]) != mismatch.end())
      InvalidText(causes, fmt::format("{}.matchLabelKeys[{}]", at, i), Scalar(match[i]),
                  "exists in both matchLabelKeys and mismatchLabelKeys");
  }
  const std::string key = TextAt(term, "topologyKey");
  if (key.empty()) Required(causes, at + ".topologyKey", "can not be empty");
  InvalidText(causes, at + ".topologyKey", key, QualifiedFault(key));
}

void Weight(Causes& causes, const Json& term, const std::string& at) {
  if (const int64_t weight = IntAt(term, "weight"); weight < 1 || weight > 100)
    InvalidNumber(causes, at + ".weight", weight, "must be in the range 1-100");
}

// Values of labels may be wrong here: a real server lets them be.
void NodeTerm(Causes& causes, const Json& term, const std::string& at) {
  const Json& expressions = ListAt(term, {"matchExpressions"});
  for (size_t i = 0; i < expressions.size(); ++i) {
    const std::string here = fmt::format("{}.matchExpressions[{}]", at, i),
                      word = TextAt(expressions[i], "operator"),
                      key = TextAt(expressions[i], "key");
    const Json& values = ListAt(expressions[i], {"values"});
    if (word == "In" || word == "NotIn") {
      if (values.empty())
        Required(causes, here + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (word == "Exists" || word == "DoesNotExist") {
      if (!values.empty())
        Forbidden(causes, here + ".values",
                  "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (word == "Gt" || word == "Lt") {
      if (values.size() != 1)
        Required(causes, here + ".values",
                 "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else {
      InvalidText(causes, here + ".operator", word, "not a valid selector operator");
    }
    InvalidText(causes, here + ".key", key, QualifiedFault(key));
  }
  const Json& fields = ListAt(term, {"matchFields"});
  for (size_t i = 0; i < fields.size(); ++i)
    FieldTerm(causes, fields[i], fmt::format("{}.matchFields[{}]", at, i));
}

}  // namespace

void ValidateNodeSelector(Causes& causes, const Json& selector, const std::string& field) {
  const std::string at = field + ".nodeSelectorTerms";
  const Json& terms = ListAt(selector, {"nodeSelectorTerms"});
  if (terms.empty()) Required(causes, at, "must have at least one node selector term");
  for (size_t i = 0; i < terms.size(); ++i)
    NodeTerm(causes, terms[i], fmt::format("{}[{}]", at, i));
}

void ValidateTolerations(Causes& causes, const Json& spec, const std::string& field) {
  const Json& list = ListAt(spec, {"tolerations"});
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& one = list[i];
    const std::string at = fmt::format("{}.tolerations[{}]", field, i);
    const std::string key = TextAt(one, "key"), word = TextAt(one, "operator"),
                      effect = TextAt(one, "effect"), value = TextAt(one, "value");
    if (!key.empty()) InvalidText(causes, at + ".key", key, QualifiedFault(key));
    if (key.empty() && word != "Exists")
      InvalidText(causes, at + ".operator", word,
                  "operator must be Exists when `key` is empty, which means \"match all values and "
                  "all keys\"");
    if (At(one, "tolerationSeconds").is_number() && effect != "NoExecute")
      InvalidText(causes, at + ".effect", effect,
                  "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (word == "Exists") {
      if (!value.empty())
        InvalidText(causes, at + ".operator", value,
                    "value must be empty when `operator` is 'Exists'");
    } else if (word.empty() || word == "Equal") {
      if (const Faults faults = LabelValueFault(value); !faults.empty())
        InvalidText(causes, at + ".operator", value, base::Join(faults, ";"));
    } else {
      OneOf(causes, at + ".operator", word, {"Equal", "Exists"});
    }
    if (!effect.empty())
      OneOf(causes, at + ".effect", effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"});
  }
}

void ValidateAffinity(Causes& causes, const Json& affinity, const std::string& field) {
  constexpr const char* kHard = "requiredDuringSchedulingIgnoredDuringExecution";
  constexpr const char* kSoft = "preferredDuringSchedulingIgnoredDuringExecution";
  if (const Json& hard = At(affinity, {"nodeAffinity", kHard}); hard.is_object()) {
    ValidateNodeSelector(causes, hard, fmt::format("{}.nodeAffinity.{}", field, kHard));
  }
  const Json& soft = ListAt(affinity, {"nodeAffinity", kSoft});
  for (size_t i = 0; i < soft.size(); ++i) {
    const std::string at = fmt::format("{}.nodeAffinity.{}[{}]", field, kSoft, i);
    Weight(causes, soft[i], at);
    NodeTerm(causes, At(soft[i], "preference"), at + ".preference");
  }
  for (const char* side : {"podAffinity", "podAntiAffinity"}) {
    const Json& needed = ListAt(affinity, {side, kHard});
    for (size_t i = 0; i < needed.size(); ++i)
      PodTerm(causes, needed[i], fmt::format("{}.{}.{}[{}]", field, side, kHard, i));
    const Json& wanted = ListAt(affinity, {side, kSoft});
    for (size_t i = 0; i < wanted.size(); ++i) {
      const std::string at = fmt::format("{}.{}.{}[{}]", field, side, kSoft, i);
      Weight(causes, wanted[i], at);
      PodTerm(causes, At(wanted[i], "podAffinityTerm"), at + ".podAffinityTerm");
    }
  }
}

void ValidateSpread(Causes& causes, const Json& spec, const std::string& field) {
  const Json& list = ListAt(spec, {"topologySpreadConstraints"});
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& one = list[i];
    const std::string at = fmt::format("{}.topologySpreadConstraints[{}]", field, i),
                      action = TextAt(one, "whenUnsatisfiable"), key = TextAt(one, "topologyKey");
    if (IntAt(one, "maxSkew") <= 0)
      InvalidNumber(causes, at + ".maxSkew", IntAt(one, "maxSkew"), "must be greater than zero");
    if (key.empty()) Required(causes, at + ".topologyKey", "can not be empty");
    OneOf(causes, at + ".whenUnsatisfiable", action, {"DoNotSchedule", "ScheduleAnyway"});
    for (size_t n = i + 1; n < list.size(); ++n) {
      if (TextAt(list[n], "topologyKey") == key && TextAt(list[n], "whenUnsatisfiable") == action)
        Duplicate(causes, at + ".{topologyKey, whenUnsatisfiable}",
                  fmt::format("\"{{{}, {}}}\"", key, action));
    }
    if (const Json& domains = At(one, "minDomains"); domains.is_number_integer()) {
      if (domains.get<int64_t>() <= 0)
        InvalidNumber(causes, at + ".minDomains", domains.get<int64_t>(),
                      "must be greater than zero");
      if (action != "DoNotSchedule")
        InvalidNumber(causes, at + ".minDomains", domains.get<int64_t>(),
                      fmt::format("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "
                                  "{}",
                                  action));
    }
    for (const char* member : {"nodeAffinityPolicy", "nodeTaintsPolicy"}) {
      if (!At(one, member).is_null())
        OneOf(causes, fmt::format("{}.{}", at, member), Scalar(At(one, member)),
              {"Honor", "Ignore"});
    }
    const Json& keys = ListAt(one, {"matchLabelKeys"});
    const std::string here = at + ".matchLabelKeys";
    if (!keys.empty() && !At(one, "labelSelector").is_object())
      Forbidden(causes, here, "must not be specified when labelSelector is not set");
    const std::set<std::string> own = KeysOf(At(one, "labelSelector"));
    for (size_t n = 0; n < keys.size(); ++n) {
      const std::string text = Scalar(keys[n]), place = fmt::format("{}[{}]", here, n);
      InvalidText(causes, place, text, QualifiedFault(text));
      if (own.contains(text))
        InvalidText(causes, place, text, "exists in both matchLabelKeys and labelSelector");
    }
    ValidateSelectorShape(causes, At(one, "labelSelector"), at + ".labelSelector");
  }
}

}  // namespace opsmesh::kubesim
