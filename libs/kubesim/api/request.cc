#include "libs/kubesim/api/request.h"

#include <algorithm>
#include <charconv>

#include "libs/base/strings.h"

namespace opsmesh::kubesim {

using base::Split;

bool User::InGroup(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

Query::Query(std::string_view raw) {
  for (std::string_view pair : Split(raw, '&')) {
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const size_t equals = pair.find('=');
    const std::string key = base::ReplaceAll(pair.substr(0, equals), "+", " ");
    const std::string value =
        equals == std::string_view::npos ? "" : base::ReplaceAll(pair.substr(equals + 1), "+", " ");
    std::string decoded_key, decoded_value;
    // A pair that does not decode is as if it were not there, as Go's URL.Query() has it.
    if (!base::PercentDecode(key, &decoded_key) || !base::PercentDecode(value, &decoded_value))
      continue;
    pairs_.emplace_back(std::move(decoded_key), std::move(decoded_value));
  }
}

const std::string& Query::Get(std::string_view name) const {
  static const std::string kNone;
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return kNone;
}

bool Query::Has(std::string_view name) const {
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [&](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> Query::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

bool Query::Flag(std::string_view name) const {
  if (!Has(name)) return false;
  const std::string value = base::AsciiLower(Get(name));
  return value != "false" && value != "0";
}

namespace {

std::string VerbOf(std::string_view method, bool has_name, bool watch) {
  if (method == "GET" || method == "HEAD") {
    if (watch) return "watch";
    return has_name ? "get" : "list";
  }
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return has_name ? "delete" : "deletecollection";
  return base::AsciiLower(method);
}

}  // namespace

RequestInfo ParseRequestInfo(std::string_view method, std::string_view path, const Query& query) {
  RequestInfo info;
  info.path = path;
  info.verb = base::AsciiLower(method);
  if (info.verb == "head") info.verb = "get";
  std::vector<std::string> parts;
  for (std::string_view part : Split(path, '/')) {
    if (!part.empty()) parts.emplace_back(part);
  }
  size_t next = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    info.version = parts[1];
    next = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    info.group = parts[1];
    info.version = parts[2];
    next = 3;
  } else {
    return info;
  }
  info.is_resource = true;
  bool watch = query.Flag("watch"), old_path = false;
  if (parts[next] == "watch" && parts.size() > next + 1) {  // the old /watch/ paths
    watch = old_path = true;
    ++next;
  }
  if (parts[next] == "namespaces" && parts.size() > next + 2 && parts[next + 2] != "status" &&
      parts[next + 2] != "finalize") {
    info.ns = parts[next + 1];
    next += 2;
  }
  info.resource = parts[next++];
  if (next < parts.size()) info.name = parts[next++];
  if (next < parts.size()) info.subresource = parts[next++];
  info.rest.assign(parts.begin() + static_cast<ptrdiff_t>(std::min(next, parts.size())),
                   parts.end());
  if (info.group.empty() && info.resource == "namespaces")
    info.ns = info.name;  // as RBAC sees a namespace itself
  // A get stays one, whatever ?watch says; the old paths watch one object as well.
  info.verb = VerbOf(method, !info.name.empty(),
                     watch && info.subresource.empty() && (info.name.empty() || old_path));
  return info;
}

std::vector<MediaRange> ParseAccept(std::string_view accept) {
  std::vector<MediaRange> ranges;
  for (std::string_view clause : Split(accept, ',')) {
    MediaRange range;
    bool first = true;
    for (std::string_view part : Split(clause, ';')) {
      part = base::Trim(part);
      if (first) {
        range.type = base::AsciiLower(part);
        first = false;
        continue;
      }
      const size_t equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      range.parameters[base::AsciiLower(base::Trim(part.substr(0, equals)))] =
          base::Trim(part.substr(equals + 1));
    }
    if (!range.type.empty()) ranges.push_back(std::move(range));
  }
  // What is wanted most comes first; of two wanted as much, the one that was named first.
  auto weight = [](const MediaRange& range) {
    const auto q = range.parameters.find("q");
    double value = 1;
    if (q != range.parameters.end()) {
      const std::string& text = q->second;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) value = 1;
    }
    return value;
  };
  std::stable_sort(ranges.begin(), ranges.end(),
                   [&](const MediaRange& a, const MediaRange& b) { return weight(a) > weight(b); });
  return ranges;
}

std::string SelectedName(const Query& query) {
  for (std::string_view term : Split(query.Get("fieldSelector"), ',')) {
    if (!term.starts_with("metadata.name=")) continue;
    std::string_view name = term.substr(14);
    if (name.starts_with('=')) name.remove_prefix(1);
    return std::string(name);
  }
  return "";
}

namespace {

constexpr const char* kServed =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";

ApiStatus NotAcceptable(std::string message, bool details) {
  return {.code = 406,
          .reason = "NotAcceptable",
          .message = std::move(message),
          .has_details = details};
}

// The router of built-in kinds looks at the bare types first, as they are spelled.
bool RouterAccepts(std::string_view accept) {
  if (accept.empty()) return true;
  for (std::string_view clause : Split(accept, ',')) {
    const std::string_view type = base::Trim(clause.substr(0, clause.find(';')));
    if (type == "*/*" || type == "application/json" || type == "application/yaml" ||
        type == "application/vnd.kubernetes.protobuf")
      return true;
  }
  return false;
}

// What a clause asks the object to be turned into; nothing when that cannot be done.
std::optional<Form> FormOf(const MediaRange& range, bool* list) {
  auto as = range.parameters.find("as");
  if (as == range.parameters.end()) return Form::kObject;
  auto group = range.parameters.find("g");
  auto version = range.parameters.find("v");
  if (group == range.parameters.end() || group->second != "meta.k8s.io") return std::nullopt;
  if (version == range.parameters.end() ||
      (version->second != "v1" && version->second != "v1beta1"))
    return std::nullopt;
  if (as->second == "Table") return Form::kTable;
  *list = as->second == "PartialObjectMetadataList";
  if (*list || as->second == "PartialObjectMetadata") return Form::kMetadata;
  return std::nullopt;
}

}  // namespace

Outcome<Accepted> Negotiate(std::string_view accept, const Query& query, bool routed,
                            bool collection) {
  Accepted accepted;
  accepted.pretty = query.Flag("pretty");
  accepted.include = query.Get("includeObject");
  accept = base::Trim(accept);
  if (routed && !RouterAccepts(accept)) {
    const std::string stream =
        collection
            ? ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
            : "";
    return NotAcceptable(
        std::string("406: Not Acceptable\n\nAvailable representations: ") + kServed + stream, true);
  }
  if (accept.empty()) return accepted;
  for (const MediaRange& range : ParseAccept(accept)) {
    const bool json =
        range.type == "application/json" || range.type == "*/*" || range.type == "application/*";
    const bool yaml = range.type == "application/yaml";
    if (!json && !yaml) continue;
    const auto form = FormOf(range, &accepted.metadata_list);
    if (!form) continue;
    accepted.yaml = yaml;
    accepted.form = *form;
    if (auto version = range.parameters.find("v");
        *form != Form::kObject && version != range.parameters.end())
      accepted.version = version->second;
    return accepted;
  }
  return NotAcceptable(std::string("only the following media types are accepted: ") + kServed,
                       false);
}

}  // namespace opsmesh::kubesim
