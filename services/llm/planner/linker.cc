#include "services/llm/planner/linker.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/name_reading.h"

namespace opsmesh::llm {
namespace {

using k8s::v1::ObjectCandidate;
using k8s::v1::ResolvedMention;

class Linker {
 public:
  Linker(const base::Context& context, ToolBox& tools, const type::v1::Scope& scope,
         text::Language language)
      : context_(context), tools_(tools), scope_(scope), language_(language) {}

  absl::StatusOr<LinkResult> Run(Intent intent, const std::string& target, bool needs_name) {
    target_ = target;
    needs_name_ = needs_name;
    result_.intent = std::move(intent);
    OPSMESH_RETURN_IF_ERROR(Ask());
    if (!CheckNamespace()) return std::move(result_);
    TakeNamespaces(false);
    TakeNamespaces(true);
    for (size_t i = 0; i < readings_.size(); ++i) {
      if (!taken_[i] && IsNowhere(i)) return std::move(result_);
    }
    for (size_t i = 0; i < readings_.size(); ++i) {
      if (!taken_[i] && !TakeObject(i)) return std::move(result_);
    }
    // One name is linked: words that name nothing were prose. None is: say what was not found.
    if (result_.intent.objects.empty() && !not_found_.question.empty()) {
      result_.question = std::move(not_found_.question);
      result_.choices = std::move(not_found_.choices);
      return std::move(result_);
    }
    NoteLeftOut();
    DropUnlinkedNames();
    return std::move(result_);
  }

 private:
  Intent& intent() { return result_.intent; }

  std::string WantedKind(const NameMention& mention) const {
    if (mention.kind == "Node") return "Node";
    if (target_ == "Pod") return ListsPods() ? "" : "Pod";
    if (!mention.kind.empty() && mention.kind != "Workload" && mention.kind != "Container")
      return mention.kind;
    return target_ == "Node" ? "Node" : "";
  }

  WantedObject Wanted(const NameMention& mention) const {
    return {WantedKind(mention), target_, needs_name_};
  }

  absl::Status Ask() {
    k8s::v1::ResolveObjectsRequest request;
    *request.mutable_context() = scope_;
    request.mutable_context()->clear_namespace_();
    request.set_max_candidates(12);
    if (!intent().name_space.empty()) {
      auto* mention = request.add_mentions();
      mention->set_text(intent().name_space);
      mention->set_kind("Namespace");
    }
    for (const NameMention& name : intent().names) {
      auto* mention = request.add_mentions();
      mention->set_text(name.text);
      if (const std::string kind = WantedKind(name); !kind.empty()) mention->set_kind(kind);
      if (!intent().name_space.empty()) mention->set_namespace_(intent().name_space);
      auto* as_namespace = request.add_mentions();
      as_namespace->set_text(name.text);
      as_namespace->set_kind("Namespace");
      request.add_mentions()->set_text(name.text);  // of any kind, for "did you mean"
    }
    if (request.mentions_size() == 0) return absl::OkStatus();
    if (request.mentions_size() > 64)
      request.mutable_mentions()->DeleteSubrange(64, request.mentions_size() - 64);
    OPSMESH_ASSIGN_OR_RETURN(const k8s::v1::ResolveObjectsResponse answer,
                             tools_.Resolve(context_, request));
    result_.ledger = answer.ledger();
    for (const auto& entry : answer.ledger().failed())
      (entry.source() == "rights" ? result_.rights_limited : index_failed_) = true;
    int at = 0;
    if (!intent().name_space.empty() && answer.mentions_size() > at)
      namespace_answer_ = answer.mentions(at++);
    for (const NameMention& name : intent().names) {
      NameReading reading;
      if (at + 2 < answer.mentions_size()) {
        reading = ReadName(name, Wanted(name), answer.mentions(at), answer.mentions(at + 1));
        if (reading.objects.empty() && target_ != "Pod" && !intent().is_write) {
          // The kind beside the name may be another word's: "on which node is redis-0".
          NameMention any = name;
          any.kind.clear();
          NameReading wider =
              ReadName(any, Wanted(any), answer.mentions(at + 2), answer.mentions(at + 1));
          if (wider.strong) reading = std::move(wider);
        }
        if (reading.near.empty() && target_ == "Pod")
          reading.near = NearWorkloads(answer.mentions(at + 2));
        reading.names_object = NamesObject(answer.mentions(at + 2));
      }
      at += 3;
      readings_.push_back(std::move(reading));
    }
    taken_.assign(readings_.size(), false);
    return absl::OkStatus();
  }

