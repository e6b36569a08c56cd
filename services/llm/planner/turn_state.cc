#include "services/llm/planner/turn_state.h"

#include <nlohmann/json.hpp>

#include "libs/base/json.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr size_t kMostRows = 100;
constexpr size_t kMostBytes = 64 << 10;

json ToJson(const LinkedObject& object) {
  return json::array({object.kind, object.group, object.name_space, object.name});
}

std::vector<LinkedObject> Objects(const json& list, size_t most) {
  std::vector<LinkedObject> objects;
  for (const json& entry : list) {
    if (objects.size() >= most || !entry.is_array() || entry.size() != 4) break;
    objects.push_back({entry[0].get<std::string>(), entry[1].get<std::string>(),
                       entry[2].get<std::string>(), entry[3].get<std::string>()});
  }
  return objects;
}

json ToJson(const std::vector<LinkedObject>& objects) {
  json list = json::array();
  for (const LinkedObject& object : objects) list.push_back(ToJson(object));
  return list;
}

json ToJson(const Intent& intent) {
  json out = {{"action", intent.action},       {"write", intent.is_write},
              {"kind", intent.kind},           {"condition", intent.condition},
              {"topic", intent.topic},         {"metric", intent.metric},
              {"ns", intent.name_space},       {"all", intent.all_namespaces},
              {"group", intent.group_by},      {"selector", intent.selector},
              {"container", intent.container}, {"previous", intent.previous},
              {"counts", intent.counts},       {"objects", ToJson(intent.objects)}};
  json names = json::array();
  for (const NameMention& name : intent.names) names.push_back(json::array({name.text, name.kind}));
  out["names"] = std::move(names);
  if (intent.replicas) out["replicas"] = *intent.replicas;
  if (intent.replicas_relative) out["relative"] = true;
  if (!intent.where.empty()) out["where"] = intent.where;
  if (!intent.sort_by.empty()) out["sort"] = intent.sort_by;
  if (!intent.contains.empty()) out["contains"] = intent.contains;
  if (intent.limit) out["limit"] = *intent.limit;
  if (intent.window && intent.window->kind == text::TimeWindow::Kind::kLast) {
    out["window"] = absl::ToInt64Seconds(intent.window->length);
  }
  return out;
}

Intent ToIntent(const json& in) {
  Intent intent;
  intent.action = in.value("action", "");
  intent.is_write = in.value("write", false);
  intent.kind = in.value("kind", "");
  intent.condition = in.value("condition", "");
  intent.topic = in.value("topic", "");
  intent.metric = in.value("metric", "");
  intent.name_space = in.value("ns", "");
  intent.all_namespaces = in.value("all", false);
  intent.group_by = in.value("group", "");
  intent.selector = in.value("selector", "");
  intent.container = in.value("container", "");
  intent.previous = in.value("previous", false);
  intent.counts = in.value("counts", false);
  intent.objects = Objects(in.value("objects", json::array()), kMostRows);
  for (const json& name : in.value("names", json::array())) {
    intent.names.push_back(
        {name.at(0).get<std::string>(), name.at(1).get<std::string>(), false, false});
  }
  if (in.contains("replicas")) intent.replicas = in["replicas"].get<int64_t>();
  intent.replicas_relative = in.value("relative", false);
  intent.where = in.value("where", std::vector<std::string>());
  intent.sort_by = in.value("sort", "");
  intent.contains = in.value("contains", "");
  if (in.contains("limit")) intent.limit = in["limit"].get<int64_t>();
  if (in.contains("window")) {
    intent.window = text::TimeWindow{text::TimeWindow::Kind::kLast,
                                     absl::Seconds(in["window"].get<int64_t>()), 0, 0};
  }
  return intent;
}

}  // namespace

std::string Serialize(const TurnState& state) {
  json out = {{"v", kVersion}};
  if (state.language) out["lang"] = std::string(text::LanguageTag(*state.language));
  if (state.last) out["last"] = ToJson(*state.last);
  if (state.pending) out["pending"] = ToJson(*state.pending);
  out["choices"] = ToJson(state.choices);
  if (!state.cluster.empty()) out["cluster"] = state.cluster;
  if (!state.more_tool.empty()) out["more"] = json::array({state.more_tool, state.more_arguments});
  std::vector<LinkedObject> rows = state.rows;
  if (rows.size() > kMostRows) rows.resize(kMostRows);
  out["rows"] = ToJson(rows);
  std::string bytes = base::DumpJson(out);
  if (bytes.size() > kMostBytes) {
    out["rows"] = json::array();
    bytes = base::DumpJson(out);
  }
  return bytes.size() > kMostBytes ? std::string() : bytes;
}

std::optional<TurnState> ParseTurnState(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kMostBytes) return std::nullopt;
  const auto parsed = base::ParseJson(bytes);
  if (!parsed.ok() || !parsed->is_object()) return std::nullopt;
  try {
    if (parsed->value("v", 0) != kVersion) return std::nullopt;
    TurnState state;
    state.language = text::ParseLanguageTag(parsed->value("lang", ""));
    state.cluster = parsed->value("cluster", "");
    if (parsed->contains("last")) state.last = ToIntent((*parsed)["last"]);
    if (parsed->contains("pending")) state.pending = ToIntent((*parsed)["pending"]);
    state.choices = Objects(parsed->value("choices", json::array()), 8);
    state.rows = Objects(parsed->value("rows", json::array()), kMostRows);
    if (parsed->contains("more")) {
      state.more_tool = (*parsed)["more"].at(0).get<std::string>();
      state.more_arguments = (*parsed)["more"].at(1).get<std::string>();
    }
    return state;
  } catch (const json::exception&) {
    return std::nullopt;  // a state of another program or version
  }
}

}  // namespace opsmesh::llm
