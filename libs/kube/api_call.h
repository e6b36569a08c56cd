// One request to the API server in the words of RBAC, and what its failures are called.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/types.h"

namespace opsmesh::kube {

/// Describes a call; everything an error message needs is in it.
struct ApiCall {
  std::string verb;  // "list"
  std::string method = "GET";
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  // not yet percent-encoded
  std::string group;
  std::string resource;  // plural; "" for paths such as /version
  std::string subresource;
  std::string ns;
  std::string name;
  std::string body;
  std::string content_type = "application/json";
  std::string accept = "application/json";
  std::string action_id;  // of the action gate, "" = none
  bool patient =
      false;  // of a cache, with a back-off of its own: no circuit breaker, more time in all
  size_t max_response_bytes = 0;  // 0 = the client's
  bool retry = true;              // tried again on 5xx and broken connections

  bool is_write() const { return method != "GET"; }
  /// Values of Secrets may stand in the answer: it is wiped, and no error quotes it.
  bool holds_secrets() const { return group.empty() && resource == "secrets"; }
  /// "deployments.apps/scale"
  std::string what() const;
  std::string Target() const;  // path and query, percent-encoded
};

/// A call on a type: path built from checked, percent-encoded segments. `ns` is dropped for
/// cluster-scoped types; an empty `name` means the collection.
ApiCall CallOn(std::string_view verb, std::string_view method, const ResourceType& type,
               std::string_view ns, std::string_view name, std::string_view subresource = {});

/// A review that a caller asks for about itself: a `kind` of the group's "v1"; `spec`: JSON, "" =
/// none.
ApiCall SelfReview(std::string_view group, std::string_view kind, std::string_view spec = {});

/// The `status` of an answer whose code is not 2xx, or of one that is no Kubernetes answer at all.
absl::Status ErrorFromResponse(const ApiCall& call, std::string_view cluster,
                               const http_client::Response& response);

/// The error of a Status object given as JSON (in a watch's ERROR event).
absl::Status ErrorFromStatusJson(const ApiCall& call, std::string_view cluster,
                                 std::string_view json);

/// `status` with the call's words in its metadata and the cluster named in its message.
absl::Status NameCall(const absl::Status& status, const ApiCall& call, std::string_view cluster);

/// The answer is not what an API server sends: UNAVAILABLE (NOT_KUBERNETES) with the first 512
/// bytes.
absl::Status NotKubernetes(const ApiCall& call, std::string_view cluster, int code,
                           std::string_view content_type, std::string_view body);

/// metadata.continue of a Status, "" when it has none.
std::string ContinueOfStatus(const absl::Status& status);

}  // namespace opsmesh::kube
