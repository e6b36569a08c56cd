#include "libs/kubesim/api/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/json_text.h"
#include "libs/kubesim/api/protobuf.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxBody = 3 << 20;
constexpr size_t kMaxKeptDepth = 400;

ApiStatus UnknownFormat() {
  return {.code = 415,
          .reason = "UnsupportedMediaType",
          .message =
              "the body of the request was in an unknown format - accepted media types include: "
              "application/json, application/yaml, application/vnd.kubernetes.protobuf"};
}

constexpr const char* kKindStruct =
    R"(struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" })";

struct Parsed {
  Json value;
  std::vector<std::string> members;
  std::vector<std::string> duplicates;  // sentences
  std::map<std::string, std::string> odd_numbers{};
  std::string overflow{};  // a number beyond every range, which a value of no type cannot hold
};

ApiStatus BeyondRange(const std::string& number) {
  return BadRequestStatus(
      fmt::format("json: cannot unmarshal number {} into Go value of type float64", number));
}

// What the sentence of a YAML reader begins with where somebody converts; a body is read as it is.
constexpr std::string_view kYamlFault = "error converting YAML to JSON: ";

Outcome<Parsed> Parse(std::string_view text, bool yaml) {
  if (text.size() > kMaxBody) {
    ApiStatus status{.code = 413,
                     .reason = "RequestEntityTooLarge",
                     .message = fmt::format("Request entity too large: limit is {}", kMaxBody)};
    return status;
  }
  Parsed parsed;
  if (yaml) {
    auto documents = ParseYaml(text);
    if (!documents.ok())
      return BadRequestStatus(
          fmt::format("{}{}", kYamlFault, base::ToStd(documents.status().message())));
    if (documents->empty()) return parsed;
    parsed.value =
        std::move(*documents->front().value);  // what follows the first document is not read
    for (const std::string& one : documents->front().duplicates)
      parsed.duplicates.push_back("yaml: unmarshal errors:\n  " + one);
    return parsed;
  }
  JsonText json = ReadJsonText(text, &parsed.value);
  if (!json.fault.empty()) return BadRequestStatus(json.fault);
  parsed.members = std::move(json.members);
  parsed.odd_numbers = std::move(json.odd_numbers);
  parsed.overflow = std::move(json.overflow);
  for (const std::string& path : json.duplicates)
    parsed.duplicates.push_back(fmt::format("duplicate field \"{}\"", path));
  return parsed;
}

