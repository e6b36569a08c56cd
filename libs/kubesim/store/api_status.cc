#include "libs/kubesim/store/api_status.h"

#include <fmt/format.h>

#include <unordered_set>

#include "libs/base/strings.h"
#include "libs/kubesim/store/resources.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// As Go's %q prints a name: what cannot be printed is escaped.
std::string GoName(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      text += {'\\', c};
    else if (c == '\n' || c == '\t' || c == '\r')
      text += {'\\', c == '\n' ? 'n' : c == '\t' ? 't' : 'r'};
    else if (byte < 0x20 || byte == 0x7f)
      text += fmt::format("\\x{:02x}", byte);
    else
      text += c;
  }
  return text + "\"";
}

ApiStatus About(const ResourceType& type, std::string_view name, int code,
                std::string_view reason) {
  ApiStatus status;
  status.code = code;
  status.reason = reason;
  status.has_details = true;
  status.name = name;
  status.group = type.group;
  status.kind = type.plural;
  return status;
}

}  // namespace

Json ApiStatus::ToJson() const {
  Json json = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
               {"status", "Failure"}, {"message", message}, {"code", code}};
  if (!continue_token.empty()) json["metadata"]["continue"] = continue_token;
  if (!reason.empty()) json["reason"] = reason;
  if (!has_details) return json;
  Json details = Json::object();
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  if (!kind.empty()) details["kind"] = kind;
  if (!uid.empty()) details["uid"] = uid;
  if (retry_after_seconds > 0) details["retryAfterSeconds"] = retry_after_seconds;
  for (const Cause& cause : causes) {
    Json one = {{"message", cause.message}};
    if (!cause.reason.empty()) one["reason"] = cause.reason;
    if (!cause.field.empty()) one["field"] = cause.field;
    details["causes"].push_back(std::move(one));
  }
  json["details"] = std::move(details);
  return json;
}

ApiStatus NotFoundStatus(const ResourceType& type, std::string_view name) {
  ApiStatus status = About(type, name, 404, "NotFound");
  status.message = fmt::format("{} {} not found", type.QualifiedName(), GoName(name));
  return status;
}

ApiStatus AlreadyExistsStatus(const ResourceType& type, std::string_view name) {
  ApiStatus status = About(type, name, 409, "AlreadyExists");
  status.message = fmt::format("{} {} already exists", type.QualifiedName(), GoName(name));
  return status;
}

ApiStatus ConflictStatus(const ResourceType& type, std::string_view name, std::string_view why) {
  ApiStatus status = About(type, name, 409, "Conflict");
  status.message = fmt::format("Operation cannot be fulfilled on {} \"{}\": {}",
                               type.QualifiedName(), name, why);
  return status;
}

ApiStatus ModifiedStatus(const ResourceType& type, std::string_view name) {
  return ConflictStatus(type, name,
                        "the object has been modified; please apply your changes to the latest "
                        "version and try again");
}

ApiStatus BadRequestStatus(std::string_view message) {
  return {.code = 400, .reason = "BadRequest", .message = std::string(message)};
}

ApiStatus InternalStatus(std::string_view message) {
  return {.code = 500, .reason = "", .message = std::string(message)};
}

ApiStatus ForbiddenStatus(const ResourceType& type, std::string_view name, std::string_view why) {
  ApiStatus status = About(type, name, 403, "Forbidden");
  status.message = name.empty()
                       ? fmt::format("{} is forbidden: {}", type.QualifiedName(), why)
                       : fmt::format("{} \"{}\" is forbidden: {}", type.QualifiedName(), name, why);
  return status;
}

ApiStatus InvalidStatus(std::string_view group, std::string_view kind, std::string_view name,
                        std::vector<Cause> causes) {
  ApiStatus status{.code = 422, .reason = "Invalid", .has_details = true};
  status.name = name;
  status.group = group;
  status.kind = kind;
  std::vector<std::string> sentences;
  std::unordered_set<std::string> said;  // each once
  for (const Cause& cause : causes) {
    std::string sentence = cause.field + ": " + cause.message;
    if (said.insert(sentence).second) sentences.push_back(std::move(sentence));
  }
  std::string list = base::Join(sentences, ", ");
  if (sentences.size() > 1) list = "[" + list + "]";
  const std::string qualified =
      group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
  status.message = fmt::format("{} {} is invalid: {}", qualified, GoName(name), list);
  status.causes = std::move(causes);
  return status;
}

ApiStatus UnknownResourceStatus() {
  return {.code = 404,
          .reason = "NotFound",
          .message = "the server could not find the requested resource",
          .has_details = true};
}

ApiStatus MethodNotAllowedStatus() {
  return {.code = 405,
          .reason = "MethodNotAllowed",
          .message = "the server does not allow this method on the requested resource",
          .has_details = true};
}

ApiStatus ExpiredStatus(std::string_view message) {
  return {.code = 410, .reason = "Expired", .message = std::string(message)};
}

ApiStatus TooLargeResourceVersionStatus(uint64_t wanted, uint64_t current) {
  ApiStatus status{.code = 504, .reason = "Timeout", .has_details = true};
  status.message =
      fmt::format("Timeout: Too large resource version: {}, current: {}", wanted, current);
  status.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  status.retry_after_seconds = 1;
  return status;
}

}  // namespace opsmesh::kubesim
