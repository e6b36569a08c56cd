#include "libs/kubesim/prometheus/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr double kSpread = 0.7;     // sigma of the logarithm of a latency
constexpr double kLostCalls = 0.9;  // of the calls of a service without pods that end in an error
constexpr double kSlowWhenGone =
    3;  // how much longer a request takes that waits for such a service
constexpr size_t kMaxMoments = 4000;
constexpr int kRounds =
    6;  // of passing trouble on from callee to caller: longer paths hardly matter

bool Selects(const promql::Labels& selector, const promql::Labels& labels) {
  return !selector.empty() && std::all_of(selector.begin(), selector.end(), [&](const auto& term) {
    return promql::ValueOf(labels, term.first) == term.second;
  });
}

/// True when the pod listens where the service sends.
bool Listens(const Past& pod, const Past& service) {
  if (service.ports.empty()) return true;
  bool declared = false;
  for (const auto& [name, target] : service.ports) {
    for (const ContainerPast& container : pod.containers) {
      declared = declared || !container.ports.empty();
      if (std::find(container.ports.begin(), container.ports.end(), target) !=
          container.ports.end())
        return true;
    }
  }
  return !declared && std::isdigit(static_cast<unsigned char>(service.ports[0].second[0]));
}

bool SpeaksHttp(const Past& service) {
  for (const auto& [name, target] : service.ports) {
    for (const char* word : {"http", "web", "api", "grpc"}) {
      if (name.find(word) != std::string::npos) return true;
    }
    for (const char* number : {"80", "8080", "8000", "3000", "443", "8443", "5000"}) {
      if (name == number) return true;
    }
  }
  return false;
}

// What a disturbance does to a service's own requests.
void Suffer(const ServiceTraffic& traffic, const Disturbance& what, double now, Health* health) {
  if (!what.ns.empty() && what.ns != traffic.ns) return;
  if (what.kind == Disturbance::Kind::kNoNames) {
    if (traffic.calls.empty()) return;
    health->errors = std::min(0.95, health->errors + 0.55);
    health->latency += 2;  // a resolver gives up after some seconds, or at once
    return;
  }
  if (what.kind != Disturbance::Kind::kSlowAnswers) return;
  double serving = 0, slow = 0;
  for (const PastPtr& pod : traffic.pods) {
    if (!(pod->created <= now && now < pod->deleted)) continue;
    ++serving;
    const std::string workload = pod->workload.substr(pod->workload.find('/') + 1);
    slow += (what.pod.empty() || what.pod == pod->name) &&
            (what.workload.empty() || what.workload == workload);
  }
  if (slow == 0) return;
  health->latency += what.amount * slow / serving;
  // Callers wait for some seconds, not for ever.
  if (what.amount > 1) health->errors = std::min(0.95, health->errors + 0.25 * slow / serving);
}

/// Median seconds of a request when nothing is wrong.
double UsualLatency(const std::string& service, uint64_t seed) {
  return 0.006 + 0.09 * Chance(service, seed + 4);
}

/// What fewer pods than there should be do to those that are left.
void Overload(int full, Health* health) {
  const double share = static_cast<double>(health->ready) / full;
  if (share >= 1 || health->ready == 0) return;
  health->load = 1 / share;
  health->latency *= std::pow(1 / share, 1.5);
  health->errors += 0.02 * (1 - share);
}

void Append(const Health& health, std::vector<Health>* list) {
  if (!list->empty() && list->back().ready == health.ready &&
      list->back().errors == health.errors && list->back().latency == health.latency) {
    list->back().to = health.to;
  } else {
    list->push_back(health);
  }
}

}  // namespace

double ShareWithin(double seconds, double median) {
  return 0.5 * std::erfc(-(std::log(seconds) - std::log(median)) / (kSpread * std::sqrt(2.0)));
}

Traffic::Traffic(const Picture& picture, uint64_t seed) {
  pods_ = picture.Of("pods");
  AddFormerPods(picture, seed);
  FindServices(picture, seed);
  FindHealth(picture, seed);
}

