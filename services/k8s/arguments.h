// Arguments of tools: what each parameter may be, the JSON Schema that says so, and the check that
// enforces it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "services/k8s/answer.h"

namespace opsmesh::k8s {

enum class ParamType { kString, kInteger, kNumber, kBoolean, kStringList };

/// What a string argument must look like, beyond being a string. Nothing here can name an endpoint
/// or an identity.
enum class ParamFormat {
  kText,            // 1 to 4,096 bytes of UTF-8
  kNamespace,       // RFC 1123 label
  kNamespaceOrAll,  // RFC 1123 label, or "*" for every namespace
  kName,            // RFC 1123 subdomain: names of pods, workloads, services, ...
  kObjectName,  // name of any object: one URL path segment without control characters (RBAC names
                // have ":")
  kContainer,   // RFC 1123 label
  kKind,        // kind, plural or short name: [A-Za-z0-9.-]{1,128}
  kLabelSelector,  // Kubernetes label selector, checked for form
  kFieldSelector,  // Kubernetes field selector, checked for form
  kDuration,       // "90s", "15m", "2h", "3d"
  kCursor,         // next_cursor of an answer before
};

struct Param {
  std::string name;
  ParamType type = ParamType::kString;
  Text description;
  bool required = false;
  ParamFormat format = ParamFormat::kText;
  int64_t minimum = 0;  // of integers and numbers
  int64_t maximum = 0;
  std::string default_json;         // as written in the schema; "" = none
  std::vector<std::string> values;  // the only ones allowed; empty = any
};

/// Checked arguments of one call. Reading a parameter that the tool does not have is a bug of ours
/// and yields the fallback.
class Arguments {
 public:
  bool Has(std::string_view name) const { return values_.find(name) != values_.end(); }
  std::string String(std::string_view name, std::string_view fallback = "") const;
  int64_t Integer(std::string_view name, int64_t fallback) const;
  double Number(std::string_view name, double fallback) const;
  bool Boolean(std::string_view name, bool fallback) const;
  std::vector<std::string> List(std::string_view name) const;
  /// The same text for equal arguments: compact JSON with keys in order.
  const std::string& canonical() const { return canonical_; }

 private:
  friend absl::StatusOr<Arguments> CheckArguments(std::string_view, const std::vector<Param>&,
                                                  std::string_view);
  using Value = std::variant<std::string, int64_t, double, bool, std::vector<std::string>>;
  template <typename T>
  const T* Get(std::string_view name) const;

  std::map<std::string, Value, std::less<>> values_;
  std::string canonical_ = "{}";
};

/// JSON Schema (draft 7) of an object with `params` and nothing else.
std::string SchemaOf(const std::vector<Param>& params);

/// Checks `json` (an object; "" = {}) against `params`. INVALID_ARGUMENT, reason TOOL_ARGUMENTS,
/// whose sentence lists every problem, with "did you mean" for an unknown argument; metadata
/// `tool`, `argument` (the first at fault) and `problem`: MALFORMED, UNKNOWN_ARGUMENT,
/// MISSING_ARGUMENT, WRONG_TYPE, OUT_OF_RANGE, BAD_FORMAT or NOT_ALLOWED.
absl::StatusOr<Arguments> CheckArguments(std::string_view json, const std::vector<Param>& params,
                                         std::string_view tool);

/// True for an RFC 1123 label: 1 to 63 of [a-z0-9-], alphanumeric at both ends.
bool IsDnsLabel(std::string_view name);
/// True for an RFC 1123 subdomain: labels joined by ".", at most 253 bytes.
bool IsDnsSubdomain(std::string_view name);
/// True when `name` can be a path segment of the API: not "." or "..", no "/" or "%", printable
/// ASCII, at most 253 bytes.
bool IsObjectName(std::string_view name);
/// Parses "90s", "15m", "2h30m", "3d" to seconds, at most 366 days; false when it is not one.
bool ParseDuration(std::string_view text, int64_t* seconds);

}  // namespace opsmesh::k8s
