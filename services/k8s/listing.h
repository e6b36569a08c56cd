// Lists as answers: the query's rows as JSON, as a table, as a sentence with totals, and as facts.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/k8s/answer.h"
#include "services/k8s/picture.h"
#include "services/k8s/query.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Kind in sentences: "12 pods" / "12 个 Pod", "1 node" / "1 个节点".
Text CountOf(const kube::ResourceType& type, int64_t count);
/// "in namespace shop" / "命名空间 shop 中", or "in all namespaces" / "所有命名空间中" for "".
Text PlaceOf(const kube::ResourceType& type, std::string_view ns);
/// The built-in type by plural; a name that is not built in is a bug of ours.
const kube::ResourceType& TypeOf(std::string_view plural);

/// Namespace a call is about: the argument, else the caller's scope, else all (""). "*" = all.
std::string NamespaceOf(const ToolCall& call);
/// Namespace of a single object: the argument, else the scope, else the cluster's default.
std::string NamespaceForOne(const ToolCall& call);

/// The cached objects for an answer about the pods of one namespace ("" = all). Errors: pods cannot
/// be read, the namespace is unknown.
absl::StatusOr<Picture> PodPicture(const ToolCall& call, std::string ns);

/// A query from the usual arguments (label_selector, field_selector, status, where, limit, cursor,
/// ...), those that are there. `type` is what it is over.
absl::StatusOr<Query> QueryFrom(const ToolCall& call, const kube::ResourceType& type);

/// Runs `query` over the cached objects of its kind and writes the answer. NOT_FOUND when the
/// namespace does not exist.
absl::StatusOr<ToolResult> ListCached(const ToolCall& call, const Query& query,
                                      std::string_view ns);
/// The same over objects that were read by themselves.
absl::StatusOr<ToolResult> Answer(const Query& query, std::span<const kube::ObjectPtr> objects,
                                  Picture& picture);

}  // namespace opsmesh::k8s