// The object in a body; a refusal is the decoder's bare sentence.
Outcome<Parsed> DecodeObject(const Call& call, const std::string& media) {
  const std::string& body = call.http.body;
  if (IsProtobufEnvelope(body) || media == "application/vnd.kubernetes.protobuf") {
    if (!IsProtobufEnvelope(body)) {
      return BadRequestStatus(
          "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
    }
    auto decoded = DecodeProtobuf(body);
    if (!decoded) return UnknownFormat();
    return Parsed{.value = *std::move(decoded), .members = {}, .duplicates = {}};
  }
  const bool yaml = media == "application/yaml";
  if (media != "application/json" && !yaml) return UnknownFormat();
  auto parsed = Parse(body, yaml);
  if (!parsed.ok()) {
    ApiStatus status = parsed.status();
    if (status.code != 400) return status;
    if (yaml && status.message.starts_with(kYamlFault))
      status.message.erase(0, kYamlFault.size());
    else
      status.message = "couldn't get version/kind; json parse error: " + status.message;
    return status;
  }
  if (!yaml && !parsed->duplicates.empty() && call.type != nullptr && !call.type->custom) {
    if (Json joined = ReadJoined(body); joined.is_object()) parsed->value = std::move(joined);
  }
  if (parsed->value.is_null()) parsed->value = Json::object();
  if (!parsed->value.is_object()) {
    return BadRequestStatus(
        fmt::format("couldn't get version/kind; json parse error: json: cannot unmarshal {} into "
                    "Go value of type {}",
                    GoWord(parsed->value), kKindStruct));
  }
  for (const char* member : {"apiVersion", "kind"}) {
    const Json& value = At(parsed->value, member);
    if (value.is_null() || value.is_string()) continue;
    return BadRequestStatus(
        fmt::format("couldn't get version/kind; json parse error: json: cannot unmarshal {} into "
                    "Go struct field .{} of type string",
                    GoWord(value), member));
  }
  const std::string version = TextAt(parsed->value, "apiVersion");
  if (std::count(version.begin(), version.end(), '/') > 1)
    return BadRequestStatus("unexpected GroupVersion string: " + version);
  return parsed;
}

// What is wrong with an object of this type when that is a number which is not written as a whole
// one: its sentence shows it as it stands in the text. "" when it is something else, or nothing.
std::string OddNumberFault(const ResourceType& type, const Parsed& parsed) {
  constexpr std::string_view kBefore = "cannot unmarshal number ", kAfter = " into ";
  if (parsed.odd_numbers.empty() || type.custom) return "";
  for (const auto& [member, own] :
       {std::pair{"kind", type.kind}, {"apiVersion", type.ApiVersion()}}) {
    const std::string given = TextAt(parsed.value, member);
    if (!given.empty() && given != own) return "";  // another kind is refused as that
  }
  ShapeReport shape = CheckShape(type, parsed.value);
  const auto number = parsed.odd_numbers.find(shape.wrong_at);
  const size_t begin = shape.wrong.find(kBefore), end = shape.wrong.find(kAfter);
  if (number == parsed.odd_numbers.end() || begin == std::string::npos || end == std::string::npos)
    return "";
  const size_t at = begin + kBefore.size();
  return shape.wrong.replace(at, end - at, number->second);
}

// A document inside of which nothing recursive can overflow the stack.
size_t DepthOf(const Json& value) {
  size_t deepest = 0;
  std::vector<std::pair<const Json*, size_t>> open = {{&value, 1}};
  while (!open.empty()) {
    auto [node, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    if (!node->is_structured()) continue;
    for (const Json& item : *node) {
      if (item.is_structured()) open.emplace_back(&item, depth + 1);
    }
  }
  return deepest;
}

}  // namespace

std::string BodySummary(std::string_view body) {
  constexpr size_t kShown = 30;
  if (body.empty()) return "<empty>";
  const std::string_view shown = body.substr(0, kShown);
  std::string text;
  if (body.front() == '{') {
    text = base::SanitizeUtf8(shown);
  } else {
    for (char c : shown) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return text + (body.size() > kShown ? " ..." : "");
}

const char* GoWord(const Json& value) {
  return value.is_array()     ? "array"
         : value.is_string()  ? "string"
         : value.is_boolean() ? "bool"
         : value.is_object()  ? "object"
                              : "number";
}

namespace {

// attribute=value of a media type (RFC 2045): neither is empty.
bool IsMediaParameter(std::string_view text) {
  constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?= \t";
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  const std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
  const bool quoted = value.size() > 1 && value.front() == '"' && value.back() == '"';
  return name.find_first_of(kSpecials) == std::string_view::npos &&
         (quoted || (!value.empty() && value.find_first_of(kSpecials) == std::string_view::npos));
}

}  // namespace

bool TooDeep(const Json& value) { return DepthOf(value) > kMaxKeptDepth; }

std::string MediaTypeOf(const Call& call) {
  const std::string_view header = call.http.headers.Get("Content-Type");
  const std::string_view type = base::Trim(header.substr(0, header.find(';')));
  if (type.empty()) return "application/json";
  if (const size_t semicolon = header.find(';'); semicolon != std::string_view::npos) {
    std::set<std::string> names;
    for (std::string_view parameter : base::Split(header.substr(semicolon + 1), ';')) {
      parameter = base::Trim(parameter);
      if (parameter.empty()) continue;
      const std::string name = base::AsciiLower(parameter.substr(0, parameter.find('=')));
      if (!IsMediaParameter(parameter) || !names.insert(name).second) return "malformed";
    }
  }
  return base::AsciiLower(type);
}

MaybeStatus CheckPatchType(const Call& call, std::string* media) {
  const std::string_view header = call.http.headers.Get("Content-Type");
  *media = std::string(base::Trim(header.substr(0, header.find(';'))));
  const bool known = *media == "application/json-patch+json" ||
                     *media == "application/merge-patch+json" ||
                     *media == "application/apply-patch+yaml" ||
                     (*media == "application/strategic-merge-patch+json" && !call.type->custom);
  if (known) return std::nullopt;
  if (!call.type->custom)
    return ApiStatus{.code = 415,
                     .reason = "UnsupportedMediaType",
                     .message = "415: Unsupported Media Type",
                     .has_details = true};
  return ApiStatus{.code = 415,
                   .reason = "UnsupportedMediaType",
                   .message =
                       "the body of the request was in an unknown format - accepted media types "
                       "include: application/json-patch+json, application/merge-patch+json, "
                       "application/apply-patch+yaml"};
}

Outcome<Json> ParseBody(Call& call, bool yaml) {
  auto parsed = Parse(call.http.body, yaml);
  if (!parsed.ok()) return parsed.status();
  if (!parsed->overflow.empty()) return BeyondRange(parsed->overflow);
  call.member_order = std::move(parsed->members);
  call.duplicates = std::move(parsed->duplicates);
  return std::move(parsed->value);
}

Outcome<Json> ObjectOf(Call& call, std::string_view kind) {
  auto parsed = DecodeObject(call, MediaTypeOf(call));
  if (!parsed.ok()) {
    ApiStatus status = parsed.status();
    if (status.code == 400) {
      const std::string_view expected = kind.empty() ? std::string_view(call.type->kind) : kind;
      status.message =
          fmt::format("the object provided is unrecognized (must be of type {}): {} ({})", expected,
                      status.message, BodySummary(call.http.body));
    }
    return status;
  }
  call.member_order = std::move(parsed->members);
  call.duplicates = std::move(parsed->duplicates);
  if (kind.empty()) {
    if (!parsed->overflow.empty() && call.type->custom)
      return BadRequestStatus(fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}",
                                          call.type->kind, call.type->version,
                                          BeyondRange(parsed->overflow).message));
    if (const std::string fault = OddNumberFault(*call.type, *parsed); !fault.empty())
      return BadRequestStatus(fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}",
                                          call.type->kind, call.type->version, fault));
  }
  return std::move(parsed->value);
}

