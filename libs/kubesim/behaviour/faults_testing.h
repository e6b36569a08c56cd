// A small shop on two nodes, its Prometheus and faults: the fixture of the tests of faults.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/behaviour/node_testing.h"
#include "libs/kubesim/prometheus/metrics.h"
#include "libs/kubesim/promql/engine.h"

namespace opsmesh::kubesim {

inline constexpr char kCart[] = "deployment/default/cart";

class FaultTest : public NodesTest {
 protected:
  void SetUp() override {
    NodesTest::SetUp();
    AddNode("n1");
    AddNode("n2");
    Apply(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec:\n  replicas: 2\n  "
        "selector: {matchLabels: {app: cart}}\n  template:\n    metadata: {labels: {app: cart}}\n"
        "    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "
        "'registry.example.com/shop/cart:1', ports: [{containerPort: 8080}], resources: {requests: "
        "{cpu: 50m}, "
        "limits: {memory: 128Mi}}, readinessProbe: {httpGet: {path: /ready, port: 8080}, "
        "periodSeconds: 5}}]}");
    Apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}, "
        "ports: [{name: http, port: 80, targetPort: 8080}]}");
    metrics_ = std::make_unique<prometheus::Metrics>(
        engine().store(), engine().store().clock(), 1, true,
        [this] { return simulator_->faults()->Disturbances(); });
    Live(absl::Seconds(40));
  }
  /// Time passes, and Prometheus scrapes.
  void Live(absl::Duration duration) {
    for (absl::Duration left = duration; left > absl::ZeroDuration(); left -= absl::Seconds(15)) {
      Run(std::min(left, absl::Seconds(15)));
      metrics_->Refresh();
    }
  }
  /// The value of an expression with one element now; NaN when it has none.
  double Value(const std::string& expression) {
    const auto query = promql::Parse(expression);
    EXPECT_TRUE(query.ok()) << expression << ": " << query.status();
    auto answer = promql::Engine(*metrics_).Instant(base::Context::Background(), *query,
                                                    absl::ToUnixMillis(engine().Now()));
    EXPECT_TRUE(answer.ok()) << expression << ": " << answer.status();
    if (!answer.ok() || answer->rows.empty()) return NAN;
    EXPECT_EQ(answer->rows.size(), 1u) << expression;
    return answer->rows[0].points[0].v;
  }
  std::string Inject(const std::string& kind, const std::string& target,
                     std::map<std::string, std::string> parameters = {}) {
    auto fault = simulator_->faults()->Inject(kind, target, std::move(parameters));
    EXPECT_TRUE(fault.ok()) << fault.status();
    return fault.ok() ? fault->id : "";
  }
  void Clear(const std::string& id) { ASSERT_TRUE(simulator_->faults()->Clear(id).ok()) << id; }
  int64_t ReadyPods() {
    return IntAt(Get("deployments", "cart", "apps"), {"status", "readyReplicas"});
  }
  Json AnyPod() {
    for (const ObjectPtr& pod : engine().store().List(engine().Type("", "pods")).objects) {
      if (pod->name.starts_with("cart-") &&
          !At(pod->Parse(), {"metadata", "deletionTimestamp"}).is_string())
        return pod->Parse();
    }
    return {};
  }
  std::string State(const Json& pod) {
    const Json& one = ListAt(pod, {"status", "containerStatuses"}).empty()
                          ? pod
                          : ListAt(pod, {"status", "containerStatuses"})[0];
    return TextAt(one, {"state", "waiting", "reason"}) +
           TextAt(one, {"lastState", "terminated", "reason"});
  }
  std::vector<std::string> AllEvents() {
    std::vector<std::string> texts;
    for (const ObjectPtr& object : engine().store().List(engine().Type("", "events")).objects)
      texts.push_back(TextAt(object->Parse(), "reason") + ": " +
                      TextAt(object->Parse(), "message"));
    return texts;
  }
  std::string NodeCondition(const std::string& node, const std::string& type) {
    const Json object = Get("nodes", node);
    for (const Json& one : ListAt(object, {"status", "conditions"})) {
      if (TextAt(one, "type") == type) return TextAt(one, "status") + " " + TextAt(one, "reason");
    }
    return "";
  }

  std::unique_ptr<prometheus::Metrics> metrics_;
};

}  // namespace opsmesh::kubesim
