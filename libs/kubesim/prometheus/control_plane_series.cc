// What the parts of the control plane tell: each is there while its pod in kube-system runs.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "libs/kubesim/prometheus/target_series.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;
using WavePtr = std::shared_ptr<const Wave>;

/// A part by the label of its pods, and where it is scraped.
struct Part {
  const char* label;
  const char* value;
  const char* job;
  const char* port;
};
constexpr Part kParts[] = {
    {"component", "kube-apiserver", "kube-apiserver", "6443"},
    {"component", "kube-scheduler", "kube-scheduler", "10259"},
    {"component", "kube-controller-manager", "kube-controller-manager", "10257"},
    {"component", "etcd", "etcd", "2381"},
    {"k8s-app", "kube-proxy", "kube-proxy", "10249"},
    {"k8s-app", "kube-dns", "coredns", "9153"}};

/// Requests of one sort that an apiserver answers: so many a second, for each node and each pod.
struct Call {
  const char* verb;
  const char* group;
  const char* resource;
  const char* subresource;
  const char* scope;
  double base, per_node, per_pod;
  double median;  // seconds
};
constexpr Call kCalls[] = {
    {"PUT", "coordination.k8s.io", "leases", "", "resource", 1.0, 0.1, 0, 0.005},
    {"GET", "coordination.k8s.io", "leases", "", "resource", 1.0, 0, 0, 0.002},
    {"GET", "", "nodes", "", "resource", 0, 0.1, 0, 0.002},
    {"PATCH", "", "nodes", "status", "resource", 0, 1.0 / 300, 0, 0.008},
    {"GET", "", "pods", "", "resource", 0, 0, 0.01, 0.002},
    {"PATCH", "", "pods", "status", "resource", 0, 0, 0.002, 0.008},
    {"LIST", "", "pods", "", "cluster", 0.05, 0, 0, 0.012},
    {"LIST", "", "configmaps", "", "namespace", 0.02, 0.01, 0, 0.006},
    {"WATCH", "", "pods", "", "cluster", 0.01, 0.003, 0, 400},
    {"POST", "", "events", "", "namespace", 0.02, 0, 0.001, 0.006},
    {"POST", "", "serviceaccounts", "token", "resource", 0, 0, 0.0003, 0.006},
    {"POST", "authentication.k8s.io", "tokenreviews", "", "cluster", 0.02, 0.02, 0, 0.003},
    {"PUT", "apps", "deployments", "status", "resource", 0.01, 0, 0, 0.007},
    {"PUT", "discovery.k8s.io", "endpointslices", "", "resource", 0.005, 0, 0, 0.007}};

/// How many were there at t.
double CountAt(const std::vector<PastPtr>& objects, double t) {
  return static_cast<double>(std::count_if(objects.begin(), objects.end(), [t](const PastPtr& one) {
    return one->created <= t && t < one->deleted;
  }));
}

void Apiserver(TargetSeries& part, const std::shared_ptr<const Picture>& picture,
               const WavePtr& wave) {
  const auto nodes = static_cast<double>(picture->Of("nodes").size());
  const auto pods = static_cast<double>(picture->Of("pods").size());
  for (const Call& call : kCalls) {
    const double rate = call.base + call.per_node * nodes + call.per_pod * pods;
    const std::string verb = call.verb;
    Labels labels = {{"verb", verb},
                     {"group", call.group},
                     {"version", "v1"},
                     {"resource", call.resource},
                     {"scope", call.scope},
                     {"subresource", call.subresource},
                     {"component", "apiserver"}};
    const auto answered = [&](const char* code, double share) {
      Labels more = labels;
      more.emplace_back("code", code);
      part.Growing("apiserver_request_total", rate * share, wave, std::move(more));
    };
    const double lost = verb == "PUT" || verb == "PATCH" ? 0.003 : verb == "GET" ? 0.005 : 0;
    answered(verb == "POST" ? "201" : "200", 1 - lost);
    if (lost > 0) answered(verb == "GET" ? "404" : "409", lost);
    for (const char* metric :
         {"apiserver_request_duration_seconds", "apiserver_request_sli_duration_seconds"}) {
      part.Histogram(metric, rate, call.median, wave,
                     {"0.005", "0.025", "0.05", "0.1", "0.2", "0.4", "0.6", "0.8",
                      "1",     "1.25",  "1.5",  "2",   "3",   "4",   "5",   "6",
                      "8",     "10",    "15",   "20",  "30",  "45",  "60",  "+Inf"},
                     labels);
    }
  }
  for (const char* kind : {"readOnly", "mutating"}) {
    part.Add("apiserver_current_inflight_requests", {{"request_kind", kind}},
             [wave, reads = kind[0] == 'r'](double t) {
               return std::floor((reads ? 2.4 : 1.2) * wave->At(t));
             });
  }
  for (const auto& [plural, objects] : picture->kinds) {
    part.Add("apiserver_storage_objects", {{"resource", plural}},
             [picture, &list = objects](double t) { return CountAt(list, t); });
  }
}

