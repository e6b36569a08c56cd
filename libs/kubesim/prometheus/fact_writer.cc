#include "libs/kubesim/prometheus/fact_writer.h"

#include <cctype>
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

std::string LabelName(const char* prefix, const std::string& key) {
  std::string name = prefix + key;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
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

void FactWriter::Bear(std::string label, std::string value) {
  labels_.emplace_back(std::move(label), std::move(value));
}

void FactWriter::AddTime(std::string metric, std::initializer_list<const char*> path) {
  Add(std::move(metric), Time(At(object_, path)));
}

void FactWriter::AddCommon(const std::string& prefix) {
  AddTime(prefix + "_created", {"metadata", "creationTimestamp"});
  AddTime(prefix + "_deletion_timestamp", {"metadata", "deletionTimestamp"});
  Labels labels;
  if (const Json& own = At(object_, {"metadata", "labels"}); own.is_object()) {
    for (const auto& [key, value] : own.items()) {
      if (value.is_string())
        labels.emplace_back(LabelName("label_", key), value.get<std::string>());
    }
  }
  Add(prefix + "_labels", 1, std::move(labels));
}

void FactWriter::AddGenerations(const std::string& prefix) {
  AddPath(prefix + "_metadata_generation", {"metadata", "generation"}, 1);
  AddPath(prefix + "_status_observed_generation", {"status", "observedGeneration"});
}

void FactWriter::AddOwners(const std::string& metric) {
  const Json& owners = ListAt(object_, {"metadata", "ownerReferences"});
  if (owners.empty()) Add(metric, 1);
  for (const Json& owner : owners) {
    Add(metric, 1,
        {{"owner_kind", TextAt(owner, "kind")},
         {"owner_name", TextAt(owner, "name")},
         {"owner_is_controller", BoolAt(owner, {"controller"}) ? "true" : "false"}});
  }
}

void FactWriter::AddOneOf(const std::string& metric, const char* label, const std::string& there,
                          std::initializer_list<const char*> all) {
  for (const char* one : all) Add(metric, there == one ? 1 : 0, {{label, one}});
}

void FactWriter::AddConditions(const std::string& metric, const std::string& status_label) {
  for (const Json& condition : ListAt(object_, {"status", "conditions"})) {
    const std::string now = base::AsciiLower(TextAt(condition, "status"));
    const std::string type = TextAt(condition, "type");
    // What nobody hears of any more was well until then: ready, and not under pressure.
    const bool was_true = now == "false" || (now == "unknown" && type == "Ready");
    const std::string was = was_true ? "true" : "false";
    for (const char* status : {"true", "false", "unknown"}) {
      Add(metric, now == status ? 1 : 0, {{"condition", type}, {status_label, status}},
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
