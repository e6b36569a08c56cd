#include "services/llm/testing/fake_toolbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

struct ToolShape {
  const char* name;
  const char* properties;  // blank-separated; "!" required, "#" integer, "?" boolean, "[" list, "*"
                           // takes "*"
  bool available = true;
};

// Names and parameters as the k8s service's contract has them.
constexpr ToolShape kTools[] = {
    {"get_kubernetes_namespaces", "label_selector status #limit cursor"},
    {"list_kubernetes_pods", "*namespace node label_selector status #limit cursor"},
    {"list_kubernetes_nodes", "label_selector status #limit cursor"},
    {"list_kubernetes_deployments", "*namespace label_selector #limit cursor"},
    {"list_kubernetes_services", "*namespace label_selector #limit cursor"},
    {"list_kubernetes_events", "*namespace type reason object_name since #limit cursor"},
    {"get_kubernetes_resource_yaml", "!resource_type !name namespace"},
    {"get_kubernetes_pod_logs",
     "namespace !pod_name container #tail_lines ?previous since contains"},
    {"get_failed_kubernetes_pods", "*namespace #limit cursor"},
    {"get_pending_kubernetes_pods", "*namespace #limit cursor"},
    {"get_high_restart_kubernetes_pods", "*namespace #threshold #limit cursor"},
    {"get_kubernetes_node_capacity", ""},
    {"identify_resource_hotspots", "*namespace metric #limit"},
    {"get_kubernetes_orphaned_resources", "*namespace"},
    {"diagnose_kubernetes_pod_issues", "*namespace pod_name"},
    {"check_kubernetes_resource_quotas", "*namespace"},
    {"check_kubernetes_network_policies", "*namespace"},
    {"check_kubernetes_persistent_volumes", "*namespace"},
    {"check_kubernetes_ingress", "*namespace"},
    {"check_kubernetes_daemonsets", "*namespace"},
    {"check_kubernetes_statefulsets", "*namespace"},
    {"check_kubernetes_jobs", "*namespace"},
    {"check_kubernetes_endpoints", "*namespace"},
    {"analyze_deployment_configurations", "*namespace"},
    {"check_kubernetes_hpa_status", "*namespace"},
    {"verify_kubernetes_connection", ""},
    {"get_kubernetes_contexts", ""},
    {"list_kubernetes_api_resources", ""},
    {"explain_kubernetes_resource", "!resource_type"},
    {"describe_kubernetes_resource", "!resource_type !name namespace"},
    {"kubernetes_troubleshooting_guide", "topic"},
    {"kubectl_get_resources",
     "!resource_type *namespace label_selector field_selector status [where [group_by sort_by "
     "name_contains #limit cursor"},
    {"kubectl_get_all_resources", "*namespace"},
    {"list_secrets_from_namespace", "!namespace"},
    {"list_configmaps_from_namespace", "!namespace"},
    {"get_deployment_details", "!namespace !deployment_name"},
    {"get_pod_details", "!namespace !pod_name"},
    {"get_resource_health", "!namespace !resource_type !resource_name"},
    {"scale_deployment", "namespace !deployment_name !#replicas resource_type", false},
    {"restart_pod", "!namespace !pod_name", false},
    {"rollback_deployment", "!namespace !deployment_name", false},
    {"delete_kubernetes_resource", "!resource_type !name namespace", false},
    {"trace_service_chain", "namespace", false},
    {"analyze_network_path", "namespace", false},
    {"get_resource_events_timeline", "namespace", false},
    {"correlate_pod_issues", "namespace", false},
    {"analyze_pod_restart_pattern", "namespace", false},
    {"check_oom_events", "namespace", false},
    {"get_pod_crash_report", "namespace pod_name", false},
    {"recommend_resource_limits", "namespace", false},
    {"analyze_cluster_performance", "", false},
    {"identify_resource_hotspots", "", false},
    {"analyze_rbac_permissions", "", false},
    {"audit_security_policies", "", false},
    {"analyze_resource_waste", "", false},
    {"analyze_high_availability", "namespace", false},
    {"get_deployment_revision_history", "!namespace !deployment_name", false},
    {"compare_deployment_revisions", "!namespace !deployment_name", false},
};

