// Quotas and limit ranges: what they may say.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/validate_limits.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool QuotaResource(const std::string& name) {
  static const std::set<std::string_view> names = {"cpu",
                                                   "memory",
                                                   "ephemeral-storage",
                                                   "requests.cpu",
                                                   "requests.memory",
                                                   "requests.storage",
                                                   "requests.ephemeral-storage",
                                                   "limits.cpu",
                                                   "limits.memory",
                                                   "limits.ephemeral-storage",
                                                   "pods",
                                                   "resourcequotas",
                                                   "services",
                                                   "replicationcontrollers",
                                                   "secrets",
                                                   "persistentvolumeclaims",
                                                   "configmaps",
                                                   "services.nodeports",
                                                   "services.loadbalancers"};
  return names.contains(name) || name.starts_with("requests.hugepages-") ||
         name.starts_with("hugepages-");
}

}  // namespace

std::string GoQuantity(const Json& value) {
  const std::string text = Scalar(value);
  const Amount amount = Amount::Of(value);
  auto number = static_cast<int64_t>(amount.thousandths);
  int scale = -3;
  // "500m" stays five hundred thousandths.
  while (scale < 0 && number % 10 == 0 && !text.ends_with('m')) {
    number /= 10;
    ++scale;
  }
  if (!amount.binary) {  // decimal suffixes keep their power of ten
    static const std::map<char, int> powers = {{'k', 3},  {'M', 6},  {'G', 9},
                                               {'T', 12}, {'P', 15}, {'E', 18}};
    if (auto it = powers.find(text.empty() ? '0' : text.back()); it != powers.end()) {
      for (int i = 0; i < it->second; ++i) number /= 10;
      scale = it->second;
    }
  }
  return fmt::format(
      "resource.Quantity{{i:resource.int64Amount{{value:{}, scale:{}}}, "
      "d:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:\"{}\", Format:\"{}\"}}",
      number, scale, scale < 0 && !text.ends_with('m') ? "" : text,
      amount.binary ? "BinarySI" : "DecimalSI");
}

namespace {

std::string GoScopes(const Json& scopes) {
  std::string list;
  for (const Json& scope : scopes)
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", Scalar(scope));
  return "[]core.ResourceQuotaScope{" + list + "}";
}

bool AnyScope(const std::string& scope) {
  static const std::set<std::string_view> known = {"Terminating",   "NotTerminating",
                                                   "BestEffort",    "NotBestEffort",
                                                   "PriorityClass", "CrossNamespacePodAffinity"};
  return known.contains(scope);
}

// Which resources a scope can be about.
bool ScopeTakes(const std::string& scope, const std::string& resource) {
  static const std::set<std::string_view> compute = {
      "pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"};
  return scope == "BestEffort" ? resource == "pods" : compute.contains(resource);
}

// Whether every resource of a quota is one that a scope can be about; each scope is asked once.
class ScopeFit {
 public:
  explicit ScopeFit(const Json& hard) : hard_(hard) {}

  bool operator()(const std::string& scope) {
    if (!AnyScope(scope) || !hard_.is_object()) return true;
    const auto [known, fresh] = known_.try_emplace(scope, true);
    if (!fresh) return known->second;
    for (const auto& [resource, value] : hard_.items())
      known->second = known->second && ScopeTakes(scope, resource);
    return known->second;
  }

