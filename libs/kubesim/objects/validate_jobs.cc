// Jobs and CronJobs: what a real server refuses.
#include <fmt/format.h>

#include <set>

#include "absl/time/time.h"
#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/cron_schedule.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kMostIndexes = 100000;
constexpr int64_t kMostAtOnce = 10000;  // of a job with more than kMostIndexes completions

void ExitCodes(Causes& causes, const Json& codes, const std::string& at,
               const std::set<std::string>& containers) {
  const std::string word = TextAt(codes, "operator");
  if (word.empty())
    Required(causes, at + ".operator", "valid values: [\"In\" \"NotIn\"]");
  else
    OneOf(causes, at + ".operator", word, {"In", "NotIn"});
  if (const Json& name = At(codes, "containerName");
      name.is_string() && !containers.contains(Scalar(name)))
    InvalidText(causes, at + ".containerName", Scalar(name),
                "must be one of the container or initContainer names in the pod template");
  const Json& values = ListAt(codes, {"values"});
  std::string list;
  for (const Json& value : values) list += (list.empty() ? "" : ", ") + Scalar(value);
  const std::string shown = values.empty() ? "[]int32(nil)" : "[]int32{" + list + "}";
  if (values.empty())
    Invalid(causes, at + ".values", shown, "at least one value is required");
  else if (values.size() > 255)
    TooMany(causes, at + ".values", values.size(), 255);
  bool ordered = true;
  std::set<int64_t> seen;
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t code = values[i].is_number_integer() ? values[i].get<int64_t>() : 0;
    const std::string here = fmt::format("{}.values[{}]", at, i);
    if (word == "In" && code == 0)
      InvalidNumber(causes, here, 0, "must not be 0 for the In operator");
    if (!seen.insert(code).second) Duplicate(causes, here, std::to_string(code));
    ordered = ordered && (i == 0 || values[i - 1] <= values[i]);
  }
  if (!ordered) Invalid(causes, at + ".values", shown, "must be ordered");
}

void Conditions(Causes& causes, const Json& patterns, const std::string& at) {
  if (patterns.size() > 20) TooMany(causes, at, patterns.size(), 20);
  for (size_t i = 0; i < patterns.size(); ++i) {
    const std::string here = fmt::format("{}[{}]", at, i), type = TextAt(patterns[i], "type"),
                      status = TextAt(patterns[i], "status");
    InvalidText(causes, here + ".type", type, QualifiedFault(type));
    if (status.empty())
      Required(causes, here + ".status", "valid values: [\"False\" \"True\" \"Unknown\"]");
    else
      OneOf(causes, here + ".status", status, {"False", "True", "Unknown"});
  }
}

void FailureRule(Causes& causes, const Json& spec, const Json& rule, const std::string& at,
                 const std::set<std::string>& containers) {
  const std::string action = TextAt(rule, "action");
  if (action.empty())
    Required(causes, at + ".action",
             "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
  else if (action != "FailIndex")
    OneOf(causes, at + ".action", action, {"Count", "FailIndex", "FailJob", "Ignore"});
  else if (At(spec, "backoffLimitPerIndex").is_null())
    InvalidText(causes, at + ".action", action, "requires the backoffLimitPerIndex to be set");
  const Json& codes = At(rule, "onExitCodes");
  const Json& conditions = ListAt(rule, {"onPodConditions"});
  if (codes.is_object()) ExitCodes(causes, codes, at + ".onExitCodes", containers);
  Conditions(causes, conditions, at + ".onPodConditions");
  auto refuse = [&](const char* why) {
    causes.push_back({"FieldValueInvalid", fmt::format("Invalid value: {}", why), at});
  };
  if (codes.is_object() && !conditions.empty())
    refuse("specifying both OnExitCodes and OnPodConditions is not supported");
  if (!codes.is_object() && conditions.empty())
    refuse("specifying one of OnExitCodes and OnPodConditions is required");
}

void FailurePolicy(Causes& causes, const Json& spec, const std::string& field) {
  const Json& policy = At(spec, "podFailurePolicy");
  if (!policy.is_object()) return;
  const Json& rules = ListAt(policy, {"rules"});
  const std::string at = field + ".podFailurePolicy.rules";
  if (rules.size() > 20) TooMany(causes, at, rules.size(), 20);
  std::set<std::string> containers;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& one : ListAt(spec, {"template", "spec", list}))
      containers.insert(TextAt(one, "name"));
  }
  for (size_t i = 0; i < rules.size(); ++i)
    FailureRule(causes, spec, rules[i], fmt::format("{}[{}]", at, i), containers);
}

