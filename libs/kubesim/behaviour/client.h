// How parts of the control plane write: through the same admission, defaults and generations as
// requests at the door.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

class Engine;

/// Engine thread only (it asks the store, which is thread-safe). Failures are the apiserver's own.
class Client {
 public:
  /// `engine` remembers parsed objects; not owned, outlives the client.
  Client(const Cluster& cluster, Engine& engine) : cluster_(cluster), engine_(engine) {}

  /// As POST by a system component: generateName, defaults, admission (quota, service accounts),
  /// validation. A `status` in `object` is dropped as a real server does; write it with Change().
  Outcome<ObjectPtr> Create(const ResourceType& type, Json object);
  /// As POST, but whatever is in `object` is kept (status, given creationTimestamp): for Nodes,
  /// Leases, Events, slices.
  Outcome<ObjectPtr> Put(const ResourceType& type, Json object);

  /// Reads the newest state, lets `change` edit it, writes it; once more when somebody wrote in
  /// between (5 tries). A changed spec raises the generation; taking the last finalizer of a
  /// deleted object removes it. Returning false from `change` leaves the object alone. 404 when it
  /// is gone or has another uid than `expected_uid` (empty = any).
  using Edit = std::function<bool(Json& object)>;
  Outcome<ObjectPtr> Change(const ResourceType& type, std::string_view ns, std::string_view name,
                            const Edit& change, std::string_view expected_uid = {});

  /// As DELETE. `options`: propagationPolicy, gracePeriodSeconds ... Pods on nodes get a
  /// deletionTimestamp only.
  MaybeStatus Delete(const ResourceType& type, std::string_view ns, std::string_view name,
                     const Json& options, std::string_view expected_uid = {});
  /// As DELETE without grace: how a kubelet confirms the end of a pod. Finalizers still hold it.
  MaybeStatus Remove(const ResourceType& type, std::string_view ns, std::string_view name,
                     std::string_view expected_uid = {});

  const Cluster& cluster() const { return cluster_; }

 private:
  const Cluster cluster_;
  Engine& engine_;
};

}  // namespace opsmesh::kubesim
