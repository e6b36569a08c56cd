// One request on its way through the simulated apiserver.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/request.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

/// What every handler works on. References outlive all calls.
struct Cluster {
  Store& store;
  LogStore& logs;
  const base::Clock& clock;
  /// Whether somebody acts on deletions: kubelets confirm the end of pods, the garbage collector
  /// serves finalizers.
  bool kubelets_run = false;
  bool collector_runs = false;
};

struct Call {
  const http_server::Request& http;
  RequestInfo info;
  Query query;
  User user;
  Accepted accepted;
  const ResourceType* type = nullptr;  // set for resource requests that reach a handler
  /// What a patch made, for the sentence that says it does not decode; empty for whole objects.
  std::string patched_text;
  /// Whether some resource has this kind: decides between two sentences about a wrong one.
  std::function<bool(std::string_view api_version, std::string_view kind)> known_kind;
  /// What strict decoding finds in the body's text: its members in order (as paths) and the
  /// sentences about those written twice.
  std::vector<std::string> member_order{};
  std::vector<std::string> duplicates{};
  bool tracked = false;  // managedFields are already made (server-side apply)
  /// Refused before fairness would have queued it: the answer names no flow schema.
  bool unqueued = false;
  std::vector<std::string> warnings;  // sent as Warning: 299 headers
};

}  // namespace opsmesh::kubesim
