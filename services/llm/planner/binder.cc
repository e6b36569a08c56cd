#include "services/llm/planner/binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/base/json.h"
#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

// "90s", "30m", "24h": what tools read as a duration.
std::string ShortDuration(absl::Duration window) {
  const int64_t seconds = absl::ToInt64Seconds(window);
  if (seconds % 3600 == 0) return fmt::format("{}h", seconds / 3600);
  if (seconds % 60 == 0) return fmt::format("{}m", seconds / 60);
  return fmt::format("{}s", seconds);
}

class Binder {
 public:
  Binder(const k8s::v1::Tool& tool, const Intent& intent) : intent_(intent) {
    auto schema = base::ParseJson(tool.parameters().raw().empty() ? "{}" : tool.parameters().raw());
    if (schema.ok() && schema->is_object()) schema_ = *std::move(schema);
  }

  BoundCall Run(const Step& step, const std::string& name_space, absl::Duration window) {
    for (const auto& [name, value] : step.arguments) {
      if (Has(name)) SetTyped(name, Expand(value));
    }
    Offer("namespace", {"namespace"}, name_space == "*" && !TakesStar() ? "" : name_space);
    if (!intent_.objects.empty()) BindObject(intent_.objects.front(), step);
    BindKind();
    Offer("label", {"label_selector", "labels", "selector"}, intent_.selector);
    if (intent_.limit && intent_.from_start && Has("head_lines")) {
      SetTyped("head_lines", std::to_string(*intent_.limit));
    } else if (intent_.limit) {
      const std::string text = std::to_string(*intent_.limit);
      Offer("count", {"tail_lines", "tail", "lines", "limit", "top"}, text);
    }
    Offer("container", {"container", "container_name"}, intent_.container);
    if (intent_.previous && Has("previous")) args_["previous"] = true;
    if (window > absl::ZeroDuration()) BindWindow(window);
    if (intent_.replicas && intent_.replicas_relative && Has("more")) {
      SetTyped("more", std::to_string(*intent_.replicas));
    } else if (intent_.replicas) {
      Offer("replicas", {"replicas"}, std::to_string(*intent_.replicas));
    }
    Offer("group", {"group_by"}, intent_.group_by);
    BindDetails();
    for (const json& required : schema_.value("required", json::array())) {
      if (required.is_string() && !args_.contains(required.get<std::string>())) {
        out_.missing.push_back(required.get<std::string>());
      }
    }
    out_.arguments = base::DumpJson(args_);
    return std::move(out_);
  }

 private:
  const json* Property(const std::string& name) const {
    const auto properties = schema_.find("properties");
    if (properties == schema_.end() || !properties->is_object()) return nullptr;
    const auto found = properties->find(name);
    return found == properties->end() ? nullptr : &*found;
  }
  bool Has(const std::string& name) const { return Property(name) != nullptr; }

  bool TakesStar() const {
    const json* property = Property("namespace");
    return property != nullptr && property->dump().find('*') != std::string::npos;
  }

  std::string Expand(const std::string& value) const {
    if (value == "$object") return intent_.objects.empty() ? "" : intent_.objects.front().name;
    if (const size_t at = value.find("$object");
        at != std::string::npos && !intent_.objects.empty()) {
      return value.substr(0, at) + intent_.objects.front().name + value.substr(at + 7);
    }
    if (value == "$mention") {
      if (!intent_.names.empty()) return intent_.names.front().text;
      return intent_.objects.empty() ? "" : intent_.objects.front().name;
    }
    return value;
  }

  void SetTyped(const std::string& name, const std::string& value) {
    if (value.empty()) return;
    const json& property = *Property(name);
    const std::string type =
        property.is_object() && property.contains("type") && property["type"].is_string()
            ? property["type"].get<std::string>()
            : "string";
    if (type == "integer" || type == "number") {
      int64_t number = std::strtoll(value.c_str(), nullptr, 10);
      if (property.contains("maximum") && property["maximum"].is_number()) {
        number = std::min(number, static_cast<int64_t>(property["maximum"].get<double>()));
      }
      if (property.contains("minimum") && property["minimum"].is_number()) {
        number = std::max(number, static_cast<int64_t>(property["minimum"].get<double>()));
      }
      args_[name] = number;
    } else if (type == "boolean") {
      args_[name] = value == "true";
    } else if (type == "array") {
      json list = json::array();
      for (std::string_view one : base::Split(value, '\n')) list.push_back(std::string(one));
      args_[name] = std::move(list);
    } else {
      args_[name] = value;
    }
  }

  // Sets the first of `names` the tool has; remembers under `what` that the tool has none of them.
  void Offer(const char* what, std::initializer_list<const char*> names, const std::string& value) {
    if (value.empty()) return;
    for (const char* name : names) {
      if (!Has(name)) continue;
      if (!args_.contains(name)) SetTyped(name, value);
      return;
    }
    if (value != "*") out_.not_applied.push_back(what);
  }

