// Group "cluster": connection, contexts, what the server serves, what a kind is, how to look for
// trouble.
#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/finding.h"
#include "services/k8s/guide.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

absl::StatusOr<ToolResult> VerifyConnection(const ToolCall& call) {
  const ClusterHealth health = call.cluster.Check(call.ctx, absl::Seconds(3));
  if (!health.status.ok()) return health.status;
  Picture picture(call.cluster.Picture(call.ctx), "", call.now);
  ToolResult out;
  picture.ledger().Checked("apiserver", "version");
  JsonWriter json;
  json.BeginObject()
      .Field("connected", true)
      .Field("cluster", call.cluster.id())
      .Field("version", health.version);
  json.Field("simulated", call.cluster.simulated())
      .Field("latency_ms", absl::ToDoubleMilliseconds(health.latency));
  json.Key("counts").BeginObject();
  std::string counts;
  for (const char* plural : {"nodes", "namespaces", "pods", "deployments", "services"}) {
    const auto objects = picture.In(plural);
    if (!picture.Readable(plural)) continue;
    json.Field(plural, static_cast<int64_t>(objects.size()));
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", objects.size(), plural);
    out.AddFact(fmt::format("{}.total", plural), static_cast<int64_t>(objects.size()));
  }
  json.EndObject().EndObject();
  out.json = json.Take();
  out.text = Say("已连接到集群 {0}{4}，版本 {1}，响应 {2:.0f} 毫秒：{3}。",
                 "Connected to cluster {0}{5}, version {1}, answered in {2:.0f} ms: {3}.",
                 call.cluster.id(), health.version, absl::ToDoubleMilliseconds(health.latency),
                 counts, call.cluster.simulated() ? "（模拟）" : "",
                 call.cluster.simulated() ? " (simulated)" : "");
  if (const Text rights = RightsText(picture.snapshot()); !rights.en.empty()) {
    out.text += Say(" {0}。", " {1}.", rights.zh, rights.en);
  }
  out.AddFact("cluster", call.cluster.id());
  out.AddFact("version", health.version);
  out.ledger = picture.ledger();
  return out;
}

absl::StatusOr<ToolResult> GetContexts(const ToolCall& call) {
  ToolResult out;
  JsonWriter json;
  TextTable table({"CURRENT", "NAME", "CLUSTER", "USER", "NAMESPACE"});
  const std::vector<ContextInfo> contexts = call.cluster.Contexts();
  std::string current;
  json.BeginObject()
      .Field("total", static_cast<int64_t>(contexts.size()))
      .Key("items")
      .BeginArray();
  for (const ContextInfo& c : contexts) {
    if (c.current) current = c.name;
    json.BeginObject()
        .Field("name", c.name)
        .Field("cluster", c.cluster)
        .Field("user", c.user)
        .Field("namespace", c.name_space);
    json.Field("current", c.current).EndObject();
    table.AddRow({c.current ? "*" : "", c.name, c.cluster, c.user, c.name_space});
  }
  json.EndArray().Field("current", current).EndObject();
  out.json = json.Take();
  out.text = Say("有 {0} 个上下文，当前是 {1}。\n\n", "{0} context{2}, the current one is {1}.\n\n",
                 contexts.size(), current.empty() ? "-" : current, contexts.size() == 1 ? "" : "s");
  out.text.AppendBoth(table.Render());
  out.AddFact("contexts.total", static_cast<int64_t>(contexts.size()));
  out.AddFact("context.current", current);
  out.ledger.Checked("configuration", "kubeconfig contexts");
  return out;
}

absl::StatusOr<ToolResult> ListApiResources(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(const auto discovery, call.cluster.Discover(call.ctx));
  const Arguments& args = call.arguments;
  const std::string group = args.String("api_group");
  const std::string contains = base::AsciiLower(args.String("name_contains"));
  ToolResult out;
  JsonWriter json;
  TextTable table({"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"});
  json.BeginObject().Key("items").BeginArray();
  for (const kube::ResourceType& type : discovery->types()) {
    if (args.Has("api_group") && type.group != (group == "core" ? "" : group)) continue;
    if (args.Has("namespaced") && type.namespaced != args.Boolean("namespaced", true)) continue;
    if (!contains.empty() &&
        base::AsciiLower(type.plural + " " + type.kind).find(contains) == std::string::npos)
      continue;
    const std::string brief = base::Join(type.short_names, ",");
    table.AddRow(
        {type.plural, brief, type.api_version(), type.namespaced ? "true" : "false", type.kind});
    json.BeginObject()
        .Field("name", type.plural)
        .StringArray("short_names", type.short_names)
        .Field("api_version", type.api_version());
    json.Field("namespaced", type.namespaced)
        .Field("kind", type.kind)
        .StringArray("verbs", type.verbs)
        .EndObject();
  }
  json.EndArray().Field("total", static_cast<int64_t>(table.size())).EndObject();
  out.json = json.Take();
  out.text = Say("服务器提供 {0} 类符合条件的资源。\n\n",
                 "The server serves {0} matching kinds.\n\n", table.size());
  out.text.AppendBoth(table.Render());
  out.AddFact("api_resources.total", static_cast<int64_t>(table.size()));
  LedgerEntry entry;
  entry.source = "apiserver";
  entry.subject = "discovery";
  entry.age_seconds = std::max(0.0, absl::ToDoubleSeconds(call.now - discovery->as_of()));
  out.ledger.Checked(entry);
  for (const std::string& failed : discovery->failed_groups()) {
    entry.subject = "discovery of " + failed;
    entry.reason = "this API group did not answer";
    out.ledger.Failed(entry);
  }
  return out;
}

