#include "libs/kubesim/prometheus/history.h"

#include <algorithm>
#include <set>

#include "libs/kubesim/prometheus/past_reader.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr size_t kMaxTroubles = 512;
constexpr size_t kMaxGone = 2000;  // deleted objects that are remembered, of each kind
constexpr double kHistory = 14 * 86400.0;

struct KindName {
  const char* group;
  const char* version;
  const char* plural;
};
constexpr KindName kKinds[] = {
    {"", "v1", "pods"},
    {"", "v1", "nodes"},
    {"", "v1", "namespaces"},
    {"", "v1", "services"},
    {"", "v1", "endpoints"},
    {"", "v1", "configmaps"},
    {"", "v1", "secrets"},
    {"", "v1", "persistentvolumeclaims"},
    {"", "v1", "persistentvolumes"},
    {"", "v1", "replicationcontrollers"},
    {"", "v1", "resourcequotas"},
    {"", "v1", "limitranges"},
    {"apps", "v1", "deployments"},
    {"apps", "v1", "replicasets"},
    {"apps", "v1", "statefulsets"},
    {"apps", "v1", "daemonsets"},
    {"batch", "v1", "jobs"},
    {"batch", "v1", "cronjobs"},
    {"autoscaling", "v2", "horizontalpodautoscalers"},
    {"policy", "v1", "poddisruptionbudgets"},
    {"discovery.k8s.io", "v1", "endpointslices"},
    {"networking.k8s.io", "v1", "ingresses"},
    {"networking.k8s.io", "v1", "ingressclasses"},
    {"networking.k8s.io", "v1", "networkpolicies"},
    {"storage.k8s.io", "v1", "storageclasses"},
    {"storage.k8s.io", "v1", "volumeattachments"},
    {"coordination.k8s.io", "v1", "leases"},
    {"certificates.k8s.io", "v1", "certificatesigningrequests"},
    {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"},
    {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"}};

}  // namespace

const std::vector<PastPtr>& Picture::Of(const std::string& plural) const {
  static const auto* const kNone = new std::vector<PastPtr>();
  const auto found = kinds.find(plural);
  return found == kinds.end() ? *kNone : found->second;
}

PastPtr History::Look(const std::string& plural, const Object& object, const PastPtr& before,
                      double now) const {
  const Json json = object.Parse();
  auto past = std::make_shared<Past>();
  past->kind = plural;
  past->ns = object.ns;
  past->name = object.name;
  past->uid = object.uid;
  past->resource_version = object.resource_version;
  const double created = Time(At(json, {"metadata", "creationTimestamp"}));
  past->created = std::isnan(created) ? now : std::min(created, now);
  if (before != nullptr) past->facts = before->facts;
  std::set<std::pair<std::string, promql::Labels>> there;
  for (Fact& fact : FactsOf(plural, json)) {
    const auto [key, fresh] = there.emplace(std::move(fact.metric), std::move(fact.labels));
    if (!fresh) continue;
    Steps& steps = past->facts[*key];
    if (before != nullptr) {
      const double last = steps.points().empty() ? past->created : steps.points().back().first;
      const bool dated = fact.since > last && fact.since <= now;
      steps.Set(dated ? fact.since : now, fact.value);
      continue;
    }
    if (!std::isnan(fact.before)) steps.Set(past->created, fact.before);
    steps.Set(std::isnan(fact.since) ? past->created : std::min(fact.since, now), fact.value);
  }
  for (auto& [key, steps] : past->facts) {
    if (!there.contains(key)) steps.Set(now, kNaN);
  }
  std::erase_if(past->facts, [now](const auto& fact) {  // what is older nobody reads
    const auto& points = fact.second.points();
    return !points.empty() && std::isnan(points.back().second) &&
           points.back().first < now - kHistory;
  });
  const PastReader reader(store_, seed_, now);
  if (plural == "pods") {
    reader.Pod(json, before.get(), past.get());
    if (before == nullptr) BackdateRestarts(past.get());
  }
  if (plural == "nodes") reader.Node(json, before.get(), past.get());
  if (plural == "services") PastReader::Service(json, past.get());
  if (plural == "persistentvolumeclaims") PastReader::Claim(json, past.get());
  if (plural == "replicasets") PastReader::ReplicaSet(json, past.get());
  return past;
}

bool History::LookAtTroubles(double now) {
  if (!disturbances_) return false;
  bool turned = false;
  std::set<std::string> on;
  for (Disturbance& one : disturbances_()) {
    on.insert(one.id);
    const bool known = std::any_of(troubles_.begin(), troubles_.end(), [&](const Trouble& trouble) {
      return trouble.what.id == one.id && std::isinf(trouble.time.end);
    });
    if (known) continue;
    const double since = absl::ToDoubleSeconds(one.since - absl::UnixEpoch());
    troubles_.push_back({std::move(one), {std::min(since, now), kForever}});
    turned = true;
  }
  for (Trouble& trouble : troubles_) {
    if (!std::isinf(trouble.time.end) || on.contains(trouble.what.id)) continue;
    trouble.time.end = now;
    turned = true;
  }
  if (troubles_.size() > kMaxTroubles) troubles_.erase(troubles_.begin());
  return turned;
}

std::shared_ptr<const Picture> History::Refresh() {
  const std::lock_guard lock(mutex_);
  const double now = absl::ToDoubleSeconds(clock_.Now() - absl::UnixEpoch());
  const uint64_t version = store_.resource_version();
  const bool turned = LookAtTroubles(now);
  if (picture_ != nullptr && picture_->version == version && !turned) return picture_;
  auto picture = std::make_shared<Picture>();
  picture->now = now;
  picture->version = version;
  picture->troubles = troubles_;
  for (const KindName& kind : kKinds) {
    const ResourceType* type = store_.catalog().Find(kind.group, kind.version, kind.plural);
    if (type == nullptr) continue;
    auto& known = known_[kind.plural];
    std::set<std::pair<Key, std::string>> there;
    for (const ObjectPtr& object : store_.List(*type).objects) {
      const std::pair<Key, std::string> key = {{object->ns, object->name}, object->uid};
      there.insert(key);
      PastPtr& past = known[key];
      if (past == nullptr || past->resource_version != object->resource_version)
        past = Look(kind.plural, *object, past, now);
    }
    std::vector<std::pair<double, std::pair<Key, std::string>>> gone;
    for (auto& [key, past] : known) {
      if (there.contains(key)) continue;
      if (std::isinf(past->deleted)) {
        auto ended = std::make_shared<Past>(*past);
        ended->deleted = now;
        ended->ready.Set(now, 0);
        for (ContainerPast& container : ended->containers) {
          if (!container.runs.empty())
            container.runs.back().end = std::min(container.runs.back().end, now);
        }
        past = std::move(ended);
      }
      gone.emplace_back(past->deleted, key);
    }
    std::sort(gone.begin(), gone.end());
    for (size_t i = 0; i < gone.size(); ++i) {
      if (gone.size() - i > kMaxGone || gone[i].first < now - kHistory) known.erase(gone[i].second);
    }
    auto& list = picture->kinds[kind.plural];
    for (const auto& [key, past] : known) list.push_back(past);
  }
  picture_ = std::move(picture);
  return picture_;
}

}  // namespace opsmesh::kubesim::prometheus
