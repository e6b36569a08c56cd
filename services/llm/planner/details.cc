#include "services/llm/planner/details.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

// Fields people group and filter by, in either language.
std::string FieldNamed(std::string_view norm) {
  static const auto* const fields =
      new std::map<std::string_view, std::string_view>{{"type", "type"},
                                                       {"types", "type"},
                                                       {"类型", "type"},
                                                       {"reason", "reason"},
                                                       {"reasons", "reason"},
                                                       {"原因", "reason"},
                                                       {"status", "status"},
                                                       {"state", "status"},
                                                       {"phase", "phase"},
                                                       {"状态", "status"},
                                                       {"image", "image"},
                                                       {"images", "image"},
                                                       {"镜像", "image"},
                                                       {"version", "version"},
                                                       {"版本", "version"},
                                                       {"node", "node"},
                                                       {"nodes", "node"},
                                                       {"节点", "node"},
                                                       {"namespace", "namespace"},
                                                       {"namespaces", "namespace"},
                                                       {"命名空间", "namespace"},
                                                       {"workload", "workload"},
                                                       {"app", "workload"},
                                                       {"应用", "workload"},
                                                       {"qos", "qos"},
                                                       {"节点上", "node"},
                                                       {"on node", "node"},
                                                       {"on the node", "node"}};
  const auto found = fields->find(norm);
  return found == fields->end() ? std::string() : std::string(found->second);
}

// "d" for days, in any way of writing it; "" = no unit of time.
std::string_view TimeUnit(std::string_view norm) {
  for (std::string_view word : {"day", "days", "天", "日"}) {
    if (norm == word) return "d";
  }
  for (std::string_view word : {"hour", "hours", "小时", "时", "hrs"}) {
    if (norm == word) return "h";
  }
  for (std::string_view word : {"minute", "minutes", "min", "mins", "分钟", "分"}) {
    if (norm == word) return "m";
  }
  for (std::string_view word : {"week", "weeks", "周", "星期"}) {
    if (norm == word) return "w";
  }
  return "";
}

class Details {
 public:
  Details(const std::vector<Mark>& marks, bool has_window, std::vector<bool>* used, Intent* intent)
      : marks_(marks), used_(*used), intent_(*intent), has_window_(has_window) {}

  void Run() {
    ReadLogText();
    ReadReason();
    ReadRevisions();
    ReadRights();
    ReadFieldPath();
    ReadGrouping();
    ReadComparisons();
    ReadImagesAndTypes();
    ReadOrder();
    ReadCreated();
  }

 private:
  bool Any(std::string_view id) const {
    return std::any_of(marks_.begin(), marks_.end(), [id](const Mark& m) { return m.Is(id); });
  }
  bool Norm(size_t i, std::initializer_list<std::string_view> words) const {
    return i < marks_.size() &&
           std::find(words.begin(), words.end(), marks_[i].norm) != words.end();
  }
  bool FreeWord(size_t i) const {
    return i < marks_.size() && !used_[i] && marks_[i].kind == Mark::Kind::kWord;
  }
  bool HasKind(std::string_view kind) const { return Any("kind." + std::string(kind)); }

