// analyze_network_path: can a source reach a service or workload; if not, which link is broken or
// which policy forbids it.
#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/fields.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/reachability.h"
#include "services/k8s/say.h"
#include "services/k8s/service_chain.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"
#include "services/k8s/workloads.h"

namespace opsmesh::k8s {
namespace {

struct End {
  std::string shown;  // "Service shop/cart"
  kube::ObjectPtr service;
  std::vector<kube::ObjectPtr> pods;
};

Peer PeerOf(const kube::ObjectPtr& object) {
  const auto* pod = object->As<kube::Pod>();
  return {object, std::string(object->ns()), object->meta().labels,
          pod ? std::string(pod->pod_ip) : ""};
}

// A Service, workload or pod by name; a Service first when `services`.
absl::StatusOr<End> FindEnd(Picture& picture, const std::string& ns, const std::string& name,
                            bool services) {
  End end;
  if (services) {
    if ((end.service = picture.All("services").Find(ns, name))) {
      end.shown = Display(RefOf(*end.service));
      end.pods = BackendsOf(picture, *end.service, *end.service->As<kube::Service>()).selected;
      return end;
    }
  }
  for (const char* plural : {"deployments", "statefulsets", "daemonsets"}) {
    const kube::ObjectPtr object = picture.All(plural).Find(ns, name);
    if (!object) continue;
    end.shown = Display(RefOf(*object));
    const kube::ObjectSelector* selector = nullptr;
    if (const auto* d = object->As<kube::Deployment>()) selector = &d->selector;
    if (const auto* s = object->As<kube::StatefulSet>()) selector = &s->selector;
    if (const auto* s = object->As<kube::DaemonSet>()) selector = &s->selector;
    if (selector) end.pods = picture.All("pods").Matching(ns, *selector);
    return end;
  }
  if (const kube::ObjectPtr pod = picture.All("pods").Find(ns, name)) {
    end.shown = Display(RefOf(*pod));
    end.pods = {pod};
    return end;
  }
  return base::NotFound(
             "OBJECT_NOT_FOUND",
             fmt::format("There is no service, workload or pod '{}' in namespace {}.", name, ns))
      .Hint("list_kubernetes_services and list_kubernetes_pods list them.");
}

// A source may be in another namespace than the one asked for: the only one of its name.
std::string NamespaceOfSource(Picture& picture, const std::string& asked,
                              const std::string& destination_ns, const std::string& name) {
  if (!asked.empty()) return asked;
  std::vector<std::string> found;
  for (const char* plural : {"deployments", "statefulsets", "daemonsets", "pods"}) {
    for (const kube::ObjectPtr& object : picture.All(plural).objects()) {
      if (object->name() == name &&
          std::find(found.begin(), found.end(), object->ns()) == found.end())
        found.emplace_back(object->ns());
    }
  }
  return found.size() == 1 ? found.front() : destination_ns;
}

struct PortPair {
  std::string shown;  // "80/TCP -> 8080"
  PortAsked on_pod;
};

// Ports to judge: those of the service, on the first pod that serves them, or what the pods
// declare.
std::vector<PortPair> PortsOf(const End& end, int64_t only) {
  std::vector<PortPair> out;
  const auto* pod = end.pods.empty() ? nullptr : end.pods.front()->As<kube::Pod>();
  if (end.service) {
    for (const kube::ServicePort& port : end.service->As<kube::Service>()->ports) {
      if (only > 0 && port.port != only) continue;
      PortPair pair;
      pair.on_pod.protocol = port.protocol.empty() ? "TCP" : std::string(port.protocol);
      pair.on_pod.number =
          port.target_port.number.value_or(port.target_port.name.empty() ? port.port : 0);
      for (size_t i = 0; pod && !port.target_port.name.empty() && i < pod->spec.containers.size();
           ++i) {
        for (const kube::ContainerPort& p : pod->spec.containers[i].ports) {
          if (p.name == port.target_port.name) pair.on_pod.number = p.port;
        }
      }
      pair.shown = fmt::format("{}/{} -> {}", port.port, pair.on_pod.protocol,
                               pair.on_pod.number > 0 ? std::to_string(pair.on_pod.number)
                                                      : std::string(port.target_port.name));
      out.push_back(std::move(pair));
    }
    return out;
  }
  for (size_t i = 0; pod && only == 0 && i < pod->spec.containers.size(); ++i) {
    for (const kube::ContainerPort& p : pod->spec.containers[i].ports) {
      const std::string protocol = p.protocol.empty() ? "TCP" : std::string(p.protocol);
      out.push_back({fmt::format("{}/{}", p.port, protocol), {p.port, protocol}});
    }
  }
  if (out.empty())
    out.push_back({only > 0 ? fmt::format("{}/TCP", only) : "any/TCP", {only, "TCP"}});
  return out;
}

class Path {
 public:
  Path(Picture& picture, End to, std::optional<End> from, int64_t port)
      : picture_(picture), to_(std::move(to)), from_(std::move(from)), port_(port) {}

