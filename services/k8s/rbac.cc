#include "services/k8s/rbac.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/picture.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

using kube::JsonRef;

constexpr char kGroup[] = "rbac.authorization.k8s.io";

std::vector<std::string> Strings(const JsonRef& list) {
  std::vector<std::string> out;
  list.ForEachElement([&](JsonRef value) {
    out.push_back(CleanText(value.String(), 120));
    return true;
  });
  return out;
}

bool In(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

absl::StatusOr<std::vector<kube::ObjectPtr>> ListAll(const ToolCall& call, const char* plural,
                                                     Ledger& ledger) {
  LedgerEntry entry;
  entry.source = "apiserver";
  entry.subject = plural;
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type, call.cluster.Resolve(call.ctx, plural));
  auto listed = call.cluster.List(call.ctx, type, "", {});
  if (!listed.ok()) {
    entry.reason = std::string(base::ToStd(listed.status().message()));
    ledger.Failed(std::move(entry));
    return listed.status();
  }
  entry.total_count = static_cast<int64_t>(listed->items.size());
  entry.shown_count = entry.total_count;
  ledger.Checked(std::move(entry));
  return std::move(listed->items);
}

std::vector<RbacRule> RulesOf(const kube::Object& role) {
  std::vector<RbacRule> rules;
  role.root()["rules"].ForEachElement([&](JsonRef rule) {
    rules.push_back({Strings(rule["verbs"]), Strings(rule["apiGroups"]), Strings(rule["resources"]),
                     Strings(rule["resourceNames"])});
    return true;
  });
  return rules;
}

struct Danger {
  const char* code;
  Severity severity;
  const char* verb;
  const char* group;
  const char* resource;
  Text what;
};

// What lets its holder become more than it is, or read what it should not.
const std::vector<Danger>& Dangers() {
  static const auto* const dangers = new std::vector<Danger>{
      {"CAN_ESCALATE",
       Severity::kCritical,
       "escalate",
       kGroup,
       "clusterroles",
       {"可以给角色加任何权限（escalate）", "may add any right to roles (escalate)"}},
      {"CAN_BIND",
       Severity::kCritical,
       "bind",
       kGroup,
       "clusterroles",
       {"可以绑定任何角色（bind）", "may bind any role (bind)"}},
      {"CAN_IMPERSONATE",
       Severity::kCritical,
       "impersonate",
       "",
       "users",
       {"可以冒充任何用户（impersonate）", "may act as any user (impersonate)"}},
      {"READS_SECRETS",
       Severity::kWarning,
       "get",
       "",
       "secrets",
       {"可以读 Secret 的值", "may read the values of Secrets"}},
      {"LISTS_SECRETS",
       Severity::kWarning,
       "list",
       "",
       "secrets",
       {"可以列出 Secret（含值）", "may list Secrets, values included"}},
      {"CAN_EXEC",
       Severity::kWarning,
       "create",
       "",
       "pods/exec",
       {"可以进入容器执行命令", "may run commands in containers"}},
      {"CREATES_PODS",
       Severity::kInfo,
       "create",
       "",
       "pods",
       {"可以创建 Pod，从而使用同命名空间的任何 Secret 和 ServiceAccount",
        "may create pods, and with them use any Secret and service account of the namespace"}},
      {"MINTS_TOKENS",
       Severity::kWarning,
       "create",
       "",
       "serviceaccounts/token",
       {"可以为 ServiceAccount 签发令牌", "may make tokens of service accounts"}},
      {"PROXIES_NODES",
       Severity::kWarning,
       "get",
       "",
       "nodes/proxy",
       {"可以经由 kubelet 访问所有 Pod（nodes/proxy）",
        "may reach every pod through the kubelet (nodes/proxy)"}},
  };
  return *dangers;
}

}  // namespace

bool RbacRule::Allows(std::string_view verb, std::string_view group,
                      std::string_view resource) const {
  if (!In(verbs, "*") && !In(verbs, verb)) return false;
  if (!In(groups, "*") && !In(groups, group)) return false;
  if (!names.empty()) return false;  // only named objects: not the right in general
  if (In(resources, "*") || In(resources, resource)) return true;
  const size_t slash = resource.find('/');
  return slash != std::string_view::npos &&
         In(resources, fmt::format("*{}", resource.substr(slash)));
}

bool Grant::system() const {
  return (subject_kind == "ServiceAccount" && subject.starts_with("kube-system/")) ||
         (subject.starts_with("system:") && subject != "system:anonymous" &&
          subject != "system:unauthenticated" && subject != "system:authenticated" &&
          !subject.starts_with("system:serviceaccounts"));
}

