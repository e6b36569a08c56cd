#include "libs/kubesim/api/pod_security.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "libs/kubesim/api/pod_security_checks.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kDomain = "pod-security.kubernetes.io/";

struct Policy {
  SecurityLevel level = SecurityLevel::kPrivileged;
  std::string name;  // "restricted:latest"
};

std::optional<SecurityLevel> LevelOf(const std::string& word) {
  if (word == "privileged") return SecurityLevel::kPrivileged;
  if (word == "baseline") return SecurityLevel::kBaseline;
  if (word == "restricted") return SecurityLevel::kRestricted;
  return std::nullopt;
}

bool IsVersion(const std::string& text) {
  if (text == "latest") return true;
  return text.starts_with("v1.") && text.size() > 3 &&
         text.find_first_not_of("0123456789", 3) == std::string::npos &&
         (text[3] != '0' || text.size() == 4);
}

Policy PolicyOf(const Json& space, const std::string& mode) {
  const std::string word = TextAt(space, {"metadata", "labels", (kDomain + mode).c_str()}),
                    version = TextAt(space,
                                     {"metadata", "labels", (kDomain + mode + "-version").c_str()});
  Policy policy;
  if (word.empty()) return policy;
  // A label that says no level forbids all that can be forbidden.
  policy.level = LevelOf(word).value_or(SecurityLevel::kRestricted);
  const char* name = policy.level == SecurityLevel::kPrivileged ? "privileged"
                     : policy.level == SecurityLevel::kBaseline ? "baseline"
                                                                : "restricted";
  policy.name = fmt::format("{}:{}", name, IsVersion(version) ? version : "latest");
  return policy;
}

MaybeStatus CheckLabels(const Json& space) {
  Causes causes;
  for (const char* mode : {"enforce", "audit", "warn"}) {
    const std::string label = std::string(kDomain) + mode;
    const Json& word = At(space, {"metadata", "labels", label.c_str()});
    if (word.is_string() && !LevelOf(word))
      InvalidText(causes, fmt::format("metadata.labels[{}]", label), Scalar(word),
                  "must be one of privileged, baseline, restricted");
    const std::string version_label = label + "-version";
    const Json& version = At(space, {"metadata", "labels", version_label.c_str()});
    if (version.is_string() && !IsVersion(version))
      InvalidText(causes, fmt::format("metadata.labels[{}]", version_label), Scalar(version),
                  "must be \"latest\" or \"v1.x\"");
  }
  if (causes.empty()) return std::nullopt;
  return InvalidStatus("", "Namespace", TextAt(space, {"metadata", "name"}), std::move(causes));
}

// Pods that a raised level would forbid, gathered by what they break.
void WarnOfPods(const Cluster& cluster, Call& call, const Json& space, const Json& before) {
  const Policy now = PolicyOf(space, "enforce"), then = PolicyOf(before, "enforce");
  if (now.level <= then.level) return;
  const std::string name = TextAt(space, {"metadata", "name"});
  std::map<std::string, std::vector<std::string>> broken;
  for (const ObjectPtr& pod :
       cluster.store.List(MustFind(cluster.store, "", "v1", "pods"), name).objects) {
    const Violations violations = JudgeSecurity(now.level, pod->Parse());
    if (!violations.empty()) broken[SayViolations(violations, false)].push_back(pod->name);
  }
  if (broken.empty()) return;
  call.warnings.push_back(fmt::format(
      "existing pods in namespace \"{}\" violate the new PodSecurity enforce level \"{}\"", name,
      now.name));
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& [reasons, pods] : broken) {
    const size_t others = pods.size() - 1;
    lines.emplace_back(pods[0], others == 0
                                    ? fmt::format("{}: {}", pods[0], reasons)
                                    : fmt::format("{} (and {} other {}): {}", pods[0], others,
                                                  others == 1 ? "pod" : "pods", reasons));
  }
  std::sort(lines.begin(), lines.end());
  for (auto& [pod, line] : lines) call.warnings.push_back(std::move(line));
}

// The pod, or the template of pods, that an object holds; a null value when it holds none.
const Json& PodIn(const std::string& key, const Json& object) {
  static const auto* none = new Json();
  if (key == "/pods") return object;
  if (key == "/podtemplates") return At(object, "template");
  if (key == "batch/cronjobs") return At(object, {"spec", "jobTemplate", "spec", "template"});
  for (const char* one : {"/replicationcontrollers", "apps/replicasets", "apps/deployments",
                          "apps/daemonsets", "apps/statefulsets", "batch/jobs"}) {
    if (key == one) return At(object, {"spec", "template"});
  }
  return *none;
}

bool SameImages(const Json& containers, const Json& before) {
  return std::equal(containers.begin(), containers.end(), before.begin(), before.end(),
                    [](const Json& x, const Json& y) { return At(x, "image") == At(y, "image"); });
}

// Whether a change of a pod is judged at all: images and further containers. What else can change
// is no matter of security.
bool Matters(const Json& pod, const Json& before) {
  if (At(pod, {"spec", "ephemeralContainers"}) != At(before, {"spec", "ephemeralContainers"}))
    return true;
  for (const char* list : {"containers", "initContainers"}) {
    if (!SameImages(ListAt(pod, {"spec", list}), ListAt(before, {"spec", list}))) return true;
  }
  return false;
}

}  // namespace

MaybeStatus CheckPodSecurity(const Cluster& cluster, Call& call, const Json& object,
                             const Json& before) {
  const std::string& key = call.type->storage_key;
  if (key == "/namespaces" && call.info.subresource.empty()) {
    if (auto refused = CheckLabels(object)) return refused;
    if (before.is_object()) WarnOfPods(cluster, call, object, before);
    return std::nullopt;
  }
  const Json& pod = PodIn(key, object);
  const bool ephemeral = key == "/pods" && call.info.subresource == "ephemeralcontainers";
  if (!pod.is_object() || !(call.info.subresource.empty() || ephemeral)) return std::nullopt;
  if (key == "/pods" && before.is_object() && !Matters(object, before)) return std::nullopt;
  const ObjectPtr found =
      cluster.store.Get(MustFind(cluster.store, "", "v1", "namespaces"), "", call.info.ns);
  if (!found || found->json.find(kDomain) == std::string::npos) return std::nullopt;
  const Json space = found->Parse();
  if (key == "/pods") {
    const Policy enforced = PolicyOf(space, "enforce");
    const Violations violations = JudgeSecurity(enforced.level, pod);
    if (!violations.empty())
      return ForbiddenStatus(*call.type, TextAt(object, {"metadata", "name"}),
                             fmt::format("violates PodSecurity \"{}\": {}", enforced.name,
                                         SayViolations(violations, true)));
  }
  const Policy warned = PolicyOf(space, "warn");
  const Violations violations = JudgeSecurity(warned.level, pod);
  if (!violations.empty())
    call.warnings.push_back(fmt::format("would violate PodSecurity \"{}\": {}", warned.name,
                                        SayViolations(violations, true)));
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
