// A whole answer before it becomes HTTP, and the forms an object or a list can be answered in.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/api/request.h"
#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

struct Reply {
  int code = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

Reply StatusReply(const ApiStatus& status);
/// A JSON reply written as YAML.
void AsYaml(Reply& reply);
Reply JsonReply(const Json& body, int code = 200);
Reply TextReply(std::string body, int code = 200);
/// `json` as it is, or as YAML when asked for.
Reply RenderedReply(std::string json, const Accepted& accepted, int code = 200);

/// Why an object (or a list) cannot be answered in the form asked for: a list as one object's
/// metadata, Tables with unknown options.
MaybeStatus Unservable(const ResourceType& type, const Accepted& accepted, bool list);

/// kind Event of events.k8s.io/v1 and HorizontalPodAutoscaler of autoscaling/v1 are kept in another
/// form than served.
bool NeedsConversion(const ResourceType& type);
Json FromStorage(const ResourceType& type, Json object);
Json ToStorage(const ResourceType& type, Json object);

/// The object's members without kind and apiVersion, as `type` serves it.
std::string ServedBody(const ResourceType& type, const Object& object);

/// One object in the form asked for; a Table has one row.
std::string RenderObject(const ResourceType& type, const Object& object, const Accepted& accepted,
                         absl::Time now);
/// A list in the form asked for. `metadata` is the list's.
std::string RenderList(const ResourceType& type, const std::vector<ObjectPtr>& objects,
                       const Json& metadata, const Accepted& accepted, absl::Time now);
/// The object of a watch event; `with_columns` on the first Table of a stream only.
std::string RenderEventObject(const ResourceType& type, const Object& object,
                              const Accepted& accepted, absl::Time now, bool with_columns);

}  // namespace opsmesh::kubesim
