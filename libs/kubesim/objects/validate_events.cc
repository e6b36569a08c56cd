// Events of both groups, which are the same objects; members are named as they are kept.
#include <fmt/format.h>

#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void AtMost(Causes& causes, const Json& event, const char* member, size_t most) {
  if (TextAt(event, member).size() > most)
    InvalidText(causes, member, "", fmt::format("can have at most {} characters", most));
}

// An event of the older style is about its own namespace.
void ValidateOldStyle(Causes& causes, const std::string& ns, const std::string& about) {
  if ((about.empty() && ns != "default") || (!about.empty() && about != ns))
    InvalidText(causes, "involvedObject.namespace", about, "does not match event.namespace");
}

// One with an eventTime says who reports, and what was done.
void ValidateNewStyle(Causes& causes, const Json& event, const std::string& ns,
                      const std::string& about, const std::string& controller_field) {
  if (about.empty() && ns != "default" && ns != "kube-system")
    InvalidText(causes, "involvedObject.namespace", about, "does not match event.namespace");
  const std::string controller = TextAt(event, "reportingComponent");
  if (controller.empty()) Required(causes, controller_field);
  if (auto fault = QualifiedFault(controller); !fault.empty())
    InvalidText(causes, controller_field, controller, fault);
  if (TextAt(event, "reportingInstance").empty()) Required(causes, "reportingInstance");
  AtMost(causes, event, "reportingInstance", 128);
  for (const char* member : {"action", "reason"}) {
    if (TextAt(event, member).empty()) Required(causes, member);
    AtMost(causes, event, member, 128);
  }
  AtMost(causes, event, "message", 1024);
}

void ValidateSeries(Causes& causes, const Json& event) {
  if (!At(event, "series").is_object()) return;
  if (IntAt(event, {"series", "count"}) < 2)
    InvalidText(causes, "series.count", "", "should be at least 2");
  if (!At(event, {"series", "lastObservedTime"}).is_string())
    Required(causes, "series.lastObservedTime");
}

// What the newer group takes of a new event beyond what both do.
void ValidateStrictly(Causes& causes, const Json& event) {
  ValidateSeries(causes, event);
  if (!At(event, "eventTime").is_string()) Required(causes, "eventTime");
  if (const std::string type = TextAt(event, "type"); type != "Normal" && type != "Warning")
    InvalidText(causes, "type", "", "has invalid value: " + type);
  for (const char* member : {"firstTimestamp", "lastTimestamp"}) {
    if (At(event, member).is_string()) InvalidText(causes, member, "", "needs to be unset");
  }
  if (IntAt(event, "count") != 0) InvalidText(causes, "count", "", "needs to be unset");
  if (!TextAt(event, {"source", "component"}).empty() || !TextAt(event, {"source", "host"}).empty())
    InvalidText(causes, "source", "", "needs to be unset");
}

// "2026-11-20 10:00:00 +0000 UTC", as Go prints a time; the zero time when there is none.
std::string GoTime(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : "0001-01-01T00:00:00Z";
  if (const size_t at = text.find('T'); at != std::string::npos) text[at] = ' ';
  if (text.ends_with('Z')) text.pop_back();
  if (text.find('.') != std::string::npos) {
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
  }
  return text + " +0000 UTC";
}

// And nothing of it but its series changes there.
void ValidateUnchanged(Causes& causes, const Json& event, const Json& before) {
  if (At(event, "series") != At(before, "series")) ValidateSeries(causes, event);
  struct Field {
    const char *member, *shown, *go_type;
  };
  static constexpr Field kFixed[] = {
      {"involvedObject", "involvedObject", "core.ObjectReference{...}"},
      {"reason", "reason", nullptr},
      {"message", "message", nullptr},
      {"source", "source", "core.EventSource{...}"},
      {"firstTimestamp", "firstTimestamp", nullptr},
      {"lastTimestamp", "lastTimestamp", nullptr},
      {"count", "count", nullptr},
      {"reason", "reason", nullptr},
      {"type", "type", nullptr},
      {"eventTime", "eventTime", nullptr},
      {"action", "action", nullptr},
      {"related", "related", "core.ObjectReference{...}"},
      {"reportingComponent", "reportingController", nullptr},
      {"reportingInstance", "reportingInstance", nullptr}};
  for (const Field& field : kFixed) {
    const Json &now = At(event, field.member), &old = At(before, field.member);
    if (now == old || (now.empty() && old.empty())) continue;
    const bool time = std::string_view(field.member).ends_with("Time") ||
                      std::string_view(field.member).ends_with("Timestamp");
    const std::string value = field.go_type != nullptr ? field.go_type
                              : time                   ? GoTime(now)
                              : now.is_null()          ? "\"\""
                                                       : now.dump();
    Immutable(causes, field.shown, value);
  }
}

}  // namespace

void ValidateEvent(Causes& causes, const ResourceType& type, const Json& object,
                   const Json& before) {
  const std::string ns = TextAt(object, {"metadata", "namespace"}),
                    about = TextAt(object, {"involvedObject", "namespace"});
  const bool newer = !type.group.empty();
  if (At(object, "eventTime").is_string())
    ValidateNewStyle(causes, object, ns, about,
                     newer ? "reportingController" : "reportingComponent");
  else
    ValidateOldStyle(causes, ns, about);
  if (!newer) return;
  if (before.is_object())
    ValidateUnchanged(causes, object, before);
  else
    ValidateStrictly(causes, object);
}

}  // namespace opsmesh::kubesim
