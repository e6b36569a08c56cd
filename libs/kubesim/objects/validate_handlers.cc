// What is done to containers: probes and hooks; what a real server refuses.
#include <fmt/format.h>

#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool HeaderName(const std::string& name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
                              std::string::npos;
}

void HttpGet(Causes& causes, const Json& get, const std::string& at) {
  if (TextAt(get, "path").empty()) Required(causes, at + ".path");
  ValidatePortOrName(causes, at + ".port", At(get, "port"));
  OneOf(causes, at + ".scheme", TextAt(get, "scheme"), {"HTTP", "HTTPS"});
  for (const Json& header : ListAt(get, {"httpHeaders"})) {
    if (HeaderName(TextAt(header, "name"))) continue;
    InvalidText(causes, at + ".httpHeaders", TextAt(header, "name"),
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')");
  }
}

void Handler(Causes& causes, const Json& handler, const std::string& field, int64_t grace) {
  int kinds = 0;
  for (const char* kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Json& value = At(handler, kind);
    if (!value.is_object()) continue;
    const std::string at = field + "." + kind;
    if (++kinds > 1) {
      Forbidden(causes, at, "may not specify more than 1 handler type");
      continue;
    }
    const std::string_view word = kind;
    if (word == "exec" && ListAt(value, {"command"}).empty()) Required(causes, at + ".command");
    if (word == "httpGet") HttpGet(causes, value, at);
    if (word == "tcpSocket") ValidatePortOrName(causes, at + ".port", At(value, "port"));
    if (word == "grpc") ValidatePortNumber(causes, at + ".port", IntAt(value, "port"));
    const int64_t seconds = IntAt(value, "seconds");
    if (word == "sleep" && (seconds <= 0 || seconds > grace)) {
      InvalidNumber(
          causes, at, seconds,
          fmt::format("must be greater than 0 and less than "
                      "terminationGracePeriodSeconds ({}). Enable "
                      "AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.",
                      grace));
    }
  }
  if (kinds == 0) Required(causes, field, "must specify a handler type");
}

void Lifecycle(Causes& causes, const Json& container, const std::string& at, int64_t grace) {
  for (const char* event : {"postStart", "preStop"}) {
    if (const Json& handler = At(container, {"lifecycle", event}); handler.is_object())
      Handler(causes, handler, fmt::format("{}.lifecycle.{}", at, event), grace);
  }
}

void Probe(Causes& causes, const Json& container, const char* name, const std::string& at,
           int64_t grace) {
  const Json& probe = At(container, name);
  if (!probe.is_object()) return;
  const std::string field = fmt::format("{}.{}", at, name);
  Handler(causes, probe, field, grace);
  for (const char* member : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                             "successThreshold", "failureThreshold"})
    NonNegative(causes, probe, member, field + ".");
  const Json& end = At(probe, "terminationGracePeriodSeconds");
  if (end.is_number_integer() && end.get<int64_t>() <= 0)
    InvalidNumber(causes, field + ".terminationGracePeriodSeconds", end.get<int64_t>(),
                  "must be greater than 0");
  if (std::string_view(name) == "readinessProbe") {
    if (end.is_number_integer())
      InvalidNumber(causes, field + ".terminationGracePeriodSeconds", end.get<int64_t>(),
                    "must not be set for readinessProbes");
  } else if (IntAt(probe, "successThreshold", 1) != 1) {
    InvalidNumber(causes, field + ".successThreshold", IntAt(probe, "successThreshold"),
                  "must be 1");
  }
}

}  // namespace

void ValidatePortNumber(Causes& causes, const std::string& field, int64_t port) {
  if (port < 1 || port > 65535)
    InvalidNumber(causes, field, port, "must be between 1 and 65535, inclusive");
}

Faults PortNameFault(std::string_view name) {
  Faults faults;
  if (name.size() > 15) faults.emplace_back("must be no more than 15 characters");
  bool letter = false, plain = true;
  for (char c : name) {
    const bool own = c >= 'a' && c <= 'z';
    letter = letter || own;
    plain = plain && (own || (c >= '0' && c <= '9') || c == '-');
  }
  if (!plain)
    faults.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!letter) faults.emplace_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string_view::npos)
    faults.emplace_back("must not contain consecutive hyphens");
  if (!name.empty() && (name.front() == '-' || name.back() == '-'))
    faults.emplace_back("must not begin or end with a hyphen");
  return faults;
}

void ValidatePortOrName(Causes& causes, const std::string& field, const Json& port) {
  if (port.is_string()) {
    InvalidText(causes, field, Scalar(port), PortNameFault(Scalar(port)));
  } else {
    ValidatePortNumber(causes, field, port.is_number_integer() ? port.get<int64_t>() : 0);
  }
}

void ValidateHandlers(Causes& causes, const Json& container, const std::string& at, int64_t grace) {
  Lifecycle(causes, container, at, grace);
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"})
    Probe(causes, container, name, at, grace);
}

}  // namespace opsmesh::kubesim
