// What is judged of a write before its object is: options, kind, members, names.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxManager = 128;       // bytes of a manager's name
constexpr size_t kMaxStrictFaults = 100;  // Go's decoder remembers no more

// A patch of the strategic kind is shown as Go prints a map, the others as JSON.
bool IsStrategic(const Call& call) { return call.patched_text.starts_with("map["); }

// Sentences about unknown and repeated members, in the order of the text where that is known.
std::vector<std::string> StrictSentences(const Call& call, std::vector<std::string> unknown) {
  std::vector<std::string> sentences;
  std::set<std::string, std::less<>> left(unknown.begin(), unknown.end());
  // A patched or a custom object is told in the order of names: nobody reads it as a text.
  const bool patched = !call.patched_text.empty();
  if (patched) sentences.insert(sentences.end(), call.duplicates.begin(), call.duplicates.end());
  for (const std::string& path : call.member_order) {
    if (patched || call.type->custom) break;
    if (left.erase(path) > 0) sentences.push_back(fmt::format("unknown field \"{}\"", path));
  }
  for (const std::string& path : unknown) {
    if (left.contains(path)) sentences.push_back(fmt::format("unknown field \"{}\"", path));
  }
  if (!patched) sentences.insert(sentences.end(), call.duplicates.begin(), call.duplicates.end());
  // What prunes a custom resource and what converts a strategic patch tell all that they find.
  if (sentences.size() > kMaxStrictFaults && !call.type->custom && !IsStrategic(call))
    sentences.resize(kMaxStrictFaults);
  return sentences;
}

ApiStatus BadPatch(const Call& call, const std::string& why) {
  return InvalidStatus(
      "", "", "",
      {{"FieldValueInvalid",
        fmt::format("Invalid value: {}: {}",
                    Json(call.patched_text).dump(-1, ' ', false, Json::error_handler_t::replace),
                    why),
        "patch"}});
}

bool Printable(std::string_view text, std::string* odd, size_t* at) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool latin_control =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte >= 0x20 && byte != 0x7f && !latin_control) continue;
    *odd = fmt::format("U+{:04X}", latin_control ? static_cast<unsigned char>(text[i + 1]) : byte);
    *at = i;
    return false;
  }
  return true;
}

}  // namespace

MaybeStatus CheckWriteOptions(const Call& call) {
  const char* kind = call.info.verb == "create"  ? "CreateOptions"
                     : call.info.verb == "patch" ? "PatchOptions"
                                                 : "UpdateOptions";
  std::vector<Cause> causes;
  const std::string& manager = call.query.Get("fieldManager");
  if (call.info.verb == "patch") {
    const bool apply = MediaTypeOf(call) == "application/apply-patch+yaml";
    if (!apply && call.query.Has("force"))
      causes.push_back(
          {"FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force"});
    if (apply && manager.empty())
      causes.push_back(
          {"FieldValueRequired", "Required value: is required for apply patch", "fieldManager"});
  }
  if (manager.size() > kMaxManager)
    causes.push_back(
        {"FieldValueTooLong", "Too long: may not be more than 128 bytes", "fieldManager"});
  std::string odd;
  size_t at = 0;
  if (!Printable(manager, &odd, &at)) {
    causes.push_back(
        {"FieldValueInvalid",
         fmt::format("Invalid value: {}: invalid character {} (at position {})",
                     Json(manager).dump(-1, ' ', false, Json::error_handler_t::replace), odd, at),
         "fieldManager"});
  }
  if (auto cause = DryRunFault(call.query.All("dryRun"))) causes.push_back(*cause);
  if (const std::string& mode = call.query.Get("fieldValidation");
      !mode.empty() && mode != "Ignore" && mode != "Warn" && mode != "Strict") {
    causes.push_back(
        {"FieldValueNotSupported",
         fmt::format(
             "Unsupported value: \"{}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
             mode),
         "fieldValidation"});
  }
  if (causes.empty()) return std::nullopt;
  return InvalidStatus("meta.k8s.io", kind, "", std::move(causes));
}

MaybeStatus CheckMayCreate(const Cluster& cluster, const Call& call) {
  if (call.info.verb == "create") return std::nullopt;
  const ResourceType& type = *call.type;
  const AccessAnswer answer = Authorize(
      cluster, call.user, {"create", type.group, type.plural, call.info.ns, call.info.name, ""});
  if (answer.allowed) return std::nullopt;
  return ForbiddenStatus(type, call.info.name, answer.reason);
}