// "1,3-5,7": ascending, each below `completions`. How many; or why not.
struct Indexes {
  int64_t total = 0;
  std::string fault;
};
Indexes ParseIndexes(const std::string& text, int64_t completions) {
  Indexes result;
  int64_t last = -1;
  for (std::string_view part : base::Split(text, ',')) {
    if (text.empty()) return result;
    const size_t dash = part.find('-');
    if (dash != std::string_view::npos && part.find('-', dash + 1) != std::string_view::npos) {
      result.fault = fmt::format(
          "the fragment \"{}\" violates the requirement that an index interval can have at most "
          "two parts separated by '-'",
          part);
      return result;
    }
    int64_t ends[2] = {0, 0};
    const int count = dash == std::string_view::npos ? 1 : 2;
    for (int i = 0; i < count; ++i) {
      const std::string_view end = i == 0 ? part.substr(0, dash) : part.substr(dash + 1);
      const bool digits = !end.empty() && end.size() < 18 &&
                          end.find_first_not_of("0123456789") == std::string_view::npos;
      if (!digits) {
        result.fault = fmt::format("cannot convert string to integer for index: \"{}\"", end);
        return result;
      }
      ends[i] = std::stoll(std::string(end));
      if (ends[i] >= completions) {
        result.fault = fmt::format("too large index: \"{}\"", end);
        return result;
      }
    }
    const int64_t before = count == 2 && ends[0] >= ends[1] ? ends[0] : last;
    const int64_t now = before == ends[0] && count == 2 ? ends[1] : ends[0];
    if (before >= now) {
      result.fault = fmt::format("non-increasing order, previous: {}, current: {}", before, now);
      return result;
    }
    last = count == 2 ? ends[1] : ends[0];
    result.total += last - ends[0] + 1;
  }
  return result;
}

void SuccessRule(Causes& causes, const Json& rule, int64_t completions, const std::string& at) {
  const Json& indexes = At(rule, "succeededIndexes");
  const Json& count = At(rule, "succeededCount");
  if (indexes.is_null() && count.is_null())
    Required(causes, at, "at least one of succeededCount or succeededIndexes must be specified");
  Indexes parsed;
  if (indexes.is_string()) {
    if (Scalar(indexes).size() > 64 * 1024) TooLong(causes, at + ".succeededIndexes", 64 * 1024);
    parsed = ParseIndexes(Scalar(indexes), completions);
    if (!parsed.fault.empty())
      InvalidText(causes, at + ".succeededIndexes", Scalar(indexes),
                  "error parsing succeededIndexes: " + parsed.fault);
  }
  if (!count.is_number_integer()) return;
  const auto wanted = count.get<int64_t>();
  NonNegative(causes, rule, "succeededCount", at + ".");
  if (wanted > completions)
    InvalidNumber(causes, at + ".succeededCount", wanted,
                  fmt::format("must be less than or equal to {} (the number of specified "
                              "completions)",
                              completions));
  if (indexes.is_string() && wanted > (parsed.fault.empty() ? parsed.total : 0))
    InvalidNumber(causes, at + ".succeededCount", wanted,
                  fmt::format("must be less than or equal to {} (the number of indexes in the "
                              "specified succeededIndexes field)",
                              parsed.fault.empty() ? parsed.total : 0));
}

