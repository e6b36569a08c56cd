// Group "security": policies, Pod Security Standards, RBAC, images, and one report of all of them.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/finding.h"
#include "services/k8s/image_scan.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/network_policies.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_security.h"
#include "services/k8s/rbac.h"
#include "services/k8s/say.h"
#include "services/k8s/tool_registry.h"
#include "services/k8s/workloads.h"

namespace opsmesh::k8s {
namespace {

class Audit {
 public:
  explicit Audit(Picture& picture) : picture_(picture) {}

  std::vector<Finding> Run() {
    Namespaces();
    for (const Workload& w : WorkloadsOf(picture_)) {
      if (!picture_.ns().empty() || !IsSystemNamespace(w.object->ns())) JudgeWorkload(w);
    }
    Services();
    Ingresses();
    std::stable_sort(out_.begin(), out_.end(),
                     [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
    return std::move(out_);
  }

 private:
  Finding& Add(std::string code, Severity severity, ObjectRef object, Text summary, Text cause,
               Text next) {
    Finding f;
    f.code = std::move(code);
    f.severity = severity;
    f.object = std::move(object);
    f.workload = f.object;
    f.summary = std::move(summary);
    f.cause = std::move(cause);
    f.next_step = std::move(next);
    out_.push_back(std::move(f));
    return out_.back();
  }

  // Namespaces with pods: enforcement of the standards, and a policy that restricts who reaches the
  // pods.
  void Namespaces() {
    std::set<std::string> with_pods;
    ForEach<kube::Pod>(picture_.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
      if (pod.phase == "Running" && !IsSystemNamespace(object.ns())) with_pods.emplace(object.ns());
    });
    for (const std::string& ns : with_pods) {
      const kube::ObjectPtr object = picture_.All("namespaces").Find("", ns);
      const ObjectRef ref{"Namespace", "", "", ns, "", ""};
      if (object &&
          kube::Lookup(object->meta().labels, "pod-security.kubernetes.io/enforce").empty()) {
        Add("NO_POD_SECURITY_LEVEL", Severity::kWarning, ref,
            Say("命名空间 {0} 没有强制 Pod 安全级别。",
                "Namespace {0} enforces no Pod Security level.", ns),
            {"任何 Pod 都可以在那里以特权运行。", "Any pod may run privileged there."},
            {"加标签 pod-security.kubernetes.io/enforce: baseline（先用 warn 试）。",
             "Label it pod-security.kubernetes.io/enforce: baseline (try warn first)."});
      }
      if (!picture_.Readable("networkpolicies")) continue;
      if (picture_.All("networkpolicies").InNamespace(ns).empty()) {
        Add("NO_NETWORK_POLICY", Severity::kWarning, ref,
            Say("命名空间 {0} 没有网络策略。", "Namespace {0} has no network policy.", ns),
            {"集群里的每个 Pod 都能访问它的每个端口。",
             "Every pod of the cluster reaches every port in it."},
            {"先加默认拒绝入站的策略，再放行需要的来源。",
             "Deny ingress by default, then allow the sources it needs."});
      }
    }
  }

  void JudgeWorkload(const Workload& w) {
    const std::string name = fmt::format("{} {}", w.kind, w.full_name());
    std::set<std::string> baseline;
    bool root = false;
    for (const Violation& v : CheckPodSecurity(w.object->root().At("spec.template.spec"))) {
      if (v.baseline) baseline.insert(v.control);
      root = root || v.control == "runAsNonRoot" || v.control == "runAsUser";
    }
    if (!baseline.empty()) {
      const std::string controls =
          base::Join(std::vector<std::string>(baseline.begin(), baseline.end()), ", ");
      Add("BREAKS_BASELINE", Severity::kCritical, RefOf(*w.object),
          Say("{0} 违反 baseline 级别：{1}。", "{0} breaks the baseline level: {1}.", name,
              controls),
          {"它可以接触或控制节点。", "It can touch or control its node."},
          {"去掉这些设置，或把它隔离到专用的命名空间。",
           "Remove these settings, or keep it in a namespace of its own."})
          .With("controls", controls);
    }
    if (root) {
      Add("MAY_RUN_AS_ROOT", Severity::kInfo, RefOf(*w.object),
          Say("{0} 没有禁止以 root 运行。", "{0} does not forbid running as root.", name),
          {"容器里的漏洞会以 root 被利用。", "A hole in the container is used as root."},
          {"设置 runAsNonRoot: true 和 runAsUser。", "Set runAsNonRoot: true and runAsUser."});
    }
    const kube::PodSpec& spec = w.pod_template->spec;
    if (spec.service_account.empty() || spec.service_account == "default") {
      const auto* account = Account(w.object->ns());
      const bool off = spec.automount_token == false ||
                       (!spec.automount_token && account && account->automount_token == false);
      if (!off) {
        Add("DEFAULT_ACCOUNT_TOKEN", Severity::kInfo, RefOf(*w.object),
            Say("{0} 挂载 default ServiceAccount 的令牌。",
                "{0} mounts the token of the default service account.", name),
            {"应用多半不需要访问 API。", "Most applications need no access to the API."},
            {"设置 automountServiceAccountToken: false。",
             "Set automountServiceAccountToken: false."});
      }
    }
    std::string in_env;
    for (const kube::Container& c : spec.containers) {
      for (const kube::ConfigRef& ref : c.config_refs) {
        if (ref.kind == kube::ConfigRef::Kind::kSecret &&
            in_env.find(ref.name) == std::string::npos)
          in_env += (in_env.empty() ? "" : ", ") + std::string(ref.name);
      }
    }
    if (!in_env.empty()) {
      Add("SECRET_IN_ENVIRONMENT", Severity::kInfo, RefOf(*w.object),
          Say("{0} 通过环境变量使用 Secret：{1}。",
              "{0} gets Secrets through its environment: {1}.", name, in_env),
          {"环境变量容易被日志和子进程带出。", "Environments leak into logs and child processes."},
          {"改为挂载成文件。", "Mount them as files."});
    }
  }

  const kube::ServiceAccount* Account(std::string_view ns) {
    const kube::ObjectPtr object = picture_.All("serviceaccounts").Find(ns, "default");
    return object ? object->As<kube::ServiceAccount>() : nullptr;
  }

  void Services() {
    ForEach<kube::Service>(picture_.In("services"), [&](const kube::Object& object,
                                                        const kube::Service& service) {
      if (service.type != "LoadBalancer" && service.type != "NodePort") return;
      Add("EXPOSED_SERVICE", Severity::kInfo, RefOf(object),
          Say("Service {0} 以 {1} 对外暴露。", "Service {0} is exposed as {1}.",
              object.meta().full_name(), service.type),
          {"确认它应当从集群外访问。", "Make sure that it is meant to be reached from outside."},
          {"不需要时改为 ClusterIP；需要时限制来源（loadBalancerSourceRanges）。",
           "Use ClusterIP when not; else limit its sources (loadBalancerSourceRanges)."});
    });
  }

  void Ingresses() {
    ForEach<kube::Ingress>(
        picture_.In("ingresses"), [&](const kube::Object& object, const kube::Ingress& ingress) {
          if (!ingress.tls.empty()) return;
          Add("INGRESS_WITHOUT_TLS", Severity::kWarning, RefOf(object),
              Say("Ingress {0} 没有 TLS。", "Ingress {0} has no TLS.", object.meta().full_name()),
              {"流量和会话以明文传输。", "Traffic and sessions travel in the clear."},
              {"配置 spec.tls 和证书。", "Configure spec.tls and a certificate."});
        });
  }

  Picture& picture_;
  std::vector<Finding> out_;
};

void NotAudited(Ledger& ledger) {
  ledger.NotChecked("apiserver configuration",
                    "encryption of Secrets at rest, audit log, authentication",
                    "flags of the apiserver are not in the API");
}

absl::StatusOr<ToolResult> AuditPolicies(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  ToolResult out = AnswerFindings(Audit(picture).Run(), picture,
                                  static_cast<size_t>(call.arguments.Integer("limit", 100)));
  out.ledger = picture.ledger();
  NotAudited(out.ledger);
  return out;
}

absl::StatusOr<ToolResult> SecurityReport(const ToolCall& call, const std::string& reports_path) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  struct Section {
    Text title;
    const char* key;
    absl::StatusOr<ToolResult> result;
  };
  Section sections[] = {
      {{"策略审计", "Policies"}, "policies", AuditPolicies(call)},
      {{"Pod 安全标准", "Pod Security Standards"}, "pod_security", CheckPodSecurityStandards(call)},
      {{"RBAC 权限", "RBAC"}, "rbac", AnalyzeRbac(call)},
      {{"镜像", "Images"}, "images", ScanImages(call, reports_path)},
      {{"网络策略", "Network policies"}, "network_policies", CheckNetworkPolicies(call)},
  };
  ToolResult out;
  JsonWriter json;
  json.BeginObject().Field("created", base::Rfc3339(call.now)).Key("sections").BeginObject();
  Text body;
  int64_t critical = 0, warning = 0;
  for (Section& s : sections) {
    body += Say("\n\n## {0}\n\n", "\n\n## {1}\n\n", s.title.zh, s.title.en);
    if (!s.result.ok()) {
      const std::string why(base::ToStd(s.result.status().message()));
      body += Say("没有检查：{0}", "Not checked: {0}", why);
      out.ledger.Failed("tool", s.title.en, why);
      json.Key(s.key).Null();
      continue;
    }
    body += s.result->text;
    json.Key(s.key).Raw(s.result->json);
    for (const Fact& fact : s.result->facts) {
      if (fact.key == "findings.critical") critical += std::atoll(fact.value.c_str());
      if (fact.key == "findings.warning") warning += std::atoll(fact.value.c_str());
      out.facts.push_back({std::string(s.key) + "." + fact.key, fact.value, fact.object});
    }
    out.ledger.Merge(s.result->ledger);
    out.untrusted = out.untrusted || s.result->untrusted;
    out.truncated = out.truncated || s.result->truncated;
  }
  json.EndObject().Field("critical", critical).Field("warning", warning).EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text = Say("安全报告（{0}）：策略和 RBAC 共 {2} 个严重、{3} 个警告。",
                 "Security report ({1}): {2} critical and {3} warnings in policies and RBAC.",
                 place.zh, place.en, critical, warning) +
             body;
  out.AddFact("report.critical", critical);
  out.AddFact("report.warning", warning);
  return out;
}

}  // namespace

void AddSecurityTools(ToolRegistry& r, const ToolSettings& settings) {
  ToolGroup group(r, "security");
  const Param level = ChoiceParam(
      "level", {"标准级别，默认 baseline", "Level of the standard, baseline by default"},
      {"baseline", "restricted"});
  const std::string reports = settings.image_reports;
  group.Cached(
      "audit_security_policies",
      {"审计安全策略：命名空间的安全级别、网络策略、特权、root、令牌、对外暴露、TLS",
       "Audits security: levels of namespaces, network policies, privileges, root, tokens, "
       "exposure, TLS"},
      {NamespaceParam(), LimitParam()}, AuditPolicies);
  group.Cached("check_pod_security_standards",
               {"按 Pod 安全标准检查每个工作负载",
                "Checks every workload against the Pod Security Standards"},
               {NamespaceParam(), level}, CheckPodSecurityStandards);
  group.Live("analyze_rbac_permissions",
             {"分析 RBAC：危险的授权；给出动词和资源时回答谁可以做",
              "Analyses RBAC: dangerous grants; with a verb and a resource, who can do it"},
             {NamespaceParam(),
              TextParam("subject", {"只看此用户、组或 ServiceAccount",
                                    "Only this user, group or service account"}),
              TextParam("verb", {"动词，例如 delete", "Verb, for instance delete"}),
              TextParam("resource",
                        {"资源，例如 pods、pods/exec", "Resource, for instance pods or pods/exec"}),
              LimitParam()},
             AnalyzeRbac);
  group.Live("scan_image_vulnerabilities",
             {"镜像清单和扫描器的漏洞报告（Trivy、Grype、Trivy operator）",
              "Images in use with what scanners reported (Trivy, Grype, Trivy operator)"},
             {NamespaceParam(),
              ChoiceParam("severity", {"最低级别，默认 HIGH", "Least severity, HIGH by default"},
                          {"CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"}),
              LimitParam()},
             [reports](const ToolCall& call) { return ScanImages(call, reports); });
  group.Live(
      "generate_security_report",
      {"安全报告：策略、Pod 安全标准、RBAC、镜像、网络策略",
       "A security report: policies, Pod Security Standards, RBAC, images, network policies"},
      {NamespaceParam(), level, LimitParam()},
      [reports](const ToolCall& call) { return SecurityReport(call, reports); });
}

}  // namespace opsmesh::k8s
