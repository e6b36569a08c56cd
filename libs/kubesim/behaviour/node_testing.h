// Pods on nodes of a simulated cluster in virtual time: the fixture of the tests of scheduler,
// kubelets and faults.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

class NodesTest : public ::testing::Test {
 protected:
  class StartClock final : public base::Clock {
   public:
    absl::Time Now() const override {
      return absl::FromUnixSeconds(1764550800);
    }  // 2025-12-01T01:00:00Z
    absl::Duration Steady() const override { return absl::ZeroDuration(); }
  };

  void SetUp() override {
    auto made = Simulator::Create({.live = true, .virtual_time = true, .clock = &clock_});
    ASSERT_TRUE(made.ok()) << made.status();
    simulator_ = *std::move(made);
  }
  Engine& engine() { return *simulator_->engine(); }

  void AddNode(const std::string& name, const std::string& cpu = "4",
               const std::string& memory = "8Gi", const std::string& more = "") {
    Apply(
        fmt::format("apiVersion: v1\nkind: Node\nmetadata: {{name: {0}, labels: "
                    "{{kubernetes.io/hostname: {0}, topology.kubernetes.io/zone: zone-{0}}}}}\n{3}"
                    "\nstatus: {{capacity: {{cpu: \"{1}\", memory: {2}, pods: \"110\"}}, "
                    "allocatable: {{cpu: \"{1}\", memory: {2}, pods: \"110\"}}, "
                    "addresses: [{{type: InternalIP, address: 192.168.7.9}}]}}",
                    name, cpu, memory, more));
  }
  void Apply(const std::string& yaml) {
    auto documents = ParseYaml(yaml);
    ASSERT_TRUE(documents.ok()) << documents.status() << yaml;
    for (YamlDocument& document : *documents) {
      Json& object = *document.value;
      const ResourceType* type =
          engine().store().catalog().FindKind(TextAt(object, "apiVersion"), TextAt(object, "kind"));
      ASSERT_NE(type, nullptr);
      if (type->namespaced && TextAt(object, {"metadata", "namespace"}).empty())
        object["metadata"]["namespace"] = "default";
      auto made = type->plural == "nodes" ? engine().client().Put(*type, object)
                                          : engine().client().Create(*type, object);
      ASSERT_TRUE(made.ok()) << made.status().message;
    }
  }
  /// A pod of one container "c"; `container` and `spec` are YAML members in flow style.
  void Pod(const std::string& name, const std::string& container, const std::string& spec = "") {
    Apply(
        fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: {}, labels: {{app: {}}}}}\nspec: "
                    "{{containers: [{{name: c, {}}}]{}{}}}",
                    name, name, container, spec.empty() ? "" : ", ", spec));
  }
  void Run(absl::Duration duration) { ASSERT_TRUE(simulator_->Advance(duration).ok()); }
  Json Get(const char* plural, const std::string& name, const char* group = "") {
    const ResourceType& type = engine().Type(group, plural);
    const ObjectPtr object = engine().store().Get(type, type.namespaced ? "default" : "", name);
    return object ? object->Parse() : Json();
  }
  Json GetPod(const std::string& name) { return Get("pods", name); }
  Json Container(const std::string& name) {
    const Json pod = GetPod(name);
    const Json& statuses = ListAt(pod, {"status", "containerStatuses"});
    return statuses.empty() ? Json() : statuses[0];
  }
  std::string Waiting(const std::string& name) {
    return TextAt(Container(name), {"state", "waiting", "reason"});
  }
  std::string Phase(const std::string& name) { return TextAt(GetPod(name), {"status", "phase"}); }
  bool Ready(const std::string& name) { return BoolAt(Container(name), {"ready"}); }
  /// "Reason: message" of the events about a pod.
  std::vector<std::string> Events(const std::string& name) {
    std::vector<std::string> texts;
    for (const ObjectPtr& object : engine().store().List(engine().Type("", "events")).objects) {
      const Json event = object->Parse();
      if (TextAt(event, {"involvedObject", "name"}) == name)
        texts.push_back(TextAt(event, "reason") + ": " + TextAt(event, "message"));
    }
    return texts;
  }
  std::vector<std::string> Log(const std::string& pod, bool previous = false) {
    std::vector<LogLine> lines;
    simulator_->logs().Read(TextAt(GetPod(pod), {"metadata", "uid"}), "c",
                            {.previous = previous, .tail_lines = {}, .since = {}}, &lines);
    std::vector<std::string> texts;
    for (const LogLine& line : lines) texts.push_back(line.text);
    return texts;
  }
  std::string WhyPending(const std::string& name) {
    const Json pod = GetPod(name);
    for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
      if (TextAt(condition, "type") == "PodScheduled") return TextAt(condition, "message");
    }
    return "";
  }

  StartClock clock_;
  std::unique_ptr<Simulator> simulator_;
};

}  // namespace opsmesh::kubesim