  // "pods on node-1", "nginx pods": a list, where the name says which of them.
  bool ListsPods() const {
    return target_ == "Pod" && !needs_name_ && result_.intent.kind == "Pod";
  }

  // A namespace the grammar named must exist, unless the index could not say.
  bool CheckNamespace() {
    if (intent().name_space.empty() || !namespace_answer_ || index_failed_) return true;
    std::string near;
    for (const ObjectCandidate& candidate : namespace_answer_->candidates()) {
      if (candidate.match() == ObjectCandidate::MATCH_EXACT) {
        intent().name_space = candidate.object().name();
        return true;
      }
      if (near.empty() && candidate.object().kind() == "Namespace")
        near = candidate.object().name();
    }
    result_.question = Say(
        "not_found", language_,
        {{"place", ""}, {"name", intent().name_space}, {"kind", Say("namespace_word", language_)}});
    if (!near.empty()) Suggest({{"Namespace", "", "", near}});
    return false;
  }

  // Those that are known first.
  void TakeNamespaces(bool assumed) {
    const bool lists = intent().action == "list" || intent().action == "count" ||
                       intent().action.empty() || intent().action == "status" ||
                       intent().action == "diagnose" || intent().action == "summarize";
    for (size_t i = 0; i < readings_.size(); ++i) {
      const NameMention& name = intent().names[i];
      if (!readings_[i].is_namespace || !intent().name_space.empty() ||
          readings_[i].namespace_assumed != assumed)
        continue;
      const bool object_too = readings_[i].exact;
      // Any word could be a namespace that nobody may list: the grammar must take it for a place.
      if (assumed && !IsPlace(i)) continue;
      // "pods in shop": where; "logs of shop": what, when something is called so.
      if (!name.may_be_namespace && object_too && !lists) continue;
      if (object_too && !name.may_be_namespace && !name.kind.empty()) continue;
      intent().name_space = readings_[i].namespace_name;
      taken_[i] = true;
    }
  }

  // Where nobody may list namespaces every word could be one: it is when the sentence says so
  // ("pods in payments"), is about it ("what is wrong with payments") or would change something in
  // it
  // ("scale payments web": a change never goes to another namespace than the one that was meant).
  // English has plain words that nobody knows beside a kind or a name ("noisy pods"); a Latin word
  // of a Chinese sentence is a name.
  bool IsPlace(size_t i) const {
    const std::vector<NameMention>& names = result_.intent.names;
    const NameMention& name = names[i];
    if (name.everyday || readings_[i].names_object) return false;
    if (name.placed) return true;
    const bool english = language_ == text::Language::kEnglish;
    if (name.may_be_namespace && !english) return true;
    if (!readings_[i].objects.empty() || !readings_[i].near.empty()) return false;
    if (english && name.leads && result_.intent.is_write) return true;
    if (!english && names.size() == 2 && readings_[1 - i].strong) return true;
    const std::string& action = result_.intent.action;
    return names.size() == 1 && result_.intent.kind.empty() && !needs_name_ &&
           (name.topical || !english) &&
           (action == "diagnose" || action == "status" || action == "summarize");
  }

  // A word that was left out, and may be the name of a namespace that this user does not see.
  void NoteLeftOut() {
    for (size_t i = 0; i < readings_.size(); ++i) {
      const NameMention& name = intent().names[i];
      const NameReading& reading = readings_[i];
      if (taken_[i] || !reading.namespace_assumed || reading.names_object || name.everyday ||
          !reading.objects.empty() || !(name.may_be_namespace || name.leads))
        continue;
      if (!result_.note.empty()) result_.note += "\n";
      result_.note += Say("left_out", language_, {{"name", name.text}});
    }
  }

