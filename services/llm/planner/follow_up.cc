#include "services/llm/planner/follow_up.h"

#include <optional>
#include <utility>

#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

void Attach(const LinkedObject& object, Intent* intent) {
  if (object.kind == "Namespace") {
    intent->name_space = object.name;
    intent->names.clear();
    return;
  }
  intent->objects = {object};
  intent->names = {{object.name, object.kind, false, true}};
  intent->name_space = object.name_space;
}

const LinkedObject* Pick(const std::vector<LinkedObject>& objects, int64_t ordinal) {
  if (objects.empty()) return nullptr;
  if (ordinal == -1) return &objects.back();
  if (ordinal < 1 || ordinal > static_cast<int64_t>(objects.size())) return nullptr;
  return &objects[static_cast<size_t>(ordinal - 1)];
}

// A reply that names one of the choices: "payments", "payments/web".
const LinkedObject* PickByName(const std::vector<LinkedObject>& objects, const Intent& intent) {
  const LinkedObject* found = nullptr;
  for (const LinkedObject& object : objects) {
    for (const NameMention& name : intent.names) {
      const bool named = object.name == name.text || object.name_space == name.text;
      if (!named || (!intent.name_space.empty() && intent.name_space != object.name_space))
        continue;
      if (found != nullptr && object.name_space != found->name_space &&
          object.name == found->name && object.name == name.text) {
        return nullptr;  // still ambiguous
      }
      if (found == nullptr || object.name_space == name.text) found = &object;
    }
    if (intent.names.empty() && !intent.name_space.empty() &&
        object.name_space == intent.name_space)
      found = &object;
  }
  return found;
}

// "The deployment": the only choice of that kind.
const LinkedObject* PickByKind(const std::vector<LinkedObject>& objects, const std::string& kind) {
  const LinkedObject* found = nullptr;
  for (const LinkedObject& object : objects) {
    if (object.kind != kind) continue;
    if (found != nullptr) return nullptr;
    found = &object;
  }
  return found;
}

// "How many", "and how many in payments": counts what was listed before.
bool CountsTheSame(const Intent& intent) {
  return intent.counts && !intent.is_write && intent.kind.empty() && intent.topic.empty() &&
         intent.condition.empty() && intent.metric.empty();
}

bool IsFragment(const Intent& intent) {
  return intent.action.empty() && !intent.is_write && intent.topic.empty() && !intent.counts;
}

// The intent before, with what the fragment says in place of what it said.
Intent Merge(const Intent& before, const Intent& fragment) {
  Intent merged = before;
  merged.objects.clear();
  if (!fragment.kind.empty() && fragment.kind != "Namespace") merged.kind = fragment.kind;
  if (!fragment.condition.empty()) merged.condition = fragment.condition;
  if (fragment.window) merged.window = fragment.window;
  if (fragment.limit) merged.limit = fragment.limit;
  if (fragment.replicas) merged.replicas = fragment.replicas;
  if (fragment.previous) merged.previous = true;
  if (!fragment.container.empty()) merged.container = fragment.container;
  if (!fragment.selector.empty()) merged.selector = fragment.selector;
  if (!fragment.group_by.empty()) merged.group_by = fragment.group_by;
  if (!fragment.metric.empty()) merged.metric = fragment.metric;
  if (!fragment.where.empty()) merged.where = fragment.where;
  if (!fragment.sort_by.empty()) merged.sort_by = fragment.sort_by;
  if (!fragment.contains.empty()) merged.contains = fragment.contains;
  if (fragment.from_start) merged.from_start = true;
  if (fragment.counts) {
    merged.counts = true;
    if (merged.action == "list" || merged.action == "status" || merged.action.empty())
      merged.action = "count";
  }
  if (fragment.all_namespaces) {
    merged.all_namespaces = true;
    merged.name_space.clear();
  }
  if (!fragment.name_space.empty()) merged.name_space = fragment.name_space;
  if (!fragment.names.empty()) {
    const bool place = fragment.names.front().may_be_namespace || before.names.empty();
    if (place) merged.name_space.clear();
    if (!place) merged.names.clear();
    for (NameMention name : fragment.names) {
      name.may_be_namespace = true;
      merged.names.push_back(std::move(name));
    }
    if (!place) merged.name_space = fragment.name_space;
  }
  return merged;
}

// The reply to a question of ours that is open, when `intent` is one.
std::optional<Completed> AnswerPending(const Intent& intent, const TurnState& state) {
  if (intent.says_no) return Completed{Completed::Kind::kDismissed, {}};
  const LinkedObject* choice = nullptr;
  if (intent.ordinal) choice = Pick(state.choices, *intent.ordinal);
  if (choice == nullptr && intent.says_yes && state.choices.size() == 1)
    choice = &state.choices.front();
  if (choice == nullptr) choice = PickByName(state.choices, intent);
  if (choice == nullptr && !intent.kind.empty() && intent.names.empty())
    choice = PickByKind(state.choices, intent.kind);
  if (choice != nullptr) {
    Intent chosen = *state.pending;
    Attach(*choice, &chosen);
    return Completed{Completed::Kind::kIntent, std::move(chosen)};
  }
  if (intent.replicas || (state.choices.empty() && intent.ordinal)) {
    Intent chosen = *state.pending;
    chosen.replicas = intent.replicas ? intent.replicas : intent.ordinal;
    return Completed{Completed::Kind::kIntent, std::move(chosen)};
  }
  if (!intent.names.empty() && state.choices.empty()) {
    Intent chosen = *state.pending;
    chosen.names = intent.names;
    if (!intent.name_space.empty()) chosen.name_space = intent.name_space;
    return Completed{Completed::Kind::kIntent, std::move(chosen)};
  }
  return std::nullopt;
}

