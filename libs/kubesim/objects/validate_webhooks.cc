// Webhook configurations, and how a server is told to reach a webhook: what a real server refuses.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void Url(Causes& causes, const std::string& url, const std::string& at) {
  constexpr const char* kForm = "; desired format: https://host[/path]";
  const size_t colon = url.find(':');
  const bool schemed = colon != std::string::npos && colon > 0 &&
                       url.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789+-.") == colon;
  const std::string scheme = schemed ? base::AsciiLower(url.substr(0, colon)) : "";
  std::string rest = schemed ? url.substr(colon + 1) : url, host, query, fragment, user;
  auto split = [&rest](char sign, std::string* tail) {
    const size_t found = rest.find(sign);
    if (found == std::string::npos) return;
    *tail = rest.substr(found + 1);
    rest.resize(found);
  };
  split('#', &fragment);
  split('?', &query);
  if (rest.starts_with("//")) host = rest.substr(2, rest.find('/', 2) - 2);
  if (const size_t sign = host.rfind('@'); sign != std::string::npos) {
    user = host.substr(0, sign);
    host.erase(0, sign + 1);
  }
  if (scheme != "https")
    InvalidText(causes, at, scheme, fmt::format("'https' is the only allowed URL scheme{}", kForm));
  if (host.empty()) InvalidText(causes, at, "", fmt::format("host must be specified{}", kForm));
  if (!user.empty()) InvalidText(causes, at, user, "user information is not permitted in the URL");
  if (!fragment.empty())
    InvalidText(causes, at, fragment, "fragments are not permitted in the URL");
  if (!query.empty())
    InvalidText(causes, at, query, "query parameters are not permitted in the URL");
}

void ServicePath(Causes& causes, const std::string& path, const std::string& at) {
  if (path.empty() || path == "/") return;
  if (path == "//") return InvalidText(causes, at, path, "segment[0] may not be empty");
  if (!path.starts_with('/')) InvalidText(causes, at, path, "must start with a '/'");
  std::string steps = path.substr(1);
  if (steps.ends_with('/')) steps.pop_back();
  size_t i = 0;
  for (std::string_view step : base::Split(steps, '/')) {
    if (step.empty()) {
      InvalidText(causes, at, path, fmt::format("segment[{}] may not be empty", i));
    } else {
      for (const std::string& fault : SubdomainFault(step))
        InvalidText(causes, at, path, fmt::format("segment[{}]: {}", i, fault));
    }
    ++i;
  }
}

void Operations(Causes& causes, const Json& rule, const std::string& at) {
  const Json& operations = ListAt(rule, {"operations"});
  if (operations.empty()) Required(causes, at + ".operations");
  bool star = false;
  for (const Json& one : operations) star = star || one == "*";
  if (star && operations.size() > 1)
    Invalid(causes, at + ".operations", GoTexts(operations, "admissionregistration.OperationType"),
            "if '*' is present, must not specify other operations");
  for (size_t n = 0; n < operations.size(); ++n)
    OneOf(causes, fmt::format("{}.operations[{}]", at, n), Scalar(operations[n]),
          {"*", "CONNECT", "CREATE", "DELETE", "UPDATE"});
}

// Resources and their parts: "pods", "pods/status", "*", "*/*" ...
void Resources(Causes& causes, const Json& resources, const std::string& at) {
  if (resources.empty()) Required(causes, at);
  std::set<std::string> all_parts, all_resources;
  bool everything = false, star = false, plain = false;
  for (size_t i = 0; i < resources.size(); ++i) {
    const std::string text = Scalar(resources[i]), here = fmt::format("{}[{}]", at, i);
    if (text.empty()) {
      Required(causes, here);
      continue;
    }
    everything = everything || text == "*/*";
    star = star || text == "*";
    const size_t slash = text.find('/');
    if (slash == std::string::npos) {
      plain = text != "*";
      continue;
    }
    const std::string resource = text.substr(0, slash), part = text.substr(slash + 1);
    if (all_parts.contains(resource))
      InvalidText(causes, here, text,
                  fmt::format("if '{}/*' is present, must not specify {}", resource, text));
    if (all_resources.contains(part))
      InvalidText(causes, here, text,
                  fmt::format("if '*/{}' is present, must not specify {}", part, text));
    if (part == "*") all_parts.insert(resource);
    if (resource == "*") all_resources.insert(part);
  }
  if (resources.size() > 1 && everything)
    Invalid(causes, at, GoTexts(resources),
            "if '*/*' is present, must not specify other resources");
  if (star && plain)
    Invalid(causes, at, GoTexts(resources),
            "if '*' is present, must not specify other resources without subresources");
}

void Rule(Causes& causes, const Json& rule, const std::string& at) {
  Operations(causes, rule, at);
  for (const char* member : {"apiGroups", "apiVersions"}) {
    const Json& values = ListAt(rule, {member});
    const std::string here = fmt::format("{}.{}", at, member);
    const bool versions = std::string_view(member) == "apiVersions";
    if (values.empty()) Required(causes, here);
    bool star = false;
    for (const Json& value : values) star = star || value == "*";
    if (star && values.size() > 1)
      Invalid(causes, here, GoTexts(values),
              fmt::format("if '*' is present, must not specify other API {}",
                          versions ? "versions" : "groups"));
    for (size_t i = 0; versions && i < values.size(); ++i) {
      if (Scalar(values[i]).empty()) Required(causes, fmt::format("{}[{}]", here, i));
    }
  }
  Resources(causes, ListAt(rule, {"resources"}), at + ".resources");
  if (const Json& scope = At(rule, "scope"); scope.is_string())
    OneOf(causes, at + ".scope", Scalar(scope), {"*", "Cluster", "Namespaced"});
}

