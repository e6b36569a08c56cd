#include "libs/kubesim/behaviour/controllers/disruption.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// An eviction that was granted but did not happen counts no longer after this.
constexpr absl::Duration kDisruptedFor = absl::Minutes(2);

// How many must stay healthy of those expected.
int64_t DesiredHealthy(const Json& least, const Json& most, int64_t expected) {
  if (!most.is_null()) return std::max<int64_t>(0, expected - ShareOf(most, expected, true));
  return least.is_null() ? 1 : ShareOf(least, expected, true);
}

// The pods as a budget counts them.
struct Count {
  int64_t expected = 0, desired = 0, healthy = 0;
  Json disrupted = Json::object();  // evictions that were granted and are still to happen
  absl::Duration wait = absl::InfiniteDuration();  // until the first of them counts no longer
  int64_t Allowed() const { return expected <= 0 ? 0 : std::max<int64_t>(0, healthy - desired); }
};

void CountHealthy(const std::vector<const PodView*>& pods, const Json& granted, absl::Time now,
                  Count* count) {
  for (const PodView* pod : pods) {
    if (granted.is_object() && granted.contains(pod->name()) && !pod->deleted) {
      absl::Time since;
      const absl::Time until =
          base::ParseRfc3339(Scalar(granted[pod->name()]), &since) ? since + kDisruptedFor : now;
      if (until > now) {
        count->disrupted[pod->name()] = granted[pod->name()];
        count->wait = std::min(count->wait, until - now);
        continue;
      }
    }
    count->healthy += pod->ready && !pod->deleted;
  }
}

bool WriteCount(const Count& count, absl::Time now, Json& object) {
  Json& status = object["status"];
  if (!status.is_object()) status = Json::object();
  const Json before = status;
  const int64_t generation = IntAt(object, {"metadata", "generation"});
  status["observedGeneration"] = generation;
  status["disruptionsAllowed"] = count.Allowed();
  status["currentHealthy"] = count.healthy;
  status["desiredHealthy"] = count.desired;
  status["expectedPods"] = count.expected;
  if (count.disrupted.empty())
    status.erase("disruptedPods");
  else
    status["disruptedPods"] = count.disrupted;
  SetCondition(status, "DisruptionAllowed", count.Allowed() > 0 ? "True" : "False",
               count.Allowed() > 0 ? "SufficientPods" : "InsufficientPods", "", now,
               {{"observedGeneration", generation}});
  return status != before;
}

}  // namespace

