#include "libs/kubesim/behaviour/controllers/pod_collector.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kSweepEvery = absl::Seconds(20);
constexpr absl::Duration kQuarantine = absl::Seconds(40);
constexpr size_t kMostFinished = 12'500;

}  // namespace

PodCollector::PodCollector(Engine& engine, Pods& pods)
    : engine_(engine), pods_(pods), nodes_(engine.InformerOf("", "nodes")) {
  pods_.informer().OnChange([this](const Seen& seen) {
    if (seen.before) {
      finished_.erase(seen.before);
      unplaced_.erase(seen.before);
    }
    if (!seen.now) return;
    const PodView& pod = pods_.Of(seen.now);
    if (pod.finished()) finished_.insert(seen.now);
    if (pod.deleted && pod.node.empty()) unplaced_.insert(seen.now);
  });
}

void PodCollector::Start() {
  engine_.After(kSweepEvery, [this] { Sweep(); });
}

void PodCollector::Sweep() {
  std::set<std::string> absent;
  std::vector<ObjectPtr> stranded;
  const ResourceType& type = pods_.informer().type();
  for (const ObjectPtr& pod : ObjectSet(unplaced_))
    (void)engine_.client().Remove(type, pod->ns, pod->name, pod->uid);
  for (const std::string& node : pods_.Nodes()) {
    if (nodes_.Get("", node)) continue;
    absent.insert(node);
    const absl::Time since = missing_.try_emplace(node, engine_.Now()).first->second;
    if (engine_.Now() - since < kQuarantine) continue;
    for (const PodView* pod : pods_.OnNode(node)) stranded.push_back(pod->object);
  }
  std::erase_if(missing_, [&](const auto& one) { return !absent.contains(one.first); });
  for (const ObjectPtr& pod : stranded) FailAndRemove(pod);
  RemoveFinished();
  engine_.After(kSweepEvery, [this] { Sweep(); });
}

void PodCollector::FailAndRemove(const ObjectPtr& object) {
  const ResourceType& type = pods_.informer().type();
  if (!pods_.Of(object).finished()) {
    (void)engine_.client().Change(
        type, object->ns, object->name,
        [&](Json& pod) {
          pod["status"]["phase"] = "Failed";
          SetCondition(pod["status"], "DisruptionTarget", "True", "DeletionByPodGC",
                       "PodGC: node no longer exists", engine_.Now(), Json());
          return true;
        },
        object->uid);
  }
  (void)engine_.client().Remove(type, object->ns, object->name, object->uid);
}

void PodCollector::RemoveFinished() {
  if (finished_.size() <= kMostFinished) return;
  std::vector<std::pair<absl::Time, ObjectPtr>> finished;
  for (const ObjectPtr& pod : finished_) finished.emplace_back(pods_.Of(pod).created, pod);
  std::stable_sort(finished.begin(), finished.end(),
                   [](const auto& x, const auto& y) { return x.first < y.first; });
  for (size_t i = 0; i + kMostFinished < finished.size(); ++i)
    (void)engine_.client().Remove(pods_.informer().type(), finished[i].second->ns,
                                  finished[i].second->name, finished[i].second->uid);
}

}  // namespace opsmesh::kubesim
