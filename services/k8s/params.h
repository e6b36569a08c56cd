// Parameters that many tools share, so that the same thing has the same name, words and limits
// everywhere.
#pragma once

#include <string>
#include <vector>

#include "services/k8s/arguments.h"

namespace opsmesh::k8s {

inline Param NamespaceParam(bool required = false) {
  Param p;
  p.name = "namespace";
  p.description =
      required
          ? Text{"命名空间", "Namespace"}
          : Text{"命名空间；省略则用会话的命名空间，没有则为全部，\"*\" 表示全部",
                 "Namespace; absent = the conversation's, else all of them; \"*\" = all of them"};
  p.required = required;
  p.format = required ? ParamFormat::kNamespace : ParamFormat::kNamespaceOrAll;
  return p;
}

/// Namespace of one object: absent = the conversation's, else the cluster's default.
inline Param OneNamespaceParam() {
  Param p;
  p.name = "namespace";
  p.description = {
      "对象所在的命名空间；省略则用会话的命名空间，没有则为默认命名空间；集群级对象忽略",
      "Namespace of the object; absent = the conversation's, else the cluster's default; ignored "
      "for "
      "cluster-scoped kinds"};
  p.format = ParamFormat::kNamespace;
  return p;
}

inline Param NameParam(std::string name, Text description, bool required = true,
                       ParamFormat format = ParamFormat::kName) {
  Param p;
  p.name = std::move(name);
  p.description = std::move(description);
  p.required = required;
  p.format = format;
  return p;
}

inline Param KindParam(std::string name = "resource_type") {
  Param p;
  p.name = std::move(name);
  p.description = {"资源类型：类型名、复数或缩写，例如 Pod、deployments、svc",
                   "Kind, plural or short name, for instance Pod, deployments, svc"};
  p.required = true;
  p.format = ParamFormat::kKind;
  return p;
}

inline Param IntParam(std::string name, Text description, int64_t minimum, int64_t maximum,
                      std::string default_json, bool required = false) {
  Param p;
  p.name = std::move(name);
  p.type = ParamType::kInteger;
  p.description = std::move(description);
  p.required = required;
  p.minimum = minimum;
  p.maximum = maximum;
  p.default_json = std::move(default_json);
  return p;
}

inline Param BoolParam(std::string name, Text description, bool fallback) {
  Param p;
  p.name = std::move(name);
  p.type = ParamType::kBoolean;
  p.description = std::move(description);
  p.default_json = fallback ? "true" : "false";
  return p;
}

inline Param TextParam(std::string name, Text description,
                       ParamFormat format = ParamFormat::kText) {
  Param p;
  p.name = std::move(name);
  p.description = std::move(description);
  p.format = format;
  return p;
}

inline Param ChoiceParam(std::string name, Text description, std::vector<std::string> values) {
  Param p;
  p.name = std::move(name);
  p.description = std::move(description);
  p.values = std::move(values);
  return p;
}

inline Param ListParam(std::string name, Text description) {
  Param p;
  p.name = std::move(name);
  p.type = ParamType::kStringList;
  p.description = std::move(description);
  return p;
}

inline Param LimitParam(int64_t fallback = 100) {
  return IntParam("limit", {"最多返回多少条", "At most this many rows"}, 1, 1000,
                  std::to_string(fallback));
}

/// Narrows an answer about a namespace or the cluster to one workload.
inline Param WorkloadFilterParam() {
  return NameParam("deployment_name", {"只看此工作负载", "Only this workload"}, false);
}

inline Param CursorParam() {
  return TextParam("cursor", {"上一页的 next_cursor", "next_cursor of the page before"},
                   ParamFormat::kCursor);
}

inline Param LabelSelectorParam() {
  return TextParam("label_selector",
                   {"标签选择器，例如 app=web,tier in (a,b)",
                    "Label selector, for instance app=web,tier in (a,b)"},
                   ParamFormat::kLabelSelector);
}

inline Param FieldSelectorParam() {
  return TextParam("field_selector",
                   {"字段选择器，例如 status.phase=Running",
                    "Field selector, for instance status.phase=Running"},
                   ParamFormat::kFieldSelector);
}

inline Param StatusParam() {
  return TextParam(
      "status",
      {"只要此状态，多个用 | 分隔，例如 Running、CrashLoopBackOff|Error",
       "Only this status, several joined by |, for instance Running or CrashLoopBackOff|Error"});
}

}  // namespace opsmesh::k8s