std::optional<Cause> DryRunFault(const std::vector<std::string>& runs) {
  std::string list;
  bool odd = false;
  for (const std::string& run : runs) {
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", run);
    odd = odd || run != "All";
  }
  if (!odd) return std::nullopt;
  return Cause{"FieldValueNotSupported",
               fmt::format("Unsupported value: []string{{{}}}: supported values: \"All\"", list),
               "dryRun"};
}

MaybeStatus DecodeBody(Call& call, Json& object) {
  const ResourceType& type = *call.type;
  // The decoder looks for the kind before anything else.
  for (const char* member : {"apiVersion", "kind"}) {
    const Json& value = At(object, member);
    if (call.patched_text.empty() || IsStrategic(call) || type.custom || value.is_null() ||
        value.is_string())
      continue;
    return BadPatch(call, fmt::format("couldn't get version/kind; json parse error: json: cannot "
                                      "unmarshal {} into Go struct field .{} of type string",
                                      GoWord(value), member));
  }
  const ShapeReport shape = CheckShape(type, object);
  if (!shape.wrong.empty() && !call.patched_text.empty()) {
    const bool converted = IsStrategic(call) && !shape.unconverted.empty();
    return BadPatch(call, converted ? shape.unconverted : shape.wrong);
  }
  if (!shape.wrong.empty()) {
    return BadRequestStatus(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}",
                                        type.kind, type.version, type.kind, shape.wrong));
  }
  DropUnknown(type, object, call.tracked);
  if (TooDeep(object))
    return BadRequestStatus("the object is nested deeper than the simulator keeps");
  const std::vector<std::string> sentences = StrictSentences(call, shape.unknown);
  call.duplicates.clear();  // said once
  if (sentences.empty()) return std::nullopt;
  const std::string& mode = call.query.Get("fieldValidation");
  if (mode == "Strict") {
    const std::string why = "strict decoding error: " + base::Join(sentences, ", ");
    if (!call.patched_text.empty()) return BadPatch(call, why);
    return BadRequestStatus(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}",
                                        type.kind, type.version, type.kind, why));
  }
  if (mode != "Ignore") {
    for (const std::string& sentence : sentences) {
      for (std::string& line : WarningsOf(sentence)) call.warnings.push_back(std::move(line));
    }
  }
  return std::nullopt;
}

namespace {

// A program's name as that of a manager: what can be printed of it, as far as there is room.
std::string ManagerOf(std::string_view program) {
  std::string manager;
  for (char c : program) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) manager += c;
  }
  if (manager.size() > kMaxManager) {
    size_t end = kMaxManager;
    while (end > 0 && (static_cast<unsigned char>(manager[end]) & 0xc0) == 0x80) --end;
    manager.resize(end);
  }
  return manager;
}

}  // namespace

std::vector<std::string> WarningsOf(std::string_view sentence) {
  constexpr std::string_view kWhole = "yaml: unmarshal errors:\n";
  const size_t at = sentence.find(kWhole);
  if (at == std::string_view::npos) return {std::string(sentence)};
  std::vector<std::string> lines;
  for (std::string_view line : base::Split(sentence.substr(at + kWhole.size()), '\n'))
    lines.emplace_back(base::Trim(line));
  return lines;
}

bool IsDryRun(const Call& call) { return call.query.Get("dryRun") == "All"; }

Writer WriterOf(const Cluster& cluster, const Call& call) {
  std::string manager = call.query.Get("fieldManager");
  if (manager.empty()) {
    const std::string_view agent = call.http.headers.Get("User-Agent");
    manager = ManagerOf(agent.substr(0, agent.find('/')));
    if (manager.empty()) manager = "unknown";
  }
  return {manager, call.type->ApiVersion(),
          call.info.subresource == "scale" ? "scale" : call.info.subresource,
          base::Rfc3339(cluster.clock.Now())};
}

const ResourceType& StorageTypeOf(const Cluster& cluster, const ResourceType& type) {
  const std::string group = type.storage_key.substr(0, type.storage_key.find('/'));
  const ResourceType* stored = cluster.store.catalog().Preferred(group, type.plural);
  return stored == nullptr ? type : *stored;
}

ObjectPtr FindObject(const Cluster& cluster, const Call& call) {
  return cluster.store.Get(*call.type, call.type->namespaced ? call.info.ns : "", call.info.name);
}