  ToolResult Run() {
    JudgeService();
    JudgePods();
    for (const PortPair& port : PortsOf(to_, port_)) JudgePolicies(port);
    if (from_) JudgeDns();
    return Write();
  }

 private:
  void Step(std::string step, std::string object, bool ok, Text state) {
    steps_.push_back({std::move(step), std::move(object), ok, std::move(state)});
  }

  void JudgeService() {
    if (!to_.service) return;
    const auto* service = to_.service->As<kube::Service>();
    const ServiceBackends backends = BackendsOf(picture_, *to_.service, *service);
    if (service->type == "ExternalName")
      return Step(
          "Service", to_.shown, true,
          Say("指向集群外的 {0}", "points outside the cluster, to {0}", service->external_name));
    Step("Endpoints", to_.shown, backends.ready > 0,
         Say("{0} 个就绪，{1} 个未就绪（选择器 {2}）", "{0} ready, {1} not ready (selector {2})",
             backends.ready, backends.not_ready, JoinLabels(service->selector)));
    for (const BadPort& bad : BadPorts(*service, backends.selected)) {
      Step("Port", to_.shown, false,
           Say("targetPort {0} 没有 Pod 提供（Pod 声明：{1}）",
               "targetPort {0} is served by no pod (declared: {1})", bad.target, bad.declared));
    }
    if (port_ > 0 && std::none_of(service->ports.begin(), service->ports.end(),
                                  [&](const kube::ServicePort& p) { return p.port == port_; })) {
      Step("Port", to_.shown, false,
           Say("Service 没有端口 {0}", "the service has no port {0}", port_));
    }
  }

  void JudgePods() {
    int64_t ready = 0;
    for (const kube::ObjectPtr& object : to_.pods)
      ready += kube::ConditionTrue(object->As<kube::Pod>()->conditions, "Ready") ? 1 : 0;
    Step("Pods", to_.shown, ready > 0,
         Say("{0} 个 Pod，{1} 个就绪", "{0} pods, {1} ready", to_.pods.size(), ready));
    if (from_) {
      Step("Source", from_->shown, !from_->pods.empty(),
           Say("{0} 个 Pod", "{0} pods", from_->pods.size()));
    }
  }

  void JudgePolicies(const PortPair& port) {
    if (!picture_.Readable("networkpolicies") || to_.pods.empty()) return;
    const Peer to = PeerOf(to_.pods.front());
    if (!from_) {
      // Nobody named the source: say who is limited, judged for a pod without labels beside it.
      const PolicyVerdict in =
          JudgeIngress(picture_, {nullptr, to.name_space, {}, ""}, to, port.on_pod);
      if (in.restricted)
        Step("Policy", port.shown, true,
             Say("入站受 {0} 限制；给出来源才能判断",
                 "ingress is limited by {0}; name the source to judge it",
                 base::Join(in.policies, ", ")));
      return;
    }
    if (from_->pods.empty()) return;
    const Peer from = PeerOf(from_->pods.front());
    const PolicyVerdict out = JudgeEgress(picture_, from, to, port.on_pod),
                        in = JudgeIngress(picture_, from, to, port.on_pod);
    SayPolicy("Egress", port.shown, out);
    SayPolicy("Ingress", port.shown, in);
    unsure_ = unsure_ || out.unsure || in.unsure;
  }

  void SayPolicy(const char* direction, const std::string& port, const PolicyVerdict& v) {
    if (!v.restricted) return Step(direction, port, true, {"没有策略限制", "no policy limits it"});
    const std::string policies = base::Join(v.policies, ", ");
    if (v.allowed) return Step(direction, port, true, Say("由 {0} 放行", "allowed by {0}", v.by));
    Step(direction, port, false,
         Say("被策略 {0} 阻断：没有规则放行", "blocked by {0}: no rule allows it", policies));
    blocked_by_.insert(blocked_by_.end(), v.policies.begin(), v.policies.end());
  }

  // A source whose egress is limited must still reach the cluster's DNS.
  void JudgeDns() {
    const kube::ObjectPtr dns = picture_.All("services").Find("kube-system", "kube-dns");
    if (!dns || from_->pods.empty() || !picture_.Readable("networkpolicies")) return;
    const std::vector<kube::ObjectPtr> pods =
        BackendsOf(picture_, *dns, *dns->As<kube::Service>()).selected;
    if (pods.empty())
      return Step("DNS", "Service kube-system/kube-dns", false,
                  {"没有 DNS 的 Pod", "there are no DNS pods"});
    const PolicyVerdict out =
        JudgeEgress(picture_, PeerOf(from_->pods.front()), PeerOf(pods.front()), {53, "UDP"});
    if (out.restricted) SayPolicy("DNS", "53/UDP", out);
  }

