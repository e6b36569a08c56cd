#include <fmt/format.h>

#include <algorithm>

#include "embed/opsmesh_libs_kubesim_demo.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// What pods need is there before them.
int RankOf(const ResourceType& type) {
  const std::string& key = type.storage_key;
  if (key == "/namespaces" || key == "/nodes" || key == "storage.k8s.io/storageclasses") return 0;
  if (key == "/configmaps" || key == "/secrets" || key == "/persistentvolumeclaims") return 1;
  return 2;
}

}  // namespace

absl::StatusOr<Scenario> DemoScenario() {
  return ParseScenario(demo_data::EmbeddedFile("demo/scenario.yaml"));
}

absl::Status LoadDemo(const ContentTarget& target) {
  OPSMESH_ASSIGN_OR_RETURN(const Scenario scenario, DemoScenario());
  struct Item {
    const ResourceType* type;
    Json object;
    int rank;
  };
  std::vector<Item> items;
  for (const auto& file : demo_data::EmbeddedFiles()) {
    if (!file.name.starts_with("demo/cluster/")) continue;
    OPSMESH_ASSIGN_OR_RETURN(auto documents, ParseYaml(file.bytes));
    for (const YamlDocument& document : documents) {
      const ResourceType* type = target.store.catalog().FindKind(
          TextAt(*document.value, "apiVersion"), TextAt(*document.value, "kind"));
      if (type == nullptr) {
        return base::Internal("DEMO_INVALID",
                              fmt::format("{}:{}: unknown kind {}", file.name, document.line,
                                          TextAt(*document.value, "kind")));
      }
      items.push_back({type, *document.value, RankOf(*type)});
    }
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& x, const Item& y) { return x.rank < y.rank; });
  target.store.catalog().EnableMetrics();
  DemoBuilder builder(target, scenario);
  for (Item& item : items) builder.Add(*item.type, std::move(item.object));
  builder.Finish();
  return absl::OkStatus();
}

DemoBuilder::DemoBuilder(const ContentTarget& target, const Scenario& scenario)
    : target_(target), scenario_(scenario), now_(target.clock.Now()) {}

const ResourceType& DemoBuilder::Type(const char* group, const char* plural) const {
  return *target_.store.catalog().Preferred(group, plural);
}

Json DemoBuilder::Stamp(Json object, absl::Time created) {
  object["metadata"]["creationTimestamp"] = base::Rfc3339(created);
  return object;
}

Json DemoBuilder::Put(const ResourceType& type, Json object) {
  ApplyDefaults(type, object);
  auto made = target_.store.Create(type, std::move(object), true);
  return made.ok() ? (*made)->Parse() : Json::object();
}

std::string DemoBuilder::Hex(int digits) {
  std::string text;
  while (static_cast<int>(text.size()) < digits)
    text += fmt::format("{:016x}", target_.store.ids().Random());
  text.resize(static_cast<size_t>(digits));
  return text;
}

Json DemoBuilder::OwnerReference(const ResourceType& type, const Json& object) {
  return {{"apiVersion", type.ApiVersion()},
          {"kind", type.kind},
          {"name", TextAt(object, {"metadata", "name"})},
          {"uid", TextAt(object, {"metadata", "uid"})},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

void DemoBuilder::Add(const ResourceType& type, Json manifest) {
  const std::string ns = TextAt(manifest, {"metadata", "namespace"});
  const std::string name = TextAt(manifest, {"metadata", "name"});
  const absl::Time created =
      now_ - scenario_.AgeOf(ns.empty() && type.plural == "namespaces" ? name : ns, name);
  manifest = Stamp(std::move(manifest), created);
  const std::string& key = type.storage_key;
  if (key == "/nodes") return AddNode(std::move(manifest));
  if (key == "apps/deployments") return AddDeployment(std::move(manifest));
  if (key == "apps/statefulsets") return AddStatefulSet(std::move(manifest));
  if (key == "apps/daemonsets") return AddDaemonSet(std::move(manifest));
  if (key == "batch/jobs") return AddJob(std::move(manifest), created);
  if (key == "batch/cronjobs") return AddCronJob(std::move(manifest));
  if (key == "/services") return AddService(std::move(manifest));
  if (key == "policy/poddisruptionbudgets") return budgets_.push_back(std::move(manifest));
  if (key == "autoscaling/horizontalpodautoscalers")
    return autoscalers_.push_back(std::move(manifest));
  if (key == "/persistentvolumeclaims") return AddClaim(ns, name, At(manifest, "spec"), created);
  if (key == "/pods") {
    PodPlan plan{
        ns, name, "",      {{"metadata", At(manifest, "metadata")}, {"spec", At(manifest, "spec")}},
        {}, {},   created, TextAt(manifest, {"spec", "nodeName"})};
    AddPod(plan);
    return;
  }
  if (key == "/namespaces") {
    CompleteNamespace(manifest);
    Put(type, std::move(manifest));
    AddNamespaceDefaults(target_, name, created);
    return;
  }
  Put(type, std::move(manifest));
}

void DemoBuilder::Finish() {
  for (const Json& service : services_) AddEndpoints(service);
  for (Json& budget : budgets_) FinishBudget(std::move(budget));
  for (Json& autoscaler : autoscalers_) FinishAutoscaler(std::move(autoscaler));
}

}  // namespace opsmesh::kubesim
