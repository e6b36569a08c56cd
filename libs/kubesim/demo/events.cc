#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

EventSubject DemoBuilder::About(const ResourceType& type, const Json& object) {
  return {type.kind,
          type.ApiVersion(),
          TextAt(object, {"metadata", "namespace"}),
          TextAt(object, {"metadata", "name"}),
          TextAt(object, {"metadata", "uid"}),
          ""};
}

// Events that would have expired by now (one hour after the last time) are not made.
void DemoBuilder::AddEvent(const EventSubject& about, std::string_view type,
                           std::string_view reason, std::string_view message,
                           std::string_view component, std::string_view host, absl::Time first,
                           absl::Time last, int count) {
  last = std::min(last, now_);
  first = std::min(first, last);
  if (now_ - last > absl::Hours(1) || count <= 0) return;
  const uint64_t serial = static_cast<uint64_t>(absl::ToUnixNanos(first)) + ++event_serial_;
  Json object = {{"metadata",
                  {{"name", fmt::format("{}.{:x}", about.name, serial)},
                   {"namespace", about.ns.empty() ? "default" : about.ns}}},
                 {"involvedObject",
                  {{"kind", about.kind},
                   {"apiVersion", about.api_version},
                   {"name", about.name},
                   {"uid", about.uid}}},
                 {"reason", reason},
                 {"message", message},
                 {"type", type},
                 {"count", count},
                 {"firstTimestamp", base::Rfc3339(first)},
                 {"lastTimestamp", base::Rfc3339(last)},
                 {"eventTime", nullptr},
                 {"source", {{"component", component}}},
                 {"reportingComponent", component},
                 {"reportingInstance", host}};
  if (!about.ns.empty()) object["involvedObject"]["namespace"] = about.ns;
  if (!about.field_path.empty()) object["involvedObject"]["fieldPath"] = about.field_path;
  if (!host.empty()) object["source"]["host"] = host;
  Put(Type("", "events"), Stamp(std::move(object), first));
}

}  // namespace opsmesh::kubesim
