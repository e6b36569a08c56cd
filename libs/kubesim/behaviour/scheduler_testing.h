// What the tests of the scheduler stand on: nodes and pods in a line each, and its judgement.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/node_testing.h"
#include "libs/kubesim/behaviour/scheduler/filters.h"
#include "libs/kubesim/behaviour/scheduler/scores.h"

namespace opsmesh::kubesim {

class SchedulerTest : public NodesTest {
 protected:
  /// A node with more members of the spec and labels, in flow style.
  void Node(const std::string& name, const std::string& labels, const std::string& spec = "",
            const std::string& resources = "cpu: '4', memory: 8Gi, pods: '110'") {
    Apply(
        fmt::format("apiVersion: v1\nkind: Node\nmetadata: {{name: {0}, labels: "
                    "{{kubernetes.io/hostname: {0}{1}}}}}\n"
                    "spec: {{{2}}}\nstatus: {{capacity: {{{3}}}, allocatable: {{{3}}}}}",
                    name, labels.empty() ? "" : ", " + labels, spec, resources));
  }
  /// A pod that stands on a node already.
  void Placed(const std::string& name, const std::string& node, const std::string& labels = "",
              const std::string& spec = "", const std::string& ns = "default") {
    Apply(
        fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: {}, namespace: {}, labels: "
                    "{{{}}}}}\nspec: {{nodeName: "
                    "{}, containers: [{{name: c, image: nginx}}]{}{}}}\nstatus: {{phase: Running}}",
                    name, ns, labels, node, spec.empty() ? "" : ", ", spec));
  }
  scheduling::Feasibility Judge(const std::string& spec, const std::string& labels = "app: x") {
    auto documents =
        ParseYaml(fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: new, namespace: "
                              "default, uid: u, labels: {{{}}}}}\nspec: {{{}}}",
                              labels, spec));
    EXPECT_TRUE(documents.ok()) << documents.status() << spec;
    view_ = scheduling::ClusterView::FromStore(engine().store());
    pod_ = scheduling::ReadPod(*documents->front().value);
    return scheduling::Judge(view_, *pod_);
  }
  /// Why it goes nowhere.
  std::string Why(const std::string& spec, const std::string& labels = "app: x") {
    return Judge("containers: [{name: c, image: nginx}]" + (spec.empty() ? "" : ", " + spec),
                 labels)
        .Sentence();
  }
  std::vector<std::string> Where(const std::string& spec, const std::string& labels = "app: x") {
    return Judge("containers: [{name: c, image: nginx}]" + (spec.empty() ? "" : ", " + spec),
                 labels)
        .feasible;
  }
  /// The feasible node that scores best.
  std::string Best(const std::string& spec, const std::string& labels = "app: x") {
    Judge(spec.find("containers:") == std::string::npos
              ? "containers: [{name: c, image: nginx}], " + spec
              : spec,
          labels);
    std::vector<const scheduling::NodeInfo*> nodes;
    for (const auto& node : view_.nodes()) nodes.push_back(node.get());
    const auto scores = scheduling::ScoreNodes(view_, *pod_, nodes);
    return scheduling::BestNode(scores, *pod_)->name;
  }

  scheduling::ClusterView view_;
  scheduling::PodInfoPtr pod_;
};

}  // namespace opsmesh::kubesim
