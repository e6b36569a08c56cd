// Names in a sentence and the objects they mean.
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/contract.h"
#include "services/k8s/handlers.h"

namespace opsmesh::k8s {
namespace {

constexpr int kMostMentions = 64;

MentionQuery QueryOf(const v1::Mention& mention) {
  MentionQuery query;
  query.text = mention.text().substr(0, 512);
  query.name_space = mention.namespace_();
  if (!mention.kind().empty()) {
    const kube::ResourceType* type = kube::FindBuiltin(mention.kind());
    // An unknown kind narrows nothing: the name may still be right.
    if (type) query.kind = type->kind;
  }
  return query;
}

void AddNamespace(const std::string& cluster, const std::string& name,
                  v1::ResolvedMention* resolved) {
  v1::ObjectCandidate* to = resolved->add_candidates();
  to->mutable_object()->set_cluster(cluster);
  to->mutable_object()->set_kind("Namespace");
  to->mutable_object()->set_name(name);
  to->set_match(v1::ObjectCandidate::MATCH_EXACT);
  to->set_score(0.5);
  resolved->set_total_count(resolved->total_count() + 1);
}

}  // namespace

absl::StatusOr<v1::ResolveObjectsResponse> Handlers::ResolveObjects(
    const base::Context& ctx, const v1::ResolveObjectsRequest& request) {
  if (request.mentions_size() > kMostMentions) {
    return base::InvalidArgument(
               "mentions", "TOO_MANY_MENTIONS",
               fmt::format("{} mentions are more than {}.", request.mentions_size(), kMostMentions))
        .Hint("Ask in several requests.");
  }
  OPSMESH_RETURN_IF_ERROR(CheckScope("context.namespace", request.context().namespace_()));
  OPSMESH_ASSIGN_OR_RETURN(Cluster * cluster, tools_.clusters().Find(request.context().cluster()));
  cluster->Cover(ctx, request.context().namespace_());
  const auto snapshot = cluster->Picture(ctx);
  const auto index = indexes_.Of(cluster->id()).Get(snapshot, cluster->change_count());
  const size_t most = request.max_candidates() > 0
                          ? static_cast<size_t>(std::min(request.max_candidates(), 100))
                          : 8;
  v1::ResolveObjectsResponse out;
  const bool namespaces_known =
      snapshot->Of("namespaces").status().state != kube::KindStatus::State::kForbidden;
  for (const v1::Mention& mention : request.mentions()) {
    v1::ResolvedMention* resolved = out.add_mentions();
    resolved->set_text(mention.text());
    Resolution found = index->Resolve(QueryOf(mention), most);
    resolved->set_total_count(static_cast<int32_t>(std::min<int64_t>(found.total, INT32_MAX)));
    for (const Candidate& candidate : found.candidates) {
      v1::ObjectCandidate* to = resolved->add_candidates();
      Fill(candidate.object, cluster->id(), to->mutable_object());
      to->set_match(static_cast<v1::ObjectCandidate::Match>(candidate.match));
      to->set_score(candidate.score);
    }
    // Who may not list namespaces cannot be told that one does not exist: it may be meant, and its
    // objects will say that they are forbidden. The score tells it from one that is known.
    const std::string name = base::AsciiLower(mention.text());
    const bool known =
        std::any_of(found.candidates.begin(), found.candidates.end(),
                    [](const Candidate& candidate) { return candidate.match == Match::kExact; });
    if (!namespaces_known && !known && mention.kind() == "Namespace" && IsDnsLabel(name))
      AddNamespace(cluster->id(), name, resolved);
  }
  Picture picture(snapshot, "", clock_.Now());
  for (const char* plural :
       {"namespaces", "nodes", "deployments", "statefulsets", "daemonsets", "pods", "services"})
    (void)picture.All(plural);
  Fill(picture.ledger(), out.mutable_ledger());
  return out;
}

}  // namespace opsmesh::k8s
