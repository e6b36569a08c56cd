#include "libs/kubesim/prometheus/target_series.h"

#include <cstdlib>

namespace opsmesh::kubesim::prometheus {

using promql::Labels;

void TargetSeries::Up() {
  Labels labels = target_.labels;
  labels.insert(labels.end(), {{"job", target_.job}, {"instance", target_.instance}});
  sink_.Add("up", std::move(labels), target_.job + "/" + target_.instance, target_.start,
            target_.end, target_.up);
}

void TargetSeries::Add(const std::string& metric, Labels labels, ValueAt value) {
  if (!sink_.Wants(metric)) return;
  labels.insert(labels.end(), target_.labels.begin(), target_.labels.end());
  labels.insert(labels.end(), {{"job", target_.job}, {"instance", target_.instance}});
  sink_.Add(metric, std::move(labels), target_.job + "/" + target_.instance, target_.start,
            target_.end, [up = target_.up, inner = std::move(value)](double t) {
              return up(t) == 0 ? kNaN : inner(t);
            });
}

void TargetSeries::Constant(const std::string& metric, double value, Labels labels) {
  Add(metric, std::move(labels), [value](double) { return value; });
}

void TargetSeries::Growing(const std::string& metric, double rate, std::shared_ptr<const Wave> wave,
                           Labels labels) {
  Add(metric, std::move(labels), [rate, start = target_.start, wave = std::move(wave)](double t) {
    return std::floor(rate * wave->Integral(start, t));
  });
}

void TargetSeries::Histogram(const std::string& metric, double rate, double median,
                             std::shared_ptr<const Wave> wave,
                             std::initializer_list<const char*> bounds, const Labels& labels) {
  Growing(metric + "_count", rate, wave, labels);
  // The mean of the distribution: median times exp(sigma^2 / 2).
  Add(metric + "_sum", labels,
      [sum = rate * median * std::exp(0.245), start = target_.start, wave](double t) {
        return sum * wave->Integral(start, t);
      });
  if (!sink_.Wants(metric + "_bucket")) return;
  for (const char* le : bounds) {
    const double share = le[0] == '+' ? 1 : ShareWithin(std::strtod(le, nullptr), median);
    Labels more = labels;
    more.emplace_back("le", le);
    Growing(metric + "_bucket", rate * share, wave, std::move(more));
  }
}

}  // namespace opsmesh::kubesim::prometheus
