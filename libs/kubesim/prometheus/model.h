// The series of a picture of the cluster: private to Metrics.
#pragma once

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

class Model {
 public:
  Model(std::shared_ptr<const Picture> picture, uint64_t seed);
  const Picture& picture() const { return *picture_; }
  /// Tells every series to the sink. What the values need lives as long as this model.
  void Describe(Sink& sink) const;

 private:
  struct ContainerFlow;

  void State(Sink& sink) const;
  void Containers(Sink& sink) const;
  void Container(Sink& sink, const Past& pod, const ContainerPast& container,
                 const ContainerFlow& flow) const;
  void Network(Sink& sink, const Past& pod) const;
  void Nodes(Sink& sink) const;
  void Node(Sink& sink, const Past& node, double load) const;
  void Requests(Sink& sink) const;
  void Service(Sink& sink, const ServiceTraffic& traffic, const Past& pod) const;
  void Targets(Sink& sink) const;
  const Past* NodeOf(const std::string& name) const;

  const std::shared_ptr<const Picture> picture_;
  const uint64_t seed_;
  const Traffic traffic_;
  std::map<std::string, PastPtr> nodes_;
  std::map<std::string, std::shared_ptr<const ContainerFlow>> flows_;  // by uid/container
};

}  // namespace opsmesh::kubesim::prometheus
