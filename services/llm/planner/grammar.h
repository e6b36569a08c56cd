// How a clause is read: the steps behind interpret.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/llm/planner/intent.h"
#include "services/llm/planner/lexicon.h"
#include "services/llm/planner/sentence.h"

namespace opsmesh::llm {

/// Reads one clause in steps; each step takes the marks it understands, so that the next ones see
/// the rest. Made for one clause; not thread-safe.
class Grammar {
 public:
  Grammar(const std::vector<Mark>& marks, const Lexicon& lexicon)
      : marks_(marks), lexicon_(lexicon), used_(marks.size(), false) {}

  /// `has_window`: the sentence names a time window. Call once.
  Intent Run(bool has_window);

 private:
  bool Any(std::string_view concept_id) const;
  // "The three worst problems": a ranking of nothing that is measured.
  bool RanksProblems() const;
  // The same for what a clause asks to be done.
  bool AnyVerb(std::string_view concept_id) const;
  const Mark* At(size_t i) const { return i < marks_.size() ? &marks_[i] : nullptr; }

  // The neighbour of i in direction `step` beyond words that only glue ("的", "the", "named", ":").
  size_t Neighbour(size_t i, int step) const;
  bool IsWord(size_t i) const;

  // In "X namespace" and "namespace X" also a word of the lexicon may be a name: "test namespace",
  // "security 命名空间".
  bool CanNameNamespace(size_t i) const;
  void ReadNamespaces();
  void TakeNamespace(size_t name, size_t marker);
  void ReadSelectors();
  void ReadContainer();
  void ReadFlags();
  bool Interrogative() const;
  void ReadAction();

  // "Don't restart anything", "不要重启".
  bool Negated(size_t i) const;
  bool SetsReplicas() const;

  // False when the clause only talks about a change ("why did the rollback fail", "rollout
  // history").
  bool ReadWrite(const std::vector<const Mark*>& writes);
  bool AnyKind() const;
  std::string KindOf(size_t i) const;
  void ReadNames();

  // "支付": payments, payment-api ... whichever is there.
  void ReadAlias(size_t i, const std::string& stems);

  // "log shipper" may be log-shipper.
  void AddJoins(size_t i, NameMention* mention) const;

  // "logs of the worker": a word for machines that something may be called by.
  void ReadKindWordsAsNames();

  // "from frontend to redis", "frontend到orders-db通不通": two ends; "cart and frontend", "nginx vs
  // grafana": two of a kind.
  void ReadEnds();
  std::string KindNamed(const std::string& word) const;
  void SplitSlash(size_t slash, NameMention* mention);
  void ReadNeighbours(size_t i, NameMention* mention);

  // Where a kind is named, and which.
  using KindMarks = std::vector<std::pair<size_t, std::string>>;
  KindMarks KindsNamed() const;
  // "服务的端点": the endpoints are meant.
  void DropSaidTwice(KindMarks* kinds) const;
  void PickKind(const KindMarks& kinds);
  void ReadKind();
  void ReadConditionAndTopic();
  // `before` and `next` are the marks beside the number, null at the ends.
  void ReadReplicas(int64_t number, const Mark* before, const Mark* next);
  void ReadNumbers();
  bool ScalesDown() const;
  bool RelativeScale() const;
  void Settle();

  const std::vector<Mark>& marks_;
  const Lexicon& lexicon_;
  std::vector<bool> used_;     // marks that are understood
  std::vector<size_t> hints_;  // marks that only tell the kind of a name
  std::vector<size_t> namespace_words_;
  std::string talked_condition_;  // of a change that is only talked about
  Intent intent_;
};

}  // namespace opsmesh::llm
