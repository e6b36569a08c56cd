#include "libs/analytics/cause/call_graph.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace opsmesh::analytics {
namespace {

// Services in a row that may be unmeasured on the way to a measured one.
constexpr size_t kMostUnmeasured = 64;

// What the target reaches, callers before callees; calls that close a cycle are left out.
std::vector<std::string> DownstreamOrder(const CallGraph& callees, const std::string& target) {
  std::vector<std::string> order;
  std::set<std::string> seen = {target};
  std::vector<std::pair<std::string, bool>> stack = {{target, false}};
  while (!stack.empty()) {
    auto [service, done] = stack.back();
    stack.pop_back();
    if (done) {
      order.push_back(service);
      continue;
    }
    stack.emplace_back(service, true);
    const auto list = callees.find(service);
    if (list == callees.end()) continue;
    for (const std::string& callee : list->second) {
      if (seen.insert(callee).second) stack.emplace_back(callee, false);
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

class Distribution {
 public:
  Distribution(const CallGraph& callees, const std::map<std::string, double>& change,
               const std::map<std::string, double>& requests)
      : callees_(callees), requests_(requests), wants_(change) {
    for (const auto& [caller, list] : callees_) {
      for (const std::string& callee : list) callers_[callee] += Load(caller);
    }
  }

  std::map<std::string, double> Run(const std::string& target, double change) {
    std::map<std::string, double> handed = {{target, change}};
    std::map<std::string, double> shares;
    for (const std::string& service : DownstreamOrder(callees_, target)) {
      const double mine = handed[service];
      double wanted = 0;
      std::vector<std::pair<std::string, double>> parts;
      if (const auto list = callees_.find(service); list != callees_.end()) {
        for (const std::string& callee : list->second) {
          if (shares.contains(callee)) continue;
          parts.emplace_back(callee, Want(callee, 0) * PartOf(service, callee));
          wanted += parts.back().second;
        }
      }
      const double scale = wanted > mine ? mine / wanted : 1;
      for (const auto& [callee, part] : parts) handed[callee] += part * scale;
      shares[service] = (mine - wanted * scale) / change;
    }
    return shares;
  }

 private:
  double Load(const std::string& service) const {
    const auto found = requests_.find(service);
    return found == requests_.end() ? 1.0 : std::max(found->second, 1e-9);
  }

  double PartOf(const std::string& caller, const std::string& callee) {
    return Load(caller) / std::max(callers_[callee], 1e-9);
  }

  // What a service would pass on to its callers: its own change; of one that is not measured what
  // its callees pass on to it, so that a gap in the measurements does not cut the path.
  double Want(const std::string& service, size_t behind) {
    const auto [at, unknown] = wants_.emplace(service, 0);
    if (!unknown || behind > kMostUnmeasured) return at->second;
    double sum = 0;  // a cycle of services that are not measured wants nothing
    if (const auto list = callees_.find(service); list != callees_.end()) {
      for (const std::string& callee : list->second)
        sum += Want(callee, behind + 1) * PartOf(service, callee);
    }
    return wants_[service] = sum;
  }

  const CallGraph& callees_;
  const std::map<std::string, double>& requests_;
  std::map<std::string, double> wants_;
  std::map<std::string, double> callers_;  // requests of all callers of a service
};

}  // namespace

std::map<std::string, double> OwnShares(const std::string& target, const CallGraph& callees,
                                        const std::map<std::string, double>& change,
                                        const std::map<std::string, double>& requests) {
  const auto start = change.find(target);
  if (start == change.end() || start->second <= 0) return {};
  return Distribution(callees, change, requests).Run(target, start->second);
}

}  // namespace opsmesh::analytics