  // A path has two ends, the second of them is what the namespace is of.
  bool BindEnds() {
    if (!Has("destination") || !Has("source")) return false;
    const bool two = intent_.between && intent_.objects.size() >= 2;
    const LinkedObject& to = two ? intent_.objects[1] : intent_.objects[0];
    SetTyped("destination", to.name);
    if (!to.name_space.empty()) args_["namespace"] = to.name_space;
    if (!two) return true;
    SetTyped("source", intent_.objects[0].name);
    if (intent_.objects[0].name_space != to.name_space)
      SetTyped("source_namespace", intent_.objects[0].name_space);
    return true;
  }

  void BindObject(const LinkedObject& object, const Step& step) {
    if (BindEnds()) return;
    if (!object.name_space.empty() && Has("namespace")) args_["namespace"] = object.name_space;
    const bool named_by_step =
        std::any_of(step.arguments.begin(), step.arguments.end(),
                    [](const auto& a) { return a.second.find('$') != std::string::npos; });
    if (named_by_step) return;
    const std::string own = base::AsciiLower(object.kind) + "_name";
    std::vector<std::string> names = {
        own, "workload_name", "resource_name", "object_name", "name", "workload", "app"};
    if (object.kind != "Pod") names.insert(names.begin() + 1, "deployment_name");
    for (const std::string& name : names) {
      if (!Has(name)) continue;
      SetTyped(name, object.name);
      break;
    }
    for (const char* kind : {"resource_type", "kind"}) {
      if (Has(kind) && !args_.contains(kind)) SetTyped(kind, object.kind);
    }
  }

  // What the clause says beyond names and numbers, where the tool can use it.
  void BindDetails() {
    if (!intent_.where.empty()) {
      if (Has("where")) {
        json list = args_.value("where", json::array());
        for (const std::string& condition : intent_.where) list.push_back(condition);
        args_["where"] = std::move(list);
      } else {
        BindThreshold();
      }
    }
    if (!intent_.sort_by.empty()) Offer("order", {"sort_by"}, intent_.sort_by);
    if (!intent_.reason.empty() && Has("reason")) SetTyped("reason", intent_.reason);
    if (!intent_.contains.empty()) Offer("text", {"contains"}, intent_.contains);
    if (Has("metric") && (intent_.metric == "cpu" || intent_.metric == "memory"))
      SetTyped("metric", intent_.metric);
    if (intent_.revisions.size() == 2 && Has("from_revision")) {
      SetTyped("from_revision",
               std::to_string(std::min(intent_.revisions[0], intent_.revisions[1])));
      SetTyped("to_revision", std::to_string(std::max(intent_.revisions[0], intent_.revisions[1])));
    }
    if (intent_.revisions.size() == 1 && Has("revision"))
      SetTyped("revision", std::to_string(intent_.revisions[0]));
    if (intent_.revisions.size() == 1 && Has("from_revision"))
      SetTyped("from_revision", std::to_string(intent_.revisions[0]));
    if (Has("verb")) SetTyped("verb", intent_.verb);
    if (Has("resource")) SetTyped("resource", intent_.resource);
    if (Has("subject")) SetTyped("subject", intent_.subject);
    if (Has("field_path")) SetTyped("field_path", intent_.field_path);
  }

  // "restarts>3" is the threshold 4 of a tool that has one.
  void BindThreshold() {
    const std::string& condition = intent_.where.front();
    if (Has("threshold") && condition.starts_with("restarts>")) {
      const bool equal = condition.starts_with("restarts>=");
      const int64_t number = std::strtoll(condition.c_str() + (equal ? 10 : 9), nullptr, 10);
      SetTyped("threshold", std::to_string(number + (equal ? 0 : 1)));
    } else {
      out_.not_applied.push_back("condition");
    }
  }

  void BindKind() {
    if (intent_.kind.empty() || intent_.kind == "All" || intent_.kind == "Cluster" ||
        intent_.kind == "Workload")
      return;
    for (const char* kind : {"resource_type", "kind"}) {
      if (Has(kind) && !args_.contains(kind))
        SetTyped(kind, intent_.kind == "Container" ? "Pod" : intent_.kind);
    }
  }

  void BindWindow(absl::Duration window) {
    if (Has("since")) {
      SetTyped("since", ShortDuration(window));
    } else if (Has("since_seconds")) {
      args_["since_seconds"] = absl::ToInt64Seconds(window);
    } else if (Has("since_minutes")) {
      args_["since_minutes"] = absl::ToInt64Minutes(window);
    } else if (Has("hours")) {
      args_["hours"] = std::max<int64_t>(1, absl::ToInt64Hours(window));
    } else if (Has("window")) {
      SetTyped("window", ShortDuration(window));
    } else {
      out_.not_applied.push_back("time");
    }
  }

  const Intent& intent_;
  json schema_ = json::object();
  json args_ = json::object();
  BoundCall out_;
};

}  // namespace

BoundCall Bind(const k8s::v1::Tool& tool, const Step& step, const Intent& intent,
               const std::string& name_space, absl::Duration window) {
  return Binder(tool, intent).Run(step, name_space, window);
}

}  // namespace opsmesh::llm