MaybeStatus CheckKind(const Call& call, const Json& object) {
  const ResourceType& type = *call.type;
  const std::string kind = TextAt(object, "kind");
  std::string api_version = TextAt(object, "apiVersion");
  if (type.custom) {  // nothing is assumed of what is not said
    if (kind.empty()) {
      const std::string body = base::SanitizeUtf8(call.http.body);
      return BadRequestStatus(
          fmt::format("the object provided is unrecognized (must be of type {}): Object 'Kind' is "
                      "missing in '{}' ({})",
                      type.kind, body, BodySummary(call.http.body)));
    }
    if (api_version != type.ApiVersion() && !call.patched_text.empty() && kind == type.kind) {
      return InvalidStatus(
          type.group, kind, TextAt(object, {"metadata", "name"}),
          {{"FieldValueInvalid",
            fmt::format("Invalid value: \"{}\": must be {}", api_version, type.ApiVersion()),
            "apiVersion"}});
    }
    if (api_version != type.ApiVersion()) {
      return BadRequestStatus(fmt::format(
          "the API version in the data ({}) does not match the expected API version ({})",
          api_version, type.ApiVersion()));
    }
    if (kind != type.kind) {
      return InvalidStatus(
          type.group, kind, TextAt(object, {"metadata", "name"}),
          {{"FieldValueInvalid", fmt::format("Invalid value: \"{}\": must be {}", kind, type.kind),
            "kind"}});
    }
  }
  if (api_version.starts_with('/')) api_version.erase(0, 1);  // the core group, spelled out
  // What another kind is refused with: of a patch, as the patch's fault.
  auto refuse = [&](const std::string& subject, const std::string& version,
                    const std::string& why) {
    if (!call.patched_text.empty()) return BadPatch(call, why);
    return BadRequestStatus(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}",
                                        subject, version, type.kind, why));
  };
  if ((!kind.empty() && kind != type.kind) ||
      (!api_version.empty() && api_version != type.ApiVersion())) {
    const std::string version = api_version.substr(api_version.rfind('/') + 1);
    const bool known = call.known_kind
                           ? call.known_kind(api_version.empty() ? type.ApiVersion() : api_version,
                                             kind.empty() ? type.kind : kind)
                           : true;
    if (!known) {
      return refuse(kind.empty() ? type.kind : kind, version.empty() ? type.version : version,
                    fmt::format("no kind \"{}\" is registered for version \"{}\" in scheme "
                                "\"pkg/api/legacyscheme/scheme.go:30\"",
                                kind.empty() ? type.kind : kind,
                                api_version.empty() ? type.ApiVersion() : api_version));
    }
    const std::string given = kind.empty() ? type.kind : kind,
                      named = version.empty() ? type.version : version;
    return refuse(
        given, named,
        fmt::format("converting ({}.{}) to ({}.{}): unknown conversion", named, given,
                    type.group.empty() ? "core" : type.group.substr(0, type.group.find('.')),
                    type.kind));
  }
  if (!call.patched_text.empty()) return std::nullopt;
  const Json& metadata = At(object, "metadata");
  if (!metadata.is_null() && !metadata.is_object()) {
    const char* word = metadata.is_array()     ? "array"
                       : metadata.is_string()  ? "string"
                       : metadata.is_boolean() ? "bool"
                                               : "number";
    const std::string place =
        type.custom ? "value" : fmt::format("struct field {}.metadata", type.kind);
    return BadRequestStatus(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: json: cannot unmarshal {2} "
                    "into Go {3} of type v1.ObjectMeta",
                    type.kind, type.version, word, place));
  }
  return std::nullopt;
}

MaybeStatus CheckNames(const Call& call, Json& object) {
  const ResourceType& type = *call.type;
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  const std::string ns = TextAt(metadata, "namespace");
  if (type.namespaced) {
    if (!ns.empty() && ns != call.info.ns)
      return BadRequestStatus(
          "the namespace of the provided object does not match the namespace sent on the request");
    metadata["namespace"] = call.info.ns;
  } else {
    metadata.erase("namespace");
  }
  if (!call.info.name.empty()) {
    const std::string name = TextAt(metadata, "name");
    if (name.empty() && (call.info.verb == "update" || !call.patched_text.empty())) {
      return BadRequestStatus(fmt::format(
          "the name of the object ({} based on URL) was undeterminable: name must be provided",
          call.info.name));
    }
    if (!name.empty() && name != call.info.name) {
      return BadRequestStatus(
          fmt::format("the name of the object ({}) does not match the name on the URL ({})", name,
                      call.info.name));
    }
    metadata["name"] = call.info.name;
  }
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