std::string Schema(const ToolShape& shape) {
  json schema = {{"type", "object"},
                 {"properties", json::object()},
                 {"required", json::array()},
                 {"additionalProperties", false}};
  for (std::string_view word : base::SplitWhitespace(shape.properties)) {
    std::string type = "string", description;
    bool required = false;
    while (!word.empty() && !std::isalpha(static_cast<unsigned char>(word[0]))) {
      if (word[0] == '!') required = true;
      if (word[0] == '#') type = "integer";
      if (word[0] == '?') type = "boolean";
      if (word[0] == '[') type = "array";
      if (word[0] == '*') description = "\"*\" = all";
      word.remove_prefix(1);
    }
    schema["properties"][std::string(word)] = {{"type", type}, {"description", description}};
    if (required) schema["required"].push_back(std::string(word));
  }
  return schema.dump();
}

bool IsWrite(std::string_view tool) {
  return tool == "scale_deployment" || tool == "restart_pod" || tool == "rollback_deployment" ||
         tool == "delete_kubernetes_resource";
}

std::string Show(const std::string& name, const std::string& arguments) {
  std::string line = name;
  const json parsed = json::parse(arguments, nullptr, false);
  for (const auto& [key, value] : parsed.items()) {
    const json& shown = value.is_array() && value.size() == 1 ? value[0] : value;
    line += fmt::format(" {}={}", key, shown.is_string() ? shown.get<std::string>() : shown.dump());
  }
  return line;
}

void AddCandidate(const FakeObject& object, k8s::v1::ObjectCandidate::Match match,
                  k8s::v1::ResolvedMention* mention) {
  auto* candidate = mention->add_candidates();
  candidate->mutable_object()->set_kind(object.kind);
  candidate->mutable_object()->set_namespace_(object.name_space);
  candidate->mutable_object()->set_name(object.name);
  candidate->set_match(match);
  candidate->set_score(1.0 / static_cast<int>(match));
}

}  // namespace

FakeToolBox::FakeToolBox() {
  for (const char* ns :
       {"default", "kube-system", "monitoring", "payments", "production", "staging"}) {
    Add({"Namespace", "", ns, ""});
  }
  const auto workload = [this](const char* kind, const std::string& ns, const std::string& name,
                               int pods) {
    Add({kind, ns, name, ""});
    for (int i = 0; i < pods; ++i) {
      Add({"Pod", ns,
           fmt::format(
               "{}-{}", name,
               std::string(kind) == "StatefulSet" ? std::to_string(i) : fmt::format("7d9f{}", i)),
           name});
    }
  };
  workload("Deployment", "default", "nginx", 2);
  workload("Deployment", "payments", "web", 1);
  workload("Deployment", "production", "web", 1);
  workload("Deployment", "payments", "cart", 1);
  workload("Deployment", "production", "checkout-api", 3);
  workload("StatefulSet", "payments", "redis", 2);
  workload("DaemonSet", "kube-system", "fluentd", 2);
  workload("Deployment", "monitoring", "grafana", 1);
  Add({"Pod", "default", "nginx-pod", ""});
  Add({"Service", "default", "nginx", ""});
  Add({"Service", "payments", "cart", ""});
  Add({"Node", "", "node-1", ""});
  Add({"Node", "", "node-2", ""});
  Add({"CronJob", "payments", "nightly-report", ""});
  Add({"Ingress", "production", "shop-front", ""});
}

std::vector<std::string> FakeToolBox::TakeCalls() {
  const std::lock_guard lock(mutex_);
  return std::exchange(calls_, {});
}