absl::StatusOr<std::vector<Grant>> ReadGrants(const ToolCall& call, std::string_view ns,
                                              Ledger& ledger) {
  std::map<std::string, std::vector<RbacRule>> roles;  // "ClusterRole//name", "Role/ns/name"
  OPSMESH_ASSIGN_OR_RETURN(const auto cluster_roles, ListAll(call, "clusterroles", ledger));
  for (const auto& role : cluster_roles)
    roles[fmt::format("ClusterRole//{}", role->name())] = RulesOf(*role);
  OPSMESH_ASSIGN_OR_RETURN(const auto own_roles, ListAll(call, "roles", ledger));
  for (const auto& role : own_roles)
    roles[fmt::format("Role/{}/{}", role->ns(), role->name())] = RulesOf(*role);
  std::vector<Grant> grants;
  for (const char* plural : {"clusterrolebindings", "rolebindings"}) {
    OPSMESH_ASSIGN_OR_RETURN(const auto bindings, ListAll(call, plural, ledger));
    for (const kube::ObjectPtr& binding : bindings) {
      const bool wide = binding->ns().empty();
      if (!wide && !ns.empty() && binding->ns() != ns) continue;
      const JsonRef ref = binding->root()["roleRef"];
      const std::string kind = ref["kind"].String(), name = ref["name"].String();
      const auto role = roles.find(kind == "Role" ? fmt::format("Role/{}/{}", binding->ns(), name)
                                                  : "ClusterRole//" + name);
      binding->root()["subjects"].ForEachElement([&](JsonRef subject) {
        Grant grant;
        grant.subject_kind = CleanText(subject["kind"].String(), 40);
        grant.subject = CleanText(subject["name"].String(), 120);
        if (grant.subject_kind == "ServiceAccount")
          grant.subject = CleanText(subject["namespace"].String(), 63) + "/" + grant.subject;
        grant.binding =
            fmt::format("{} {}", wide ? "ClusterRoleBinding" : "RoleBinding",
                        wide ? std::string(binding->name()) : binding->meta().full_name());
        grant.role = CleanText(kind + " " + name, 160);
        grant.name_space = binding->ns();
        if (role != roles.end()) grant.rules = role->second;
        grants.push_back(std::move(grant));
        return true;
      });
    }
  }
  return grants;
}

