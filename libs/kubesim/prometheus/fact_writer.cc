#include "libs/kubesim/prometheus/fact_writer.h"

#include <cmath>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

/// "memory" -> ("memory", "byte"), "nvidia.com/gpu" -> ("nvidia_com_gpu", "integer").
std::pair<std::string, std::string> ResourceName(const std::string& name) {
  std::string resource =
      base::ReplaceAll(base::ReplaceAll(base::ReplaceAll(name, ".", "_"), "/", "_"), "-", "_");
  if (name == "cpu") return {resource, "core"};
  if (name == "pods") return {resource, "integer"};
  if (name == "memory" || name.find("storage") != std::string::npos ||
      name.starts_with("hugepages"))
    return {resource, "byte"};
  return {resource, "integer"};
}

}  // namespace

double NumberOf(const Json& value) { return value.is_number() ? value.get<double>() : 0; }

double AmountOf(const Json& quantity) {
  const auto thousandths = ParseQuantity(quantity);
  return thousandths ? static_cast<double>(*thousandths / 1000) : kNaN;
}

FactWriter::FactWriter(const Json& object, std::string own_label) : object_(object) {
  const std::string ns = TextAt(object, {"metadata", "namespace"});
  if (!ns.empty()) labels_.emplace_back("namespace", ns);
  labels_.emplace_back(std::move(own_label), TextAt(object, {"metadata", "name"}));
}

void FactWriter::Add(std::string metric, double value, Labels more, double since, double before) {
  if (std::isnan(value)) return;
  Labels labels = labels_;
  for (auto& label : more) labels.push_back(std::move(label));
  facts_.push_back(
      {std::move(metric), promql::MakeLabels(std::move(labels)), value, since, before});
}

void FactWriter::AddPath(std::string metric, std::initializer_list<const char*> path,
                         double otherwise) {
  const Json& value = At(object_, path);
  Add(std::move(metric), value.is_number() ? value.get<double>() : otherwise);
}

void FactWriter::AddCreated(const std::string& metric) {
  Add(metric, Time(At(object_, {"metadata", "creationTimestamp"})));
}

void FactWriter::AddConditions(const std::string& metric, const std::string& status_label) {
  for (const Json& condition : ListAt(object_, {"status", "conditions"})) {
    const std::string now = base::AsciiLower(TextAt(condition, "status"));
    const std::string was = now == "true" ? "false" : "true";
    for (const char* status : {"true", "false", "unknown"}) {
      Add(metric, now == status ? 1 : 0,
          {{"condition", TextAt(condition, "type")}, {status_label, status}},
          Time(At(condition, "lastTransitionTime")), was == status ? 1 : 0);
    }
  }
}

void FactWriter::AddResources(const std::string& metric, const Json& list, const Labels& more) {
  if (!list.is_object()) return;
  for (const auto& [name, quantity] : list.items()) {
    auto [resource, unit] = ResourceName(name);
    Labels labels = more;
    labels.emplace_back("resource", resource);
    labels.emplace_back("unit", unit);
    Add(metric, AmountOf(quantity), std::move(labels));
  }
}

}  // namespace opsmesh::kubesim::prometheus