  ToolResult Write() {
    const bool open =
        std::all_of(steps_.begin(), steps_.end(), [](const Stage& s) { return s.ok; });
    ToolResult out;
    JsonWriter json;
    json.BeginObject()
        .OptionalField("source", from_ ? from_->shown : "")
        .Field("destination", to_.shown)
        .Field("verdict", open ? "open" : "blocked")
        .StringArray("blocked_by_policies", blocked_by_)
        .Key("steps")
        .BeginArray();
    TextTable zh({"步骤", "对象", "状态", "说明"}), en({"STEP", "OBJECT", "STATE", "WHY"});
    std::string broken_zh, broken_en;
    for (const Stage& s : steps_) {
      zh.AddRow({s.step, s.object, s.ok ? "ok" : "FAIL", s.state.zh});
      en.AddRow({s.step, s.object, s.ok ? "ok" : "FAIL", s.state.en});
      json.BeginObject()
          .Field("step", s.step)
          .Field("object", s.object)
          .Field("ok", s.ok)
          .Field("why", s.state.en)
          .EndObject();
      if (!s.ok && broken_en.empty()) {
        broken_zh = fmt::format("{}：{}", s.step, s.state.zh);
        broken_en = fmt::format("{}: {}", s.step, s.state.en);
      }
    }
    json.EndArray().EndObject();
    out.json = json.Take();
    const Text who = from_ ? Say("从 {0} 到 {1}", "from {0} to {1}", from_->shown, to_.shown)
                           : Say("到 {0}", "to {0}", to_.shown);
    out.text =
        open
            ? Say("{0} 的网络路径是通的。\n\n", "The network path {1} is open.\n\n", who.zh, who.en)
            : Say("{0} 的网络路径不通。{2}。\n\n", "The network path {1} is blocked. {3}.\n\n",
                  who.zh, who.en, broken_zh, broken_en);
    out.text += Text{zh.Render(), en.Render()};
    out.AddFact("verdict", open ? "open" : "blocked");
    out.ledger = picture_.ledger();
    out.ledger.NotChecked(
        "network", "whether packets arrive",
        "judged from objects; no packet was sent, and the network plugin may not enforce policies");
    if (unsure_) {
      out.ledger.NotChecked("network policies", "rules by IP block",
                            "the address of one end is not known");
    }
    return out;
  }

  struct Stage {
    std::string step;
    std::string object;
    bool ok;
    Text state;
  };
  Picture& picture_;
  const End to_;
  const std::optional<End> from_;
  const int64_t port_;
  std::vector<Stage> steps_;
  std::vector<std::string> blocked_by_;
  bool unsure_ = false;
};

absl::StatusOr<ToolResult> NetworkPath(const ToolCall& call) {
  const std::string ns = NamespaceForOne(call);
  Picture picture(call.cluster.Picture(call.ctx), "", call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods", ns));
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("services", ns));
  OPSMESH_ASSIGN_OR_RETURN(End to,
                           FindEnd(picture, ns, call.arguments.String("destination"), true));
  std::optional<End> from;
  if (const std::string source = call.arguments.String("source"); !source.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(
        from,
        FindEnd(picture,
                NamespaceOfSource(picture, call.arguments.String("source_namespace"), ns, source),
                source, false));
  }
  return Path(picture, std::move(to), std::move(from), call.arguments.Integer("port", 0)).Run();
}

}  // namespace

void AddNetworkPathTool(ToolRegistry& r) {
  Param source_ns = NameParam(
      "source_namespace",
      {"来源所在的命名空间；省略则取唯一同名的，没有则与目标相同",
       "Namespace of the source; absent = the only one of its name, else the destination's"},
      false);
  source_ns.format = ParamFormat::kNamespace;
  ToolGroup(r, "tracing")
      .Cached(
          "analyze_network_path",
          {"分析网络路径：来源能否到达服务或工作负载，哪一环断了，被哪条网络策略阻断",
           "Analyses a network path: whether a source reaches a service or workload, "
           "which link is broken, which policy blocks it"},
          {OneNamespaceParam(),
           NameParam("destination", {"目标：Service、工作负载或 Pod 的名称",
                                     "Destination: name of a service, workload or pod"}),
           NameParam("source",
                     {"来源：工作负载或 Pod 的名称，省略则只检查目标",
                      "Source: name of a workload or pod; absent = only the destination is "
                      "checked"},
                     false),
           std::move(source_ns),
           IntParam("port",
                    {"目标端口，省略则全部", "Port of the destination; all of them when absent"}, 1,
                    65535, "")},
          NetworkPath);
}

}  // namespace opsmesh::k8s