// The schema of a custom kind as its CustomResourceDefinition gives it, at `path`
// ("spec.replicas"); absent when the definition cannot be read or has no such field.
kube::JsonRef SchemaOf(const ToolCall& call, const kube::ResourceType& type,
                       const std::string& path, kube::ObjectPtr* keep) {
  const auto definitions = call.cluster.Resolve(call.ctx, "customresourcedefinitions");
  if (!definitions.ok() || type.group.empty()) return {};
  auto definition = call.cluster.Get(call.ctx, *definitions, "", type.plural + "." + type.group);
  if (!definition.ok()) return {};
  *keep = *definition;
  kube::JsonRef schema;
  (*keep)->root().At("spec.versions").ForEachElement([&](kube::JsonRef version) {
    if (version["name"].String() == type.version) schema = version.At("schema.openAPIV3Schema");
    return schema.empty();
  });
  for (std::string_view part : base::Split(path, '.')) {
    if (part.empty() || schema.empty()) continue;
    if (schema["type"].String() == "array") schema = schema["items"];
    schema = schema["properties"][part];
  }
  return schema;
}

// Members of a schema as lines; what people wrote there is shown, never followed.
int64_t SayMembers(const kube::JsonRef& schema, const std::string& path, JsonWriter& json,
                   Text* text) {
  int64_t shown = 0;
  const kube::JsonRef members =
      schema["type"].String() == "array" ? schema["items"]["properties"] : schema["properties"];
  members.ForEachMember([&](std::string_view name, kube::JsonRef member) {
    const std::string full =
        CleanText(path.empty() ? std::string(name) : path + "." + std::string(name), 160);
    const std::string kind = CleanText(member["type"].String(), 40),
                      words = CleanText(member["description"].String(), 300);
    json.BeginObject()
        .Field("path", full)
        .Field("type", kind)
        .Field("en", words)
        .Field("zh", words)
        .EndObject();
    text->AppendBoth(fmt::format("- {} <{}>{}{}\n", full, kind, words.empty() ? "" : ": ", words));
    return ++shown < 200;
  });
  return shown;
}

// From the definition of a kind in the cluster.
absl::Status ExplainFromSchema(const ToolCall& call, const kube::ResourceType& type,
                               JsonWriter& json, ToolResult& out) {
  const std::string path = call.arguments.String("field_path");
  kube::ObjectPtr definition;
  const kube::JsonRef schema = SchemaOf(call, type, path, &definition);
  if (schema.empty() && definition && !path.empty()) {
    return base::NotFound("UNKNOWN_FIELD",
                          fmt::format("The schema of {} has no field '{}'.", type.kind, path))
        .Hint("Leave field_path out to see its fields.");
  }
  json.Key("fields").BeginArray();
  Text fields;
  const int64_t shown = schema.empty() ? 0 : SayMembers(schema, path, json, &fields);
  json.EndArray();
  out.untrusted = shown > 0;
  out.text += shown > 0 ? Text{"\n字段（来自集群里它的定义）：\n",
                               "\nFields, as its definition in the cluster has them:\n"} +
                              fields
                        : Text{"\n内置说明里没有这类资源的字段，集群里也读不到它的定义。",
                               "\nThere is no built-in description of its fields, and no "
                               "definition of it could be read from the cluster."};
  return absl::OkStatus();
}

// From our own words.
absl::Status ExplainFromGuide(const ToolCall& call, const kube::ResourceType& type,
                              const KindGuide& guide, JsonWriter& json, ToolResult& out) {
  out.text += Text{"\n" + guide.what.zh + "\n\n字段：\n", "\n" + guide.what.en + "\n\nFields:\n"};
  json.Key("description")
      .BeginObject()
      .Field("zh", guide.what.zh)
      .Field("en", guide.what.en)
      .EndObject()
      .Key("fields")
      .BeginArray();
  const std::string path = call.arguments.String("field_path");
  int64_t shown = 0;
  for (const FieldGuide& field : guide.fields) {
    if (!path.empty() && !(field.path == path || field.path.starts_with(path + "."))) continue;
    ++shown;
    json.BeginObject()
        .Field("path", field.path)
        .Field("type", field.type)
        .Field("zh", field.what.zh)
        .Field("en", field.what.en)
        .EndObject();
    out.text += Say("- {0} <{1}>：{2}\n", "- {0} <{1}>: {3}\n", field.path, field.type,
                    field.what.zh, field.what.en);
  }
  json.EndArray();
  if (shown == 0) {
    return base::NotFound("UNKNOWN_FIELD",
                          fmt::format("The description of {} has no field '{}'.", type.kind, path))
        .Hint("Leave field_path out to see the described fields.");
  }
  return absl::OkStatus();
}

