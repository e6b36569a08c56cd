#include "services/k8s/handlers.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/contract.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/pod_log_stream.h"
#include "services/k8s/read_object.h"

namespace opsmesh::k8s {
namespace {

// For all clusters together: the status page must not wait long.
constexpr absl::Duration kCheckLimit = absl::Milliseconds(2000);

void SetTime(absl::Time from, google::protobuf::Timestamp* to) {
  to->set_seconds(absl::ToUnixSeconds(from));
  to->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(from - absl::FromUnixSeconds(absl::ToUnixSeconds(from)))));
}

// Arguments of a tool made here, not by a caller: skips absent ones.
class ArgumentWriter {
 public:
  ArgumentWriter() { json_.BeginObject(); }
  ArgumentWriter& Add(std::string_view key, const std::string& value) {
    if (!value.empty()) json_.Field(key, value);
    return *this;
  }
  ArgumentWriter& Add(std::string_view key, int64_t value) {
    if (value != 0) json_.Field(key, value);
    return *this;
  }
  std::string Take() { return json_.EndObject().Take(); }

 private:
  JsonWriter json_;
};

std::string SentenceOf(const absl::Status& status) {
  const std::string hint = base::DetailOf(status).hint;
  return std::string(status.message()) + (hint.empty() ? "" : " " + hint);
}

absl::Status CheckPageSize(int32_t size, int32_t most) {
  if (size >= 0 && size <= most) return absl::OkStatus();
  return base::InvalidArgument("page_size", "OUT_OF_RANGE",
                               fmt::format("page_size is {}, allowed are 0 to {}.", size, most))
      .Hint("0 takes the default.");
}

/// " 3 of 26 kinds readable; not allowed: ...", "" when the user may read everything. Does not wait
/// for lists.
std::string RightsOf(const base::Context& ctx, Cluster& cluster) {
  const auto snapshot = cluster.Picture(ctx.WithTimeout(absl::ZeroDuration()));
  const std::string rights = RightsText(*snapshot).en;
  return rights.empty() ? "" : fmt::format(" {}.", rights);
}

void FillComponent(const std::string& name, const ClusterHealth& health, const base::Clock& clock,
                   type::v1::ComponentStatus* out, const std::string& rights = "") {
  out->set_name(name);
  out->set_state(health.status.ok() ? type::v1::ComponentStatus::STATE_OK
                                    : type::v1::ComponentStatus::STATE_DOWN);
  out->set_message(health.status.ok()
                       ? fmt::format("Kubernetes {} answers.{}", health.version, rights)
                       : base::SanitizeUtf8(SentenceOf(health.status)));
  out->set_latency_ms(absl::ToDoubleMilliseconds(health.latency));
  SetTime(clock.Now(), out->mutable_checked_time());
}

}  // namespace

absl::Status CheckScope(std::string_view field, const std::string& ns) {
  if (ns.empty() || IsDnsLabel(ns)) return absl::OkStatus();
  return base::InvalidArgument(field, "INVALID_NAME",
                               fmt::format("'{}' is no namespace name.", CleanText(ns, 80)))
      .Hint("A namespace name has lower-case letters, digits and '-', at most 63.");
}

absl::StatusOr<v1::ListToolsResponse> Handlers::ListTools(
    const v1::ListToolsRequest& request) const {
  v1::ListToolsResponse out;
  for (const Tool* tool : tools_.registry().List(request.group(), request.include_unavailable()))
    Fill(*tool, out.add_tools());
  if (request.has_group() && !request.group().empty() &&
      tools_.registry().List(request.group(), true).empty()) {
    std::string groups;
    for (const Tool* tool : tools_.registry().List("", true)) {
      if (groups.find(tool->group) == std::string::npos)
        groups += (groups.empty() ? "" : ", ") + tool->group;
    }
    return base::InvalidArgument(
               "group", "UNKNOWN_GROUP",
               fmt::format("There is no group '{}'.", CleanText(request.group(), 80)))
        .Hint(fmt::format("The groups are {}.", groups));
  }
  out.set_total_count(out.tools_size());
  return out;
}

