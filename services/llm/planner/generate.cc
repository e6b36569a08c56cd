#include "services/llm/planner/generate.h"

#include <fmt/format.h>

namespace opsmesh::llm {
namespace {

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {ns}
  labels:
    app.kubernetes.io/name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {name}
          image: REGISTRY/{name}:VERSION
          ports:
            - name: http
              containerPort: 8080
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 128Mi
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 10
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              drop: [ALL]
)";

constexpr char kService[] = R"(apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {ns}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
)";

}  // namespace

Generated GenerateManifest(const Intent& intent) {
  Generated out;
  const std::string name = intent.names.empty() ? "my-app" : intent.names.front().text;
  const std::string ns = intent.name_space.empty() ? "default" : intent.name_space;
  const int64_t replicas = intent.replicas.value_or(2);
  const bool deployment = intent.kind.empty() || intent.kind == "Deployment" ||
                          intent.kind == "Workload" || intent.kind == "Cluster" ||
                          intent.kind == "All" || intent.kind == "Pod";
  if (deployment) {
    out.yaml = fmt::format(fmt::runtime(kDeployment), fmt::arg("name", name), fmt::arg("ns", ns),
                           fmt::arg("replicas", replicas));
    out.placeholders = {"REGISTRY", "VERSION", "containerPort", "resources", "readinessProbe"};
  } else if (intent.kind == "Service") {
    out.yaml = fmt::format(fmt::runtime(kService), fmt::arg("name", name), fmt::arg("ns", ns));
    out.placeholders = {"port", "targetPort"};
  }
  if (!out.yaml.empty() && intent.names.empty())
    out.placeholders.insert(out.placeholders.begin(), "my-app");
  return out;
}

}  // namespace opsmesh::llm
