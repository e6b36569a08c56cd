// Structured logs: one JSON object a line, with the request's identity, redacted. No global logger:
// a Logger is handed in.
//
//   logger.Info(ctx, "pod list refreshed", {{"cluster", "prod"}, {"pods", 412}});
//   {"ts":"2025-01-21T10:30:00.123Z","level":"INFO","svc":"k8s",
//    "msg":"pod list refreshed","request_id":"...", ...}
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"

namespace opsmesh::redact {
class Redactor;
}

namespace opsmesh::log {

enum class Level { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3 };
std::string_view LevelName(Level level);  // "DEBUG" "INFO" "WARN" "ERROR"
/// Any case; "warning" too. INVALID_ARGUMENT (LOG_LEVEL) otherwise.
absl::StatusOr<Level> ParseLevel(std::string_view name);

/// A named value of a log line. Keys are snake_case (dots allowed: "err.code").
struct Field {
  using Value = std::variant<bool, int64_t, double, std::string>;
  Field(std::string_view key, bool value) : key(key), value(value) {}
  Field(std::string_view key, int value) : key(key), value(int64_t{value}) {}
  Field(std::string_view key, long value) : key(key), value(int64_t{value}) {}
  Field(std::string_view key, long long value) : key(key), value(static_cast<int64_t>(value)) {}
  Field(std::string_view key, unsigned value) : key(key), value(int64_t{value}) {}
  Field(std::string_view key, unsigned long value) : key(key), value(static_cast<int64_t>(value)) {}
  Field(std::string_view key, double value) : key(key), value(value) {}
  Field(std::string_view key, const char* value) : key(key), value(std::string(value)) {}
  Field(std::string_view key, std::string_view value) : key(key), value(std::string(value)) {}
  Field(std::string_view key, std::string value) : key(key), value(std::move(value)) {}
  /// A duration is written in milliseconds; name the key "..._ms".
  Field(std::string_view key, absl::Duration value)
      : key(key), value(absl::ToDoubleMilliseconds(value)) {}

  std::string key;
  Value value;
};
using Fields = std::vector<Field>;

/// Where lines go. Write() gets one whole line without its newline. Thread-safe.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void Write(Level level, std::string_view line) = 0;
  /// Returns when everything written is handed to the system.
  virtual void Flush() = 0;
};

/// Lines to standard error, each by one write.
std::shared_ptr<Sink> StderrSink();
struct FileSinkOptions {
  std::string path;             // its folder is created, 0700
  size_t max_bytes = 20 << 20;  // then it becomes <path>.1 and so on
  int max_files = 5;            // rotated files kept
};
/// UNAVAILABLE (LOG_FILE) with the path when the file cannot be opened.
absl::StatusOr<std::shared_ptr<Sink>> FileSink(FileSinkOptions options);
/// Every line to each of `sinks`.
std::shared_ptr<Sink> TeeSink(std::vector<std::shared_ptr<Sink>> sinks);

/// Keeps lines in memory, for tests.
class MemorySink final : public Sink {
 public:
  MemorySink();
  ~MemorySink() override;
  void Write(Level level, std::string_view line) override;
  void Flush() override {}
  std::vector<std::string> lines() const;
  /// The lines that contain `text`.
  std::vector<std::string> LinesWith(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes lines to a sink. Thread-safe; copies share the sink and are cheap to make.
class Logger {
 public:
  struct Options {
    std::string service;         // "svc" of every line
    Level level = Level::kInfo;  // lower ones are dropped
    const base::Clock* clock = &base::SystemClock();
    const redact::Redactor* redactor =
        nullptr;  // masks message and string values; null = writes as is (tests only)
  };
  Logger(std::shared_ptr<Sink> sink, Options options);
  /// Drops everything: for logic tests.
  static Logger Null();

  /// A logger whose lines also carry `fields`.
  Logger With(Fields fields) const;
  /// The same sink under another "svc".
  Logger ForService(std::string_view service) const;

  bool Enabled(Level level) const;
  void Log(Level level, std::string_view message, const Fields& fields = {}) const;
  /// With request_id, trace_id and principal of `context`.
  void Log(Level level, const base::Context& context, std::string_view message,
           const Fields& fields = {}) const;

  void Debug(std::string_view message, const Fields& fields = {}) const {
    Log(Level::kDebug, message, fields);
  }
  void Info(std::string_view message, const Fields& fields = {}) const {
    Log(Level::kInfo, message, fields);
  }
  void Warn(std::string_view message, const Fields& fields = {}) const {
    Log(Level::kWarn, message, fields);
  }
  void Error(std::string_view message, const Fields& fields = {}) const {
    Log(Level::kError, message, fields);
  }
  void Debug(const base::Context& c, std::string_view m, const Fields& f = {}) const {
    Log(Level::kDebug, c, m, f);
  }
  void Info(const base::Context& c, std::string_view m, const Fields& f = {}) const {
    Log(Level::kInfo, c, m, f);
  }
  void Warn(const base::Context& c, std::string_view m, const Fields& f = {}) const {
    Log(Level::kWarn, c, m, f);
  }
  void Error(const base::Context& c, std::string_view m, const Fields& f = {}) const {
    Log(Level::kError, c, m, f);
  }

  void Flush() const;

 private:
  struct Shared;
  std::shared_ptr<const Shared> shared_;
  std::string service_;
  Fields bound_;
};

/// err.code, err.reason and err.msg of a status, for a line about a failure. Empty for OK.
Fields ErrorFields(const absl::Status& status);

}  // namespace opsmesh::log