absl::StatusOr<k8s::v1::ListToolsResponse> FakeToolBox::List(const base::Context&) {
  if (!broken_.ok()) return broken_;
  k8s::v1::ListToolsResponse response;
  for (const ToolShape& shape : kTools) {
    auto* tool = response.add_tools();
    tool->set_name(shape.name);
    tool->set_available(shape.available && !unavailable_.contains(shape.name));
    tool->mutable_parameters()->set_raw(Schema(shape));
    tool->set_risk(IsWrite(shape.name) ? k8s::v1::RISK_CLASS_MEDIUM : k8s::v1::RISK_CLASS_READ);
  }
  response.set_total_count(response.tools_size());
  return response;
}

absl::StatusOr<k8s::v1::CallToolResponse> FakeToolBox::Call(
    const base::Context&, const k8s::v1::CallToolRequest& request) {
  const std::lock_guard lock(mutex_);
  const std::string line = Show(request.name(), request.arguments().raw());
  const std::string& cluster = request.context().cluster();
  calls_.push_back(cluster.empty() ? line : line + " @" + cluster);
  if (!broken_.ok()) return broken_;
  OPSMESH_RETURN_IF_ERROR(CheckCluster(cluster));
  if (IsWrite(request.name())) {
    return base::Unimplemented("ACTION_GATE_NOT_BUILT", "Nothing was changed.")
        .With("plan_zh", "方案<" + line + ">")
        .With("plan_en", "plan<" + line + ">");
  }
  const std::string ns =
      json::parse(request.arguments().raw(), nullptr, false).value("namespace", "");
  if (restricted_ && !ns.empty() && !readable_.contains(ns)) {
    return base::PermissionDenied("FORBIDDEN", "Cannot list pods in namespace '" + ns +
                                                   "': User \"alice\" cannot list resource.")
        .Hint("Allow it by a rule.")
        .With("verb", "list")
        .With("resource", "pods")
        .With("namespace", ns)
        .With("user", "alice");
  }
  k8s::v1::CallToolResponse response;
  response.set_name(request.name());
  response.set_untrusted(untrusted_.contains(request.name()));
  response.mutable_text()->set_zh("结果<" + line + ">\n\n表格");
  response.mutable_text()->set_en("result<" + line + ">\n\ntable");
  *response.mutable_ledger() = ledger_;
  const auto found = results_.find(request.name());
  const json arguments = json::parse(request.arguments().raw(), nullptr, false);
  if (found == results_.end() && request.name() == "kubectl_get_resources" &&
      arguments.contains("where") &&
      arguments["where"][0].get<std::string>().starts_with("workload=")) {
    response.mutable_result()->set_raw(PodsOf(arguments));
    return response;
  }
  response.mutable_result()->set_raw(found != results_.end() ? found->second : "{}");
  return response;
}

void FakeToolBox::Restrict(std::set<std::string> readable) {
  restricted_ = true;
  readable_ = std::move(readable);
  auto* entry = ledger_.add_failed();
  entry->set_source("rights");
  entry->set_subject("rights of this user");
  entry->set_reason(fmt::format("pods, services can be read in {} only; nodes cannot be read",
                                base::Join({readable_.begin(), readable_.end()}, ", ")));
  std::erase_if(objects_, [&](const FakeObject& object) {
    return object.kind != "Node" &&
           !readable_.contains(object.kind == "Namespace" ? object.name : object.name_space);
  });
}

absl::Status FakeToolBox::CheckCluster(const std::string& id) const {
  if (id.empty() || std::find(clusters_.begin(), clusters_.end(), id) != clusters_.end())
    return absl::OkStatus();
  return base::NotFound("UNKNOWN_CLUSTER", "There is no cluster '" + id + "'.")
      .Hint("The configured clusters are " + base::Join(clusters_, ", ") + ".")
      .With("clusters", base::Join(clusters_, ", "))
      .With("only_cluster", clusters_.size() == 1 ? clusters_.front() : "");
}

absl::StatusOr<k8s::v1::ListClustersResponse> FakeToolBox::Clusters(const base::Context&) {
  if (!broken_.ok()) return broken_;
  k8s::v1::ListClustersResponse response;
  for (const std::string& id : clusters_) {
    auto* cluster = response.add_clusters();
    cluster->set_cluster_id(id);
    cluster->set_version("v1.32.0");
    cluster->mutable_status()->set_state(type::v1::ComponentStatus::STATE_OK);
  }
  return response;
}