absl::StatusOr<v1::CallToolResponse> Handlers::CallTool(const base::Context& ctx,
                                                        const v1::CallToolRequest& request) {
  std::string name;
  OPSMESH_ASSIGN_OR_RETURN(
      const ToolResult result,
      tools_.Run(ctx, request.name(), request.arguments().raw(),
                 {request.context().cluster(), request.context().namespace_()}, &name));
  OPSMESH_ASSIGN_OR_RETURN(const Cluster* cluster,
                           tools_.clusters().Find(request.context().cluster()));
  v1::CallToolResponse out;
  out.set_name(name);
  out.mutable_result()->set_raw(result.json);
  for (const Fact& fact : result.facts) Fill(fact, cluster->id(), out.add_facts());
  Fill(result.text, out.mutable_text());
  Fill(result.ledger, out.mutable_ledger());
  out.set_untrusted(result.untrusted);
  out.set_truncated(result.truncated);
  if (!result.next_cursor.empty()) out.set_next_cursor(result.next_cursor);
  return out;
}

absl::StatusOr<v1::TestToolResponse> Handlers::TestTool(const base::Context& ctx,
                                                        const v1::TestToolRequest& request,
                                                        bool chinese) {
  v1::TestToolResponse out;
  std::string name;
  const absl::Duration begin = clock_.Steady();
  const absl::StatusOr<ToolResult> result =
      tools_.Run(ctx, request.tool_name(), request.parameters().raw(), {}, &name);
  out.set_duration_ms(absl::ToDoubleMilliseconds(clock_.Steady() - begin));
  out.set_tool_name(name.empty() ? CleanText(request.tool_name(), 128) : name);
  out.set_success(result.ok());
  if (result.ok()) {
    out.mutable_result()->set_raw(result->json);
    out.set_text(base::SanitizeUtf8(chinese ? result->text.zh : result->text.en));
    Fill(result->ledger, out.mutable_ledger());
  } else {
    const base::ErrorDetail detail = base::DetailOf(result.status());
    const auto zh = detail.metadata.find("plan_zh");
    const bool plan = chinese && zh != detail.metadata.end();
    out.set_error(base::SanitizeUtf8(
        plan ? "没有更改任何东西：变更要经过操作闸门，本版本还没有。将提出的方案：" + zh->second
             : SentenceOf(result.status())));
    out.set_reason(detail.reason);
  }
  return out;
}

absl::StatusOr<v1::ListObjectsResponse> Handlers::ListObjects(
    const base::Context& ctx, const v1::ListObjectsRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckPageSize(request.page_size(), 1000));
  OPSMESH_RETURN_IF_ERROR(CheckScope("namespace", request.namespace_()));
  OPSMESH_ASSIGN_OR_RETURN(Cluster * cluster, tools_.clusters().Find(request.cluster()));
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type, cluster->Resolve(ctx, request.kind()));
  cluster->Cover(ctx, type.namespaced ? request.namespace_() : "");
  Query query;
  query.type = type;
  query.limit = request.page_size() > 0 ? request.page_size() : 100;
  query.cursor = request.page_token();
  query.fingerprint = fmt::format("list|{}|{}|{}|{}", type.qualified_name(), request.namespace_(),
                                  request.label_selector(), request.field_selector());
  if (!request.label_selector().empty()) {
    OPSMESH_ASSIGN_OR_RETURN(query.labels, kube::LabelSelector::Parse(request.label_selector()));
  }
  if (!request.field_selector().empty()) {
    OPSMESH_ASSIGN_OR_RETURN(query.where, ParseFieldSelector(request.field_selector()));
  }
  Picture picture(cluster->Picture(ctx), type.namespaced ? request.namespace_() : "", clock_.Now());
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  std::vector<kube::ObjectPtr> live;
  const kube::ResourceType* builtin = kube::FindBuiltin(type.plural);
  const bool cached = builtin && builtin->group == type.group && picture.Readable(type.plural);
  if (!cached) {
    OPSMESH_ASSIGN_OR_RETURN(kube::ListResult list, cluster->List(ctx, type, picture.ns(), {}));
    live = std::move(list.items);
    std::sort(live.begin(), live.end(), [](const kube::ObjectPtr& a, const kube::ObjectPtr& b) {
      return std::pair(a->ns(), a->name()) < std::pair(b->ns(), b->name());
    });
    picture.ledger().Checked({.source = "apiserver",
                              .subject = type.plural,
                              .reason = "",
                              .age_seconds = {},
                              .shown_count = {},
                              .total_count = {}});
  }
  OPSMESH_ASSIGN_OR_RETURN(
      const QueryResult result,
      cached ? k8s::Run(query, picture.In(type.plural), picture) : k8s::Run(query, live, picture));
  v1::ListObjectsResponse out;
  std::vector<const Field*> columns;
  for (const Field& field : FieldsOf(type.plural)) {
    if (field.header.empty() || field.name == "namespace") continue;
    columns.push_back(&field);
    out.add_columns(field.header);
  }
  for (const kube::ObjectPtr& object : result.rows) {
    v1::ObjectSummary* row = out.add_objects();
    row->set_namespace_(std::string(object->ns()));
    row->set_name(std::string(object->name()));
    for (const Field* field : columns)
      row->add_cells(CleanText(Shown(field->get(*object, picture), field->unit), 1024));
  }
  out.set_next_page_token(result.next_cursor);
  out.set_total_count(result.matched);
  Fill(picture.ledger(), out.mutable_ledger());
  return out;
}

