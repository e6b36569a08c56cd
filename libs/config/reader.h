// Typed reading of one section. Problems are collected, so that Finish() reports all of them at
// once with file:line.
//
//   absl::StatusOr<LlmConfig> Load(const config::Source& source) {
//     config::Reader r(source, "llm");
//     LlmConfig c;
//     c.timeout = r.Duration("timeout", absl::Seconds(120), {.min = absl::Seconds(1)});
//     c.api_key = r.Secret("api_key", {.env = {"LLM_API_KEY", "OPENAI_API_KEY"}});
//     OPSMESH_RETURN_IF_ERROR(r.Finish());
//     return c;
//   }
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/secret.h"
#include "libs/config/source.h"

namespace opsmesh::config {

/// Other names of a key. Beside these every key "a.b_c" is also read from the variable
/// OPSMESH_A_B_C.
struct Names {
  /// Environment variables (also in .env), first set one wins; an empty value counts as not set.
  std::vector<std::string> env = {};
  /// Absolute key paths of older or foreign layouts, for instance "llm_provider" at the top of a
  /// user file.
  std::vector<std::string> aliases = {};
  /// Not having it is a problem.
  bool required = false;
};

// The options of each type: its range, and the fields of Names (not inherited, so that `{.env =
// ..., .min = 1}` works).
struct StringOptions {
  std::vector<std::string> env = {};
  std::vector<std::string> aliases = {};
  bool required = false;
  /// The only values allowed, compared without case; empty = any.
  std::vector<std::string> one_of = {};
};
struct IntOptions {
  std::vector<std::string> env = {};
  std::vector<std::string> aliases = {};
  bool required = false;
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};
struct DoubleOptions {
  std::vector<std::string> env = {};
  std::vector<std::string> aliases = {};
  bool required = false;
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
};
struct DurationOptions {
  std::vector<std::string> env = {};
  std::vector<std::string> aliases = {};
  bool required = false;
  absl::Duration min = absl::ZeroDuration();
  absl::Duration max = absl::InfiniteDuration();
};

/// Reads the keys below one section. Used by one thread; short-lived.
class Reader {
 public:
  /// `section` is a dotted path; "" reads top-level keys (then unknown keys are not judged by
  /// Finish()).
  Reader(const Source& source, std::string_view section);

  std::string String(std::string_view key, std::string_view fallback, StringOptions options = {});
  base::Secret Secret(std::string_view key, Names names = {});
  int64_t Int(std::string_view key, int64_t fallback, IntOptions options = {});
  double Double(std::string_view key, double fallback, DoubleOptions options = {});
  /// true/false, yes/no, on/off, 1/0.
  bool Bool(std::string_view key, bool fallback, Names names = {});
  /// With a unit: "250ms", "30s", "5m", "1h30m", "7d". A bare number is a problem (which unit?),
  /// except 0.
  absl::Duration Duration(std::string_view key, absl::Duration fallback,
                          DurationOptions options = {});
  /// "4096", "64KiB", "1MiB", "2GiB", "10MB"; >= 0.
  int64_t Bytes(std::string_view key, int64_t fallback, IntOptions options = {});
  /// A YAML list of scalars, or one scalar split at commas.
  std::vector<std::string> Strings(std::string_view key, std::vector<std::string> fallback,
                                   Names names = {});

  /// The elements of a list of maps; each element is read with its own Reader, problems land here.
  std::vector<Reader> List(std::string_view key);
  /// The entries of a map of maps by name, in the order of the file (names as written, not
  /// normalised).
  std::vector<std::pair<std::string, Reader>> Map(std::string_view key);
  /// A section below this one.
  Reader Section(std::string_view key);
  /// True when the key is set anywhere (names included).
  bool Has(std::string_view key, const Names& names = {});

  /// Declares a key known without reading it (another program's business).
  void Allow(std::string_view key);
  /// Adds a problem of one's own, shown with the place where `key` was set.
  void Problem(std::string_view key, std::string_view sentence);

  /// OK, or INVALID_ARGUMENT (CONFIG): every problem of this section and those below it, unknown
  /// keys with "did you mean" included, one a line as "<file>:<line>: <key>: <sentence>". Call on
  /// the Reader made from the Source.
  absl::Status Finish();
  /// The same without judging unknown keys: for a section that another part of the program reads
  /// too.
  absl::Status FinishShared();

 private:
  struct State;
  using Path = std::vector<std::string>;
  Reader(std::shared_ptr<State> state, Path path);
  Path PathOf(std::string_view key) const;

  std::shared_ptr<State> state_;
  Path path_;
};

}  // namespace opsmesh::config
