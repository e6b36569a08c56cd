// The series of one scraped process: private to Model.
#pragma once

#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "libs/kubesim/prometheus/model.h"

namespace opsmesh::kubesim::prometheus {

/// Where a metric comes from: labels of its target, its life, and when it answers.
struct Target {
  std::string job;
  std::string instance;
  promql::Labels labels;  // beside job and instance
  double start = 0;
  double end = kForever;
  ValueAt up;  // 0 while it does not answer
};

/// Tells a sink the series of a target. What the values hold lives as long as they do.
class TargetSeries {
 public:
  TargetSeries(Sink& sink, Target target) : sink_(sink), target_(std::move(target)) {}

  const Target& target() const { return target_; }
  void Up();
  /// No value while the target does not answer.
  void Add(const std::string& metric, promql::Labels labels, ValueAt value);
  void Constant(const std::string& metric, double value, promql::Labels labels = {});
  /// kubernetes_build_info of "v1.32.4".
  void BuildInfo(const std::string& version);
  /// A counter that grows by `rate` a second on average, after `wave`.
  void Growing(const std::string& metric, double rate, std::shared_ptr<const Wave> wave,
               promql::Labels labels = {});
  /// "_bucket", "_sum" and "_count" of what happens `rate` times a second and takes `median`
  /// seconds in half of the cases.
  void Histogram(const std::string& metric, double rate, double median,
                 std::shared_ptr<const Wave> wave, std::initializer_list<const char*> bounds,
                 const promql::Labels& labels = {});

 private:
  Sink& sink_;
  const Target target_;
};

}  // namespace opsmesh::kubesim::prometheus
