#include <filesystem>
#include <mutex>
#include <utility>

#include "libs/base/error.h"
#include "libs/log/logger.h"
#include "spdlog/sinks/rotating_file_sink.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace opsmesh::log {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

class SpdlogSink final : public Sink {
 public:
  explicit SpdlogSink(spdlog::sink_ptr sink) : sink_(std::move(sink)) { sink_->set_pattern("%v"); }
  void Write(Level level, std::string_view line) override {
    try {
      sink_->log(spdlog::details::log_msg("", ToSpdlog(level),
                                          spdlog::string_view_t(line.data(), line.size())));
      if (level >= Level::kWarn) sink_->flush();
    } catch (const std::exception&) {
      // A full disk must not stop the service; the line is lost, the next one tries again.
    }
  }
  void Flush() override {
    try {
      sink_->flush();
    } catch (const std::exception&) {
    }
  }

 private:
  const spdlog::sink_ptr sink_;
};

class Tee final : public Sink {
 public:
  explicit Tee(std::vector<std::shared_ptr<Sink>> sinks) : sinks_(std::move(sinks)) {}
  void Write(Level level, std::string_view line) override {
    for (const auto& sink : sinks_) sink->Write(level, line);
  }
  void Flush() override {
    for (const auto& sink : sinks_) sink->Flush();
  }

 private:
  const std::vector<std::shared_ptr<Sink>> sinks_;
};

}  // namespace

std::shared_ptr<Sink> StderrSink() {
  return std::make_shared<SpdlogSink>(std::make_shared<spdlog::sinks::stderr_sink_mt>());
}

absl::StatusOr<std::shared_ptr<Sink>> FileSink(FileSinkOptions options) {
  try {
    const std::filesystem::path folder = std::filesystem::path(options.path).parent_path();
    if (!folder.empty() && std::filesystem::create_directories(folder)) {
      std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    }
    return std::make_shared<SpdlogSink>(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        options.path, options.max_bytes, static_cast<size_t>(options.max_files)));
  } catch (const std::exception& error) {
    return base::Unavailable(
               "LOG_FILE", "The log file '" + options.path + "' cannot be opened: " + error.what())
        .Hint("Check that its folder exists and may be written, or set log.file to another path.");
  }
}

std::shared_ptr<Sink> TeeSink(std::vector<std::shared_ptr<Sink>> sinks) {
  return std::make_shared<Tee>(std::move(sinks));
}

struct MemorySink::State {
  mutable std::mutex mutex;
  std::vector<std::string> lines;
};

MemorySink::MemorySink() : state_(std::make_unique<State>()) {}
MemorySink::~MemorySink() = default;

void MemorySink::Write(Level, std::string_view line) {
  const std::lock_guard lock(state_->mutex);
  state_->lines.emplace_back(line);
}

std::vector<std::string> MemorySink::lines() const {
  const std::lock_guard lock(state_->mutex);
  return state_->lines;
}

std::vector<std::string> MemorySink::LinesWith(std::string_view text) const {
  std::vector<std::string> found;
  for (std::string& line : lines()) {
    if (line.find(text) != std::string::npos) found.push_back(std::move(line));
  }
  return found;
}

}  // namespace opsmesh::log
