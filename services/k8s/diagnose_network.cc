// Rules about services and ingresses.
#include <algorithm>

#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/service_chain.h"

namespace opsmesh::k8s {
namespace {

// Endpoints follow a new service or a rollout within moments; until then silence is right.
constexpr absl::Duration kEndpointGrace = absl::Seconds(60);

void LookAtPorts(Findings& findings, const kube::Object& object, const kube::Service& service,
                 const ServiceBackends& backends) {
  for (const BadPort& bad : BadPorts(service, backends.selected)) {
    Finding f;
    f.code = "SERVICE_WRONG_PORT";
    f.severity = bad.named ? Severity::kCritical : Severity::kWarning;
    f.object = RefOf(object);
    f.object.field_path = "spec.ports";
    f.summary =
        Say("Service {0}/{1} 的端口 {2} 指向 targetPort {3}，{4}。",
            "Service {0}/{1}: port {2} points to targetPort {3}, {5}.", object.ns(), object.name(),
            bad.port->port, bad.target,
            bad.named ? "而它选中的 Pod 没有这个端口名" : "而它选中的 Pod 没有声明这个端口",
            bad.named ? "a name that none of its pods has" : "which none of its pods declares");
    f.cause = Say("Pod 声明的端口是：{0}。", "The ports that the pods declare are: {1}.",
                  bad.declared.empty() ? "无" : bad.declared,
                  bad.declared.empty() ? "none" : bad.declared);
    f.next_step = {"把 targetPort 改成容器监听的端口（或端口名）。",
                   "Set targetPort to the port (or its name) that the container listens on."};
    findings.Add(std::move(f.With("target_port", bad.target).With("declared_ports", bad.declared)));
  }
}

void LookAtService(Findings& findings, const kube::Object& object, const kube::Service& service) {
  Picture& picture = findings.picture();
  if (service.type == "ExternalName" || service.selector.empty() || object.meta().terminating())
    return;
  if (!picture.Readable("pods")) return;
  const ServiceBackends backends = BackendsOf(picture, object, service);
  LookAtPorts(findings, object, service, backends);
  if (!backends.readable || backends.ready > 0 || object.meta().Age(picture.now()) < kEndpointGrace)
    return;
  // Ready pods without endpoints: the endpoint controller is behind for a moment.
  const bool settling = std::any_of(
      backends.selected.begin(), backends.selected.end(),
      [&](const kube::ObjectPtr& pod) { return pod->meta().Age(picture.now()) < kEndpointGrace; });
  const std::string zero =
      backends.selected.empty() ? ScaledToZero(picture, object.ns(), service.selector) : "";
  if (settling || !zero.empty()) return;

  Finding f;
  f.code = "SERVICE_NO_ENDPOINTS";
  f.severity = Severity::kCritical;
  f.object = RefOf(object);
  f.summary = Say("Service {0}/{1} 没有可用的后端，访问它会失败。",
                  "Service {0}/{1} has no ready endpoint; requests to it fail.", object.ns(),
                  object.name());
  const std::string selector = JoinLabels(service.selector);
  f.With("selector", selector).With("selected_pods", std::to_string(backends.selected.size()));
  if (backends.selected.empty()) {
    const NearestPods near = NearestToSelector(picture, object.ns(), service.selector);
    if (!near.workload.empty()) {
      f.cause = Say("选择器 {0} 没有选中任何 Pod；最接近的是 {1}（选择器 / Pod：{2}）。",
                    "Its selector {0} matches no pod; the nearest is {1} (selector / pod: {2}).",
                    selector, near.workload, near.difference);
      f.next_step = {
          "把 Service 的选择器改成与 Pod 标签一致，或改 Pod 模板的标签。",
          "Make the selector equal to the pods' labels, or change the labels of the pod template."};
      f.With("nearest", near.workload);
    } else {
      f.cause = Say("选择器 {0} 没有选中任何 Pod。", "Its selector {0} matches no pod.", selector);
      f.next_step = {"核对选择器，确认应用已部署在这个命名空间。",
                     "Check the selector, and that the application is deployed in this namespace."};
    }
  } else if (backends.selected_ready > 0) {
    f.cause =
        Say("选中的 {0} 个 Pod 中 {1} 个就绪，但没有端点：endpoints 控制器没有跟上，或命名的 "
            "targetPort 在 Pod 中不存在。",
            "{1} of its {0} pods are ready, yet there are no endpoints: the endpoint controller is "
            "behind, or a named targetPort does not exist in the pods.",
            backends.selected.size(), backends.selected_ready);
    f.next_step = {"核对 targetPort 的名称；检查 kube-controller-manager。",
                   "Check the name of the targetPort, and kube-controller-manager."};
  } else {
    f.cause = Say("它选中 {0} 个 Pod，都没有就绪。",
                  "It selects {0} pod(s), none of which is ready.", backends.selected.size());
    f.next_step = {"先解决这些 Pod 的问题。", "Solve the problems of these pods first."};
    f.With("pods", std::string(backends.selected[0]->name()));
  }
  findings.Add(std::move(f));
}

Finding IngressFinding(std::string code, const kube::Object& object, Text summary, Text cause,
                       Text next) {
  Finding f;
  f.code = std::move(code);
  f.severity = Severity::kCritical;
  f.object = RefOf(object);
  f.summary = std::move(summary);
  f.cause = std::move(cause);
  f.next_step = std::move(next);
  return f;
}

// `route` = host and path, `port` = number or name.
void MissingBackend(Findings& findings, const kube::Object& object, const kube::IngressPath& path,
                    const std::string& route) {
  Finding f =
      IngressFinding("INGRESS_NO_SERVICE", object,
                     Say("Ingress {0}/{1} 的路由 {2} 指向不存在的 Service {3}。",
                         "Ingress {0}/{1}: route {2} points to Service {3}, which does not exist.",
                         object.ns(), object.name(), CleanText(route, 200), path.service),
                     {"后端 Service 被删除、改名，或名称写错。",
                      "The service was deleted or renamed, or its name is wrong."},
                     Say("在命名空间 {0} 创建 Service {1}，或改正 Ingress。",
                         "Create Service {1} in namespace {0}, or correct the ingress.",
                         object.ns(), path.service));
  findings.Add(
      std::move(f.With("route", CleanText(route, 200)).With("service", std::string(path.service))));
}

void WrongBackendPort(Findings& findings, const kube::Object& object, const kube::IngressPath& path,
                      const kube::Service& service, const std::string& route,
                      const std::string& port) {
  std::string ports;
  for (const kube::ServicePort& p : service.ports) {
    ports +=
        fmt::format("{}{}", ports.empty() ? "" : ", ",
                    p.name.empty() ? std::to_string(p.port) : fmt::format("{}={}", p.name, p.port));
  }
  Finding f = IngressFinding(
      "INGRESS_WRONG_PORT", object,
      Say("Ingress {0}/{1} 的路由 {2} 指向 Service {3} 的端口 {4}，它没有这个端口。",
          "Ingress {0}/{1}: route {2} points to port {4} of Service {3}, which has no such port.",
          object.ns(), object.name(), CleanText(route, 200), path.service, port),
      Say("该 Service 的端口是：{0}。", "The service has the ports: {0}.", ports),
      {"把 Ingress 的端口改成 Service 的端口。",
       "Set the port in the ingress to one that the service has."});
  findings.Add(std::move(f.With("route", CleanText(route, 200)).With("service_ports", ports)));
}

void LookAtBackend(Findings& findings, const kube::Object& object, const kube::IngressPath& path,
                   const std::string& port) {
  const std::string route = fmt::format("{}{}", path.host.empty() ? "*" : path.host, path.path);
  const kube::ObjectPtr service_object =
      findings.picture().All("services").Find(object.ns(), path.service);
  if (!service_object) return MissingBackend(findings, object, path, route);
  const kube::Service* service = service_object->As<kube::Service>();
  if (!service || path.port.empty()) return;
  const bool has =
      std::any_of(service->ports.begin(), service->ports.end(), [&](const kube::ServicePort& p) {
        return path.port.number ? p.port == *path.port.number : p.name == path.port.name;
      });
  if (has || service->type == "ExternalName") return;
  WrongBackendPort(findings, object, path, *service, route, port);
}

void LookAtCertificates(Findings& findings, const kube::Object& object,
                        const kube::Ingress& ingress) {
  Picture& picture = findings.picture();
  for (const kube::IngressTls& tls : ingress.tls) {
    if (tls.secret.empty() || !picture.Readable("secrets") ||
        picture.All("secrets").Find(object.ns(), tls.secret))
      continue;
    Finding f = IngressFinding(
        "INGRESS_NO_TLS_SECRET", object,
        Say("Ingress {0}/{1} 的证书 Secret {2} 不存在，HTTPS 会用错误的证书。",
            "Ingress {0}/{1}: its certificate Secret {2} does not exist; HTTPS serves a wrong "
            "certificate.",
            object.ns(), object.name(), tls.secret),
        {"Secret 没有创建，或证书签发失败。",
         "It was not created, or issuing the certificate failed."},
        {"创建该 Secret，或检查 cert-manager。", "Create the Secret, or check cert-manager."});
    f.severity = Severity::kWarning;
    findings.Add(std::move(f.With("secret", std::string(tls.secret))));
  }
}

void LookAtIngress(Findings& findings, const kube::Object& object, const kube::Ingress& ingress) {
  if (object.meta().terminating()) return;
  std::vector<std::string> seen;
  for (const kube::IngressPath& path : ingress.paths) {
    if (path.service.empty() || !findings.picture().Readable("services")) continue;
    const std::string port =
        path.port.number ? std::to_string(*path.port.number) : std::string(path.port.name);
    const std::string backend = fmt::format("{}:{}", path.service, port);
    if (std::find(seen.begin(), seen.end(), backend) != seen.end()) continue;
    seen.push_back(backend);
    LookAtBackend(findings, object, path, port);
  }
  LookAtCertificates(findings, object, ingress);
}

}  // namespace

void DiagnoseServices(Findings& findings) {
  ForEach<kube::Service>(findings.picture().In("services"),
                         [&](const auto& o, const auto& v) { LookAtService(findings, o, v); });
}

void DiagnoseIngresses(Findings& findings) {
  ForEach<kube::Ingress>(findings.picture().In("ingresses"),
                         [&](const auto& o, const auto& v) { LookAtIngress(findings, o, v); });
}

}  // namespace opsmesh::k8s