// What a clause that only changes the intent before comes to: another place, another log, a count.
std::optional<Intent> GoOn(Intent intent, const Intent& before) {
  const bool bare = intent.names.empty() && intent.objects.empty();
  if (CountsTheSame(intent) && !before.kind.empty()) {
    Intent fragment = intent;
    fragment.action.clear();
    return Merge(before, fragment);
  }
  // "Last 5 lines only", "only the errors": the same log, read otherwise.
  const bool same_log =
      before.action == "logs" && bare &&
      (intent.action == "logs" || (IsFragment(intent) && intent.narrows)) && intent.kind.empty() &&
      (intent.limit || intent.window || !intent.contains.empty() || intent.previous);
  if (same_log) return Merge(before, intent);
  // "Make it 7" after "scale nginx to 5".
  if (before.is_write && before.action == "scale" && intent.refers_back && bare &&
      !intent.is_write && !intent.counts && (intent.replicas || intent.limit || intent.number)) {
    Intent again = before;
    again.replicas = intent.replicas ? intent.replicas
                     : intent.limit  ? intent.limit
                                     : intent.number;
    again.replicas_relative = false;
    return again;
  }
  // "Only in shop".
  if (intent.narrows && IsFragment(intent) && intent.kind.empty() && intent.condition.empty() &&
      (!intent.name_space.empty() ||
       (intent.names.size() == 1 && intent.names.front().may_be_namespace))) {
    return Merge(before, intent);
  }
  // "The deployment" after "describe nginx": the same name, that kind.
  if (intent.definite && IsFragment(intent) && bare && !intent.kind.empty() &&
      intent.condition.empty() && !before.names.empty()) {
    Intent again = before;
    again.objects.clear();
    again.names = {{before.names.front().text, intent.kind, false, true}};
    again.kind = intent.kind;
    return again;
  }
  if (intent.narrows && (IsFragment(intent) || intent.action == "list") &&
      !intent.condition.empty() && bare && intent.kind.empty()) {
    return Merge(before, intent);
  }
  if (intent.previous && before.action == "logs" && bare &&
      (IsFragment(intent) || intent.action == "logs")) {
    if (intent.kind == "Container") intent.kind.clear();
    return Merge(before, intent);
  }
  if ((intent.continues && IsFragment(intent)) ||
      (IsFragment(intent) && intent.kind.empty() && intent.condition.empty() &&
       (!intent.name_space.empty() || intent.all_namespaces || intent.window || intent.previous))) {
    return Merge(before, intent);
  }
  if (intent.action == "list" && intent.continues && intent.kind.empty() &&
      intent.condition.empty() && intent.topic.empty()) {
    Intent fragment = intent;
    fragment.action.clear();
    return Merge(before, fragment);
  }
  return std::nullopt;
}

// Gives a clause that names nothing the object of the one before.
void TakeOver(const Intent& before, const TurnState& state, bool same_sentence, Intent* intent) {
  if (before.objects.size() == 1) {
    Attach(before.objects.front(), intent);
  } else if (!same_sentence && state.rows.size() == 1) {
    Attach(state.rows.front(), intent);
  } else if (same_sentence && !before.names.empty()) {
    intent->names = before.names;
    if (intent->name_space.empty()) intent->name_space = before.name_space;
  } else if (intent->name_space.empty()) {
    intent->name_space = before.name_space;
  }
  if (intent->kind.empty() && intent->objects.empty()) intent->kind = before.kind;
  if (intent->condition.empty() && intent->action == "diagnose")
    intent->condition = before.condition;
}

}  // namespace

Completed Complete(Intent intent, const TurnState& state, const std::vector<Intent>& earlier) {
  const Intent* before = !earlier.empty() ? &earlier.back() : state.last ? &*state.last : nullptr;
  if (earlier.empty() && state.pending && IsFragment(intent)) {
    if (std::optional<Completed> answer = AnswerPending(intent, state)) return *std::move(answer);
  }
  if (earlier.empty() && IsFragment(intent) && intent.names.empty() && intent.kind.empty() &&
      intent.condition.empty() && !intent.narrows) {
    if (intent.wants_more) return {Completed::Kind::kMore, {}};
    if (intent.says_yes || intent.says_no) return {Completed::Kind::kNothingOpen, {}};
  }
  if (intent.ordinal && intent.names.empty()) {
    const LinkedObject* row = Pick(state.rows, *intent.ordinal);
    if (row == nullptr) return {Completed::Kind::kNothingOpen, {}};
    Attach(*row, &intent);
    if (intent.action.empty()) intent.action = "describe";
    return {Completed::Kind::kIntent, std::move(intent)};
  }
  if (before == nullptr) return {Completed::Kind::kIntent, std::move(intent)};

  if (std::optional<Intent> changed = GoOn(intent, *before))
    return {Completed::Kind::kIntent, *std::move(changed)};
  // "its logs", "why?", "restart it", and later steps of one sentence.
  const bool takes_over = intent.refers_back || !earlier.empty() ||
                          (intent.continues && intent.kind.empty() && intent.topic.empty()) ||
                          (intent.action == "diagnose" && intent.asks_why && intent.kind.empty() &&
                           intent.topic.empty());
  if (takes_over && intent.names.empty() && intent.objects.empty())
    TakeOver(*before, state, !earlier.empty(), &intent);
  return {Completed::Kind::kIntent, std::move(intent)};
}

}  // namespace opsmesh::llm