 private:
  const Json& hard_;
  std::map<std::string, bool> known_;
};

void ValidateScopes(Causes& causes, const Json& spec) {
  const Json& scopes = ListAt(spec, {"scopes"});
  ScopeFit fits(At(spec, "hard"));
  std::set<std::string> names;
  WholeListFaults faults(&causes, "spec.scopes", [&scopes] { return GoScopes(scopes); });
  for (const Json& scope : scopes) {
    const std::string name = Scalar(scope);
    if (!AnyScope(name)) faults.Add("unsupported scope");
    if (!fits(name)) faults.Add("unsupported scope applied to resource");
    names.insert(name);
  }
  for (auto [one, other] :
       {std::pair{"BestEffort", "NotBestEffort"}, std::pair{"Terminating", "NotTerminating"}}) {
    if (names.contains(one) && names.contains(other)) faults.Add("conflicting scopes");
  }
  for (const Json& expression : ListAt(spec, {"scopeSelector", "matchExpressions"})) {
    const std::string at = "spec.scopeSelector.matchExpressions",
                      scope = TextAt(expression, "scopeName"),
                      word = TextAt(expression, "operator");
    const Json& values = ListAt(expression, {"values"});
    if (!AnyScope(scope)) InvalidText(causes, at + ".scopeName", scope, "unsupported scope");
    if (!fits(scope))
      Invalid(causes, at, "core.ScopeSelector{...}", "unsupported scope applied to resource");
    if (scope != "PriorityClass" && AnyScope(scope) && word != "Exists") {
      InvalidText(causes, at + ".operator", word,
                  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
                  "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
                  "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
    }
    if (word == "In" || word == "NotIn") {
      if (values.empty())
        Required(
            causes, at + ".values",
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
    } else if (word == "Exists" || word == "DoesNotExist") {
      std::string list;
      for (const Json& value : values)
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", Scalar(value));
      if (!values.empty())
        Invalid(causes, at + ".values", "[]string{" + list + "}",
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
    } else {
      InvalidText(causes, at + ".operator", word, "not a valid selector operator");
    }
  }
}

// Bounds and defaults of one resource against each other, in the order a real server asks.
void ValidateLimit(Causes& causes, const Json& one, const std::string& at,
                   const std::string& name) {
  auto value = [&](const char* member) -> const Json& { return At(one, {member, name.c_str()}); };
  auto text = [&](const char* member) { return Scalar(value(member)); };
  auto above = [&](const char* low, const char* high, const char* field, const char* shown,
                   const std::string& why) {
    const auto a = ParseQuantity(value(low)), b = ParseQuantity(value(high));
    if (a && b && *a > *b)
      Invalid(causes, fmt::format("{}.{}[{}]", at, field, name), GoQuantity(value(shown)), why);
  };
  above("min", "max", "min", "min",
        fmt::format("min value {} is greater than max value {}", text("min"), text("max")));
  above("min", "defaultRequest", "defaultRequest", "defaultRequest",
        fmt::format("min value {} is greater than default request value {}", text("min"),
                    text("defaultRequest")));
  above("defaultRequest", "max", "defaultRequest", "defaultRequest",
        fmt::format("default request value {} is greater than max value {}", text("defaultRequest"),
                    text("max")));
  above("defaultRequest", "default", "defaultRequest", "defaultRequest",
        fmt::format("default request value {} is greater than default limit value {}",
                    text("defaultRequest"), text("default")));
  above("min", "default", "default", "min",
        fmt::format("min value {} is greater than default value {}", text("min"), text("default")));
  above("default", "max", "default", "max",
        fmt::format("default value {} is greater than max value {}", text("default"), text("max")));
  const auto ratio = ParseQuantity(value("maxLimitRequestRatio"));
  if (!ratio) return;
  const std::string here = fmt::format("{}.maxLimitRequestRatio[{}]", at, name);
  if (*ratio < 1000)
    Invalid(causes, here, GoQuantity(value("maxLimitRequestRatio")),
            fmt::format("ratio {} is less than 1", text("maxLimitRequestRatio")));
  const auto most = ParseQuantity(value("max")), least = ParseQuantity(value("min"));
  if (most && least && *least > 0 && *ratio / 1000 > *most / *least) {
    Invalid(causes, here, GoQuantity(value("maxLimitRequestRatio")),
            fmt::format("ratio {} is greater than max/min = {:.6f}", text("maxLimitRequestRatio"),
                        static_cast<double>(*most / *least)));
  }
}

}  // namespace

void WholePages(Causes& causes, const std::string& name, const Json& value,
                const std::string& path) {
  constexpr std::string_view kPrefix = "hugepages-";
  if (!name.starts_with(kPrefix)) return;
  const auto amount = ParseQuantity(value), page = ParseQuantity(name.substr(kPrefix.size()));
  if (!amount || (page && *page > 0 && std::fmod(*amount, *page) == 0)) return;
  InvalidText(causes, path, Scalar(value),
              fmt::format("{} is not positive integer multiple of {}", Scalar(value), name));
}

void ValidateQuotaAmounts(Causes& causes, const Json& amounts, const std::string& field) {
  if (!amounts.is_object()) return;
  for (const auto& [name, value] : amounts.items()) {
    const std::string at = fmt::format("{}[{}]", field, name);
    if (const Faults faults = QualifiedFault(name); !faults.empty()) {
      for (const std::string& fault : faults) Invalid(causes, at, name, fault);
    } else if (name.find('/') == std::string::npos && !QuotaResource(name)) {
      Invalid(causes, at, name, "must be a standard resource type or fully qualified");
      Invalid(causes, at, name, "must be a standard resource for quota");
    }
    const auto amount = ParseQuantity(value);
    if (!amount) continue;
    if (*amount < 0) InvalidText(causes, at, Scalar(value), "must be greater than or equal to 0");
    const bool counted = name.find("cpu") == std::string::npos &&
                         name.find("memory") == std::string::npos &&
                         name.find("storage") == std::string::npos;
    if (counted && std::fmod(*amount, 1000) != 0)
      Invalid(causes, at, GoQuantity(value), "must be an integer");
  }
}

void ValidateQuota(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  ValidateQuotaAmounts(causes, At(spec, "hard"), "spec.hard");
  ValidateScopes(causes, spec);
  if (before.is_object() && ListAt(before, {"spec", "scopes"}) != ListAt(spec, {"scopes"}))
    Immutable(causes, "spec.scopes", GoScopes(ListAt(spec, {"scopes"})));
}

void ValidateLimitRange(Causes& causes, const Json& object) {
  static const std::set<std::string_view> standard = {"cpu", "memory", "ephemeral-storage",
                                                      "storage"};
  const Json& limits = ListAt(object, {"spec", "limits"});
  std::set<std::string> types;
  for (size_t i = 0; i < limits.size(); ++i) {
    const Json& one = limits[i];
    const std::string at = fmt::format("spec.limits[{}]", i), type = TextAt(one, "type");
    if (const Faults faults = QualifiedFault(type); !faults.empty()) {
      InvalidText(causes, at + ".type", type, faults);
    } else if (type != "Pod" && type != "Container" && type != "PersistentVolumeClaim" &&
               type.find('/') == std::string::npos) {
      InvalidText(causes, at + ".type", type, "must be a standard limit type or fully qualified");
    }
    if (!types.insert(type).second) Duplicate(causes, at + ".type", "\"" + type + "\"");
    if (type == "Pod") {
      if (!At(one, "default").empty())
        Forbidden(causes, at + ".default", "may not be specified when `type` is 'Pod'");
      if (!At(one, "defaultRequest").empty())
        Forbidden(causes, at + ".defaultRequest", "may not be specified when `type` is 'Pod'");
    }
    if (type == "PersistentVolumeClaim" && At(one, {"min", "storage"}).is_null() &&
        At(one, {"max", "storage"}).is_null()) {
      Required(causes, at + ".limits",
               "either minimum or maximum storage value is required, but neither was provided");
    }
    std::set<std::string> names;
    for (const char* member : {"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"}) {
      if (!At(one, member).is_object()) continue;
      for (const auto& [name, value] : At(one, member).items()) {
        names.insert(name);
        if (name.find('/') != std::string::npos || standard.contains(name) ||
            name.starts_with("hugepages-"))
          continue;
        Invalid(causes, fmt::format("{}.{}[{}]", at, member, name), name,
                "must be a standard resource type or fully qualified");
        Invalid(causes, fmt::format("{}.{}[{}]", at, member, name), name,
                "must be a standard resource for containers");
      }
    }
    for (const std::string& name : names) ValidateLimit(causes, one, at, name);
  }
}

}  // namespace opsmesh::kubesim
