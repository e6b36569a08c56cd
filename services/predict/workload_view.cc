#include "services/predict/workload_view.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/clients/mesh.h"
#include "libs/kube/quantity.h"
#include "nlohmann/json.hpp"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"

namespace opsmesh::predict {
namespace {

using k8s::v1::K8sService;
using nlohmann::json;

constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr int kReferenceColumn = 1;  // of the list of autoscalers, as kubectl prints it

const json* Member(const json& object, std::initializer_list<const char*> path) {
  const json* at = &object;
  for (const char* key : path) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(key);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::optional<int> Count(const json& object, std::initializer_list<const char*> path) {
  const json* const value = Member(object, path);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  const auto count = value->get<int64_t>();
  if (count < 0 || count > 1'000'000) return std::nullopt;
  return static_cast<int>(count);
}

std::optional<double> Cores(const json& container, const char* kind) {
  const json* const value = Member(container, {"resources", kind, "cpu"});
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->get<double>();
  return value->is_string() ? kube::ParseQuantity(value->get<std::string>()) : std::nullopt;
}

// Cores of all containers of a pod, each by the first of `kinds` it has; nothing when one has none.
std::optional<double> CoresPerPod(const json& object, std::initializer_list<const char*> kinds) {
  const json* const containers = Member(object, {"spec", "template", "spec", "containers"});
  if (containers == nullptr || !containers->is_array() || containers->empty()) return std::nullopt;
  double sum = 0;
  for (const json& container : *containers) {
    std::optional<double> cores;
    for (const char* kind : kinds) {
      if (!cores) cores = Cores(container, kind);
    }
    if (!cores) return std::nullopt;
    sum += *cores;
  }
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

// Target of processor use of an autoscaler, by requests: 0.7 for 70 %.
std::optional<double> TargetOf(const json& autoscaler) {
  const json* const metrics = Member(autoscaler, {"spec", "metrics"});
  if (metrics == nullptr || !metrics->is_array()) return std::nullopt;
  for (const json& metric : *metrics) {
    const json* const name = Member(metric, {"resource", "name"});
    const std::optional<int> percent = Count(metric, {"resource", "target", "averageUtilization"});
    if (name != nullptr && *name == "cpu" && percent) return *percent / 100.0;
  }
  return std::nullopt;
}

class MeshWorkloadView final : public WorkloadView {
 public:
  explicit MeshWorkloadView(clients::Client<K8sService> k8s) : k8s_(std::move(k8s)) {}

  absl::StatusOr<WorkloadFacts> Read(const base::Context& ctx,
                                     const v1::Workload& workload) override {
    const base::Context patient = ctx.WithTimeout(kPatience);
    absl::StatusOr<std::string> text = Object(patient, workload, workload.kind(), workload.name());
    if (absl::IsNotFound(text.status())) {
      return base::NotFound("WORKLOAD", fmt::format("There is no {} {}/{}.", workload.kind(),
                                                    workload.namespace_(), workload.name()))
          .Hint("Look at the names with `opsmesh get deployments -A`.");
    }
    OPSMESH_RETURN_IF_ERROR(text.status());
    const json object = json::parse(*text, nullptr, false);
    WorkloadFacts facts;
    facts.replicas = Count(object, {"spec", "replicas"}).value_or(1);
    facts.cores_per_pod = CoresPerPod(object, {"limits", "requests"});
    if (const absl::Status status = ReadAutoscaler(patient, workload, facts); !status.ok()) {
      facts.autoscaler_trouble = base::ToStd(status.message());
    }
    const std::optional<double> requested = CoresPerPod(object, {"requests", "limits"});
    if (requested && facts.cores_per_pod) facts.request_share = *requested / *facts.cores_per_pod;
    return facts;
  }

 private:
  absl::StatusOr<std::string> Object(const base::Context& ctx, const v1::Workload& workload,
                                     const std::string& kind, const std::string& name) const {
    k8s::v1::GetObjectRequest request;
    request.set_kind(kind);
    request.set_name(name);
    request.set_namespace_(workload.namespace_());
    if (workload.has_cluster()) request.set_cluster(workload.cluster());
    OPSMESH_ASSIGN_OR_RETURN(k8s::v1::GetObjectResponse response,
                             k8s_.Call(ctx, &K8sService::Stub::GetObject, request));
    return std::move(*response.mutable_object()->mutable_raw());
  }

  absl::Status ReadAutoscaler(const base::Context& ctx, const v1::Workload& workload,
                              WorkloadFacts& facts) const {
    k8s::v1::ListObjectsRequest request;
    request.set_kind("horizontalpodautoscalers");
    request.set_namespace_(workload.namespace_());
    request.set_page_size(1000);
    if (workload.has_cluster()) request.set_cluster(workload.cluster());
    OPSMESH_ASSIGN_OR_RETURN(const k8s::v1::ListObjectsResponse list,
                             k8s_.Call(ctx, &K8sService::Stub::ListObjects, request));
    const std::string reference = workload.kind() + "/" + workload.name();
    for (const k8s::v1::ObjectSummary& row : list.objects()) {
      if (row.cells_size() <= kReferenceColumn || row.cells(kReferenceColumn) != reference)
        continue;
      OPSMESH_ASSIGN_OR_RETURN(facts.autoscaler_json,
                               Object(ctx, workload, "horizontalpodautoscalers", row.name()));
      facts.autoscaler_name = row.name();
      const json object = json::parse(facts.autoscaler_json, nullptr, false);
      facts.bounds = {.least = Count(object, {"spec", "minReplicas"}),
                      .most = Count(object, {"spec", "maxReplicas"})};
      facts.autoscaler_target = TargetOf(object);
      if (facts.bounds.least && *facts.bounds.least < 1) facts.bounds.least = 1;
      break;
    }
    return absl::OkStatus();
  }

  const clients::Client<K8sService> k8s_;
};

// A name in Kubernetes: what it may hold is harmless in PromQL, dots apart.
bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

}  // namespace

std::unique_ptr<WorkloadView> MakeWorkloadView(const rpc::ChannelSource& channels,
                                               base::IdSource& ids) {
  auto k8s = clients::Mesh(channels, ids).For<K8sService>();
  if (!k8s.ok()) return nullptr;
  return std::make_unique<MeshWorkloadView>(*std::move(k8s));
}

absl::StatusOr<v1::Workload> CheckedWorkload(v1::Workload workload) {
  if (workload.kind().empty()) workload.set_kind("Deployment");
  if (workload.kind() != "Deployment" && workload.kind() != "StatefulSet") {
    return base::InvalidArgument("workload.kind", "WORKLOAD",
                                 "workload.kind must be Deployment or StatefulSet.");
  }
  if (workload.namespace_().empty()) workload.set_namespace_("default");
  if (!IsName(workload.name()) || !IsName(workload.namespace_())) {
    return base::InvalidArgument("workload.name", "WORKLOAD",
                                 "workload.name and workload.namespace must be names of Kubernetes "
                                 "objects: small letters, digits, '-' and '.'.")
        .Hint(R"(For instance {"workload": {"namespace": "shop", "name": "nginx"}}.)");
  }
  return workload;
}

}  // namespace opsmesh::predict