std::vector<Finding> JudgeGrants(const std::vector<Grant>& grants) {
  std::vector<Finding> out;
  for (const Grant& g : grants) {
    if (g.system()) continue;
    const std::string who = fmt::format("{} {}", g.subject_kind, g.subject);
    const Text where = g.name_space.empty() ? Text{"整个集群", "the whole cluster"}
                                            : Say("命名空间 {0}", "namespace {0}", g.name_space);
    const auto add = [&](const char* code, Severity severity, const Text& what, Text next) {
      Finding f;
      f.code = code;
      // In one namespace the same right reaches less far.
      f.severity = g.name_space.empty() || severity == Severity::kInfo
                       ? severity
                       : static_cast<Severity>(static_cast<int>(severity) - 1);
      const size_t blank = g.binding.find(' '), slash = g.binding.find('/');
      const bool wide = slash == std::string::npos;
      f.object = {g.binding.substr(0, blank),
                  kGroup,
                  wide ? "" : g.binding.substr(blank + 1, slash - blank - 1),
                  g.binding.substr(wide ? blank + 1 : slash + 1),
                  "",
                  ""};
      f.summary = Say("{0} {2}（{4}，经 {6}）。", "{1} {3} ({5}, through {6}).", who, who, what.zh,
                      what.en, where.zh, where.en, g.role);
      f.next_step = std::move(next);
      f.With("subject", who).With("binding", g.binding).With("role", g.role);
      out.push_back(std::move(f));
    };
    const Text narrow = {"只授予需要的动词和资源，并限制在命名空间内。",
                         "Grant only the verbs and resources needed, in one namespace."};
    const bool everyone = g.subject == "system:anonymous" || g.subject == "system:unauthenticated";
    const bool harmless = g.role == "ClusterRole system:public-info-viewer";
    if (everyone && !harmless)
      add("ANONYMOUS_ACCESS", Severity::kCritical,
          {"不登录就有权限", "has rights without logging in"},
          {"删除这个绑定。", "Delete this binding."});
    const bool all = std::any_of(g.rules.begin(), g.rules.end(), [](const RbacRule& r) {
      return In(r.verbs, "*") && In(r.resources, "*") && In(r.groups, "*") && r.names.empty();
    });
    if (all) {
      add("CLUSTER_ADMIN", Severity::kCritical, {"可以做任何事", "may do anything"}, narrow);
      continue;  // everything else follows from it
    }
    for (const Danger& d : Dangers()) {
      const bool held = std::any_of(g.rules.begin(), g.rules.end(), [&](const RbacRule& r) {
        return r.Allows(d.verb, d.group, d.resource);
      });
      if (held) add(d.code, d.severity, d.what, narrow);
    }
    if (g.subject_kind == "ServiceAccount" && g.subject.ends_with("/default") && !g.rules.empty()) {
      add("DEFAULT_ACCOUNT_HAS_RIGHTS", Severity::kWarning,
          {"是 default ServiceAccount，命名空间里每个没写账号的 Pod 都有它的权限",
           "is a default service account: every pod without an account of its own has its rights"},
          {"为应用建专用的 ServiceAccount。", "Give the application an account of its own."});
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return out;
}

namespace {

// "Who can delete pods": every grant that allows it.
absl::StatusOr<ToolResult> WhoCan(const ToolCall& call, const std::vector<Grant>& grants,
                                  Picture& picture, std::string verb, const std::string& asked) {
  verb = base::AsciiLower(verb);
  const size_t slash = asked.find('/');
  const auto type = call.cluster.Resolve(call.ctx, asked.substr(0, slash));
  const std::string resource = (type.ok() ? type->plural : asked.substr(0, slash)) +
                               (slash == std::string::npos ? "" : asked.substr(slash));
  const std::string group = type.ok() ? type->group : "";
  ToolResult out;
  TextTable table({"SUBJECT", "WHERE", "ROLE", "BINDING"});
  JsonWriter json;
  json.BeginObject().Field("verb", verb).Field("resource", resource).Key("items").BeginArray();
  int64_t total = 0, wide = 0;
  for (const Grant& g : grants) {
    const bool allowed = std::any_of(g.rules.begin(), g.rules.end(), [&](const RbacRule& r) {
      return r.Allows(verb, group, resource);
    });
    if (!allowed) continue;
    ++total;
    wide += g.name_space.empty() ? 1 : 0;
    table.AddRow({g.subject_kind + " " + g.subject, g.name_space.empty() ? "*" : g.name_space,
                  g.role, g.binding});
    json.BeginObject()
        .Field("subject_kind", g.subject_kind)
        .Field("subject", g.subject)
        .Field("scope", g.name_space.empty() ? "*" : g.name_space)
        .Field("role", g.role)
        .Field("binding", g.binding)
        .EndObject();
  }
  json.EndArray().Field("total", total).EndObject();
  out.json = json.Take();
  out.text = Say("{2} 项授权允许 {0} {1}，其中 {3} 项对整个集群有效。\n\n",
                 "{2} grants allow to {0} {1}, {3} of them in the whole cluster.\n\n", verb,
                 resource, total, wide);
  out.text.AppendBoth(table.Render());
  out.AddFact("grants.total", total);
  out.ledger = picture.ledger();
  return out;
}

}  // namespace

absl::StatusOr<ToolResult> AnalyzeRbac(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  OPSMESH_ASSIGN_OR_RETURN(std::vector<Grant> grants,
                           ReadGrants(call, picture.ns(), picture.ledger()));
  const std::string subject = call.arguments.String("subject");
  if (!subject.empty())
    std::erase_if(grants, [&](const Grant& g) {
      return g.subject != subject && !g.subject.ends_with("/" + subject);
    });
  picture.ledger().NotChecked(
      "apiserver", "other authorizers and members of groups",
      "only RBAC is read; webhooks, node authorization and who belongs to a group are not in the "
      "API");
  const std::string verb = call.arguments.String("verb"),
                    resource = call.arguments.String("resource");
  if (!verb.empty() || !resource.empty())
    return WhoCan(call, grants, picture, verb.empty() ? "get" : verb,
                  resource.empty() ? "pods" : resource);
  const std::vector<Finding> findings = JudgeGrants(grants);
  ToolResult out =
      AnswerFindings(findings, picture, static_cast<size_t>(call.arguments.Integer("limit", 100)));
  std::set<std::string> subjects;
  for (const Grant& g : grants) subjects.insert(g.subject_kind + " " + g.subject);
  out.text = Say("读取了 {0} 项授权，涉及 {1} 个主体。", "{0} grants to {1} subjects were read. ",
                 grants.size(), subjects.size()) +
             out.text;
  out.AddFact("grants.total", static_cast<int64_t>(grants.size()));
  out.AddFact("subjects.total", static_cast<int64_t>(subjects.size()));
  return out;
}

}  // namespace opsmesh::k8s
