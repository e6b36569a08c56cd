// Where settings come from. Order (first wins): flags, environment, .env, user file,
// config.<env>.yaml, config.yaml, code.
//
// A Source is read once at start and is immutable. Keys are dotted snake_case paths
// ("llm.api_key"); kebab-case and camelCase in files and flags mean the same key. `${VAR}` and
// `${file:/path}` in values are expanded.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace opsmesh::config {

/// Where a value was written: "config/config.yaml:12", "env LLM_MODEL", "flag --model", ".env:3",
/// "default".
struct Origin {
  std::string text;
};

/// What a program found and where, for `config show --origin`.
struct Effective {
  std::string key;
  std::string value;  // "***" for a secret that is set, "(unset)" for one that is not
  std::string origin;
  bool secret = false;
};

struct SourceOptions {
  /// Key ("llm.model", any style) -> value, as given on the command line.
  std::map<std::string, std::string> flags;
  /// The process environment; see SystemEnvironment().
  std::map<std::string, std::string> environment;
  /// Files; an empty path is skipped, and so is one that does not exist unless it is
  /// `explicit_file`.
  std::string dotenv_path;
  std::string user_file;
  std::string environment_file;  // config/config.<env>.yaml
  std::string default_file;      // config/config.yaml
  /// A file named by the user with --config: read in place of environment_file and default_file;
  /// must exist.
  std::string explicit_file;
};

class Reader;

/// All settings of a process. Immutable, cheap to copy, thread-safe.
class Source {
 public:
  /// Reads everything. INVALID_ARGUMENT (CONFIG) that lists every problem with file:line: YAML that
  /// does not parse, a file over 1 MiB, more than 100,000 nodes, a key given twice, a `${VAR}` that
  /// is not set, a `${file:}` unreadable.
  static absl::StatusOr<Source> Load(const SourceOptions& options);
  /// From one YAML text, for tests. `name` stands for the file in messages.
  static absl::StatusOr<Source> FromYaml(std::string_view yaml, std::string_view name = "test.yaml",
                                         std::map<std::string, std::string> environment = {});
  /// Nothing set: code defaults everywhere.
  static Source Empty();

  /// True when `key` or anything below it is set in a flag, file or OPSMESH_ variable.
  bool Has(std::string_view key) const;
  /// Keys directly below `section` in the files and flags, sorted. "" = top level.
  std::vector<std::string> Keys(std::string_view section) const;

  /// INVALID_ARGUMENT (CONFIG) naming every top-level key that is not in `known`, with "did you
  /// mean". Call it after the parts have read theirs: older names they asked for (Names::aliases)
  /// are known then.
  absl::Status CheckTopLevel(const std::vector<std::string>& known) const;
  /// Every key that some Reader asked for so far, with the value it got; sorted by key.
  std::vector<Effective> EffectiveValues() const;
  /// Every secret value some Reader got so far, revealed: only for the redactor's literals.
  std::vector<std::string> SecretValues() const;

  struct Impl;  // internal to libs/config

 private:
  friend class Reader;
  explicit Source(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

/// The variables of this process.
std::map<std::string, std::string> SystemEnvironment();

/// One error for several loads: every problem of every status that is not OK. OK when all are.
absl::Status Combine(const std::vector<absl::Status>& statuses);

/// "maxIterations", "max-iterations", "MAX_ITERATIONS" -> "max_iterations"; dots are kept.
std::string NormalizeKey(std::string_view key);

}  // namespace opsmesh::config
