#include "libs/kubesim/prometheus/history.h"

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr size_t kMaxTroubles = 512;
constexpr size_t kMaxGone = 2000;  // deleted objects that are remembered, of each kind
constexpr double kHistory = 14 * 86400.0;
constexpr double kLongestBackOff = 300;  // of a container that keeps ending
constexpr size_t kMaxRuns = 5000;

struct KindName {
  const char* group;
  const char* version;
  const char* plural;
};
constexpr KindName kKinds[] = {{"", "v1", "pods"},
                               {"", "v1", "nodes"},
                               {"", "v1", "namespaces"},
                               {"", "v1", "services"},
                               {"", "v1", "endpoints"},
                               {"", "v1", "persistentvolumeclaims"},
                               {"", "v1", "persistentvolumes"},
                               {"", "v1", "resourcequotas"},
                               {"apps", "v1", "deployments"},
                               {"apps", "v1", "replicasets"},
                               {"apps", "v1", "statefulsets"},
                               {"apps", "v1", "daemonsets"},
                               {"batch", "v1", "jobs"},
                               {"batch", "v1", "cronjobs"},
                               {"autoscaling", "v2", "horizontalpodautoscalers"},
                               {"policy", "v1", "poddisruptionbudgets"}};

double Amount(const Json& quantity) {
  const auto thousandths = ParseQuantity(quantity);
  return thousandths ? static_cast<double>(*thousandths / 1000) : kNaN;
}

/// How the runs of a container that ends again and again must have been, from the last one back to
/// the pod's start.
std::vector<Run> RunsBefore(double pod_start, double last_start, double last_end,
                            int64_t restarts) {
  std::vector<Run> runs;
  const double length = std::max(0.5, last_end - last_start);
  double start = last_start;
  double end = last_end;
  for (int64_t n = restarts; n >= 0 && runs.size() < kMaxRuns && end > pod_start; --n) {
    runs.push_back({std::max(start, pod_start), end});
    // The wait before the n-th restart: 10 s, doubled each time, 300 s at most.
    const double wait =
        n > 5 ? kLongestBackOff
              : std::min(kLongestBackOff, 10 * std::pow(2, static_cast<double>(n - 1)));
    end = start - wait;
    start = end - length;
  }
  std::reverse(runs.begin(), runs.end());
  return runs;
}

std::vector<Run> RunsOf(const Json& status, double pod_start, const std::vector<Run>& known,
                        double now) {
  const double started = Time(At(status, {"state", "running", "startedAt"}));
  const Json& ended_now = At(status, {"state", "terminated"});
  const Json& last = ended_now.is_object() ? ended_now : At(status, {"lastState", "terminated"});
  const double last_start = Time(At(last, "startedAt"));
  const double last_end = Time(At(last, "finishedAt"));
  std::vector<Run> runs = known;
  if (runs.empty() && !std::isnan(last_start) && !std::isnan(last_end)) {
    int64_t ended = IntAt(status, "restartCount");
    if (!std::isnan(started)) --ended;
    runs = RunsBefore(pod_start, last_start, last_end, std::max<int64_t>(0, ended));
  } else if (!runs.empty() && std::isinf(runs.back().end) && std::isnan(started)) {
    runs.back().end = std::isnan(last_end) ? now : std::max(last_end, runs.back().start);
  }
  if (!std::isnan(started) && (runs.empty() || runs.back().start < started - 0.5)) {
    if (!runs.empty() && std::isinf(runs.back().end))
      runs.back().end = std::isnan(last_end) ? started : std::min(started, last_end);
    runs.push_back({started, kForever});
  }
  if (runs.size() > kMaxRuns)
    runs.erase(runs.begin(), runs.end() - static_cast<ptrdiff_t>(kMaxRuns));
  return runs;
}

/// Services that a text names: "http://cart", "redis:6379",
/// "orders-db.payments.svc.cluster.local:5432".
void Mentions(std::string_view text, const std::string& ns, std::vector<std::string>* out) {
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  const std::string_view host = text.substr(0, text.find_first_of(":/ ;"));
  if (host.empty() || host.size() > 253 || host[0] == '-') return;
  const auto parts = base::Split(host, '.');
  for (const std::string_view part : parts) {
    if (part.empty() ||
        part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos)
      return;
  }
  if (parts.size() > 1 && parts.size() > 2 && parts[2] != "svc") return;
  out->push_back((parts.size() > 1 ? std::string(parts[1]) : ns) + "/" + std::string(parts[0]));
}

