// Which cluster a sentence names: "pods in cluster prod", "prod 集群里的 pod", "nodes on prod".
// Only where a name may stand; whether a cluster is called so, the caller asks. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "services/llm/planner/sentence.h"

namespace opsmesh::llm {

/// A word that stands where a cluster is named.
struct ClusterWord {
  std::string text;
  size_t word = 0;    // index of its mark
  size_t marker = 0;  // of the mark "cluster" beside it; `word` when there is none
  /// The sentence can hardly mean anything else: "in cluster prod", "集群 prod".
  bool certain = false;
};

/// In the order of the sentence; at most kMostClusterWords.
std::vector<ClusterWord> ClusterWords(const std::vector<Mark>& marks);
inline constexpr size_t kMostClusterWords = 6;

/// The sentence without the words that name clusters, and what only leads to them ("in", "里").
/// "Status of cluster prod" keeps its "cluster".
std::vector<Mark> WithoutClusters(const std::vector<Mark>& marks,
                                  const std::vector<ClusterWord>& named);

/// "Which clusters are there?", "有哪些集群": the configured ones are asked for.
bool AsksForClusters(const std::vector<Mark>& marks);

}  // namespace opsmesh::llm