void Scheduler(TargetSeries& part, const std::shared_ptr<const Picture>& picture,
               const WavePtr& wave) {
  const auto waiting = [picture](double t) {
    double count = 0;
    for (const PastPtr& pod : picture->Of("pods")) {
      if (t < pod->created || t >= pod->deleted) continue;
      const auto at = pod->facts.lower_bound({"kube_pod_status_unschedulable", {}});
      if (at != pod->facts.end() && at->first.first == "kube_pod_status_unschedulable" &&
          at->second.At(t) == 1)
        ++count;
    }
    return count;
  };
  part.Add("scheduler_pending_pods", {{"queue", "unschedulable"}}, waiting);
  for (const char* queue : {"active", "backoff", "gated"})
    part.Constant("scheduler_pending_pods", 0, {{"queue", queue}});
  part.Add("scheduler_schedule_attempts_total",
           {{"profile", "default-scheduler"}, {"result", "scheduled"}}, [picture](double t) {
             double count = 0;
             for (const PastPtr& pod : picture->Of("pods"))
               count += !pod->node.empty() && pod->created <= t ? 1 : 0;
             return count;
           });
  part.Histogram("scheduler_scheduling_attempt_duration_seconds", 0.02, 0.003, wave,
                 {"0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256",
                  "0.512", "1.024", "2.048", "4.096", "+Inf"},
                 {{"profile", "default-scheduler"}, {"result", "scheduled"}});
}

void Etcd(TargetSeries& part, const std::shared_ptr<const Picture>& picture, const WavePtr& wave) {
  part.Constant("etcd_server_has_leader", 1);
  part.Constant("etcd_server_leader_changes_seen_total", 1);
  part.Constant("etcd_server_proposals_failed_total", 0);
  part.Add("etcd_mvcc_db_total_size_in_bytes", {}, [picture](double t) {
    double objects = 0;
    for (const auto& [plural, list] : picture->kinds) objects += CountAt(list, t);
    return 8e6 + 3000 * objects;
  });
  for (const char* metric :
       {"etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds"}) {
    part.Histogram(metric, 4, 0.002, wave,
                   {"0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256",
                    "0.512", "1.024", "2.048", "4.096", "8.192", "+Inf"});
  }
}

/// Names asked for, and how many were not answered while a fault kept names from resolving.
void Names(TargetSeries& part, const std::shared_ptr<const Picture>& picture, double rate,
           const WavePtr& wave) {
  const Labels server = {{"server", "dns://:53"}, {"zone", "."}};
  const auto with = [&](Labels more) {
    more.insert(more.end(), server.begin(), server.end());
    return more;
  };
  for (const char* type : {"A", "AAAA"}) {
    part.Growing("coredns_dns_requests_total", rate / 2, wave,
                 with({{"type", type}, {"proto", "udp"}, {"family", "1"}}));
  }
  const double start = part.target().start;
  const auto failed = [picture, rate, wave, start](double t) {
    double count = 0;
    for (const Trouble& trouble : picture->troubles) {
      if (trouble.what.kind != Disturbance::Kind::kNoNames || trouble.time.start >= t) continue;
      count +=
          rate * wave->Integral(std::max(start, trouble.time.start), std::min(t, trouble.time.end));
    }
    return count;
  };
  part.Add("coredns_dns_responses_total", with({{"rcode", "SERVFAIL"}}),
           [failed](double t) { return std::floor(failed(t)); });
  for (const auto& [rcode, share] : {std::pair("NOERROR", 0.8), std::pair("NXDOMAIN", 0.2)}) {
    part.Add(
        "coredns_dns_responses_total", with({{"rcode", rcode}}),
        [failed, rate, wave, start, share = share](double t) {
          return std::floor(share * std::max(0.0, rate * wave->Integral(start, t) - failed(t)));
        });
  }
  part.Histogram("coredns_dns_request_duration_seconds", rate, 0.0006, wave,
                 {"0.00025", "0.0005", "0.001", "0.002", "0.004", "0.008", "0.016", "0.032",
                  "0.064", "0.128", "0.256", "0.512", "1.024", "2.048", "4.096", "8.192", "+Inf"},
                 server);
  part.Constant("coredns_panics_total", 0);
}

