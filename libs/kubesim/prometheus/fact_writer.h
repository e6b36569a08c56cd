// Writes the state metrics of one object: private to FactsOf.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/promql/labels.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim::prometheus {

/// A number as it stands, 0 for anything else.
double NumberOf(const Json& value);
/// A quantity in its base unit ("500m" = 0.5); NaN when it is none.
double AmountOf(const Json& quantity);

class FactWriter {
 public:
  /// Every fact bears the object's namespace and, under `own_label`, its name. `object` must
  /// outlive the writer.
  FactWriter(const Json& object, std::string own_label);

  /// Nothing when `value` is NaN. `since`, `before`: as in Fact.
  void Add(std::string metric, double value, promql::Labels more = {}, double since = kNaN,
           double before = kNaN);
  void AddPath(std::string metric, std::initializer_list<const char*> path, double otherwise = 0);
  void AddCreated(const std::string& metric);
  /// One series for each of "true", "false", "unknown"; the present one since the transition, its
  /// opposite before.
  void AddConditions(const std::string& metric, const std::string& status_label = "status");
  void AddResources(const std::string& metric, const Json& list, const promql::Labels& more = {});
  std::vector<Fact> Take() { return std::move(facts_); }

 private:
  const Json& object_;
  promql::Labels labels_;
  std::vector<Fact> facts_;
};

/// The facts of a pod and of its containers.
std::vector<Fact> PodFacts(const Json& pod);

}  // namespace opsmesh::kubesim::prometheus
