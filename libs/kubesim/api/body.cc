#include "libs/kubesim/api/body.h"

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/protobuf.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxBody = 3 << 20;

ApiStatus UnknownFormat() {
  return {.code = 415, .reason = "UnsupportedMediaType",
          .message = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"};
}

}  // namespace

std::string MediaTypeOf(const Call& call) {
  std::string_view type = call.http.headers.Get("Content-Type");
  type = base::Trim(type.substr(0, type.find(';')));
  return type.empty() ? "application/json" : base::AsciiLower(type);
}

Outcome<Json> ParseBody(std::string_view text, bool yaml) {
  if (text.size() > kMaxBody) {
    ApiStatus status{.code = 413, .reason = "RequestEntityTooLarge", .message = fmt::format("Request entity too large: limit is {}", kMaxBody)};
    return status;
  }
  if (yaml) {
    auto documents = ParseYaml(text);
    if (!documents.ok()) return BadRequestStatus(fmt::format("error decoding YAML: {}", base::ToStd(documents.status().message())));
    if (documents->size() != 1) return BadRequestStatus(fmt::format("error decoding YAML: expected one document, got {}", documents->size()));
    return std::move(*documents->front().value);
  }
  auto json = base::ParseJson(text, {.max_bytes = kMaxBody, .max_depth = 64});
  if (!json.ok()) return BadRequestStatus(fmt::format("couldn't get version/kind; json parse error: {}", base::ToStd(json.status().message())));
  return *std::move(json);
}

Outcome<Json> ObjectOf(const Call& call) {
  const std::string type = MediaTypeOf(call);
  const std::string& body = call.http.body;
  if (IsProtobufEnvelope(body) || type == "application/vnd.kubernetes.protobuf") {
    auto decoded = DecodeProtobuf(body);
    if (!decoded) return UnknownFormat();
    return *std::move(decoded);
  }
  const bool yaml = type == "application/yaml";
  if (type != "application/json" && !yaml) return UnknownFormat();
  auto parsed = ParseBody(body, yaml);
  if (!parsed.ok()) {
    ApiStatus status = parsed.status();
    if (status.code == 400) {
      status.message = fmt::format("the object provided is unrecognized (must be of type {}): {} ({})", call.type->kind, status.message,
                                   base::SanitizeUtf8(base::Utf8Prefix(body, 60)));
    }
    return status;
  }
  if (!parsed->is_object()) {
    return BadRequestStatus(fmt::format("the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: json: cannot unmarshal a value that is no object", call.type->kind));
  }
  return parsed;
}

Outcome<Json> DeleteOptionsOf(const Call& call) {
  Json options = Json::object();
  const std::string& body = call.http.body;
  if (!base::Trim(body).empty()) {
    if (IsProtobufEnvelope(body)) {
      auto decoded = DecodeProtobuf(body);
      if (!decoded) return UnknownFormat();
      options = *std::move(decoded);
    } else {
      auto parsed = ParseBody(body, MediaTypeOf(call) == "application/yaml");
      if (!parsed.ok()) return parsed.status();
      if (!parsed->is_object()) return BadRequestStatus("the body of a delete must be DeleteOptions");
      options = *std::move(parsed);
    }
  }
  if (const std::string& policy = call.query.Get("propagationPolicy"); !policy.empty()) options["propagationPolicy"] = policy;
  if (const std::string& seconds = call.query.Get("gracePeriodSeconds"); !seconds.empty()) {
    if (seconds.find_first_not_of("0123456789") != std::string::npos || seconds.size() > 9) {
      return BadRequestStatus(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", seconds));
    }
    options["gracePeriodSeconds"] = std::stoll(seconds);
  }
  for (const std::string& run : call.query.All("dryRun")) options["dryRun"].push_back(run);
  return options;
}

}  // namespace opsmesh::kubesim