/// What every program in Go tells of its process.
void Process(TargetSeries& part, const ContainerPast& container, const Flow& cpu,
             const WavePtr& wave) {
  part.Add("process_cpu_seconds_total", {}, [&cpu, &container](double t) {
    const ptrdiff_t run = RunAt(container.runs, t);
    return run < 0 ? kNaN
                   : cpu.Total(t) - cpu.Total(container.runs[static_cast<size_t>(run)].start);
  });
  part.Add("process_resident_memory_bytes", {}, [&container, wave](double t) {
    return std::floor(container.memory * (0.9 + 0.1 * wave->At(t)));
  });
  part.Add("process_start_time_seconds", {}, [&container](double t) {
    const ptrdiff_t run = RunAt(container.runs, t);
    return run < 0 ? kNaN : std::floor(container.runs[static_cast<size_t>(run)].start);
  });
  part.Add("go_goroutines", {}, [wave, some = 60 + container.memory / 1e6](double t) {
    return std::floor(some * (0.9 + 0.1 * wave->At(t)));
  });
}

}  // namespace

void Model::ControlPlane(Sink& sink) const {
  for (const PastPtr& pod : picture_->Of("pods")) {
    if (pod->ns != "kube-system" || pod->containers.empty() || pod->containers[0].runs.empty())
      continue;
    const auto* part = std::find_if(std::begin(kParts), std::end(kParts), [&](const Part& one) {
      return promql::ValueOf(pod->pod_labels, one.label) == one.value;
    });
    if (part == std::end(kParts)) continue;
    const ContainerPast& container = pod->containers[0];
    const Past* node = NodeOf(pod->node);
    const std::string ip = !pod->ip.empty() ? pod->ip : node != nullptr ? node->ip : pod->name;
    TargetSeries series(sink, {part->job,
                               ip + ":" + part->port,
                               {{"namespace", pod->ns}, {"pod", pod->name}},
                               container.runs.front().start,
                               pod->deleted,
                               [&container, node](double t) {
                                 const bool there = node == nullptr || node->up.At(t) != 0;
                                 return there && RunAt(container.runs, t) >= 0 ? 1.0 : 0.0;
                               }});
    series.Up();
    const std::string job = part->job;
    const auto wave = std::make_shared<const Wave>(job + "/" + pod->name, seed_, 0.12, 0.08);
    Process(series, container, flows_.at(pod->uid + "/" + container.name)->cpu, wave);
    if (job.starts_with("kube-"))
      series.BuildInfo(container.image.substr(container.image.rfind(':') + 1));
    if (job == "kube-apiserver") Apiserver(series, picture_, wave);
    if (job == "kube-scheduler") Scheduler(series, picture_, wave);
    if (job == "etcd") Etcd(series, picture_, wave);
    if (job == "coredns")
      Names(series, picture_, 0.4 * static_cast<double>(picture_->Of("pods").size()), wave);
    if (job == "kube-controller-manager") {
      for (const char* name : {"deployment", "replicaset", "endpoint_slice", "job"}) {
        series.Constant("workqueue_depth", 0, {{"name", name}});
        series.Growing("workqueue_adds_total", 0.05, wave, {{"name", name}});
      }
    }
    if (job == "kube-proxy") {
      series.Histogram("kubeproxy_sync_proxy_rules_duration_seconds", 1.0 / 30, 0.02, wave,
                       {"0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128",
                        "0.256", "0.512", "1.024", "2.048", "4.096", "8.192", "16.384", "+Inf"});
    }
  }
}

}  // namespace opsmesh::kubesim::prometheus