  // "Pods in foobar", "foobar 有什么问题": what is asked about is not there. Left out, the answer
  // would be about everything else.
  bool IsNowhere(size_t i) {
    const NameMention& name = intent().names[i];
    const NameReading& reading = readings_[i];
    if (index_failed_ || name.everyday || reading.is_namespace || reading.names_object ||
        !reading.objects.empty() || !reading.near.empty() || !reading.near_namespace.empty())
      return false;
    // "What's the weather in berlin": nothing that a cluster has is asked for.
    const Intent& asked = intent();
    if (asked.kind.empty() && asked.topic.empty() && asked.condition.empty() && !asked.is_write &&
        (asked.action.empty() || asked.action == "list" || asked.action == "describe"))
      return false;
    if (!name.inside && !IsSubject(i)) return false;
    result_.question =
        Say("not_found", language_,
            {{"place", ""},
             {"name", name.text},
             {"kind", Say(name.inside ? "namespace_word" : "object_word", language_)}});
    return true;
  }

  // Whether the question is about this name and nothing else.
  bool IsSubject(size_t i) const {
    const NameMention& name = result_.intent.names[i];
    const Intent& asked = result_.intent;
    if (std::count(taken_.begin(), taken_.end(), false) != 1) return false;
    const bool state = asked.action == "diagnose" || asked.action == "status";
    const bool trouble =
        asked.condition == "restarts" || asked.condition == "crashloop" || asked.condition == "oom";
    // "Why is foobar pod crashing": the kind is the name's own.
    if (name.asked && (asked.kind.empty() || asked.kind == name.kind))
      return state || trouble || !asked.metric.empty();
    if (!asked.kind.empty() || !(asked.topic.empty() || asked.topic == "performance")) return false;
    // A Latin word of a Chinese sentence is a name.
    if (language_ != text::Language::kEnglish) return state && result_.intent.names.size() == 1;
    return name.about && (state || trouble);
  }

  bool TakeObject(size_t i) {
    const NameMention name = intent().names[i];
    NameReading& reading = readings_[i];
    const bool wants_object = needs_name_ || name.must_exist || !target_.empty();
    if (!reading.objects.empty() &&
        (reading.strong || name.must_exist || needs_name_ || !name.kind.empty())) {
      return Choose(name, std::move(reading.objects));
    }
    const bool a_place =
        name.may_be_namespace && reading.near.empty() && !reading.near_namespace.empty();
    // A long word that is nearly a name is a misspelt one, also where prose would do.
    const bool misspelt = name.text.size() >= 7 && !reading.near.empty() &&
                          intent().names.size() == 1 && intent().kind.empty() &&
                          intent().action == "diagnose";
    if ((!wants_object && !a_place && !misspelt) || index_failed_) return true;
    if (!not_found_.question.empty()) return true;  // the first one is told
    if (name.may_be_namespace && reading.near.empty() && !reading.near_namespace.empty()) {
      not_found_.question =
          Say("not_found", language_,
              {{"place", ""}, {"name", name.text}, {"kind", Say("namespace_word", language_)}});
      SuggestLater({{"Namespace", "", "", reading.near_namespace}});
      return true;
    }
    // A plain word nobody marked as a name, and nothing is called nearly so: part of the prose.
    if (!needs_name_ && !name.must_exist && reading.near.empty()) return true;
    if (!misspelt && !needs_name_ && !name.must_exist && name.kind.empty() &&
        !intent().action.empty() && !intent().is_write && intent().action != "describe" &&
        intent().action != "status") {
      return true;
    }
    const std::string place =
        intent().name_space.empty()
            ? std::string()
            : Say("in_namespace", language_, {{"namespace", intent().name_space}});
    not_found_.question =
        Say("not_found", language_,
            {{"place", place},
             {"name", name.text},
             {"kind", KindWord(name.kind.empty() ? WantedKind(name) : name.kind, language_)}});
    SuggestLater(std::move(reading.near));
    return true;
  }

  void SuggestLater(std::vector<LinkedObject> near) {
    std::swap(result_.question, not_found_.question);
    Suggest(std::move(near));
    std::swap(result_.question, not_found_.question);
    std::swap(result_.choices, not_found_.choices);
  }

  void Suggest(std::vector<LinkedObject> near) {
    if (near.empty()) return;
    result_.question += "\n" + Say("did_you_mean", language_);
    AddChoices(std::move(near));
  }

