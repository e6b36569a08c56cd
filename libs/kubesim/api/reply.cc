#include "libs/kubesim/api/reply.h"

#include <fmt/format.h>

#include "libs/base/json.h"
#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/stored_json.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// What a column is for; sent as its description. Our own words.
std::string Describe(const Column& column) {
  if (!column.description.empty()) return column.description;
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

// Whether a kind has printers of its own; the others' tables say null for no rows.
bool PlainTable(const ResourceType& type) {
  return type.custom || ColumnsOf(type).back().name == "Created At";
}

// PartialObjectMetadata: the stored bytes of the metadata as they are.
void AppendMetadata(const Object& object, const Accepted& accepted, std::string* text) {
  constexpr const char* kTemplate = "deprecated.daemonset.template.generation";
  const std::string_view metadata = StoredMember(object.json, "metadata");
  *text += R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/)";
  *text += accepted.version;
  *text += "\",\"metadata\":";
  if (metadata.find(kTemplate) != std::string_view::npos) {
    // A field of its own until it is converted to a version: metadata alone does not hold it.
    Json own = Json::parse(metadata, nullptr, false);
    if (At(own, "annotations").is_object() && own["annotations"].erase(kTemplate) > 0 &&
        own["annotations"].empty())
      own.erase("annotations");
    AppendStored(own, text);
  } else {
    *text += metadata.empty() ? "null" : metadata;
  }
  *text += '}';
}

std::string Prefixed(std::string_view kind, std::string_view api_version,
                     std::string_view members) {
  return fmt::format("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",{}", kind, api_version,
                     members.substr(1));
}

// The object with its kind, as `type` serves it.
std::string Whole(const ResourceType& type, const Object& object) {
  return NeedsConversion(type) ? Prefixed(type.kind, type.ApiVersion(), ServedBody(type, object))
                               : object.Wire(type);
}

void AppendRow(const ResourceType& type, const Object& object, const Accepted& accepted,
               absl::Time now, std::string* text) {
  *text += "{\"cells\":[";
  for (const Json& cell : CellsOf(type, object, now)) {
    if (text->back() != '[') *text += ',';
    AppendStored(cell, text);
  }
  *text += "],\"object\":";
  if (accepted.include == "Object") {
    *text += Whole(type, object);
  } else if (accepted.include == "None") {
    *text += "null";
  } else {
    AppendMetadata(object, accepted, text);
  }
  *text += '}';
}

std::string Table(const ResourceType& type, const std::vector<const Object*>& objects,
                  const Json& metadata, const Accepted& accepted, absl::Time now,
                  bool with_columns) {
  constexpr size_t kUsualRow = 1024;
  std::string text;
  text.reserve(4096 + objects.size() * kUsualRow);
  text += fmt::format(R"({{"kind":"Table","apiVersion":"meta.k8s.io/{}","metadata":)",
                      accepted.version);
  AppendStored(metadata, &text);
  text += ",\"columnDefinitions\":";
  AppendStored(with_columns ? ColumnDefinitions(type) : Json(), &text);
  if (objects.empty() && PlainTable(type)) return text + ",\"rows\":null}";
  text += ",\"rows\":[";
  for (const Object* object : objects) {
    if (text.back() != '[') text += ',';
    AppendRow(type, *object, accepted, now, &text);
  }
  text += "]}";
  return text;
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

void AsYaml(Reply& reply) {
  reply.body = DumpYaml(Json::parse(reply.body, nullptr, false));
  reply.content_type = "application/yaml";
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
      return Whole(type, object);
    case Form::kMetadata: {
      std::string text;
      AppendMetadata(object, accepted, &text);
      return text;
    }
    case Form::kTable:
      break;
  }
  return Table(type, {&object}, {{"resourceVersion", std::to_string(object.resource_version)}},
               accepted, now, with_columns);
}

std::string RenderObject(const ResourceType& type, const Object& object, const Accepted& accepted,
                         absl::Time now) {
  return RenderEventObject(type, object, accepted, now, true);
}

std::string RenderList(const ResourceType& type, const std::vector<ObjectPtr>& objects,
                       const Json& metadata, const Accepted& accepted, absl::Time now) {
  if (accepted.form == Form::kTable) {
    std::vector<const Object*> rows;
    for (const ObjectPtr& object : objects) rows.push_back(object.get());
    return Table(type, rows, metadata, accepted, now, true);
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
  Json head = metadata;
  if (type.custom && accepted.form == Form::kObject && !head.contains("continue"))
    head["continue"] = "";  // an unstructured list leaves nothing out
  text += base::DumpJson(head);
  if (accepted.form == Form::kMetadata && objects.empty()) return text + ",\"items\":null}";
  text += ",\"items\":[";
  bool first = true;
  for (const ObjectPtr& object : objects) {
    if (!first) text += ',';
    first = false;
    if (accepted.form == Form::kMetadata) {
      AppendMetadata(*object, accepted, &text);
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