const ServiceTraffic* Traffic::Of(const std::string& pod_uid) const {
  const auto found = service_of_.find(pod_uid);
  return found == service_of_.end() ? nullptr : &services_.at(found->second);
}

void Traffic::AddFormerPods(const Picture& picture, uint64_t seed) {
  std::map<std::string, std::vector<PastPtr>> by_workload;
  for (const PastPtr& set : picture.Of("replicasets")) by_workload[set->workload].push_back(set);
  for (auto& [workload, sets] : by_workload) {
    std::sort(sets.begin(), sets.end(),
              [](const PastPtr& a, const PastPtr& b) { return a->created < b->created; });
    const PastPtr* model = nullptr;
    std::map<const Past*, int> known, live;  // pods of a set
    for (const PastPtr& pod : picture.Of("pods")) {
      if (pod->workload != workload) continue;
      const auto set = std::find_if(sets.begin(), sets.end(), [&pod](const PastPtr& one) {
        return Selects(one->pod_labels, pod->pod_labels);
      });
      if (set != sets.end()) ++known[set->get()];
      if (!std::isinf(pod->deleted)) continue;
      model = &pod;
      if (set != sets.end()) ++live[set->get()];
    }
    if (model == nullptr) continue;
    int count =
        1;  // as many as the largest set has: while one takes another's place both have some
    for (const auto& [set, pods] : live) count = std::max(count, pods);
    for (size_t i = 0; i + 1 < sets.size(); ++i) {
      const double end = sets[i + 1]->created + 30;
      if (end < picture.now - 15 * 86400.0 || sets[i]->replicas > 0) continue;
      for (int n = known[sets[i].get()]; n < count; ++n) {  // what is known needs no stand-in
        auto pod = std::make_shared<Past>();
        const std::string salt = fmt::format("{}/{}", sets[i]->name, n);
        pod->kind = "pods";
        pod->ns = sets[i]->ns;
        std::string suffix;
        for (uint64_t c = 0; c < 5; ++c)
          suffix +=
              "bcdfghjklmnpqrstvwxz2456789"[static_cast<size_t>(Chance(salt, seed + 50 + c) * 27)];
        pod->name = sets[i]->name + "-" + suffix;
        pod->uid = "former/" + salt;
        pod->created = sets[i]->created;
        pod->deleted = end;
        pod->node = (*model)->node;
        pod->ip = fmt::format("10.244.{}.{}", static_cast<int>(Chance(salt, seed + 60) * 6),
                              2 + static_cast<int>(Chance(salt, seed + 61) * 250));
        pod->pod_labels = sets[i]->pod_labels;
        pod->workload = workload;
        pod->workload_kind = "Deployment";
        pod->ready.Set(pod->created, 0);
        pod->ready.Set(pod->created + 12, 1);
        pod->ready.Set(end, 0);
        pod->mentions = (*model)->mentions;
        pod->containers = (*model)->containers;
        for (ContainerPast& container : pod->containers) {
          container.runs = {{pod->created + 3, end}};
          container.oom = false;
        }
        pods_.push_back(std::move(pod));
      }
    }
  }
}

void Traffic::FindServices(const Picture& picture, uint64_t seed) {
  std::map<std::string, std::vector<PastPtr>> by_ns;
  for (const PastPtr& pod : pods_) by_ns[pod->ns].push_back(pod);
  for (const PastPtr& service : picture.Of("services")) {
    if (service->selector.empty() || !std::isinf(service->deleted)) continue;
    const std::string key = service->ns + "/" + service->name;
    ServiceTraffic& traffic = services_[key];
    traffic.ns = service->ns;
    traffic.name = service->name;
    traffic.http = SpeaksHttp(*service);
    traffic.rate = 3 + 45 * std::pow(Chance(key, seed + 2), 2);
    for (const PastPtr& pod : by_ns[service->ns]) {
      if (!Selects(service->selector, pod->pod_labels)) continue;
      // What the pods need, the service needs, whether or not it reaches them.
      traffic.calls.insert(traffic.calls.end(), pod->mentions.begin(), pod->mentions.end());
      if (!Listens(*pod, *service)) continue;
      traffic.pods.push_back(pod);
      service_of_.emplace(pod->uid, key);
    }
    std::sort(traffic.calls.begin(), traffic.calls.end());
    traffic.calls.erase(std::unique(traffic.calls.begin(), traffic.calls.end()),
                        traffic.calls.end());
    std::erase(traffic.calls, key);
  }
  for (auto& [key, traffic] : services_)
    std::erase_if(traffic.calls,
                  [&](const std::string& other) { return !services_.contains(other); });
}

