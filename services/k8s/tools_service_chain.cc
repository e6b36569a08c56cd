// Tool trace_service_chain: ingress -> service -> endpoints -> pods -> nodes, each link with its
// state.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/network_policies.h"
#include "services/k8s/params.h"
#include "services/k8s/read_object.h"
#include "services/k8s/service_chain.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

// Findings about these objects, from the rules over the picture's namespace.
std::vector<Finding> Among(std::vector<Finding> all, const std::vector<ObjectRef>& objects) {
  std::erase_if(all, [&](const Finding& f) {
    return std::none_of(objects.begin(), objects.end(), [&](const ObjectRef& o) {
      return (o.kind == f.object.kind && o.name == f.object.name &&
              o.name_space == f.object.name_space) ||
             (o.kind == f.workload.kind && o.name == f.workload.name &&
              o.name_space == f.workload.name_space);
    });
  });
  return all;
}

class ChainTrace {
 public:
  ChainTrace(Picture& picture, const kube::Object& object, const kube::Service& service)
      : picture_(picture),
        object_(object),
        service_(service),
        backends_(BackendsOf(picture, object, service)),
        bad_ports_(BadPorts(service, backends_.selected)) {}

  ToolResult Run() {
    json_.BeginObject().Field("namespace", picture_.ns()).Field("service", object_.name());
    chain_.push_back(RefOf(object_));
    AddIngresses();
    AddService();
    AddPods();
    ToolResult out = AnswerFindings(Among(DiagnoseAll(picture_), chain_), picture_);
    json_.Key("diagnosis").Raw(out.json).EndObject();
    out.json = json_.Take();
    out.text = Head() + out.text;
    out.AddFact("endpoints.ready", backends_.ready);
    out.ledger.NotChecked("network", "whether packets arrive",
                          "the chain is judged from objects; no request was sent");
    return out;
  }

 private:
  void AddIngresses() {
    json_.Key("ingresses").BeginArray();
    ForEach<kube::Ingress>(picture_.In("ingresses"),
                           [&](const kube::Object& object, const kube::Ingress& ingress) {
                             for (const kube::IngressPath& path : ingress.paths) {
                               if (path.service == object_.name()) AddRoute(object, path);
                             }
                           });
    json_.EndArray();
  }

  void AddRoute(const kube::Object& ingress, const kube::IngressPath& path) {
    const std::string route = fmt::format("{}{}", path.host.empty() ? "*" : path.host, path.path);
    const bool port =
        std::any_of(service_.ports.begin(), service_.ports.end(), [&](const kube::ServicePort& p) {
          return path.port.number ? p.port == *path.port.number : p.name == path.port.name;
        });
    table_.AddRow(
        {"Ingress", fmt::format("{} {}", ingress.name(), route), port ? "ok" : "wrong port"});
    json_.BeginObject()
        .Field("name", ingress.name())
        .Field("route", route)
        .Field("port_exists", port)
        .EndObject();
    chain_.push_back(RefOf(ingress));
  }

  void AddService() {
    table_.AddRow({"Service", fmt::format("{} ({})", object_.name(), service_.type),
                   bad_ports_.empty()
                       ? "ok"
                       : fmt::format("targetPort {} is served by no pod", bad_ports_[0].target)});
    table_.AddRow({"Endpoints", JoinLabels(service_.selector),
                   fmt::format("{} ready, {} not ready", backends_.ready, backends_.not_ready)});
    json_.Field("selector", JoinLabels(service_.selector))
        .Field("ready_endpoints", backends_.ready)
        .Field("not_ready_endpoints", backends_.not_ready);
  }

  void AddPods() {
    json_.Key("pods").BeginArray();
    for (const kube::ObjectPtr& object : backends_.selected) AddPod(*object);
    json_.EndArray().Field("pods_restricted_by_policy", restricted_);
  }

  void AddPod(const kube::Object& object) {
    const auto* pod = object.As<kube::Pod>();
    const kube::ObjectPtr node_object = picture_.All("nodes").Find("", pod->spec.node_name);
    const auto* node = node_object ? node_object->As<kube::Node>() : nullptr;
    const PoliciesOfPod policies = PoliciesFor(picture_, object);
    restricted_ += policies.ingress.empty() ? 0 : 1;
    table_.AddRow({"Pod", std::string(object.name()),
                   fmt::format("{} {}, {} restarts, node {} {}", pod->ready(), pod->status,
                               pod->restarts, pod->spec.node_name, node ? node->status : "")});
    json_.BeginObject()
        .Field("name", object.name())
        .Field("ready", pod->ready())
        .Field("status", pod->status)
        .Field("restarts", pod->restarts)
        .Field("node", pod->spec.node_name)
        .Field("node_status", node ? node->status : "")
        .Field("ingress_policies", static_cast<int64_t>(policies.ingress.size()))
        .EndObject();
    chain_.push_back(RefOf(object));
    chain_.push_back(WorkloadOf(picture_, object));
    if (node_object) chain_.push_back(RefOf(*node_object));
  }

  Text Head() const {
    const bool broken = backends_.ready == 0 || !bad_ports_.empty();
    Text head = Say(broken ? "服务链路 {0}/{1} 不通：{2} 个就绪的后端。\n\n"
                           : "服务链路 {0}/{1} 是通的：{2} 个就绪的后端。\n\n",
                    broken ? "The chain of service {0}/{1} is broken: {2} ready endpoints.\n\n"
                           : "The chain of service {0}/{1} is whole: {2} ready endpoints.\n\n",
                    picture_.ns(), object_.name(), backends_.ready);
    head.AppendBoth(table_.Render() + "\n");
    if (restricted_ > 0) {
      head += Say("{0} 个 Pod 有入站网络策略，可能限制了来源。\n",
                  "{0} pods have ingress network policies, which may limit who reaches them.\n",
                  restricted_);
    }
    return head;
  }

  Picture& picture_;
  const kube::Object& object_;
  const kube::Service& service_;
  const ServiceBackends backends_;
  const std::vector<BadPort> bad_ports_;
  std::vector<ObjectRef> chain_;
  int64_t restricted_ = 0;
  TextTable table_{{"STEP", "OBJECT", "STATE"}};
  JsonWriter json_;
};

absl::StatusOr<ToolResult> TraceServiceChain(const ToolCall& call) {
  const std::string name = call.arguments.String("service_name");
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceForOne(call)));
  OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("services"), picture.ns(), name));
  const kube::ObjectPtr object = picture.All("services").Find(picture.ns(), name);
  const auto* service = object->As<kube::Service>();
  if (!service) return base::Internal("UNPARSEABLE_OBJECT", "The service cannot be read.");
  return ChainTrace(picture, *object, *service).Run();
}

}  // namespace

void AddServiceChainTool(ToolRegistry& r) {
  ToolGroup(r, "tracing")
      .Cached(
          "trace_service_chain",
          {"追踪服务链路：Ingress → Service → 端点 → Pod → 节点",
           "Traces a service: ingress, service, endpoints, pods, nodes"},
          {OneNamespaceParam(), NameParam("service_name", {"Service 名称", "Name of the service"})},
          TraceServiceChain);
}

}  // namespace opsmesh::k8s