Outcome<Json> DeleteOptionsOf(const Call& call) {
  if (!call.http.body.empty()) {  // then the query does not count
    auto parsed = DecodeObject(call, MediaTypeOf(call));
    if (!parsed.ok()) {
      ApiStatus status = parsed.status();
      if (status.code != 400) return status;
      return InternalStatus(status.message);  // nobody upstream takes it for the client's fault
    }
    const std::string kind = TextAt(parsed->value, "kind"),
                      version = TextAt(parsed->value, "apiVersion");
    if (!kind.empty() && kind != "DeleteOptions") {
      return InternalStatus(
          fmt::format("no kind \"{}\" is registered for version \"{}\" in scheme "
                      "\"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\"",
                      kind, version.empty() ? "meta.k8s.io/v1" : version));
    }
    ShapeReport shape = CheckShapeOf("meta.v1.DeleteOptions", parsed->value);
    if (!shape.wrong.empty()) return InternalStatus(shape.wrong);
    return std::move(parsed->value);
  }
  Json options = Json::object();
  if (const std::string& policy = call.query.Get("propagationPolicy"); !policy.empty())
    options["propagationPolicy"] = policy;
  if (call.query.Has("orphanDependents"))
    options["orphanDependents"] = call.query.Flag("orphanDependents");
  auto seconds = NumberOf(call.query, "gracePeriodSeconds");
  if (!seconds.ok()) return seconds.status();
  if (*seconds) options["gracePeriodSeconds"] = **seconds;
  for (const std::string& run : call.query.All("dryRun")) options["dryRun"].push_back(run);
  return options;
}

Outcome<Json> BodyOfKind(Call& call, const char* kind, const char* version, const char* schema) {
  auto body = ObjectOf(call, kind);
  if (!body.ok()) return body.status();
  const std::string own = TextAt(*body, "kind");
  if (!own.empty() && own != kind) {
    const std::string given = TextAt(*body, "apiVersion");
    const bool known = call.known_kind && call.known_kind(given, own);
    if (known) {
      return BadRequestStatus(
          fmt::format("{0} in version \"{1}\" cannot be handled as a {2}: converting ({1}.{0}) to "
                      "({3}.{2}): unknown conversion",
                      own, given.substr(given.rfind('/') + 1), kind,
                      std::string_view(schema).substr(0, std::string_view(schema).find('.'))));
    }
    return BadRequestStatus(fmt::format(
        "{0} in version \"{1}\" cannot be handled as a {2}: no kind \"{0}\" is registered for "
        "version \"{3}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
        own, given.substr(given.rfind('/') + 1), kind, given.empty() ? version : given));
  }
  if (const ShapeReport shape = CheckShapeOf(schema, *body); !shape.wrong.empty()) {
    const std::string_view word =
        std::string_view(version).substr(std::string_view(version).rfind('/') + 1);
    return BadRequestStatus(fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}",
                                        kind, word, shape.wrong));
  }
  return body;
}

}  // namespace opsmesh::kubesim
