// Flags, signals and exit codes: what a process is to the system that runs it.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "libs/base/context.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"
#include "libs/server/common_config.h"
#include "libs/server/server.h"

namespace opsmesh::server {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;  // EX_CONFIG of sysexits.h
constexpr absl::Duration kLastResort =
    absl::Seconds(10);  // beyond the grace, before the process is ended by force

// Prints what, why and the next step; the exit code.
int Complain(const absl::Status& status) {
  const base::ErrorDetail detail = base::DetailOf(status);
  std::string text = fmt::format("opsmesh: {}\n", base::ToStd(status.message()));
  if (!detail.hint.empty()) text += detail.hint + "\n";
  std::fputs(text.c_str(), stderr);
  return detail.reason == "CONFIG" ? kExitConfig : kExitFailure;
}

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// Ends the process when a stop does not end: a handler that ignores its cancellation must not keep
// a pod alive.
class Watchdog {
 public:
  explicit Watchdog(absl::Duration limit)
      : context_(base::Context::Background().WithTimeout(limit).WithCancel(&done_)) {
    thread_ = std::thread([this] {
      if (context_.Sleep(absl::InfiniteDuration()).code() != absl::StatusCode::kDeadlineExceeded)
        return;
      std::fputs("opsmesh: the stop did not end in time; ending by force\n", stderr);
      std::_Exit(kExitFailure);
    });
  }
  ~Watchdog() {
    done_->Cancel();
    thread_.join();
  }

 private:
  std::shared_ptr<base::CancelState> done_;
  base::Context context_;
  std::thread thread_;
};

absl::Duration GraceOf(const config::Source& source) {
  const auto common = LoadCommon(source, {});
  return common.ok() ? common->grace : absl::Seconds(20);
}

struct Flags {
  std::string config_file;
  std::string data_dir;
  std::string grpc_listen;
  std::string log_level;
  std::vector<std::string> settings;  // key=value
};

// Exit code when the process should end already (help, version, usage), nullopt to go on.
std::optional<int> ParseFlags(int argc, char** argv, Flags* flags) {
  CLI::App app{
      "A service of OpsMesh. Every setting can be given in the configuration or as "
      "OPSMESH_<SECTION>_<KEY>."};
  app.set_version_flag("--version", base::VersionLine());
  app.add_option("--config", flags->config_file, "Read this file in place of config/config.yaml");
  app.add_option("--data-dir", flags->data_dir, "Folder for what must be kept");
  app.add_option("--grpc-listen", flags->grpc_listen,
                 "Address of the gRPC port, or 'none' (default 127.0.0.1:50051)");
  app.add_option("--log-level", flags->log_level, "debug, info, warn or error");
  app.add_option("--set", flags->settings, "One setting as key=value; may be repeated");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kExitUsage;
  }
  return std::nullopt;
}

int WaitForSignal(Process& process) {
  const sigset_t signals = EndSignals();
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) return signal;
    // Reloading is the business of parts that can; losing the terminal must not end a server.
    process.logger().Info("SIGHUP: configuration is read at start only; restart to apply changes");
  }
}

}  // namespace

config::SourceOptions DefaultSources(std::map<std::string, std::string> environment,
                                     std::string_view root) {
  const auto value = [&](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string() : it->second;
  };
  config::SourceOptions sources;
  const std::string base(root);
  std::string kind = value("ENV");
  if (kind.empty() || kind.find('/') != std::string::npos) kind = "development";
  sources.default_file = base + "/config/config.yaml";
  sources.environment_file = fmt::format("{}/config/config.{}.yaml", base, kind);
  sources.dotenv_path = base + "/.env";
  std::string folder = value("XDG_CONFIG_HOME");
  if (folder.empty() && !value("HOME").empty()) folder = value("HOME") + "/.config";
  if (!folder.empty()) {
    sources.user_file = folder + "/opsmesh/config.yaml";
    const std::string older = folder + "/kubelet-wuhrai/config.yaml";
    std::error_code ignored;
    if (!std::filesystem::exists(sources.user_file, ignored) &&
        std::filesystem::exists(older, ignored)) {
      sources.user_file = older;
    }
  }
  sources.environment = std::move(environment);
  return sources;
}

int Run(RunOptions options, std::vector<ServiceSpec> specs) {
  // Before any thread exists, so that only WaitForSignal() ever gets them.
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  auto source = config::Source::Load(options.sources);
  if (!source.ok()) return Complain(source.status());
  ProcessOptions process_options;
  process_options.config = *source;
  process_options.grpc_listen = options.grpc_listen;
  process_options.data_dir = options.data_dir;
  process_options.allow_list = options.allow_list;
  auto process = Process::Start(std::move(process_options), std::move(specs));
  if (!process.ok()) return Complain(process.status());

  if (options.started) {
    if (absl::Status status = options.started(**process); !status.ok()) {
      (*process)->Stop(absl::ZeroDuration());
      return Complain(status);
    }
  }
  const int signal = WaitForSignal(**process);
  const absl::Duration grace = GraceOf(*source);
  (*process)->logger().Info(
      "stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}, {"grace_ms", grace}});
  // A second signal means it: no more waiting.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  ::signal(SIGHUP, SIG_IGN);
  const Watchdog watchdog(grace + kLastResort);
  (*process)->Stop(grace);
  process->reset();
  return 0;
}

int Main(int argc, char** argv, std::vector<ServiceSpec> specs, RunOptions options) {
  Flags flags;
  if (const auto code = ParseFlags(argc, argv, &flags)) return *code;
  options.sources = DefaultSources(config::SystemEnvironment());
  options.sources.explicit_file = flags.config_file;
  options.grpc_listen = flags.grpc_listen;
  options.data_dir = flags.data_dir;
  if (!flags.log_level.empty()) options.sources.flags["log.level"] = flags.log_level;
  for (const std::string& setting : flags.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      std::fprintf(stderr, "opsmesh: --set wants key=value, not '%s'\n", setting.c_str());
      return kExitUsage;
    }
    options.sources.flags[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return Run(std::move(options), std::move(specs));
}

}  // namespace opsmesh::server
