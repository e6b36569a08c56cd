#include "services/llm/planner/cluster_name.h"

#include <algorithm>
#include <set>

namespace opsmesh::llm {
namespace {

// "Kubernetes" is the same kind, and names none.
bool IsMarker(const Mark& mark) {
  return mark.Is("kind.Cluster") && mark.norm != "k8s" && mark.norm != "kubernetes";
}

bool IsLatin(const Mark& mark) {
  return !mark.norm.empty() && static_cast<unsigned char>(mark.norm[0]) < 0x80;
}

// A word, or one of the lexicon's that things are called by, too: "test", "network".
bool MayBeName(const Mark& mark) {
  if (mark.kind == Mark::Kind::kWord) return mark.text.find('=') == std::string::npos;
  return mark.kind == Mark::Kind::kConcept && IsLatin(mark) &&
         mark.norm.find(' ') == std::string::npos && !IsMarker(mark) &&
         (mark.Is("verb.test") || mark.Has("topic."));
}

bool Joins(const Mark& mark) {
  return mark.Is("seq.and") || mark.norm == "and" || mark.norm == "、" || mark.norm == "," ||
         mark.norm == "vs" || mark.norm == "versus";
}

bool IsGlue(const Mark& mark) {
  return mark.Is("mark.named") || mark.norm == ":" || mark.norm == "the";
}

class Finder {
 public:
  explicit Finder(const std::vector<Mark>& marks) : marks_(marks) {}

  std::vector<ClusterWord> Run() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (IsMarker(marks_[i])) AtMarker(i);
    }
    for (size_t i = 0; i < marks_.size(); ++i) {
      const bool before = i > 0 && marks_[Back(i)].Is("mark.in");
      const bool after = i + 1 < marks_.size() && marks_[i + 1].Is("mark.inside");
      if (marks_[i].kind == Mark::Kind::kWord && (before || after)) Add(i, i, false);
    }
    // "real and demo": what is joined to one of them.
    for (size_t k = 0; k < found_.size(); ++k) {
      const size_t at = found_[k].word;
      if (at >= 2 && Joins(marks_[at - 1])) Add(at - 2, at - 2, false);
      if (at + 2 < marks_.size() && Joins(marks_[at + 1])) Add(at + 2, at + 2, false);
    }
    std::sort(found_.begin(), found_.end(),
              [](const auto& a, const auto& b) { return a.word < b.word; });
    return std::move(found_);
  }

 private:
  // The mark before i, beyond "the".
  size_t Back(size_t i) const { return i >= 2 && IsGlue(marks_[i - 1]) ? i - 2 : i - 1; }

  void AtMarker(size_t i) {
    const bool han = !IsLatin(marks_[i]);
    size_t after = i + 1;
    while (after < marks_.size() && IsGlue(marks_[after])) ++after;
    const bool led = i > 0 && marks_[Back(i)].Is("mark.in");
    if (after < marks_.size()) Add(after, i, han || led);
    if (i == 0) return;
    const size_t word = i - 1;
    Add(word, i, han || (word > 0 && marks_[Back(word)].Is("mark.in")));
  }

  void Add(size_t word, size_t marker, bool certain) {
    if (!MayBeName(marks_[word]) || found_.size() >= kMostClusterWords) return;
    for (const ClusterWord& other : found_) {
      if (other.word == word) return;
    }
    certain = certain && marks_[word].kind == Mark::Kind::kWord;
    found_.push_back({marks_[word].text, word, marker, certain});
  }

  const std::vector<Mark>& marks_;
  std::vector<ClusterWord> found_;
};

}  // namespace

std::vector<ClusterWord> ClusterWords(const std::vector<Mark>& marks) {
  return Finder(marks).Run();
}

std::vector<Mark> WithoutClusters(const std::vector<Mark>& marks,
                                  const std::vector<ClusterWord>& named) {
  std::set<size_t> gone;
  for (const ClusterWord& name : named) gone.insert(name.word);
  const bool asks_else = [&] {
    for (size_t i = 0; i < marks.size(); ++i) {
      const bool kind = marks[i].Has("kind.") && !IsMarker(marks[i]);
      const bool word = marks[i].kind == Mark::Kind::kWord && !gone.contains(i);
      if (kind || word || marks[i].Is("q.why") || marks[i].Has("topic.") || marks[i].Has("cond."))
        return true;
    }
    return false;
  }();
  for (const ClusterWord& name : named) {
    if (asks_else) gone.insert(name.marker);
    size_t first = std::min(name.word, name.marker);
    const size_t last = std::max(name.word, name.marker);
    for (size_t i = first; i < last; ++i) {
      if (IsGlue(marks[i])) gone.insert(i);
    }
    while (first > 0 && (IsGlue(marks[first - 1]) || Joins(marks[first - 1]))) gone.insert(--first);
    if (first > 0 && marks[first - 1].Is("mark.in")) gone.insert(first - 1);
    if (last + 1 < marks.size() && marks[last + 1].Is("mark.inside")) gone.insert(last + 1);
  }
  std::vector<Mark> rest;
  for (size_t i = 0; i < marks.size(); ++i) {
    if (!gone.contains(i)) rest.push_back(marks[i]);
  }
  return rest;
}

bool AsksForClusters(const std::vector<Mark>& marks) {
  bool asks = false;
  size_t marker = SIZE_MAX;
  for (size_t i = 0; i < marks.size(); ++i) {
    const Mark& mark = marks[i];
    if (IsMarker(mark)) {
      marker = i;
      continue;
    }
    if (mark.Has("kind.") || mark.Has("cond.") || mark.Has("topic.") || mark.Has("metric.") ||
        mark.Has("write.") || mark.Is("q.why") || mark.Is("verb.diagnose") ||
        (mark.kind == Mark::Kind::kWord && mark.norm != "configured"))
      return false;
    asks = asks || mark.Is("q.which") || mark.Is("q.count") || mark.Is("verb.list");
  }
  if (marker == SIZE_MAX || !asks) return false;
  if (IsLatin(marks[marker])) return marks[marker].norm == "clusters";
  // "有哪些集群", "列出所有集群"; "集群有哪些…" is of one cluster.
  size_t before = marker;
  while (before > 0 && (marks[before - 1].Is("mark.all") || marks[before - 1].Is("word.polite")) &&
         !marks[before - 1].Is("q.which") && !marks[before - 1].Is("q.count"))
    --before;
  if (before == 0) return false;
  const Mark& asking = marks[before - 1];
  return asking.Is("q.which") || asking.Is("q.count") || asking.Is("verb.list");
}

}  // namespace opsmesh::llm