void SuccessPolicy(Causes& causes, const Json& spec, const std::string& field) {
  const Json& policy = At(spec, "successPolicy");
  if (!policy.is_object()) return;
  const std::string at = field + ".successPolicy";
  if (TextAt(spec, "completionMode") != "Indexed")
    return Invalid(causes, at, "batch.SuccessPolicy{...}", "requires indexed completion mode");
  const Json& rules = ListAt(policy, {"rules"});
  if (rules.empty())
    Required(causes, at + ".rules",
             "at least one rules must be specified when the successPolicy is specified");
  if (rules.size() > 20) TooMany(causes, at + ".rules", rules.size(), 20);
  for (size_t i = 0; i < rules.size(); ++i)
    SuccessRule(causes, rules[i], IntAt(spec, "completions"), fmt::format("{}.rules[{}]", at, i));
}

// What Indexed jobs need, and only they may have.
void CompletionMode(Causes& causes, const Json& spec, const std::string& field) {
  const std::string mode = TextAt(spec, "completionMode");
  const Json& completions = At(spec, "completions");
  const int64_t all = IntAt(spec, "completions"), at_once = IntAt(spec, "parallelism"),
                failed = IntAt(spec, "maxFailedIndexes");
  const bool limited = !At(spec, "backoffLimitPerIndex").is_null(),
             may_fail = !At(spec, "maxFailedIndexes").is_null();
  if (!mode.empty()) OneOf(causes, field + ".completionMode", mode, {"NonIndexed", "Indexed"});
  auto above = [&](const char* member, int64_t value, const std::string& why) {
    InvalidNumber(causes, fmt::format("{}.{}", field, member), value,
                  "must be less than or equal to " + why);
  };
  if (mode == "Indexed") {
    if (!completions.is_number())
      Required(causes, field + ".completions", "when completion mode is Indexed");
    if (at_once > kMostIndexes)
      above("parallelism", at_once, "100000 when completion mode is Indexed");
    if (completions.is_number() && may_fail && failed > all)
      above("maxFailedIndexes", failed, "completions");
    if (failed > kMostIndexes) above("maxFailedIndexes", failed, "100000");
    constexpr const char* kMany =
        "10000 when completions are above 100000 and used with backoff limit per index";
    if (all > kMostIndexes && limited) {
      if (!may_fail)
        Required(causes, field + ".maxFailedIndexes",
                 "must be specified when completions is above 100000");
      if (at_once > kMostAtOnce) above("parallelism", at_once, kMany);
      if (failed > kMostAtOnce) above("maxFailedIndexes", failed, kMany);
    }
  } else if (mode.empty() || mode == "NonIndexed") {
    for (const char* member : {"backoffLimitPerIndex", "maxFailedIndexes"}) {
      if (!At(spec, member).is_null())
        InvalidNumber(causes, fmt::format("{}.{}", field, member), IntAt(spec, member),
                      "requires indexed completion mode");
    }
  }
}

void ManagedBy(Causes& causes, const Json& spec, const std::string& field) {
  const Json& manager = At(spec, "managedBy");
  if (!manager.is_string()) return;
  const std::string name = Scalar(manager);
  ValidateDomainPath(causes, field + ".managedBy", name);
  if (name.size() > 63) TooLong(causes, field + ".managedBy", 63);
}

void RestartPolicy(Causes& causes, const Json& spec, const std::string& field) {
  const std::string policy = TextAt(spec, {"template", "spec", "restartPolicy"}),
                    at = field + ".template.spec.restartPolicy";
  if (policy.empty() || policy == "Always")
    Required(causes, at, "valid values: \"OnFailure\", \"Never\"");
  else if (policy != "OnFailure" && policy != "Never")
    OneOf(causes, at, policy, {"OnFailure", "Never"});
  else if (At(spec, "podFailurePolicy").is_object() && policy != "Never")
    InvalidText(causes, at, policy,
                "only \"Never\" is supported when podFailurePolicy is specified");
}

