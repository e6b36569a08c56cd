// Pieces that the printers of the kinds share. For printers*.cc only.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim::printers {

/// Cells after the name.
using Cells = std::vector<Json>;

/// "12d" since the RFC 3339 time there; "<unknown>" when absent.
std::string Age(const Json& time, absl::Time now);
std::string AgeSince(std::string_view time, absl::Time now);
std::string AgeOf(const Json& object, absl::Time now);  // metadata.creationTimestamp
/// `text`, or "<none>" when empty.
std::string OrNone(std::string text);
/// Container names and images of a pod spec, comma separated.
std::string ContainerNames(const Json& pod_spec);
std::string ContainerImages(const Json& pod_spec);
std::string SelectorText(const Json& label_selector);
std::string MapText(const Json& map);

Cells Pod(const Json& pod, absl::Time now);
/// The same, after the name, from the stored bytes: several times as fast.
Cells StoredPodRow(const Object& pod, absl::Time now);
Cells Deployment(const Json& object, absl::Time now);
Cells ReplicaSet(const Json& object, absl::Time now);
Cells StatefulSet(const Json& object, absl::Time now);
Cells DaemonSet(const Json& object, absl::Time now);
Cells Job(const Json& object, absl::Time now);
Cells CronJob(const Json& object, absl::Time now);
Cells Autoscaler(const Json& object, absl::Time now);
Cells DisruptionBudget(const Json& object, absl::Time now);
Cells ControllerRevision(const Json& object, absl::Time now);
Cells Service(const Json& object, absl::Time now);
Cells Endpoints(const Json& object, absl::Time now);
Cells EndpointSlice(const Json& object, absl::Time now);
Cells Ingress(const Json& object, absl::Time now);
Cells Node(const Json& object, absl::Time now);
Cells Event(const Json& object, absl::Time now);
Cells Volume(const Json& object, absl::Time now);
Cells Claim(const Json& object, absl::Time now);
Cells Binding(const Json& object, absl::Time now);
Cells Quota(const Json& object, absl::Time now);
Cells SigningRequest(const Json& object, absl::Time now);
/// One cell of a custom resource; `column` as its definition has it. Null where there is no value,
/// or one of a type that the column does not have.
Json CustomCell(const Json& column, const Json& object, absl::Time now);

}  // namespace opsmesh::kubesim::printers
