// Sees faults of nodes in the figures of their pods.
//
// A node that dies takes its pods' series with it: they end, which no comparison of before and
// after shows. So series are made that count the pods still reporting, for nodes and workloads that
// lost most of theirs at once. A node that is merely sick shows in most of its pods deviating while
// their like elsewhere do not. In both cases the node stands before the workloads that suffer.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/analytics/cause/attribution.h"
#include "opsmesh/type/v1/common.pb.h"
#include "services/rca/metric_source.h"
#include "services/rca/ownership.h"
#include "services/rca/topology.h"

namespace opsmesh::rca {

/// Name of the metric of the series that are made.
inline constexpr char kReporting[] = "pods_reporting";

/// What a service's place rests on beside its own metrics, in the order to be told.
using ExtraSteps = std::map<std::string, std::vector<type::v1::Text>>;

/// Pods and when they were seen. Pure but for what it keeps.
class NodeFaults {
 public:
  /// Remembers the pods of the series; `topology` must outlive it.
  NodeFaults(const std::vector<MetricSeries>& series, const Topology& topology);

  /// The series described above, of nodes and of workloads; empty when nobody lost pods.
  std::vector<MetricSeries> Reporting() const;

  /// Moves the node that explains what deviates to the front and says why; nothing when none does.
  void Promote(const analytics::CauseInput& input, const Names& names,
               analytics::CauseResult& result, ExtraSteps& steps) const;

 private:
  struct Seen {
    std::string ns, pod, node;
    CauseObject workload;
    double first = 0, last = 0;
  };
  struct Loss {
    std::vector<const Seen*> lost;
    size_t before = 0;
    double time = 0;
  };

  Loss LossOf(const std::vector<const Seen*>& pods) const;
  MetricSeries Counting(const std::vector<const Seen*>& pods, const std::string& label,
                        const CauseObject& owner) const;

  const Topology& topology_;
  std::vector<Seen> seen_;
  double begin_ = 0, end_ = 0, step_ = 60;
};

}  // namespace opsmesh::rca