// Only that they are there and have names: no expression is compiled here.
void MatchConditions(Causes& causes, const Json& conditions, const std::string& at) {
  if (conditions.size() > 64) TooMany(causes, at, conditions.size(), 64);
  std::set<std::string> names;
  for (size_t i = 0; i < conditions.size(); ++i) {
    const std::string here = fmt::format("{}[{}]", at, i), name = TextAt(conditions[i], "name"),
                      expression = TextAt(conditions[i], "expression");
    if (base::Trim(expression).empty()) Required(causes, here + ".expression");
    if (name.empty())
      Required(causes, here + ".name");
    else
      InvalidText(causes, here + ".name", name, QualifiedFault(name));
    if (!name.empty() && !names.insert(name).second)
      Duplicate(causes, here + ".name", GoQuoted(name));
  }
}

void NameOf(Causes& causes, const std::string& name, const std::string& at) {
  if (name.empty()) return Required(causes, at);
  if (const Faults faults = SubdomainFault(name); !faults.empty())
    InvalidText(causes, at, name, faults);
  else if (std::count(name.begin(), name.end(), '.') < 2)
    InvalidText(causes, at, name,
                "should be a domain with at least three segments separated by dots");
}

void Webhook(Causes& causes, const Json& hook, const std::string& at, bool mutating) {
  NameOf(causes, TextAt(hook, "name"), at + ".name");
  const Json& rules = ListAt(hook, {"rules"});
  for (size_t i = 0; i < rules.size(); ++i)
    Rule(causes, rules[i], fmt::format("{}.rules[{}]", at, i));
  OneOf(causes, at + ".failurePolicy", TextAt(hook, "failurePolicy"), {"Fail", "Ignore"});
  OneOf(causes, at + ".matchPolicy", TextAt(hook, "matchPolicy"), {"Equivalent", "Exact"});
  if (const Json& effects = At(hook, "sideEffects"); effects.is_null())
    Required(causes, at + ".sideEffects", "must specify one of None, NoneOnDryRun");
  else
    OneOf(causes, at + ".sideEffects", Scalar(effects), {"None", "NoneOnDryRun"});
  if (const Json& seconds = At(hook, "timeoutSeconds");
      seconds.is_number_integer() && (seconds < 1 || seconds > 30)) {
    InvalidNumber(causes, at + ".timeoutSeconds", seconds.get<int64_t>(),
                  "the timeout value must be between 1 and 30 seconds");
  }
  for (const char* selector : {"namespaceSelector", "objectSelector"})
    ValidateSelectorShape(causes, At(hook, selector), fmt::format("{}.{}", at, selector));
  if (mutating)
    OneOf(causes, at + ".reinvocationPolicy", TextAt(hook, "reinvocationPolicy"),
          {"IfNeeded", "Never"});
  ValidateWebhookClient(causes, At(hook, "clientConfig"), at + ".clientConfig");
  MatchConditions(causes, ListAt(hook, {"matchConditions"}), at + ".matchConditions");
}

}  // namespace

void ValidateWebhookClient(Causes& causes, const Json& config, const std::string& at) {
  const Json& url = At(config, "url");
  const Json& service = At(config, "service");
  if (url.is_string() == service.is_object())
    return Required(causes, at, "exactly one of url or service is required");
  if (url.is_string()) return Url(causes, Scalar(url), at + ".url");
  const std::string here = at + ".service";
  // A real server takes the one for the other.
  if (TextAt(service, "namespace").empty())
    Required(causes, here + ".name", "service name is required");
  if (TextAt(service, "name").empty())
    Required(causes, here + ".namespace", "service namespace is required");
  const int64_t port = IntAt(service, "port", 443);
  if (port < 1 || port > 65535)
    InvalidNumber(causes, here + ".port", port,
                  "port is not valid: must be between 1 and 65535, inclusive");
  ServicePath(causes, TextAt(service, "path"), here + ".path");
}

void ValidateReviewVersions(Causes& causes, const Json& versions, const std::string& at,
                            std::string_view why_needed) {
  if (versions.empty()) return Required(causes, at, why_needed);
  std::set<std::string> seen;
  bool known = false;
  for (size_t i = 0; i < versions.size(); ++i) {
    const std::string version = Scalar(versions[i]), here = fmt::format("{}[{}]", at, i);
    if (!seen.insert(version).second) {
      InvalidText(causes, here, version, "duplicate version");
      continue;
    }
    InvalidText(causes, here, version, Label1035Fault(version));
    known = known || version == "v1" || version == "v1beta1";
  }
  if (!known) Invalid(causes, at, GoTexts(versions), "must include at least one of v1, v1beta1");
}

void ValidateWebhooks(Causes& causes, const Json& object, bool mutating) {
  const Json& hooks = ListAt(object, {"webhooks"});
  std::set<std::string> names;
  for (size_t i = 0; i < hooks.size(); ++i) {
    const std::string at = fmt::format("webhooks[{}]", i), name = TextAt(hooks[i], "name");
    Webhook(causes, hooks[i], at, mutating);
    ValidateReviewVersions(causes, ListAt(hooks[i], {"admissionReviewVersions"}),
                           at + ".admissionReviewVersions", "must specify one of v1, v1beta1");
    if (!name.empty() && !names.insert(name).second)
      Duplicate(causes, at + ".name", GoQuoted(name));
  }
}

}  // namespace opsmesh::kubesim
