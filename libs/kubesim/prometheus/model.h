// The series of a picture of the cluster: private to Metrics.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/kubesim/prometheus/traffic.h"
#include "libs/kubesim/promql/labels.h"

namespace opsmesh::kubesim::prometheus {

/// The value of a series at a time in seconds; NaN where it has none.
using ValueAt = std::function<double(double)>;

/// Takes series: `value` is asked for only when somebody reads.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Whether anybody wants that metric: then its labels need not be made.
  virtual bool Wants(const std::string& metric) = 0;
  /// `target` = who was scraped for it ("job/instance"); [start, end] bounds its life.
  virtual void Add(const std::string& metric, promql::Labels labels, const std::string& target,
                   double start, double end, ValueAt value) = 0;
};

/// Index of the run that holds t, or -1.
ptrdiff_t RunAt(const std::vector<Run>& runs, double t);
/// "10.1.0.7:8080": where a pod with containers is scraped itself.
std::string InstanceOf(const Past& pod);

class Model {
 public:
  Model(std::shared_ptr<const Picture> picture, uint64_t seed);
  const Picture& picture() const { return *picture_; }
  /// Tells every series to the sink. What the values need lives as long as this model.
  void Describe(Sink& sink) const;

 private:
  /// What a container uses.
  struct ContainerFlow {
    explicit ContainerFlow(const Wave& wave) : cpu(wave), throttled(wave), wave(wave) {}
    Flow cpu;        // cores, as used
    Flow throttled;  // throttled periods a second
    Wave wave;
    double mean_run = 60;  // seconds
  };
  class ContainerSeries;

  std::shared_ptr<const ContainerFlow> FlowOf(const Past& pod,
                                              const ContainerPast& container) const;

  void State(Sink& sink) const;
  void Containers(Sink& sink) const;
  void Network(Sink& sink, const Past& pod) const;
  void Nodes(Sink& sink) const;
  void Kubelets(Sink& sink) const;
  void ControlPlane(Sink& sink) const;
  void Requests(Sink& sink) const;
  void Targets(Sink& sink) const;
  const Past* NodeOf(const std::string& name) const;
  /// "10.0.0.4:10250": where the kubelet of a pod is scraped.
  std::string KubeletOf(const Past& pod) const;

  const std::shared_ptr<const Picture> picture_;
  const uint64_t seed_;
  const Traffic traffic_;
  std::map<std::string, PastPtr> nodes_;
  std::map<std::string, std::shared_ptr<const ContainerFlow>> flows_;  // by uid/container
};

}  // namespace opsmesh::kubesim::prometheus
