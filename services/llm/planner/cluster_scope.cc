#include "services/llm/planner/cluster_scope.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/error.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/cluster_name.h"

namespace opsmesh::llm {
namespace {

using k8s::v1::ObjectCandidate;
using type::v1::ComponentStatus;

class Reader {
 public:
  Reader(const base::Context& context, ToolBox& tools, const std::string& current)
      : context_(context), tools_(tools), current_(current) {}

  ClusterScope Run(Sentence* sentence) {
    std::vector<ClusterWord> taken;
    for (const ClusterWord& word : ClusterWords(sentence->marks)) {
      const bool bare = word.marker == word.word;
      if (bare && !scope_.only.empty()) continue;  // there is nothing to choose from
      const absl::Status found = Probe(word.text);
      const base::ErrorDetail detail = base::DetailOf(found);
      if (found.ok() || detail.reason == "CLUSTER_UNUSABLE") {
        if (bare && IsCalled(word.text)) continue;
        if (std::find(scope_.named.begin(), scope_.named.end(), word.text) == scope_.named.end())
          scope_.named.push_back(word.text);
        taken.push_back(word);
        continue;
      }
      if (detail.reason != "UNKNOWN_CLUSTER") return {};
      if (const auto only = detail.metadata.find("only_cluster"); only != detail.metadata.end())
        scope_.only = only->second;
      if (!word.certain || !scope_.unknown.empty() || IsCalled(word.text)) continue;
      scope_.unknown = word.text;
      if (const auto all = detail.metadata.find("clusters"); all != detail.metadata.end())
        scope_.configured = all->second;
      if (!scope_.only.empty()) taken.push_back(word);
    }
    if (!scope_.named.empty()) scope_.unknown.clear();
    if (!taken.empty()) sentence->marks = WithoutClusters(sentence->marks, taken);
    return std::move(scope_);
  }

 private:
  absl::Status Probe(const std::string& id) {
    k8s::v1::ResolveObjectsRequest request;
    request.mutable_context()->set_cluster(id);
    request.add_mentions()->set_text("default");
    return tools_.Resolve(context_, request).status();
  }

  /// A namespace or an object of the current cluster is called so.
  bool IsCalled(const std::string& text) {
    k8s::v1::ResolveObjectsRequest request;
    if (!current_.empty()) request.mutable_context()->set_cluster(current_);
    request.add_mentions()->set_text(text);
    const auto answer = tools_.Resolve(context_, request);
    if (!answer.ok() || answer->mentions_size() == 0) return false;
    const auto& candidates = answer->mentions(0).candidates();
    return std::any_of(candidates.begin(), candidates.end(), [](const ObjectCandidate& candidate) {
      return candidate.match() == ObjectCandidate::MATCH_EXACT ||
             candidate.match() == ObjectCandidate::MATCH_WORKLOAD ||
             candidate.match() == ObjectCandidate::MATCH_LABEL;
    });
  }

  const base::Context& context_;
  ToolBox& tools_;
  const std::string& current_;
  ClusterScope scope_;
};

std::string StateWord(const k8s::v1::Cluster& cluster, text::Language language) {
  switch (cluster.status().state()) {
    case ComponentStatus::STATE_OK:
      return InLanguage("正常", "ok", language);
    case ComponentStatus::STATE_DEGRADED:
      return InLanguage("部分可用", "degraded", language);
    default:
      return InLanguage("不可用", "down", language);
  }
}

}  // namespace

ClusterScope ReadClusters(const base::Context& context, ToolBox& tools, const std::string& current,
                          Sentence* sentence) {
  return Reader(context, tools, current).Run(sentence);
}

std::string StandInCluster(const base::Context& context, ToolBox& tools,
                           const v1::RunTurnRequest& request) {
  if (request.context().cluster().empty() ||
      (request.has_enable_tools() && !request.enable_tools()))
    return "";
  k8s::v1::ResolveObjectsRequest probe;
  probe.mutable_context()->set_cluster(request.context().cluster());
  probe.add_mentions()->set_text("default");
  const base::ErrorDetail detail = base::DetailOf(tools.Resolve(context, probe).status());
  if (detail.reason != "UNKNOWN_CLUSTER") return "";
  const auto only = detail.metadata.find("only_cluster");
  return only == detail.metadata.end() ? "" : only->second;
}

absl::Status SayClusters(Turn& turn, ToolBox& tools) {
  const auto clusters = tools.Clusters(turn.context());
  if (!clusters.ok()) {
    OPSMESH_RETURN_IF_ERROR(turn.context().Check());
    turn.outcome = v1::TurnDone::OUTCOME_FAILED;
    turn.Failed("k8s service", "clusters", Explain(clusters.status()));
    return turn.SayParagraph(
        Say("failed", turn.language, {{"error", Explain(clusters.status(), turn.language)}}));
  }
  const std::string first =
      clusters->clusters_size() > 0 ? clusters->clusters(0).cluster_id() : std::string("-");
  OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(
      Say("clusters_title", turn.language,
          {{"count", std::to_string(clusters->clusters_size())}, {"default", first}})));
  std::string table = InLanguage("| 集群 | 版本 | 状态 | 说明 |",
                                 "| CLUSTER | VERSION | STATE | NOTE |", turn.language);
  table += "\n|---|---|---|---|";
  for (const k8s::v1::Cluster& cluster : clusters->clusters()) {
    const bool ok = cluster.status().state() == ComponentStatus::STATE_OK;
    std::string note = ok ? std::string() : cluster.status().message();
    if (cluster.simulated())
      note = InLanguage("模拟集群", "simulated", turn.language) + (ok ? "" : "; " + note);
    std::replace(note.begin(), note.end(), '|', '/');
    std::replace(note.begin(), note.end(), '\n', ' ');
    table += fmt::format("\n| {} | {} | {} | {} |", cluster.cluster_id(),
                         cluster.version().empty() ? "-" : cluster.version(),
                         StateWord(cluster, turn.language), note);
  }
  return turn.SayParagraph(table);
}

}  // namespace opsmesh::llm