  // "grep timeout", "包含 error 的行", errors in a log: the log is filtered by the tool.
  void ReadLogText() {
    if (!Any("verb.logs")) return;
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (marks_[i].quoted && !used_[i] && (Any("verb.grep") || !FollowsLogWord(i))) {
        // "search "timeout" in": the verb, though something may be called so.
        if (i > 0 && Norm(i - 1, {"search", "find", "搜索", "搜"})) used_[i - 1] = true;
        return Take(i, marks_[i].text);
      }
      if (!marks_[i].Is("verb.grep")) continue;
      used_[i] = true;
      for (size_t k = i + 1; k < marks_.size() && k <= i + 2; ++k) {
        if (marks_[k].Is("verb.logs") || marks_[k].Is("mark.in") || marks_[k].Has("kind.")) break;
        if (FreeWord(k) || marks_[k].Has("cond."))
          return Take(k, marks_[k].norm == "错误" ? "error" : marks_[k].text);
      }
    }
    // "只要 FATAL".
    for (size_t i = 0; i + 1 < marks_.size(); ++i) {
      const bool shouted = FreeWord(i + 1) && marks_[i + 1].text.size() > 2 &&
                           std::all_of(marks_[i + 1].text.begin(), marks_[i + 1].text.end(),
                                       [](char c) { return c >= 'A' && c <= 'Z'; });
      if (marks_[i].Is("ref.only") && shouted) return Take(i + 1, marks_[i + 1].text);
    }
    for (size_t i = 0; i < marks_.size(); ++i) {
      const bool error = marks_[i].Is("cond.error"), warning = marks_[i].Is("cond.warning");
      if (used_[i] || (!error && !warning)) continue;
      const bool latin = static_cast<unsigned char>(marks_[i].norm[0]) < 0x80;
      const std::string plain = error ? "error" : "warn";
      return Take(i, latin && marks_[i].norm.find(' ') == std::string::npos &&
                             marks_[i].norm.starts_with("exception")
                         ? "exception"
                         : plain);
    }
  }
  bool FollowsLogWord(size_t i) const {
    return i > 0 && (marks_[i - 1].Is("verb.logs") || marks_[i - 1].norm == "of");
  }
  void Take(size_t i, std::string text) {
    intent_.contains = std::move(text);
    used_[i] = true;
  }

  // "BackOff events": reasons of events are written in one word of several capitals.
  void ReadReason() {
    if (!HasKind("Event")) return;
    for (size_t i = 0; i < marks_.size(); ++i) {
      const std::string& text = marks_[i].text;
      const auto capitals =
          std::count_if(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
      const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
      });
      if (used_[i] || !plain || capitals < 2 || text.size() < 5 ||
          static_cast<size_t>(capitals) == text.size() || marks_[i].Has("kind."))
        continue;
      if (text[0] < 'A' || text[0] > 'Z') continue;
      intent_.reason = text;
      used_[i] = true;
      return;
    }
  }

  void ReadRevisions() {
    const bool about =
        Any("verb.compare") || Any("verb.history") || Any("write.rollback") || Any("topic.release");
    const auto revision_word = [&](size_t i) {
      return Norm(
          i, {"revision", "revisions", "version", "versions", "rev", "版", "版本", "修订版本"});
    };
    bool named = false;
    for (size_t i = 0; i < marks_.size(); ++i) named = named || revision_word(i);
    if (!about || !named) return;
    for (size_t i = 0; i < marks_.size(); ++i) {
      const bool number =
          marks_[i].kind == Mark::Kind::kNumber || marks_[i].kind == Mark::Kind::kOrdinal;
      if (!number || used_[i] || marks_[i].number < 1) continue;
      const bool beside = revision_word(i + 1) ||
                          (i > 0 && (revision_word(i - 1) ||
                                     (marks_[i - 1].Is("seq.and") && i > 1 && used_[i - 2])));
      // "发布过几个版本" counts, "3 versions" counts too; "版本 3", "第 3 版", "revision 3" name
      // one.
      if (!beside ||
          (marks_[i].kind == Mark::Kind::kNumber && Norm(i + 1, {"versions", "revisions"})))
        continue;
      intent_.revisions.push_back(marks_[i].number);
      used_[i] = true;
    }
  }

  // "Who can delete pods": a question, not a change.
  void ReadRights() {
    size_t who = marks_.size();
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (marks_[i].Is("q.whocan")) who = i;
    }
    if (who == marks_.size()) {
      // "What can the default service account do".
      const bool account = HasKind("ServiceAccount") && Any("q.which");
      for (size_t i = 0; account && i < marks_.size(); ++i) {
        if (!Norm(i, {"do", "做什么", "做", "干什么"})) continue;
        intent_.topic = "rbac";
        for (size_t k = 0; k + 1 < marks_.size(); ++k) {
          if (FreeWord(k) && marks_[k + 1].Is("kind.ServiceAccount")) {
            intent_.subject = marks_[k].text;
            used_[k] = true;
          }
        }
      }
      return;
    }
    intent_.topic = "rbac";
    used_[who] = true;
    static constexpr std::pair<std::string_view, std::string_view> kVerbs[] = {
        {"write.delete", "delete"}, {"write.create", "create"},  {"write.update", "update"},
        {"write.scale", "patch"},   {"write.restart", "delete"}, {"verb.list", "get"},
        {"verb.describe", "get"},   {"write.exec", "create"}};
    for (size_t i = who + 1; i < marks_.size(); ++i) {
      if (intent_.verb.empty() && Norm(i, {"read", "view", "see", "watch", "读", "读取", "查看"})) {
        intent_.verb = marks_[i].norm == "watch" ? "watch" : "get";
        used_[i] = true;
      }
      for (const auto& [id, verb] : kVerbs) {
        if (!marks_[i].Is(id) || !intent_.verb.empty()) continue;
        intent_.verb = verb;
        used_[i] = true;
        if (id == "write.exec") intent_.resource = "pods/exec";
      }
      if (const std::string kind = marks_[i].After("kind.");
          !kind.empty() && kind != "Cluster" && intent_.resource.empty())
        intent_.resource = kind;
    }
  }

  // "explain deployment.spec.strategy".
  void ReadFieldPath() {
    if (!Any("verb.explain")) return;
    for (size_t i = 0; i < marks_.size(); ++i) {
      const size_t dot = marks_[i].text.find('.');
      if (!FreeWord(i) || dot == std::string::npos || dot == 0 || dot + 1 == marks_[i].text.size())
        continue;
      intent_.field_path = marks_[i].text.substr(dot + 1);
      intent_.field_kind = marks_[i].text.substr(0, dot);
      used_[i] = true;
    }
  }

  void ReadGrouping() {
    for (size_t i = 0; i + 1 < marks_.size(); ++i) {
      const bool suffix = Norm(i + 1, {"breakdown", "分布", "数量分布"});
      if (marks_[i].Is("mark.each")) {
        const std::string field = FieldNamed(marks_[i + 1].norm);
        // Namespaces and nodes are also kinds: the grammar of kinds reads those, but for
        // "各节点上".
        const bool taken_elsewhere =
            marks_[i + 1].Is("kind.Node") || marks_[i + 1].Is("kind.Namespace");
        if (field.empty() || taken_elsewhere) continue;
        intent_.group_by = field;
        used_[i] = used_[i + 1] = true;
      } else if (suffix) {
        const std::string field = FieldNamed(marks_[i].norm);
        if (field.empty()) continue;
        intent_.group_by = field;
        used_[i] = used_[i + 1] = true;
      }
    }
  }

  std::string FieldBeside(size_t number) const {
    if (Any("cond.restarts") || Any("metric.restarts") || Any("write.restart") ||
        Norm(number + 1, {"次"}))
      return "restarts";
    if (Any("mark.replicas")) return "replicas";
    return "";
  }

  // "more than 3 restarts", "重启超过10次", "older than 2 days", "3次以上".
  void ReadComparisons() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      const bool more = marks_[i].Is("cmp.more"), less = marks_[i].Is("cmp.less"),
                 least = marks_[i].Is("cmp.least");
      if (used_[i] || (!more && !less && !least)) continue;
      for (size_t k = 0; k < marks_.size(); ++k) {
        const bool near = (k > i && k <= i + 2) || (least && k < i && k + 2 >= i);
        if (!near || used_[k]) continue;
        std::string_view unit = TimeUnit(k + 1 < marks_.size() ? marks_[k + 1].norm : "");
        std::string amount;
        if (marks_[k].kind == Mark::Kind::kNumber)
          amount = std::to_string(marks_[k].number);
        else if (marks_[k].kind == Mark::Kind::kWord && marks_[k].norm.size() >= 2 &&
                 std::isdigit(static_cast<unsigned char>(marks_[k].norm[0])) &&
                 std::string_view("smhdw").find(marks_[k].norm.back()) != std::string_view::npos)
          amount = marks_[k].norm;
        else
          continue;
        const bool short_form = marks_[k].kind == Mark::Kind::kWord;
        const bool age = short_form || !unit.empty() || marks_[i].Is("cmp.age");
        const std::string field = age ? "age" : FieldBeside(k);
        if (field.empty()) break;
        if (age && !short_form) amount += unit.empty() ? "d" : std::string(unit);
        intent_.where.push_back(field + (more ? ">" : less ? "<" : ">=") + amount);
        used_[i] = used_[k] = true;
        if (!unit.empty()) used_[k + 1] = true;
        for (size_t m = 0; m < marks_.size(); ++m) {
          // What was compared is no condition of its own, and no order to restart anything.
          if (field == "restarts" &&
              (marks_[m].Is("cond.restarts") || marks_[m].Is("write.restart")))
            used_[m] = true;
        }
        break;
      }
    }
    // "deployments with 0 replicas", "副本数为0的".
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (marks_[i].kind != Mark::Kind::kNumber || used_[i] || Any("write.scale") || Any("q.count"))
        continue;
      const bool before = Norm(i + 1, {"replicas", "replica", "副本", "个副本"}) && i > 0 &&
                          Norm(i - 1, {"with", "having", "has", "have", "有", "只有", "only"});
      const bool after = i > 1 && marks_[i - 2].Is("mark.replicas") &&
                         Norm(i - 1, {"为", "是", "="}) && Norm(i + 1, {"的"});
      if (!before && !after) continue;
      intent_.where.push_back("replicas=" + std::to_string(marks_[i].number));
      used_[i] = true;
    }
  }

  void ReadImagesAndTypes() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (const std::string type = marks_[i].After("svctype."); !type.empty() && !used_[i]) {
        intent_.where.push_back("type=" + type);
        intent_.kind = "Service";
        used_[i] = true;
      }
      if (!marks_[i].Is("kind.Image") || used_[i]) continue;
      const bool lists_others = HasKind("Pod") || HasKind("Deployment") || HasKind("StatefulSet") ||
                                HasKind("Workload") || HasKind("Container");
      const size_t name = FreeWord(i + 1) && !Norm(i + 1, {"of"}) ? i + 1
                          : i > 0 && FreeWord(i - 1)              ? i - 1
                                                                  : marks_.size();
      if (!lists_others || name == marks_.size()) continue;
      intent_.where.push_back("image~" + marks_[name].text);
      used_[i] = used_[name] = true;
    }
  }

  void ReadOrder() {
    if (Any("verb.logs")) return;
    const bool most = Any("verb.top");
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (marks_[i].Is("order.oldest")) intent_.sort_by = "-age";
      if (marks_[i].Is("order.newest")) intent_.sort_by = "age";
      if (most && marks_[i].Is("mark.replicas") && !Any("write.scale")) {
        intent_.sort_by = "-replicas";
        if (Any("q.which") && !Any("mark.all")) intent_.limit = intent_.limit.value_or(1);
      }
      if (marks_[i].Is("order.oldest") || marks_[i].Is("order.newest")) {
        used_[i] = true;
        for (size_t k : {i + 1, i - 1}) {
          if (k < marks_.size() && marks_[k].kind == Mark::Kind::kNumber && !used_[k]) {
            intent_.limit = marks_[k].number;
            used_[k] = true;
          }
        }
      }
    }
  }

  // "Created in the last hour", "最近一小时新建的": a state, not an order.
  void ReadCreated() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (!marks_[i].Is("state.created") || used_[i]) continue;
      const bool state =
          has_window_ || marks_[i].inflected || Norm(i + 1, {"的"}) || !intent_.sort_by.empty();
      if (!state) continue;
      used_[i] = true;
      intent_.created = has_window_;
    }
  }

  const std::vector<Mark>& marks_;
  std::vector<bool>& used_;
  Intent& intent_;
  const bool has_window_;
};

}  // namespace

void ReadDetails(const std::vector<Mark>& marks, bool has_window, std::vector<bool>* used,
                 Intent* intent) {
  Details(marks, has_window, used, intent).Run();
}

}  // namespace opsmesh::llm
