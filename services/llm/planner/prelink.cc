#include "services/llm/planner/prelink.h"

#include <algorithm>
#include <array>

namespace opsmesh::llm {
namespace {

using k8s::v1::ObjectCandidate;
using k8s::v1::ResolvedMention;

constexpr int kMostMentions = 60;
constexpr std::array<std::string_view, 7> kKinds = {
    "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "Job", "Ingress"};

// The best object of a mention: a namespace, else the kind that stands first in the list above.
const ObjectCandidate* Best(const ResolvedMention& mention, bool exact_only) {
  const ObjectCandidate* best = nullptr;
  size_t best_rank = SIZE_MAX;
  for (const ObjectCandidate& candidate : mention.candidates()) {
    const auto match = candidate.match();
    if (match == ObjectCandidate::MATCH_NEAR) continue;
    if (exact_only && match != ObjectCandidate::MATCH_EXACT &&
        match != ObjectCandidate::MATCH_WORKLOAD)
      continue;
    const std::string& kind = candidate.object().kind();
    const bool place = kind == "Namespace" && (match == ObjectCandidate::MATCH_EXACT ||
                                               match == ObjectCandidate::MATCH_PREFIX);
    const auto* found = std::find(kKinds.begin(), kKinds.end(), kind);
    if (!place && found == kKinds.end()) continue;
    const size_t rank = place ? 0 : 1 + static_cast<size_t>(found - kKinds.begin());
    if (rank < best_rank) {
      best = &candidate;
      best_rank = rank;
    }
  }
  return best;
}

struct Asked {
  size_t intent;
  size_t name;
  bool exact_only;
};

}  // namespace

void ResolveAlternatives(const base::Context& context, ToolBox& tools, const type::v1::Scope& scope,
                         std::vector<Intent>* intents) {
  k8s::v1::ResolveObjectsRequest request;
  request.mutable_context()->set_cluster(scope.cluster());
  if (scope.cluster().empty()) request.mutable_context()->clear_cluster();
  request.set_max_candidates(12);
  std::vector<Asked> asked;
  for (size_t i = 0; i < intents->size(); ++i) {
    for (size_t n = 0; n < (*intents)[i].names.size(); ++n) {
      for (const std::string& text : (*intents)[i].names[n].alternatives) {
        if (request.mentions_size() >= kMostMentions) break;
        const bool exact = text.starts_with('=');
        request.add_mentions()->set_text(exact ? text.substr(1) : text);
        asked.push_back({i, n, exact});
      }
    }
  }
  if (asked.empty()) return;
  const auto answer = tools.Resolve(context, request);
  if (answer.ok()) {
    for (size_t a = 0; a < asked.size() && static_cast<int>(a) < answer->mentions_size(); ++a) {
      NameMention& name = (*intents)[asked[a].intent].names[asked[a].name];
      if (name.resolved) continue;
      const ObjectCandidate* best =
          Best(answer->mentions(static_cast<int>(a)), asked[a].exact_only);
      if (best == nullptr) continue;
      name.resolved = true;
      name.text = best->object().name();
      name.must_exist = best->object().kind() != "Namespace";
      name.may_be_namespace = best->object().kind() == "Namespace";
      if (name.may_be_namespace) name.kind.clear();
    }
  }
  for (Intent& intent : *intents) {
    std::erase_if(intent.names,
                  [](const NameMention& name) { return name.everyday && !name.resolved; });
    // "log shipper" names one thing: its two words do not name two.
    for (size_t n = 1; n < intent.names.size();) {
      const bool same = intent.names[n].resolved && intent.names[n - 1].resolved &&
                        intent.names[n].text == intent.names[n - 1].text;
      if (same)
        intent.names.erase(intent.names.begin() + static_cast<std::ptrdiff_t>(n));
      else
        ++n;
    }
  }
}

}  // namespace opsmesh::llm