void ReadPorts(const Json& container, ContainerPast* past) {
  for (const Json& port : ListAt(container, {"ports"})) {
    past->ports.push_back(Scalar(At(port, "containerPort")));
    if (const std::string name = TextAt(port, "name"); !name.empty()) past->ports.push_back(name);
  }
}

class Reader {
 public:
  Reader(const Store& store, uint64_t seed, double now) : store_(store), seed_(seed), now_(now) {}

  void Pod(const Json& pod, const Past* before, Past* past) {
    past->node = TextAt(pod, {"spec", "nodeName"});
    past->ip = TextAt(pod, {"status", "podIP"});
    if (past->ip.empty() && before != nullptr) past->ip = before->ip;
    past->pod_labels = LabelsAt(At(pod, {"metadata", "labels"}));
    Workload(pod, past);
    Ready(pod, before, past);
    const double started = Time(At(pod, {"status", "startTime"}));
    for (const Json& container : ListAt(pod, {"spec", "containers"})) {
      ContainerPast one;
      one.name = TextAt(container, "name");
      one.image = TextAt(container, "image");
      one.cpu_limit = Amount(At(container, {"resources", "limits", "cpu"}));
      one.memory_limit = Amount(At(container, {"resources", "limits", "memory"}));
      one.cpu_request = Amount(At(container, {"resources", "requests", "cpu"}));
      one.memory_request = Amount(At(container, {"resources", "requests", "memory"}));
      ReadPorts(container, &one);
      Use(*past, &one);
      for (const Json& status : ListAt(pod, {"status", "containerStatuses"})) {
        if (TextAt(status, "name") != one.name) continue;
        one.runs = RunsOf(status, std::isnan(started) ? past->created : started,
                          RunsIn(before, one.name), now_);
        one.oom = TextAt(status, {"lastState", "terminated", "reason"}) == "OOMKilled" ||
                  TextAt(status, {"state", "terminated", "reason"}) == "OOMKilled";
      }
      past->containers.push_back(std::move(one));
    }
    const std::string phase = TextAt(pod, {"status", "phase"});
    if (phase == "Succeeded" || phase == "Failed") return;
    Environment(pod, past);
  }

  static promql::Labels LabelsAt(const Json& object) {
    promql::Labels labels;
    if (!object.is_object()) return labels;
    for (const auto& [key, value] : object.items()) {
      if (value.is_string()) labels.emplace_back(key, value.get<std::string>());
    }
    return labels;
  }

 private:
  static std::vector<Run> RunsIn(const Past* before, const std::string& container) {
    if (before == nullptr) return {};
    for (const ContainerPast& one : before->containers) {
      if (one.name == container) return one.runs;
    }
    return {};
  }

  void Workload(const Json& pod, Past* past) {
    for (const Json& owner : ListAt(pod, {"metadata", "ownerReferences"})) {
      std::string kind = TextAt(owner, "kind");
      std::string name = TextAt(owner, "name");
      const char* plural = kind == "ReplicaSet" ? "replicasets" : kind == "Job" ? "jobs" : nullptr;
      if (plural != nullptr) {
        const ObjectPtr above = store_.Get(
            MustFind(store_, kind == "Job" ? "batch" : "apps", "v1", plural), past->ns, name);
        if (above != nullptr) {
          const Json object = above->Parse();
          for (const Json& next : ListAt(object, {"metadata", "ownerReferences"})) {
            kind = TextAt(next, "kind");
            name = TextAt(next, "name");
          }
        }
      }
      past->workload_kind = kind;
      past->workload = past->ns + "/" + name;
    }
  }

