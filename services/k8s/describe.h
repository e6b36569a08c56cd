// One object in words: what kubectl describe shows, from the cached picture, with what is wrong and
// its events.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Lines of a description: "Strategy" -> "RollingUpdate". Order is how it is shown.
struct Description {
  std::vector<std::pair<std::string, std::string>> lines;
  std::vector<std::pair<std::string, std::string>> tables;  // heading -> rendered table
  bool untrusted = false;

  void Add(std::string key, std::string value) {
    if (!value.empty()) lines.emplace_back(std::move(key), std::move(value));
  }
};

/// Fields of the kind, and what is particular to pods, workloads, services, nodes, claims.
Description Describe(Picture& picture, const kube::Object& object);

/// Describes one object as a tool's answer: description, health, findings, events.
absl::StatusOr<ToolResult> DescribeTool(const ToolCall& call, std::string_view kind,
                                        std::string_view ns, std::string_view name);

/// The health of an object: "healthy", "degraded", "failed", "progressing", "unknown", and the
/// sentence for it.
struct HealthWord {
  std::string state;
  Text text;
};
HealthWord HealthOf(Picture& picture, const kube::Object& object,
                    const std::vector<struct Finding>& findings);

/// Findings about the object, its pods and what belongs to it.
std::vector<struct Finding> FindingsAbout(Picture& picture, const kube::Object& object);
/// Pods of a workload, service, node or job; the pod itself.
std::vector<kube::ObjectPtr> PodsOf(Picture& picture, const kube::Object& object);
/// Newest events about the object (and its pods when `with_pods`), at most `limit`.
std::vector<kube::ObjectPtr> EventsAbout(Picture& picture, const kube::Object& object,
                                         bool with_pods, size_t limit);
/// A table of events, newest first.
std::string EventTable(const std::vector<kube::ObjectPtr>& events, absl::Time now);

}  // namespace opsmesh::k8s
