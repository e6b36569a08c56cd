// What a container runs, read off its command: the image's server, a script, or nothing that is
// there.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/process.h"

namespace opsmesh::kubesim {
namespace {

constexpr std::string_view kRuntime =
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: "
    "unable to start container process: ";

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// In the words of the runtime, when there is nothing to run at the command's path.
std::optional<StartFailure> Absent(const ProcessSpec& spec, const ImageTable& table) {
  const std::string& command = spec.argv[0];
  const bool file = IsPlainFileOrDirectory(command);
  if (!file && !table.SaysAbsent(command) &&
      (spec.files.contains(command) || CommandExists(command, *spec.profile)))
    return std::nullopt;
  const std::string why = command.find('/') == std::string::npos
                              ? "executable file not found in $PATH"
                          : file ? "permission denied"
                                 : fmt::format("stat {}: no such file or directory", command);
  return StartFailure{fmt::format("{}exec: \"{}\": {}: unknown", kRuntime, command, why), 128};
}

// Where the script of `sh -c` stands among the words; 0 when there is none.
size_t ScriptPlace(const std::vector<std::string>& argv) {
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    const std::string& word = argv[i];
    if (!word.starts_with("-") || word.starts_with("--") || word.find('c') == std::string::npos)
      continue;
    return argv[i + 1] == "--" && i + 2 < argv.size() ? i + 2 : i + 1;
  }
  return 0;
}

}  // namespace

std::optional<StartFailure> Process::StartCommand(const ProcessSpec& spec, const ImageTable& table,
                                                  absl::Time now) {
  if (auto absent = Absent(spec, table)) return absent;
  if (auto script = spec.files.find(spec.argv[0]); script != spec.files.end())
    return StartMounted(script->second, spec, table, now);
  const std::string name = BaseName(spec.argv[0]);
  if (name == "sh" || name == "bash" || name == "ash") {
    StartShell(name, spec, now);
    return std::nullopt;
  }
  // One command: a script of one line, quoted.
  std::string line;
  for (const std::string& word : spec.argv)
    line += (line.empty() ? "'" : " '") + base::ReplaceAll(word, "'", "'\\''") + "'";
  RunScript("exec " + line, spec, now);
  return std::nullopt;
}

std::optional<StartFailure> Process::StartMounted(const std::string& script,
                                                  const ProcessSpec& spec, const ImageTable& table,
                                                  absl::Time now) {
  const std::string first = script.substr(0, script.find('\n'));
  if (first.starts_with("#!")) {
    const std::string interpreter = first.substr(2, first.find_first_of(" \r", 3) - 2);
    if (first.find('\r') != std::string::npos || !CommandExists(interpreter, *spec.profile) ||
        table.SaysAbsent(interpreter)) {
      return StartFailure{
          fmt::format("{}exec: \"{}\": no such file or directory: unknown", kRuntime, spec.argv[0]),
          128};
    }
  } else {
    exec_format_error_ = true;
  }
  RunScript(script, spec, now);
  return std::nullopt;
}

void Process::StartShell(const std::string& name, const ProcessSpec& spec, absl::Time now) {
  const std::vector<std::string>& argv = spec.argv;
  if (const size_t place = ScriptPlace(argv); place > 0) {
    RunScript(argv[place], spec, now);
    shell_.shell_name = name;
    shell_.is_bash = name == "bash";
    shell_.positional.assign(argv.begin() + static_cast<ptrdiff_t>(place) + 1, argv.end());
    if (shell_.positional.empty()) shell_.positional = {name};
    for (size_t i = 1; i < place; ++i)
      shell_.errexit = shell_.errexit || argv[i].find('e') != std::string::npos;
  } else if (argv.size() == 1) {  // it reads its standard input
    if (!spec.tty) exits_at_ = now + absl::Milliseconds(30);
  } else if (auto script = spec.files.find(argv.back()); script != spec.files.end()) {
    RunScript(script->second, spec, now);  // sh /scripts/run.sh
  } else if (!spec.profile->any_command) {
    lines_once_ = fmt::format("{}: can't open '{}': No such file or directory", name, argv[1]);
    exits_at_ = now + absl::Milliseconds(30);
    exit_code_ = 2;
  } else {
    Serve(now);
  }
}

void Process::RunScript(const std::string& script, const ProcessSpec& spec, absl::Time now) {
  const auto program = CompileShell(script);
  if (!program) {  // beyond this shell: taken for an application that runs
    Serve(now);
    return;
  }
  script_runs_ = true;
  shell_ = MakeShell(program, spec.env, spec.profile, now);
  shell_.ns = spec.ns;
  shell_.files = files_;
  for (const std::string& mount : spec.mounts) {
    shell_.files.try_emplace(mount + "/.");
    shell_.mounts[mount] = spec.read_only.contains(mount);
  }
  shell_.memory_limit = spec.memory_limit;
  shell_.mounts["/"] = spec.read_only.contains("/");
  if (!spec.directory.empty()) shell_.directory = spec.directory;
}

// The image's own server.
void Process::Serve(absl::Time now) {
  if (!initialised_ && !profile_->one_of_env.empty() &&
      std::none_of(profile_->one_of_env.begin(), profile_->one_of_env.end(),
                   [&](const std::string& name) { return env_.contains(name); })) {
    lines_once_ = profile_->without_env;
    exits_at_ = now + absl::Milliseconds(400);
    exit_code_ = 1;
    return;
  }
  listeners_.clear();
  if (profile_->listens_as_declared) {
    for (Listener listener : declared_) {
      listener.protocol = Listener::Protocol::kHttp;
      listener.otherwise = 200;
      listeners_.push_back(std::move(listener));
    }
    if (auto port = env_.find("PORT");
        port != env_.end() && std::strtol(port->second.c_str(), nullptr, 10) > 0) {
      listeners_.push_back({static_cast<int>(std::strtol(port->second.c_str(), nullptr, 10)),
                            Listener::Protocol::kHttp,
                            {},
                            200});
    }
    answers_everywhere_ = listeners_.empty() && profile_->listeners.empty();
  }
  listeners_.insert(listeners_.end(), profile_->listeners.begin(), profile_->listeners.end());
  // A server whose settings are mounted serves what they say: pages of its own.
  const bool configured = std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
    return !profile_->family.empty() && file.first.find(profile_->family) != std::string::npos;
  });
  if (configured) {
    for (Listener& listener : listeners_) listener.otherwise = 200;
  }
  listens_from_ = now + profile_->startup;
  serving_ = true;
  if (profile_->exit) {
    exits_at_ = now + profile_->exit->after;
    exit_code_ = profile_->exit->code;
    exit_reason_ = profile_->exit->reason;
  }
}

}  // namespace opsmesh::kubesim