void JobSpec(Causes& causes, const Json& spec, const std::string& field) {
  for (const char* member : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                             "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"})
    NonNegative(causes, spec, member, field + ".");
  if (!At(spec, "maxFailedIndexes").is_null() && At(spec, "backoffLimitPerIndex").is_null())
    Required(causes, field + ".backoffLimitPerIndex", "when maxFailedIndexes is specified");
  ManagedBy(causes, spec, field);
  CompletionMode(causes, spec, field);
  FailurePolicy(causes, spec, field);
  SuccessPolicy(causes, spec, field);
  if (const Json& policy = At(spec, "podReplacementPolicy"); policy.is_string()) {
    if (At(spec, "podFailurePolicy").is_object())
      OneOf(causes, field + ".podReplacementPolicy", Scalar(policy), {"Failed"});
    else
      OneOf(causes, field + ".podReplacementPolicy", Scalar(policy),
            {"Failed", "TerminatingOrFailed"});
  }
  ValidatePodTemplate(causes, At(spec, "template"), field + ".template");
  RestartPolicy(causes, spec, field);
}

// Unless somebody takes care of it himself, a job selects by what is its own.
void GeneratedSelector(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const Json& selector = At(spec, "selector");
  if (BoolAt(spec, {"manualSelector"}) || !selector.is_object()) return;
  const std::string uid = TextAt(object, {"metadata", "uid"}),
                    name = TextAt(object, {"metadata", "name"});
  const Json expected = {{"controller-uid", uid},
                         {"job-name", name},
                         {"batch.kubernetes.io/controller-uid", uid},
                         {"batch.kubernetes.io/job-name", name}};
  Causes ignored;
  if (!ValidateSelectorShape(ignored, selector, "")) return;
  if (!LabelSelector::FromObject(selector).Matches(expected))
    Invalid(causes, "spec.selector", GoSelector(selector), "`selector` not auto-generated");
  // Its pods carry the same labels.
  const Json& labels = At(spec, {"template", "metadata", "labels"});
  for (const auto& [key, value] : expected.items()) {
    if (labels.is_object() && labels.contains(key) && labels[key] != value)
      Invalid(causes, fmt::format("spec.template.metadata.labels[{}]", key), GoMap(labels),
              fmt::format("must be '{}'", Scalar(value)));
  }
}

void SelectorOf(Causes& causes, const Json& spec) {
  const Json& selector = At(spec, "selector");
  const Json& labels = At(spec, {"template", "metadata", "labels"});
  if (!selector.is_object()) Required(causes, "spec.selector");
  if (!ValidateSelectorShape(causes, selector, "spec.selector")) return;
  if (!selector.is_object() || !LabelSelector::FromObject(selector).Matches(labels))
    Invalid(causes, "spec.template.metadata.labels", GoMap(labels),
            "`selector` does not match template `labels`");
}

// Pods of an Indexed job are named by their numbers.
void HostNames(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const int64_t completions = IntAt(spec, "completions");
  if (TextAt(spec, "completionMode") != "Indexed" || completions <= 0) return;
  const std::string name = TextAt(object, {"metadata", "name"}),
                    host = fmt::format("{}-{}", name, completions - 1);
  if (!LabelFault(host).empty())
    InvalidText(causes, "metadata.name", name,
                "will not able to create pod with invalid DNS label: " + host);
}

