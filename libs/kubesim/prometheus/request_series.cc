// What HTTP services tell of the requests they answer.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "libs/kubesim/prometheus/model.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

constexpr double kHistory = 16 * 86400.0;  // seconds: what is older nobody reads

/// The series of one pod of a service. What it refers to outlives the values.
class RequestSeries {
 public:
  RequestSeries(Sink& sink, const ServiceTraffic& traffic, const Past& pod, const Past* node,
                double since, uint64_t seed)
      : sink_(sink),
        traffic_(traffic),
        pod_(pod),
        container_(pod.containers[0]),
        node_(node),
        since_(since),
        wave_(traffic.ns + "/" + traffic.name, seed, 0.45, 0.12),
        instance_(InstanceOf(pod)) {}

  void Describe() {
    Codes();
    Buckets();
    if (sink_.Wants("http_request_duration_seconds_count")) {
      Add("http_request_duration_seconds_count", {}, FlowOf([](const Health&) { return 1.0; }));
    }
    if (sink_.Wants("http_request_duration_seconds_sum")) {
      // The mean of the distribution: median times exp(sigma^2 / 2).
      Add("http_request_duration_seconds_sum", {},
          FlowOf([](const Health& h) { return h.latency * std::exp(0.245); }), false);
    }
  }

 private:
  /// One flow for each series: the service's wave times this pod's share of what the series counts.
  template <typename Share>
  std::shared_ptr<const Flow> FlowOf(Share share) const {
    auto flow = std::make_shared<Flow>(wave_);
    for (const Health& health : traffic_.health) {
      const double from = std::max({health.from, pod_.created, since_});
      const double to = std::min(health.to, pod_.deleted);
      const bool serves =
          health.ready > 0 && from < to && pod_.ready.At((from + std::min(to, from + 1)) / 2) == 1;
      flow->Add(from, to, serves ? traffic_.rate / std::max(1, health.ready) * share(health) : 0);
    }
    return flow;
  }

  void Add(const char* metric, Labels more, std::shared_ptr<const Flow> flow, bool whole = true) {
    more.insert(more.end(), {{"namespace", traffic_.ns},
                             {"service", traffic_.name},
                             {"pod", pod_.name},
                             {"job", traffic_.name},
                             {"instance", instance_},
                             {"node", pod_.node}});
    sink_.Add(metric, std::move(more), traffic_.name + "/" + instance_,
              container_.runs.front().start, pod_.deleted,
              [flow = std::move(flow), &container = container_, node = node_, whole](double t) {
                const ptrdiff_t run = RunAt(container.runs, t);
                if (run < 0 || (node != nullptr && node->up.At(t) == 0)) return kNaN;
                const double value =
                    flow->Total(t) - flow->Total(container.runs[static_cast<size_t>(run)].start);
                return whole ? std::floor(value) : value;
              });
  }

  void Codes() {
    if (!sink_.Wants("http_requests_total")) return;
    for (const auto& [method, part] : {std::pair("GET", 0.82), std::pair("POST", 0.18)}) {
      const double share = part;
      const auto code = [&](const char* text, auto of) {
        Add("http_requests_total", {{"method", method}, {"code", text}},
            FlowOf([share, of](const Health& h) { return share * of(h); }));
      };
      code("200", [](const Health& h) { return (1 - h.errors) * 0.985; });
      code("404", [](const Health& h) { return (1 - h.errors) * 0.015; });
      code("500", [](const Health& h) { return h.errors * 0.3; });
      code("502", [](const Health& h) { return h.errors * 0.2; });
      code("503", [](const Health& h) { return h.errors * 0.5; });
    }
  }

  void Buckets() {
    if (!sink_.Wants("http_request_duration_seconds_bucket")) return;
    for (const char* le :
         {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"}) {
      const double bound = le[0] == '+' ? kForever : std::strtod(le, nullptr);
      Add("http_request_duration_seconds_bucket", {{"le", le}}, FlowOf([bound](const Health& h) {
            return std::isinf(bound) ? 1.0 : ShareWithin(bound, h.latency);
          }));
    }
  }

  Sink& sink_;
  const ServiceTraffic& traffic_;
  const Past& pod_;
  const ContainerPast& container_;
  const Past* const node_;
  const double since_;
  const Wave wave_;
  const std::string instance_;
};

}  // namespace

void Model::Requests(Sink& sink) const {
  bool wanted = false;
  for (const char* metric : {"http_requests_total", "http_request_duration_seconds_bucket",
                             "http_request_duration_seconds_sum",
                             "http_request_duration_seconds_count", "http_requests_in_flight"}) {
    wanted = sink.Wants(metric) || wanted;
  }
  if (!wanted) return;
  for (const auto& [key, traffic] : traffic_.services()) {
    if (!traffic.http) continue;
    for (const PastPtr& pod : traffic.pods) {
      if (!pod->containers.empty() && !pod->containers[0].runs.empty())
        RequestSeries(sink, traffic, *pod, NodeOf(pod->node), picture_->now - kHistory, seed_)
            .Describe();
    }
  }
}

}  // namespace opsmesh::kubesim::prometheus
