#include "libs/log/logger.h"

#include <cmath>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "libs/redact/redactor.h"

namespace opsmesh::log {
namespace {

// One line, built field by field.
class Line {
 public:
  explicit Line(const redact::Redactor* redactor) : redactor_(redactor) { text_.reserve(256); }

  void Plain(std::string_view key, std::string_view value) {
    Key(key);
    base::AppendJsonString(value, &text_);
  }
  void Text(std::string_view key, std::string_view value) {
    Key(key);
    std::string safe = base::IsValidUtf8(value) ? std::string(value) : base::SanitizeUtf8(value);
    if (redactor_ != nullptr) safe = redactor_->Redact(safe);
    base::AppendJsonString(safe, &text_);
  }
  void Add(const Field& field) {
    std::visit([&](const auto& value) { Value(field.key, value); }, field.value);
  }
  std::string Finish() {
    text_ += '}';
    return std::move(text_);
  }

 private:
  void Key(std::string_view key) {
    text_ += text_.empty() ? '{' : ',';
    base::AppendJsonString(key, &text_);
    text_ += ':';
  }
  void Value(std::string_view key, bool value) {
    Key(key);
    text_ += value ? "true" : "false";
  }
  void Value(std::string_view key, int64_t value) {
    Key(key);
    fmt::format_to(std::back_inserter(text_), "{}", value);
  }
  void Value(std::string_view key, double value) {
    Key(key);
    // Six digits after the point say enough of a latency; NaN and infinity are not JSON.
    if (std::isfinite(value)) {
      fmt::format_to(std::back_inserter(text_), "{}", std::round(value * 1e6) / 1e6);
    } else {
      text_ += "null";
    }
  }
  void Value(std::string_view key, const std::string& value) {
    // A field named for its secret is masked whatever it holds.
    if (redactor_ != nullptr && !value.empty()) {
      std::string pair = redactor_->Redact(fmt::format("{}={}", key, value));
      if (pair == fmt::format("{}={}", key, redactor_->mask()))
        return Plain(key, redactor_->mask());
    }
    Text(key, value);
  }

  const redact::Redactor* const redactor_;
  std::string text_;
};

}  // namespace

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "DEBUG";
    case Level::kInfo:
      return "INFO";
    case Level::kWarn:
      return "WARN";
    case Level::kError:
      return "ERROR";
  }
  return "INFO";
}

absl::StatusOr<Level> ParseLevel(std::string_view name) {
  const std::string lower = base::AsciiLower(name);
  if (lower == "debug" || lower == "trace") return Level::kDebug;
  if (lower == "info") return Level::kInfo;
  if (lower == "warn" || lower == "warning") return Level::kWarn;
  if (lower == "error") return Level::kError;
  return base::InvalidArgument("log.level", "LOG_LEVEL",
                               fmt::format("'{}' is not a log level.", name))
      .Hint("Use one of debug, info, warn, error.");
}

struct Logger::Shared {
  std::shared_ptr<Sink> sink;
  Level level;
  const base::Clock* clock;
  const redact::Redactor* redactor;
};

Logger::Logger(std::shared_ptr<Sink> sink, Options options)
    : shared_(std::make_shared<Shared>(
          Shared{std::move(sink), options.level, options.clock, options.redactor})),
      service_(std::move(options.service)) {}

Logger Logger::Null() { return Logger(nullptr, {}); }

Logger Logger::With(Fields fields) const {
  Logger copy = *this;
  for (Field& field : fields) copy.bound_.push_back(std::move(field));
  return copy;
}

Logger Logger::ForService(std::string_view service) const {
  Logger copy = *this;
  copy.service_ = service;
  return copy;
}

bool Logger::Enabled(Level level) const {
  return shared_->sink != nullptr && level >= shared_->level;
}

namespace {

std::string Render(const std::string& service, Level level, absl::Time now,
                   const redact::Redactor* redactor, const base::Context* context,
                   std::string_view message, const Fields& bound, const Fields& fields) {
  Line line(redactor);
  line.Plain("ts", base::ToStd(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone())));
  line.Plain("level", LevelName(level));
  line.Plain("svc", service);
  line.Text("msg", message);
  if (context != nullptr) {
    if (!context->request_id().empty())
      line.Plain("request_id", base::SanitizeUtf8(context->request_id()));
    if (!context->trace().trace_id.empty()) line.Plain("trace_id", context->trace().trace_id);
    if (!context->principal().id.empty()) line.Text("principal", context->principal().id);
  }
  for (const Field& field : bound) line.Add(field);
  for (const Field& field : fields) line.Add(field);
  return line.Finish();
}

}  // namespace

void Logger::Log(Level level, std::string_view message, const Fields& fields) const {
  if (!Enabled(level)) return;
  shared_->sink->Write(level, Render(service_, level, shared_->clock->Now(), shared_->redactor,
                                     nullptr, message, bound_, fields));
}

void Logger::Log(Level level, const base::Context& context, std::string_view message,
                 const Fields& fields) const {
  if (!Enabled(level)) return;
  shared_->sink->Write(level, Render(service_, level, shared_->clock->Now(), shared_->redactor,
                                     &context, message, bound_, fields));
}

void Logger::Flush() const {
  if (shared_->sink != nullptr) shared_->sink->Flush();
}

Fields ErrorFields(const absl::Status& status) {
  if (status.ok()) return {};
  return {{"err.code", base::CodeName(status.code())},
          {"err.reason", base::DetailOf(status).reason},
          {"err.msg", base::ToStd(status.message())}};
}

}  // namespace opsmesh::log