void TimeZone(Causes& causes, const Json& spec) {
  const Json& given = At(spec, "timeZone");
  if (!given.is_string()) return;
  const std::string name = Scalar(given), at = "spec.timeZone";
  if (name.empty()) return InvalidText(causes, at, "", "timeZone must be nil or non-empty string");
  const std::string unknown = "unknown time zone " + name;
  for (std::string_view part : base::Split(name, '/')) {
    const bool plain = !part.empty() && part.size() <= 14 && !part.starts_with('-') &&
                       part.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789+-_.") == std::string_view::npos;
    if (!plain || part == "." || part == "..") return InvalidText(causes, at, name, unknown);
  }
  if (base::AsciiLower(name) == "local")
    InvalidText(causes, at, name,
                "timeZone must be an explicit time zone as defined in "
                "https://www.iana.org/time-zones");
  absl::TimeZone zone;
  if (name != "Local" && !absl::LoadTimeZone(name, &zone)) InvalidText(causes, at, name, unknown);
}

}  // namespace

void ValidateJob(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  GeneratedSelector(causes, object);
  JobSpec(causes, spec, "spec");
  SelectorOf(causes, spec);
  HostNames(causes, object);
  if (!before.is_object()) return;
  JobSpec(causes, spec, "spec");  // a real server says it all again about an update
  SelectorOf(causes, spec);
  if (At(before, {"spec", "completions"}) != At(spec, "completions"))
    Immutable(causes, "spec.completions", At(spec, "completions").dump());
  if (At(before, {"spec", "selector"}) != At(spec, "selector"))
    Immutable(causes, "spec.selector",
              At(spec, "selector").is_object() ? GoSelector(At(spec, "selector")) : "\"null\"");
  // A job that is suspended and never ran may still be moved to other nodes.
  if (At(before, {"spec", "template"}) != At(spec, "template") &&
      !(BoolAt(before, {"spec", "suspend"}) && At(before, {"status", "startTime"}).is_null())) {
    Immutable(causes, "spec.template", "core.PodTemplateSpec{...}");
  }
  if (At(before, {"spec", "completionMode"}) != At(spec, "completionMode"))
    Immutable(causes, "spec.completionMode", "\"" + TextAt(spec, "completionMode") + "\"");
}

void ValidateCronJob(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string schedule = TextAt(spec, "schedule"), at = "spec.schedule";
  if (schedule.empty()) {
    Required(causes, at);
  } else {
    const bool zoned = schedule.find("TZ=") != std::string::npos;
    if (const std::string fault = zoned ? "" : ScheduleFault(schedule); !fault.empty())
      InvalidText(causes, at, schedule, fault);
    const bool was_zoned = TextAt(before, {"spec", "schedule"}).find("TZ") != std::string::npos;
    if (schedule.find("TZ") != std::string::npos && !was_zoned)
      InvalidText(causes, at, schedule,
                  "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  }
  NonNegative(causes, spec, "startingDeadlineSeconds", "spec.");
  if (!before.is_object() || At(before, {"spec", "timeZone"}) != At(spec, "timeZone"))
    TimeZone(causes, spec);
  OneOfNeeded(causes, "spec.concurrencyPolicy", TextAt(spec, "concurrencyPolicy"),
              {"Allow", "Forbid", "Replace"});
  const Json& job = At(spec, {"jobTemplate", "spec"});
  JobSpec(causes, job, "spec.jobTemplate.spec");
  if (const Json& selector = At(job, "selector"); selector.is_object())
    Invalid(causes, "spec.jobTemplate.spec.selector", GoSelector(selector),
            "`selector` will be auto-generated");
  if (BoolAt(job, {"manualSelector"}))
    OneOf(causes, "spec.jobTemplate.spec.manualSelector", "true", {"nil", "false"});
  NonNegative(causes, spec, "successfulJobsHistoryLimit", "spec.");
  NonNegative(causes, spec, "failedJobsHistoryLimit", "spec.");
  const std::string name = TextAt(object, {"metadata", "name"});
  if (!before.is_object() && name.size() > 52)
    InvalidText(causes, "metadata.name", name, "must be no more than 52 characters");
}

}  // namespace opsmesh::kubesim
