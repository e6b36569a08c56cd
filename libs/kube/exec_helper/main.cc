// opsmesh-exec-credential: runs the credential plugins that a kubeconfig names, for services that
// start no programs.
//
//   opsmesh-exec-credential -- opsmesh up        starts the program beside it and answers it
//   opsmesh-exec-credential --socket PATH        answers whoever of the same user asks, until it is
//   told to end
//
// docs/adr/0014 says why this is a process of its own.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <thread>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/config.h"
#include "libs/kube/exec_helper/answer_server.h"

namespace opsmesh::kube {
namespace {

constexpr int kUsage = 64;
constexpr int kConfig = 78;

struct Flags {
  std::string socket;
  std::vector<std::string> kubeconfigs;
  std::vector<std::string> pass_env;
  int timeout_seconds = 60;
  std::vector<std::string> command;
};

int Report(const absl::Status& status) {
  std::cerr << "opsmesh-exec-credential: " << base::ToStd(status.message()) << "\n";
  if (const std::string hint = base::DetailOf(status).hint; !hint.empty())
    std::cerr << "  " << hint << "\n";
  return kConfig;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The kubeconfigs it believes: those it was given, else those that a kubeconfig may come from
/// (config.h's order).
std::vector<std::string> Kubeconfigs(const Flags& flags) {
  if (!flags.kubeconfigs.empty()) return flags.kubeconfigs;
  std::vector<std::string> files{Variable("KUBECONFIG_PATH"), Variable("K8S_CONFIG_PATH"),
                                 Variable("HOME") + "/.kube/config"};
  const std::string list = Variable("KUBECONFIG");
  for (const std::string_view file : base::Split(list, ':')) files.emplace_back(file);
  return files;
}

/// A folder of its own for the socket between the two; gone with the object.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::string name =
        (Variable("TMPDIR").empty() ? "/tmp" : Variable("TMPDIR")) + "/opsmesh-exec-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    if (!path_.empty()) rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int Start(std::vector<std::string>& command, const sigset_t& mask_before, pid_t* pid) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &mask_before);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int error =
      posix_spawnp(pid, arguments[0], nullptr, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  return error;
}

/// Hands signals on to the program until it ends; its exit code.
int WaitForProgram(pid_t pid, int signals) {
  while (true) {
    signalfd_siginfo info{};
    if (read(signals, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo != SIGCHLD) {
      // The terminal sends its signals to both; what was sent to us alone is meant for the program.
      if (info.ssi_code <= 0) kill(pid, static_cast<int>(info.ssi_signo));
      continue;
    }
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) != pid) continue;  // a plugin ended
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

int RunProgram(Flags& flags, const sigset_t& mask_before, int signals) {
  PrivateFolder folder;
  if (folder.path().empty())
    return Report(
        base::Unavailable("FILE", "No temporary folder can be made.").Hint("Set TMPDIR."));
  const std::string socket = folder.path() + "/socket";
  auto server = AnswerServer::Listen(socket, Kubeconfigs(flags),
                                     {absl::Seconds(flags.timeout_seconds), flags.pass_env});
  if (!server.ok()) return Report(server.status());
  setenv("OPSMESH_K8S_EXEC_CREDENTIAL_SOCKET", socket.c_str(), 1);
  if (flags.kubeconfigs.size() == 1) {
    setenv("KUBECONFIG_PATH", std::filesystem::absolute(flags.kubeconfigs[0]).c_str(), 1);
  }
  int stop[2];
  if (pipe2(stop, O_CLOEXEC) != 0) return Report(base::Unavailable("PIPE", std::strerror(errno)));
  pid_t pid = 0;
  if (const int error = Start(flags.command, mask_before, &pid); error != 0) {
    return Report(
        base::FailedPrecondition("PROGRAM_NOT_STARTED",
                                 fmt::format("{} cannot be started: {}.", flags.command[0],
                                             base::AsciiLower(std::strerror(error))))
            .Hint("Name the program after --."));
  }
  std::thread answers([&] { (*server)->Serve(stop[0]); });
  const int code = WaitForProgram(pid, signals);
  close(stop[1]);
  answers.join();
  return code;
}

int ServeSocket(const Flags& flags, int signals) {
  auto server = AnswerServer::Listen(flags.socket, Kubeconfigs(flags),
                                     {absl::Seconds(flags.timeout_seconds), flags.pass_env});
  if (!server.ok()) return Report(server.status());
  std::cout << "listening on " << flags.socket << std::endl;
  (*server)->Serve(signals);
  return 0;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app(
      "Runs the credential plugins (users[].user.exec) that a kubeconfig names, for OpsMesh, which "
      "starts no programs itself.\n"
      "Needs k8s.allow_exec_plugins: true. Commands come from the kubeconfig alone; nobody can "
      "send one.",
      "opsmesh-exec-credential");
  app.footer(
      "Examples:\n  OPSMESH_K8S_ALLOW_EXEC_PLUGINS=true opsmesh-exec-credential -- opsmesh up\n"
      "  opsmesh-exec-credential --kubeconfig /etc/opsmesh/kubeconfig --socket "
      "/run/opsmesh/exec.sock");
  app.add_option("--socket", flags.socket,
                 "Listen here (mode 0600) and serve until SIGTERM; the service names it as "
                 "k8s.exec_credential_socket");
  app.add_option("--kubeconfig", flags.kubeconfigs,
                 "The only kubeconfigs it reads (repeatable); else KUBECONFIG_PATH, "
                 "K8S_CONFIG_PATH, KUBECONFIG, ~/.kube/config")
      ->allow_extra_args(false);
  app.add_option("--pass-env", flags.pass_env,
                 "A variable that plugins may see beside HOME, PATH, proxies and those of cloud "
                 "tools (AWS_*, GOOGLE_*, AZURE_* ...); NAME or PREFIX*")
      ->allow_extra_args(false);
  app.add_option("--timeout", flags.timeout_seconds, "Seconds a plugin may take")
      ->check(CLI::Range(1, 80))
      ->capture_default_str();
  app.add_option("command", flags.command,
                 "-- PROGRAM [ARGUMENTS]: start it, answer it, end with it");
  app.prefix_command(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (flags.socket.empty() == flags.command.empty()) {
    std::cerr << "opsmesh-exec-credential: give either --socket PATH or -- PROGRAM; see --help\n";
    return kUsage;
  }
  // Credentials pass through here: no core files, no debugger of the same user.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  sigset_t handled, before;
  sigemptyset(&handled);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&handled, signal);
  if (!flags.command.empty()) sigaddset(&handled, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &handled, &before);
  const int signals = signalfd(-1, &handled, SFD_CLOEXEC);
  return flags.command.empty() ? ServeSocket(flags, signals) : RunProgram(flags, before, signals);
}

}  // namespace
}  // namespace opsmesh::kube

int main(int argc, char** argv) { return opsmesh::kube::Main(argc, argv); }