std::vector<double> Traffic::Moments(const Picture& picture) const {
  std::set<double> moments;
  for (const auto& [key, traffic] : services_) {
    for (const PastPtr& pod : traffic.pods) {
      for (const auto& [t, ready] : pod->ready.points()) {
        if (moments.size() < kMaxMoments) moments.insert(t);
      }
    }
  }
  for (const Trouble& trouble : picture.troubles) {
    moments.insert(trouble.time.start);
    if (!std::isinf(trouble.time.end)) moments.insert(trouble.time.end);
  }
  std::vector<double> starts(moments.begin(), moments.end());
  starts.insert(starts.begin(), 0);
  return starts;
}

void Traffic::Spread(const Counts& most, uint64_t seed, std::map<std::string, Health>& now) const {
  const auto lost = [&most](const std::string& service) {
    // What was never there has been worked around; what was lost is missed.
    const auto found = most.find(service);
    return found == most.end() || found->second == 0 ? 0.25 : 1;
  };
  const std::map<std::string, Health> own = now;
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& [key, traffic] : services_) {
      Health& health = now[key];
      health.errors = own.at(key).errors;
      double slower = 1;
      for (const std::string& callee : traffic.calls) {
        const double weight = lost(callee) * (0.12 + 0.2 * Chance(key + ">" + callee, seed + 5));
        const Health& other = now[callee];
        const double normal = UsualLatency(callee, seed);
        health.errors += weight * (other.ready == 0 ? kLostCalls : other.errors);
        slower +=
            weight * (other.ready == 0 ? kSlowWhenGone : std::min(8.0, other.latency / normal - 1));
      }
      health.errors = std::min(0.98, health.errors);
      health.latency = own.at(key).latency * slower;
    }
  }
}

void Traffic::FindHealth(const Picture& picture, uint64_t seed) {
  const std::vector<double> starts = Moments(picture);
  const auto end_of = [&starts](size_t i) {
    return i + 1 < starts.size() ? starts[i + 1] : kForever;
  };
  Counts most;
  std::vector<Counts> ready(starts.size());
  for (auto& [key, traffic] : services_) {
    for (size_t i = 0; i < starts.size(); ++i) {
      const int count = static_cast<int>(
          std::count_if(traffic.pods.begin(), traffic.pods.end(),
                        [&](const PastPtr& pod) { return pod->ready.At(starts[i]) == 1; }));
      ready[i][key] = count;
      // While one rollout goes over into the next there are more pods than are meant to be.
      if (end_of(i) - starts[i] > 120) most[key] = std::max(most[key], count);
    }
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    std::map<std::string, Health> now;
    for (const auto& [key, traffic] : services_) {
      Health& health = now[key];
      health = {starts[i],
                end_of(i),
                ready[i][key],
                0.0005 + 0.002 * Chance(key, seed + 3),
                UsualLatency(key, seed),
                1};
      for (const Trouble& trouble : picture.troubles) {
        if (trouble.OnAt(starts[i])) Suffer(traffic, trouble.what, starts[i], &health);
      }
      Overload(std::max(1, most[key]), &health);
    }
    Spread(most, seed, now);
    for (auto& [key, traffic] : services_) Append(now[key], &traffic.health);
  }
}

}  // namespace opsmesh::kubesim::prometheus