  void Ready(const Json& pod, const Past* before, Past* past) {
    bool ready = false;
    double since = kNaN;
    for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
      if (TextAt(condition, "type") != "Ready") continue;
      ready = TextAt(condition, "status") == "True";
      since = Time(At(condition, "lastTransitionTime"));
    }
    if (before != nullptr) {
      past->ready = before->ready;
      past->ready.Set(std::isnan(since) ? now_ : std::min(since, now_), ready ? 1 : 0);
      return;
    }
    // A pod that is not ready since some time after its start was ready until then.
    const double started = Time(At(pod, {"status", "startTime"}));
    const bool was = !ready && since > started + 60;
    past->ready.Set(past->created, 0);
    if (was) past->ready.Set(started + 10, 1);
    if (!std::isnan(since) || ready)
      past->ready.Set(std::isnan(since) ? past->created : since, ready ? 1 : 0);
  }

  /// Typical use: what the metrics API tells, else a guess that stays the same.
  void Use(const Past& pod, ContainerPast* one) {
    const std::string who = pod.ns + "/" + one->image + "/" + one->name;
    one->cpu = 0.004 + 0.05 * Chance(who, seed_);
    const double most = std::isnan(one->memory_limit) ? 96 << 20 : one->memory_limit;
    one->memory = most * (0.35 + 0.25 * Chance(who, seed_ + 1));
    const ResourceType* usage = store_.catalog().Find("metrics.k8s.io", "v1beta1", "pods");
    const ObjectPtr metrics = usage == nullptr ? nullptr : store_.Get(*usage, pod.ns, pod.name);
    if (metrics == nullptr) return;
    const Json object = metrics->Parse();
    for (const Json& container : ListAt(object, {"containers"})) {
      if (TextAt(container, "name") != one->name) continue;
      const double cpu = Amount(At(container, {"usage", "cpu"}));
      const double memory = Amount(At(container, {"usage", "memory"}));
      if (cpu > 0) one->cpu = cpu;
      if (memory > 0) one->memory = memory;
    }
  }

  void Environment(const Json& pod, Past* past) {
    for (const Json& container : ListAt(pod, {"spec", "containers"})) {
      for (const Json& env : ListAt(container, {"env"}))
        Mentions(TextAt(env, "value"), past->ns, &past->mentions);
    }
    for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
      const std::string name = TextAt(volume, {"configMap", "name"});
      if (name.empty()) continue;
      const ObjectPtr map = store_.Get(MustFind(store_, "", "v1", "configmaps"), past->ns, name);
      if (map == nullptr) continue;
      const Json object = map->Parse();
      const Json& data = At(object, "data");
      if (!data.is_object()) continue;
      for (const auto& [key, value] : data.items()) {
        if (!value.is_string()) continue;
        const std::string text = value.get<std::string>();
        for (size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
          Mentions(std::string_view(text).substr(at), past->ns, &past->mentions);
        }
      }
    }
    std::sort(past->mentions.begin(), past->mentions.end());
    past->mentions.erase(std::unique(past->mentions.begin(), past->mentions.end()),
                         past->mentions.end());
  }

  const Store& store_;
  const uint64_t seed_;
  const double now_;
};

void ReadService(const Json& service, Past* past) {
  past->selector = Reader::LabelsAt(At(service, {"spec", "selector"}));
  for (const Json& port : ListAt(service, {"spec", "ports"})) {
    const Json& target = At(port, "targetPort");
    std::string name = TextAt(port, "name");
    if (name.empty()) name = Scalar(At(port, "port"));
    past->ports.emplace_back(std::move(name),
                             target.is_null() ? Scalar(At(port, "port")) : Scalar(target));
  }
}

void ReadNode(const Json& node, const Past* before, double now, Past* past) {
  const double cpus = Amount(At(node, {"status", "capacity", "cpu"}));
  const double memory = Amount(At(node, {"status", "capacity", "memory"}));
  if (cpus > 0) past->cpus = cpus;
  if (memory > 0) past->memory = memory;
  for (const Json& address : ListAt(node, {"status", "addresses"})) {
    if (TextAt(address, "type") == "InternalIP") past->ip = TextAt(address, "address");
  }
  if (before != nullptr) past->up = before->up;
  for (const Json& condition : ListAt(node, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Ready") continue;
    const std::string status = TextAt(condition, "status");
    // A node that fell silent did so at its last heartbeat; the condition follows some 40 s later.
    const double changed =
        Time(At(condition, status == "Unknown" ? "lastHeartbeatTime" : "lastTransitionTime"));
    if (before == nullptr) past->up.Set(past->created, status == "Unknown" ? 1 : 1);
    past->up.Set(std::isnan(changed) || (before != nullptr && changed > now) ? now : changed,
                 status == "Unknown" ? 0 : 1);
  }
}

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
  if (plural == "pods") Reader(store_, seed_, now).Pod(json, before.get(), past.get());
  if (plural == "services") ReadService(json, past.get());
  if (plural == "nodes") ReadNode(json, before.get(), now, past.get());
  if (plural == "replicasets") {
    past->replicas = static_cast<double>(IntAt(json, {"spec", "replicas"}, 1));
    past->pod_labels = Reader::LabelsAt(At(json, {"spec", "template", "metadata", "labels"}));
    for (const Json& owner : ListAt(json, {"metadata", "ownerReferences"}))
      past->workload = object.ns + "/" + TextAt(owner, "name");
  }
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
