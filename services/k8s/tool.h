// A tool: name, words, parameters, risk, and the function that answers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "services/k8s/answer.h"
#include "services/k8s/arguments.h"
#include "services/k8s/cluster.h"

namespace opsmesh::k8s {

/// What a tool may do, as the code knows it. The numbers equal opsmesh.k8s.v1.RiskClass.
enum class Risk { kRead = 1, kLow = 2, kMedium = 3, kHigh = 4 };

/// One call: arguments are checked, the cluster is chosen.
struct ToolCall {
  const base::Context& ctx;
  Cluster& cluster;
  const Arguments& arguments;
  /// Namespace of the caller's scope; "" = none given.
  std::string scope_namespace;
  absl::Time now;
};

using ToolHandler = std::function<absl::StatusOr<ToolResult>(const ToolCall&)>;

struct Tool {
  std::string name;
  std::string group;  // "resources", "diagnostics", "analysis", "cluster", "query", "remediation",
                      // "tracing", ...
  Text description;
  std::vector<Param> params;
  ToolHandler handler;
  Risk risk = Risk::kRead;
  bool available = true;             // false: listed, answers UNIMPLEMENTED
  bool cacheable = true;             // the answer comes from the watch cache alone
  std::vector<std::string> aliases;  // documented ones; the registry adds the kebab-case name
};

}  // namespace opsmesh::k8s