absl::StatusOr<ToolResult> Explain(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type,
                           call.cluster.Resolve(call.ctx, call.arguments.String("resource_type")));
  ToolResult out;
  const KindGuide* guide = GuideOf(type.plural);
  JsonWriter json;
  json.BeginObject()
      .Field("kind", type.kind)
      .Field("api_version", type.api_version())
      .Field("plural", type.plural);
  json.StringArray("short_names", type.short_names)
      .Field("namespaced", type.namespaced)
      .StringArray("verbs", type.verbs);
  const std::string names =
      type.short_names.empty() ? "" : fmt::format(" ({})", base::Join(type.short_names, ", "));
  out.text = Say("{0}{1}，API 版本 {2}，{3}。", "{0}{1}, API version {2}, {4}.", type.kind, names,
                 type.api_version(), type.namespaced ? "属于命名空间" : "集群级",
                 type.namespaced ? "namespaced" : "cluster-scoped");
  OPSMESH_RETURN_IF_ERROR(guide ? ExplainFromGuide(call, type, *guide, json, out)
                                : ExplainFromSchema(call, type, json, out));
  json.EndObject();
  out.json = json.Take();
  out.AddFact("kind", type.kind);
  out.AddFact("api_version", type.api_version());
  out.ledger.Checked("apiserver", "discovery of " + type.qualified_name());
  out.text.TrimNewlines();
  return out;
}

absl::StatusOr<ToolResult> Troubleshoot(const ToolCall& call) {
  const std::string topic = call.arguments.String("topic");
  ToolResult out;
  JsonWriter json;
  json.BeginObject().Key("topics").BeginArray();
  for (const Topic& t : Topics()) {
    if (topic.empty() || t.name == topic) {
      json.BeginObject()
          .Field("topic", t.name)
          .Key("title")
          .BeginObject()
          .Field("zh", t.title.zh)
          .Field("en", t.title.en)
          .EndObject();
      json.Key("steps").BeginArray();
      out.text += Say("{0}\n", "{1}\n", t.title.zh, t.title.en);
      int number = 0;
      for (const Text& step : t.steps) {
        out.text += Say("{0}. {1}\n", "{0}. {2}\n", ++number, step.zh, step.en);
        json.BeginObject().Field("zh", step.zh).Field("en", step.en).EndObject();
      }
      json.EndArray().EndObject();
      out.text.AppendBoth("\n");
    }
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  out.text.TrimNewlines();
  LedgerEntry entry;
  entry.source = "built-in guide";
  entry.subject = topic.empty() ? "all topics" : topic;
  out.ledger.Checked(std::move(entry));
  entry = {};
  entry.source = "cluster";
  entry.subject = "its state";
  entry.reason = "this is general advice; diagnose_kubernetes_pod_issues looks at the cluster";
  out.ledger.NotChecked(std::move(entry));
  return out;
}

}  // namespace

void AddClusterTools(ToolRegistry& r) {
  ToolGroup group(r, "cluster");
  group.Live("verify_kubernetes_connection",
             {"检查与集群的连接、版本和权限",
              "Checks the connection to the cluster, its version and our rights"},
             {}, VerifyConnection, {"k8s-verify-connection"});
  group.Live("get_kubernetes_contexts",
             {"列出配置中的上下文（不含地址和凭据）",
              "Lists the configured contexts, without addresses and credentials"},
             {}, GetContexts, {"k8s-get-contexts"});
  Param namespaced = BoolParam(
      "namespaced", {"只要属于（或不属于）命名空间的", "Only namespaced (or cluster-scoped) kinds"},
      true);
  namespaced.default_json.clear();
  group.Live("list_kubernetes_api_resources",
             {"列出服务器提供的资源类型", "Lists the kinds that the server serves"},
             {TextParam("api_group", {"只要此 API 组，core 表示核心组",
                                      "Only this API group; core is the core group"}),
              TextParam("name_contains", {"名称含有此文字", "The name has this text in it"}),
              std::move(namespaced)},
             ListApiResources, {"k8s-api-resources"});
  group.Live(
      "explain_kubernetes_resource", {"说明一类资源和它的字段", "Explains a kind and its fields"},
      {KindParam(), TextParam("field_path", {"只看此字段，例如 spec.template",
                                             "Only this field, for instance spec.template"})},
      Explain, {"k8s-explain"});
  std::vector<std::string> topics;
  for (const Topic& topic : Topics()) topics.push_back(topic.name);
  group.Live("kubernetes_troubleshooting_guide",
             {"常见故障的排查步骤", "Steps for finding the cause of common faults"},
             {ChoiceParam("topic", {"主题，省略则全部", "Topic; all of them when absent"},
                          std::move(topics))},
             Troubleshoot);
}

}  // namespace opsmesh::k8s