  void AddChoices(std::vector<LinkedObject> choices) {
    if (choices.size() > kMostChoices) choices.resize(kMostChoices);
    for (size_t i = 0; i < choices.size(); ++i) {
      result_.question += fmt::format("\n{}. {}", i + 1, Display(choices[i]));
    }
    result_.choices = std::move(choices);
  }

  bool Choose(const NameMention& name, std::vector<LinkedObject> objects) {
    const std::string own = scope_.namespace_();
    if (!intent().name_space.empty()) {
      std::vector<LinkedObject> inside;
      for (const LinkedObject& object : objects) {
        if (object.name_space.empty() || object.name_space == intent().name_space)
          inside.push_back(object);
      }
      // A namespace that was named never becomes another one.
      if (inside.empty()) return AskElsewhere(name, std::move(objects));
      objects = std::move(inside);
    }
    std::set<std::string> spaces;
    for (const LinkedObject& object : objects) spaces.insert(object.name_space);
    if (spaces.size() > 1 && !own.empty() && spaces.contains(own)) {
      std::erase_if(objects, [&](const LinkedObject& object) { return object.name_space != own; });
      spaces = {own};
    }
    const bool pods = objects.front().kind == "Pod";
    // A list of an app's pods needs no choice: the tool filters by the name.
    const bool list_of_pods = pods && intent().kind == "Pod" && target_ == "Pod" && !needs_name_;
    if (objects.size() > 1 && !list_of_pods) {
      if (spaces.size() > 1 || !pods || intent().is_write)
        return AskWhich(name, std::move(objects));
      std::vector<std::string> others;
      for (size_t k = 1; k < objects.size() && k <= 5; ++k)
        others.push_back("`" + objects[k].name + "`");
      if (objects.size() > 6) others.push_back("…");
      if (!result_.note.empty()) result_.note += "\n";
      result_.note += Say(
          "chosen_one_of", language_,
          {{"name", name.text},
           {"count", std::to_string(objects.size())},
           {"chosen", objects.front().name_space + "/" + objects.front().name},
           {"others", base::Join(others, language_ == text::Language::kEnglish ? ", " : "、")}});
      objects.resize(1);
    }
    if (list_of_pods && spaces.size() == 1 && intent().name_space.empty())
      intent().name_space = *spaces.begin();
    intent().objects.insert(intent().objects.end(), objects.begin(), objects.end());
    return true;
  }

  bool AskWhich(const NameMention& name, std::vector<LinkedObject> objects) {
    result_.question = Say("which_one", language_, {{"name", name.text}});
    AddChoices(std::move(objects));
    return false;
  }

  bool AskElsewhere(const NameMention& name, std::vector<LinkedObject> elsewhere) {
    result_.question =
        Say("not_found", language_,
            {{"place", Say("in_namespace", language_, {{"namespace", intent().name_space}})},
             {"name", name.text},
             {"kind", KindWord(name.kind.empty() ? WantedKind(name) : name.kind, language_)}});
    Suggest(std::move(elsewhere));
    return false;
  }

  void DropUnlinkedNames() {
    if (intent().objects.empty()) intent().names.clear();
    for (size_t i = taken_.size(); i-- > 0;) {
      if (taken_[i] && i < intent().names.size())
        intent().names.erase(intent().names.begin() + static_cast<long>(i));
    }
  }

  const base::Context& context_;
  ToolBox& tools_;
  const type::v1::Scope& scope_;
  const text::Language language_;
  std::string target_;
  bool needs_name_ = false;
  LinkResult not_found_;  // what to say when no name could be linked
  std::optional<ResolvedMention> namespace_answer_;
  bool index_failed_ = false;  // for other reasons than rights
  std::vector<NameReading> readings_;
  std::vector<bool> taken_;
  LinkResult result_;
};

}  // namespace

std::string Display(const LinkedObject& object) {
  return object.name_space.empty()
             ? fmt::format("{} `{}`", object.kind, object.name)
             : fmt::format("{} `{}/{}`", object.kind, object.name_space, object.name);
}

absl::StatusOr<LinkResult> Link(const base::Context& context, ToolBox& tools, Intent intent,
                                const std::string& target, bool needs_name,
                                const type::v1::Scope& scope, text::Language language) {
  return Linker(context, tools, scope, language).Run(std::move(intent), target, needs_name);
}

}  // namespace opsmesh::llm
