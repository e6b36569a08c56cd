#include "libs/kubesim/api/reply.h"

#include <fmt/format.h>

#include "libs/base/json.h"
#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// What a column is for; sent as its description. Our own words.
std::string Describe(const Column& column) {
  if (column.format == "name") return "The object's name, unique within its scope.";
  if (column.name == "Age" || column.name == "Created At") return "When the object was made.";
  return "The column " + column.name + " of the kubectl table.";
}

Json ColumnDefinitions(const ResourceType& type) {
  Json list = Json::array();
  for (const Column& column : ColumnsOf(type)) {
    list.push_back({{"name", column.name},
                    {"type", column.type},
                    {"format", column.format},
                    {"description", Describe(column)},
                    {"priority", column.priority}});
  }
  return list;
}

Json PartialMetadata(const Json& object, const Accepted& accepted) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/" + accepted.version},
          {"metadata", At(object, "metadata")}};
}

Json Row(const ResourceType& type, const Object& object, const Accepted& accepted, absl::Time now) {
  Json content = object.Parse();
  Json row = {{"cells", CellsOf(type, content, now)}};
  if (accepted.include == "Object") {
    Json whole = FromStorage(type, std::move(content));
    whole["kind"] = type.kind;
    whole["apiVersion"] = type.ApiVersion();
    row["object"] = std::move(whole);
  } else if (accepted.include == "None") {
    row["object"] = nullptr;
  } else {
    row["object"] = PartialMetadata(content, accepted);
  }
  return row;
}

std::string Prefixed(std::string_view kind, std::string_view api_version,
                     std::string_view members) {
  return fmt::format("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",{}", kind, api_version,
                     members.substr(1));
}

Json TableShell(const ResourceType& type, Json metadata, const Accepted& accepted,
                bool with_columns) {
  Json table = {{"kind", "Table"},
                {"apiVersion", "meta.k8s.io/" + accepted.version},
                {"metadata", std::move(metadata)},
                {"rows", Json::array()}};
  table["columnDefinitions"] = with_columns ? ColumnDefinitions(type) : Json();
  return table;
}

}  // namespace

Reply JsonReply(const Json& body, int code) {
  return {code, "application/json", base::DumpJson(body), {}};
}
Reply TextReply(std::string body, int code) {
  return {
      code, "text/plain; charset=utf-8", std::move(body), {{"X-Content-Type-Options", "nosniff"}}};
}

Reply StatusReply(const ApiStatus& status) {
  Reply reply = JsonReply(status.ToJson(), status.code);
  if (status.retry_after_seconds > 0)
    reply.headers.emplace_back("Retry-After", std::to_string(status.retry_after_seconds));
  return reply;
}

MaybeStatus Unservable(const ResourceType& type, const Accepted& accepted, bool list) {
  const std::string group =
      type.group.empty() ? "core" : type.group.substr(0, type.group.find('.'));
  const std::string go_type = type.custom ? "unstructured.Unstructured" : group + "." + type.kind;
  if (accepted.form == Form::kMetadata && accepted.metadata_list != list) {
    return ApiStatus{.code = 406,
                     .reason = "NotAcceptable",
                     .message = list ? fmt::format("you requested PartialObjectMetadata, but the "
                                                   "requested object is a list (*{}List)",
                                                   go_type)
                                     : fmt::format("you requested PartialObjectMetadataList, but "
                                                   "the requested object is not a list (*{})",
                                                   go_type)};
  }
  if (accepted.form != Form::kTable) return std::nullopt;
  if (accepted.include.empty() || accepted.include == "Metadata" || accepted.include == "Object" ||
      accepted.include == "None")
    return std::nullopt;
  return BadRequestStatus(
      fmt::format("Unable to convert to Table as requested: includeObject: Invalid value: \"{}\": "
                  "must be 'Metadata', 'Object', 'None', or empty",
                  accepted.include));
}

Reply RenderedReply(std::string json, const Accepted& accepted, int code) {
  if (accepted.yaml) {
    return {code, "application/yaml", DumpYaml(Json::parse(json, nullptr, false)), {}};
  }
  if (accepted.pretty)
    json = Json::parse(json, nullptr, false).dump(2, ' ', false, Json::error_handler_t::replace);
  return {code, "application/json", std::move(json), {}};
}

std::string ServedBody(const ResourceType& type, const Object& object) {
  return NeedsConversion(type) ? base::DumpJson(FromStorage(type, object.Parse())) : object.json;
}

std::string RenderEventObject(const ResourceType& type, const Object& object,
                              const Accepted& accepted, absl::Time now, bool with_columns) {
  switch (accepted.form) {
    case Form::kObject:
      return NeedsConversion(type)
                 ? Prefixed(type.kind, type.ApiVersion(), ServedBody(type, object))
                 : object.Wire(type);
    case Form::kMetadata:
      return base::DumpJson(PartialMetadata(object.Parse(), accepted));
    case Form::kTable:
      break;
  }
  Json table = TableShell(type, {{"resourceVersion", std::to_string(object.resource_version)}},
                          accepted, with_columns);
  table["rows"].push_back(Row(type, object, accepted, now));
  return base::DumpJson(table);
}

std::string RenderObject(const ResourceType& type, const Object& object, const Accepted& accepted,
                         absl::Time now) {
  return RenderEventObject(type, object, accepted, now, true);
}

std::string RenderList(const ResourceType& type, const std::vector<ObjectPtr>& objects,
                       const Json& metadata, const Accepted& accepted, absl::Time now) {
  if (accepted.form == Form::kTable) {
    Json table = TableShell(type, metadata, accepted, true);
    for (const ObjectPtr& object : objects)
      table["rows"].push_back(Row(type, *object, accepted, now));
    return base::DumpJson(table);
  }
  std::string text;
  if (accepted.form == Form::kMetadata) {
    text = fmt::format(
        R"({{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{}","metadata":)",
        accepted.version);
  } else {
    text = fmt::format("{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":", type.kind,
                       type.ApiVersion());
  }
  size_t bytes = 256;
  for (const ObjectPtr& object : objects) bytes += object->json.size() + 1;
  text.reserve(bytes);
  text += base::DumpJson(metadata);
  text += ",\"items\":[";
  bool first = true;
  for (const ObjectPtr& object : objects) {
    if (!first) text += ',';
    first = false;
    if (accepted.form == Form::kMetadata) {
      text += base::DumpJson(PartialMetadata(object->Parse(), accepted));
    } else if (type.custom) {  // items of custom resources do carry their kind
      text += object->Wire(type);
    } else {
      text += ServedBody(type, *object);
    }
  }
  text += "]}";
  return text;
}

}  // namespace opsmesh::kubesim
