// get and list.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/store/selectors.h"

namespace opsmesh::kubesim {

Reply HandleGet(const Cluster& cluster, const Call& call);
Reply HandleList(const Cluster& cluster, const Call& call);

/// Both selectors of a request.
struct Selection {
  LabelSelector labels;
  FieldSelector fields;
  bool empty() const { return labels.empty() && fields.empty(); }
  bool Matches(const Object& object) const {
    return labels.Matches(object.labels) && fields.Matches(object);
  }
};
Outcome<Selection> SelectionOf(const Call& call);

/// What `continue` must hold to go on after `last`, listed in `ns` ("" = everywhere) at `version`.
std::string ContinueToken(uint64_t version, const Object& last, std::string_view ns);

/// A whole number in the query: nothing when absent or empty; 400 in Go's words when it is none.
Outcome<std::optional<int64_t>> NumberOf(const Query& query, const char* name);

/// resourceVersionMatch and sendInitialEvents of a list or watch: 422 with every cause.
MaybeStatus CheckListOptions(const Call& call);

/// A resourceVersion parameter: nothing when absent, else its number; 500 as the real server words
/// a wrong one.
Outcome<std::optional<uint64_t>> VersionOf(const Call& call);

}  // namespace opsmesh::kubesim
