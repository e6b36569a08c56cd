#include "libs/analytics/cause/metric_role.h"

#include <array>
#include <cctype>
#include <string>

namespace opsmesh::analytics {
namespace {

struct Pattern {
  std::string_view part;
  MetricRole role;
};

// The first match counts; what is special comes before what is general.
constexpr auto kPatterns = std::to_array<Pattern>({
    {"availability", MetricRole::kAvailability},
    {"success", MetricRole::kAvailability},
    {"error", MetricRole::kErrors},
    {"fail", MetricRole::kErrors},
    {"5xx", MetricRole::kErrors},
    {"fault", MetricRole::kErrors},
    {"latency", MetricRole::kLatency},
    {"duration", MetricRole::kLatency},
    {"response_time", MetricRole::kLatency},
    {"responsetime", MetricRole::kLatency},
    {"p50", MetricRole::kLatency},
    {"p90", MetricRole::kLatency},
    {"p95", MetricRole::kLatency},
    {"p99", MetricRole::kLatency},
    {"lat50", MetricRole::kLatency},
    {"lat90", MetricRole::kLatency},
    {"lat95", MetricRole::kLatency},
    {"lat99", MetricRole::kLatency},
    {"cpu", MetricRole::kProcessor},
    {"throttl", MetricRole::kProcessor},
    {"load1", MetricRole::kProcessor},
    {"mem", MetricRole::kMemory},
    {"heap", MetricRole::kMemory},
    {"rss", MetricRole::kMemory},
    {"oom", MetricRole::kMemory},
    {"sysread", MetricRole::kDisk},
    {"syswrite", MetricRole::kDisk},
    {"disk", MetricRole::kDisk},
    {"_fs_", MetricRole::kDisk},
    {"filesystem", MetricRole::kDisk},
    {"volume", MetricRole::kDisk},
    {"netrx", MetricRole::kNetwork},
    {"nettx", MetricRole::kNetwork},
    {"network", MetricRole::kNetwork},
    {"receive", MetricRole::kNetwork},
    {"transmit", MetricRole::kNetwork},
    {"request", MetricRole::kRequests},
    {"qps", MetricRole::kRequests},
    {"rps", MetricRole::kRequests},
    {"ops", MetricRole::kRequests},
    {"throughput", MetricRole::kRequests},
    {"calls", MetricRole::kRequests},
    {"load", MetricRole::kRequests},
    {"handled_total", MetricRole::kRequests},
});

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace

MetricRole RoleOf(std::string_view metric) {
  const std::string name = Lower(metric);
  for (const Pattern& pattern : kPatterns) {
    if (name.find(pattern.part) != std::string::npos) return pattern.role;
  }
  return MetricRole::kOther;
}

bool IsMean(std::string_view metric) {
  const std::string name = Lower(metric);
  return name.find("average") != std::string::npos || name.find("avg") != std::string::npos ||
         name.find("mean") != std::string::npos;
}

std::string_view RoleName(MetricRole role) {
  switch (role) {
    case MetricRole::kLatency:
      return "latency";
    case MetricRole::kRequests:
      return "requests";
    case MetricRole::kAvailability:
      return "availability";
    case MetricRole::kErrors:
      return "errors";
    case MetricRole::kProcessor:
      return "processor";
    case MetricRole::kMemory:
      return "memory";
    case MetricRole::kDisk:
      return "disk";
    case MetricRole::kNetwork:
      return "network";
    case MetricRole::kOther:
      return "other";
  }
  return "other";
}

}  // namespace opsmesh::analytics