absl::StatusOr<v1::GetObjectResponse> Handlers::GetObject(const base::Context& ctx,
                                                          const v1::GetObjectRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckScope("namespace", request.namespace_()));
  if (!IsObjectName(request.name())) {
    return base::InvalidArgument(
               "name", "INVALID_NAME",
               fmt::format("'{}' is no object name.", CleanText(request.name(), 80)))
        .Hint("Names have no '/', '%' or spaces and at most 253 characters.");
  }
  OPSMESH_ASSIGN_OR_RETURN(Cluster * cluster, tools_.clusters().Find(request.cluster()));
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type, cluster->Resolve(ctx, request.kind()));
  const std::string ns = !type.namespaced               ? ""
                         : request.namespace_().empty() ? "default"
                                                        : request.namespace_();
  const Arguments none;
  const ToolCall call{ctx, *cluster, none, ns, clock_.Now()};
  cluster->Cover(ctx, ns);
  Picture picture(cluster->Picture(ctx), ns, call.now);
  OPSMESH_ASSIGN_OR_RETURN(const kube::ObjectPtr object,
                           ReadObject(call, picture, type, ns, request.name()));
  v1::GetObjectResponse out;
  out.mutable_object()->set_raw(std::string(object->json()));
  out.set_yaml(base::SanitizeUtf8(ToYaml(*object)));
  Fill(picture.ledger(), out.mutable_ledger());
  return out;
}

absl::StatusOr<v1::ListClustersResponse> Handlers::ListClusters(const base::Context& ctx) {
  v1::ListClustersResponse out;
  for (const auto& cluster : tools_.clusters().all()) {
    const ClusterHealth health =
        cluster->Check(ctx, kCheckLimit / static_cast<double>(tools_.clusters().all().size()));
    v1::Cluster* to = out.add_clusters();
    to->set_cluster_id(cluster->id());
    to->set_version(health.version);
    to->set_simulated(cluster->simulated());
    FillComponent(cluster->id(), health, clock_, to->mutable_status(), RightsOf(ctx, *cluster));
  }
  for (const ClusterProblem& problem : problems_) {
    v1::Cluster* to = out.add_clusters();
    to->set_cluster_id(problem.id);
    ClusterHealth health;
    health.status = problem.status;
    FillComponent(problem.id, health, clock_, to->mutable_status());
  }
  return out;
}