// Rows of the pods of "workload=Deployment/nginx".
std::string FakeToolBox::PodsOf(const nlohmann::json& arguments) const {
  const std::string where = arguments["where"][0].get<std::string>();
  const std::string workload = where.substr(where.find('/') + 1);
  json rows = json::array();
  for (const FakeObject& object : objects_) {
    if (object.kind != "Pod" || object.workload != workload ||
        object.name_space != arguments.value("namespace", ""))
      continue;
    rows.push_back({{"namespace", object.name_space}, {"name", object.name}});
  }
  return json{{"kind", "Pod"}, {"items", rows}}.dump();
}

absl::StatusOr<k8s::v1::DiagnoseResponse> FakeToolBox::Diagnose(
    const base::Context&, const k8s::v1::DiagnoseRequest& request) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(request.has_namespace_() ? "diagnose namespace=" + request.namespace_()
                                            : "diagnose");
  if (!broken_.ok()) return broken_;
  k8s::v1::DiagnoseResponse response;
  response.mutable_text()->set_zh("发现 1 个问题");
  response.mutable_text()->set_en("1 finding");
  auto* finding = response.add_findings();
  finding->set_code("CRASH_LOOP");
  finding->mutable_object()->set_kind("Pod");
  finding->mutable_object()->set_namespace_("payments");
  finding->mutable_object()->set_name("web-7d9f0");
  finding->mutable_summary()->set_zh("反复崩溃");
  finding->mutable_summary()->set_en("crash loop");
  return response;
}

absl::StatusOr<k8s::v1::ResolveObjectsResponse> FakeToolBox::Resolve(
    const base::Context&, const k8s::v1::ResolveObjectsRequest& request) {
  if (!broken_.ok()) return broken_;
  OPSMESH_RETURN_IF_ERROR(CheckCluster(request.context().cluster()));
  using Candidate = k8s::v1::ObjectCandidate;
  k8s::v1::ResolveObjectsResponse response;
  for (const k8s::v1::Mention& mention : request.mentions()) {
    auto* resolved = response.add_mentions();
    resolved->set_text(mention.text());
    std::vector<std::pair<Candidate::Match, const FakeObject*>> found;
    const std::string word = base::AsciiLower(mention.text());
    for (const FakeObject& object : objects_) {
      if (!mention.kind().empty() && object.kind != mention.kind()) continue;
      if (!mention.namespace_().empty() && !object.name_space.empty() &&
          object.name_space != mention.namespace_())
        continue;
      if (object.name == word)
        found.emplace_back(Candidate::MATCH_EXACT, &object);
      else if (object.workload == word)
        found.emplace_back(Candidate::MATCH_WORKLOAD, &object);
      else if (word.size() >= 3 && object.name.starts_with(word))
        found.emplace_back(Candidate::MATCH_PREFIX, &object);
      else if (word.size() >= 3 &&
               ("-" + object.name + "-").find("-" + word + "-") != std::string::npos)
        found.emplace_back(Candidate::MATCH_PART, &object);
      else if (word.size() >= 4 && base::EditDistance(word, object.name, 2) <= 2)
        found.emplace_back(Candidate::MATCH_NEAR, &object);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [match, object] : found) AddCandidate(*object, match, resolved);
    const bool exact = !found.empty() && found.front().first == Candidate::MATCH_EXACT;
    const bool label =
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (restricted_ && !exact && label && mention.kind() == "Namespace") {
      const FakeObject assumed{"Namespace", "", word, ""};
      AddCandidate(assumed, Candidate::MATCH_EXACT, resolved);
      resolved->mutable_candidates(resolved->candidates_size() - 1)->set_score(0.5);
    }
    resolved->set_total_count(static_cast<int>(found.size()));
  }
  *response.mutable_ledger() = ledger_;
  return response;
}

}  // namespace opsmesh::llm