DisruptionController::DisruptionController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      budgets_(engine.InformerOf("policy", "poddisruptionbudgets")),
      selectors_(
          budgets_,
          [](const Json& budget) {
            return LabelSelector::FromObject(At(budget, {"spec", "selector"}));
          },
          true),
      queue_(engine.AddQueue("disruption", [this](const std::string& key) { return Sync(key); })) {
  budgets_.OnChange(
      [this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  pods_.informer().OnChange([this](const Seen& seen) {
    for (const ObjectPtr& pod : {seen.before, seen.now}) {
      if (!pod) continue;
      for (const std::string& name : selectors_.Matching(pod->ns, pod->labels))
        queue_.Add(KeyOf(pod->ns, name));
    }
  });
}

std::optional<int64_t> DisruptionController::WantedBy(const std::vector<const PodView*>& pods,
                                                      bool* unmanaged, std::string* failure) {
  std::map<std::string, int64_t> wanted;  // by the controller's uid; pods of nobody do not count
  for (const PodView* pod : pods) {
    const Json owner = ControllerOf(*engine_.Parsed(pod->object));
    if (owner.is_null()) {
      *unmanaged = true;
      continue;
    }
    const std::string& ns = pod->object->ns;
    const ResourceType* type =
        engine_.store().catalog().FindKind(TextAt(owner, "apiVersion"), TextAt(owner, "kind"));
    if (type == nullptr) {
      *failure = fmt::format("found no controllers for pod \"{}\"", pod->name());
      return std::nullopt;
    }
    if (type->FindSubresource("scale") == nullptr) {
      *failure = type->QualifiedName() + " does not implement the scale subresource";
      return std::nullopt;
    }
    const ObjectPtr object = engine_.store().Get(*type, ns, TextAt(owner, "name"));
    if (!object || object->uid != TextAt(owner, "uid")) {
      *failure = fmt::format("found no controllers for pod \"{}\"", pod->name());
      return std::nullopt;
    }
    const auto content = engine_.Parsed(object);
    const Json& above = ControllerOf(*content);
    if (TextAt(above, "kind") == "Deployment") {
      if (const ObjectPtr deployment =
              engine_.store().Get(engine_.Type("apps", "deployments"), ns, TextAt(above, "name"))) {
        wanted[deployment->uid] = IntAt(*engine_.Parsed(deployment), {"spec", "replicas"}, 1);
        continue;
      }
    }
    wanted[object->uid] = IntAt(*content, {"spec", "replicas"}, 1);
  }
  int64_t all = 0;
  for (const auto& [uid, count] : wanted) all += count;
  return all;
}

// Nothing may be disrupted while nobody knows how many there should be.
Next DisruptionController::FailSafe(const ObjectPtr& budget, const std::string& failure) {
  engine_.events().Record({"controllermanager", ""}, budgets_.type(), *budget, "Warning",
                          "CalculateExpectedPodCountFailed",
                          "Failed to calculate the number of expected pods: " + failure);
  auto written = engine_.client().Change(
      budgets_.type(), budget->ns, budget->name,
      [&](Json& object) {
        Json& status = object["status"];
        if (!status.is_object()) status = Json::object();
        const Json before = status;
        status["disruptionsAllowed"] = 0;
        SetCondition(status, "DisruptionAllowed", "False", "SyncFailed", failure, engine_.Now(),
                     {{"observedGeneration", IntAt(object, {"metadata", "generation"})}});
        return status != before;
      },
      budget->uid);
  return written.ok() || written.status().code == 404 ? Next::Done() : Next::Retry();
}

Next DisruptionController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr budget = budgets_.Get(ns, name);
  if (!budget) return Next::Done();
  const auto content = engine_.Parsed(budget);
  const Json& selector = At(*content, {"spec", "selector"});
  std::vector<const PodView*> pods;
  for (const PodView* pod :
       pods_.Selected(ns, LabelSelector::FromObject(selector), At(selector, "matchLabels"))) {
    if (!pod->finished()) pods.push_back(pod);
  }
  const Json& least = At(*content, {"spec", "minAvailable"});
  const Json& most = At(*content, {"spec", "maxUnavailable"});
  const EventSource source{"controllermanager", ""};
  if (pods.empty()) {
    engine_.events().Record(source, budgets_.type(), *budget, "Normal", "NoPods",
                            "No matching pods found");
  }
  Count count;
  count.expected = static_cast<int64_t>(pods.size());
  if (!most.is_null() || least.is_string()) {
    std::string failure;
    bool unmanaged = false;
    const auto wanted = WantedBy(pods, &unmanaged, &failure);
    if (!wanted) return FailSafe(budget, failure);
    if (unmanaged) {
      engine_.events().Record(
          source, budgets_.type(), *budget, "Warning", "UnmanagedPods",
          fmt::format(
              "Pods selected by this PodDisruptionBudget (selector: {}) were found to be "
              "unmanaged. As a result, the status of the PDB cannot be calculated "
              "correctly, which may result in undefined behavior. To account for these "
              "pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
              GoText(selector)));
    }
    count.expected = *wanted;
  }
  count.desired = DesiredHealthy(least, most, count.expected);
  CountHealthy(pods, At(*content, {"status", "disruptedPods"}), engine_.Now(), &count);
  auto written = engine_.client().Change(
      budgets_.type(), ns, name,
      [&](Json& object) { return WriteCount(count, engine_.Now(), object); }, budget->uid);
  if (!written.ok() && written.status().code != 404) return Next::Retry();
  return count.wait == absl::InfiniteDuration() ? Next::Done() : Next::After(count.wait);
}

}  // namespace opsmesh::kubesim