absl::StatusOr<v1::DiagnoseResponse> Handlers::Diagnose(const base::Context& ctx,
                                                        const v1::DiagnoseRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckScope("namespace", request.namespace_()));
  OPSMESH_ASSIGN_OR_RETURN(Cluster * cluster, tools_.clusters().Find(request.cluster()));
  cluster->Cover(ctx, request.namespace_());
  Picture picture(cluster->Picture(ctx), request.namespace_(), clock_.Now());
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  const std::vector<Finding> findings = DiagnoseAll(picture);
  const ToolResult answer = AnswerFindings(findings, picture);
  v1::DiagnoseResponse out;
  for (const Finding& finding : findings) Fill(finding, cluster->id(), out.add_findings());
  Fill(answer.text, out.mutable_text());
  Fill(answer.ledger, out.mutable_ledger());
  SetTime(picture.now(), out.mutable_timestamp());
  return out;
}

absl::StatusOr<v1::GetK8sStatusResponse> Handlers::GetK8sStatus(const base::Context& ctx) {
  v1::GetK8sStatusResponse out;
  const auto name = [](const std::string& id, bool first) {
    return first ? std::string("kubernetes") : "kubernetes/" + id;
  };
  bool first = true;
  for (const auto& cluster : tools_.clusters().all()) {
    FillComponent(
        name(cluster->id(), first),
        cluster->Check(ctx, kCheckLimit / static_cast<double>(tools_.clusters().all().size())),
        clock_, out.add_components(), RightsOf(ctx, *cluster));
    first = false;
  }
  for (const ClusterProblem& problem : problems_) {
    ClusterHealth health;
    health.status = problem.status;
    FillComponent(name(problem.id, first), health, clock_, out.add_components());
    first = false;
  }
  type::v1::ComponentStatus* gate = out.add_components();
  gate->set_name("action_gate");
  gate->set_state(type::v1::ComponentStatus::STATE_DISABLED);
  gate->set_message(
      "The action gate is not built in this version: nothing here changes a cluster.");
  return out;
}

absl::StatusOr<std::unique_ptr<rpc::StreamSource<v1::StreamPodLogsResponse>>> Handlers::OpenPodLogs(
    const base::Context& ctx, const v1::StreamPodLogsRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckScope("namespace", request.namespace_()));
  if (!IsDnsSubdomain(request.pod())) {
    return base::InvalidArgument("pod", "INVALID_NAME",
                                 fmt::format("'{}' is no pod name.", CleanText(request.pod(), 80)))
        .Hint("A pod name has lower-case letters, digits, '-' and '.', at most 253.");
  }
  if (!request.container().empty() && !IsDnsLabel(request.container())) {
    return base::InvalidArgument(
        "container", "INVALID_NAME",
        fmt::format("'{}' is no container name.", CleanText(request.container(), 80)));
  }
  if (request.tail_lines() < 0 || request.tail_lines() > 2000 || request.since_seconds() < 0) {
    return base::InvalidArgument("tail_lines", "OUT_OF_RANGE",
                                 "tail_lines must be 0 to 2000 and since_seconds not negative.")
        .Hint("0 takes the default.");
  }
  OPSMESH_ASSIGN_OR_RETURN(Cluster * cluster, tools_.clusters().Find(request.cluster()));
  cluster->Cover(ctx, request.namespace_());
  Picture picture(cluster->Picture(ctx), request.namespace_(), clock_.Now());
  OPSMESH_RETURN_IF_ERROR(
      CheckExists(picture, TypeOf("pods"), request.namespace_(), request.pod()));
  kube::LogOptions options;
  options.container = request.container();
  options.previous = request.previous();
  options.tail_lines = request.tail_lines() > 0 ? request.tail_lines() : 100;
  if (request.since_seconds() > 0) options.since = absl::Seconds(request.since_seconds());
  auto stream = std::make_unique<PodLogStream>();
  if (request.follow()) {
    OPSMESH_RETURN_IF_ERROR(
        stream->Follow(ctx, *cluster, request.namespace_(), request.pod(), options));
  } else {
    OPSMESH_ASSIGN_OR_RETURN(kube::LogText log,
                             cluster->PodLogs(ctx, request.namespace_(), request.pod(), options));
    stream->Give(std::move(log.lines));
  }
  return stream;
}

}  // namespace opsmesh::k8s
