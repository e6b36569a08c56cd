// The questions that are asked by POST: who am I, may I, what may I.
#pragma once

#include "libs/kubesim/api/authentication.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

bool IsReview(const ResourceType& type);
Reply HandleReview(const Cluster& cluster, Call& call, const TokenTable& tokens);

}  // namespace opsmesh::kubesim
