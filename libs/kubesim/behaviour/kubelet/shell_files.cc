// Commands that read and change files, of which a script has a map.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

const std::string kDefaultNamespace = "default";

const std::set<std::string>& CommonDirectories() {
  static const auto* common = new std::set<std::string>{
      "/bin",     "/dev",       "/etc",           "/home", "/lib",     "/mnt",    "/opt",
      "/proc",    "/root",      "/run",           "/srv",  "/sys",     "/tmp",    "/usr",
      "/usr/bin", "/usr/local", "/usr/local/bin", "/var",  "/var/log", "/var/run"};
  return *common;
}

}  // namespace

// A file that is there: written by the script, mounted, or one every image has.
std::optional<std::string> FindFile(const ShellState& state, const std::string& path) {
  if (auto it = state.files.find(path); it != state.files.end()) return it->second;
  if (state.removed.contains(path)) return std::nullopt;
  if (path.empty()) return std::nullopt;
  if (!path.starts_with("/")) return FindFile(state, AbsolutePath(state, path));
  if (path == "/etc/hostname") {
    const auto name = state.variables.find("HOSTNAME");
    return (name == state.variables.end() ? "localhost" : name->second) + "\n";
  }
  const std::string& ns = state.ns.empty() ? kDefaultNamespace : state.ns;
  if (path == "/var/run/secrets/kubernetes.io/serviceaccount/namespace") return ns;
  if (path == "/etc/resolv.conf") {
    return fmt::format(
        "search {}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n"
        "options ndots:5\n",
        ns);
  }
  static const auto* always =
      new std::map<std::string, std::string>{{"/etc/hosts", "127.0.0.1\tlocalhost\n"},
                                             {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"},
                                             {"/dev/null", ""},
                                             {"/etc/os-release", "ID=linux\n"},
                                             {"/proc/1/cmdline", ""}};
  auto it = always->find(path);
  if (it == always->end()) return std::nullopt;
  return it->second;
}

bool KeepFile(ShellState& state, const std::string& path, std::string text) {
  if (state.files.size() >= kMaxShellFiles && !state.files.contains(path)) return false;
  state.removed.erase(path);
  state.sizes.erase(path);
  if (text.size() > kMaxShellText) {
    state.sizes[path] = static_cast<int64_t>(text.size());
    text.clear();
  }
  state.files[path] = std::move(text);
  return true;
}

bool KeepSize(ShellState& state, const std::string& name, int64_t bytes) {
  const std::string path = AbsolutePath(state, name);
  const auto known = state.files.find(path);
  std::string text = known == state.files.end() ? "" : known->second;
  if (!KeepFile(state, path, std::move(text))) return false;
  state.sizes[path] = bytes;
  return true;
}

bool IsDirectory(const ShellState& state, std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (!path.starts_with("/")) path = AbsolutePath(state, path);
  if (path == "/" || path == "/." || CommonDirectories().contains(path)) return true;
  const std::string prefix = path + "/";
  auto it = state.files.lower_bound(prefix);
  return it != state.files.end() && it->first.starts_with(prefix);
}

bool IsPlainFileOrDirectory(const std::string& path) {
  static const auto* nothing = new ShellState;
  return path.starts_with("/") && (IsDirectory(*nothing, path) || FindFile(*nothing, path));
}

bool IsReadOnly(const ShellState& state, const std::string& path) {
  bool read_only = false;
  size_t longest = 0;
  for (const auto& [mount, sealed] : state.mounts) {
    const std::string prefix = mount.ends_with("/") ? mount : mount + "/";
    if (!path.starts_with(prefix) || mount.size() < longest) continue;
    longest = mount.size();
    read_only = sealed;
  }
  return read_only;
}

// What lies in a directory, as far as it is known, in order; names with a dot only when `all`.
std::set<std::string> NamesIn(const ShellState& state, std::string path, bool all) {
  path = AbsolutePath(state, path);
  if (!path.ends_with("/")) path += '/';
  std::set<std::string> names;
  const auto take = [&](const std::string& full) {
    if (!full.starts_with(path)) return;
    const std::string name = full.substr(path.size(), full.find('/', path.size()) - path.size());
    if (!name.empty() && name != "." && (all || name[0] != '.')) names.insert(name);
  };
  for (const std::string& one : CommonDirectories()) take(one);
  for (auto it = state.files.lower_bound(path); it != state.files.end(); ++it) {
    if (!it->first.starts_with(path)) break;
    take(it->first);
  }
  return names;
}

int List(const ShellState& state, const Argv& argv, Argv paths, std::string* out,
         std::string* err) {
  bool all = false, itself = false;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (!argv[i].starts_with("-")) continue;
    all = all || argv[i].find_first_of("aA") != std::string::npos;
    itself = itself || argv[i].find('d') != std::string::npos;
  }
  if (paths.empty()) paths.push_back(state.directory);
  int status = 0;
  for (const std::string& path : paths) {
    if (FindFile(state, path) || (itself && IsDirectory(state, path))) {
      *out += path + "\n";
    } else if (!IsDirectory(state, path)) {
      *err += fmt::format("ls: {}: No such file or directory\n", path);
      status = 1;
    } else {
      if (paths.size() > 1) *out += path + ":\n";
      for (const std::string& name : NamesIn(state, path, all)) *out += name + "\n";
    }
  }
  return status;
}

int Cat(const Argv& argv, const std::string& input, std::string* out, std::string* err,
        ShellContext& context) {
  bool any = false;
  int status = 0;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("-") && argv[i] != "-") continue;
    any = true;
    if (argv[i] == "-") {
      *out += input;
      continue;
    }
    if (argv[i] == "/dev/zero") {
      context.state.memory = INT64_MAX / 4;
      context.delay = absl::InfiniteDuration();
      continue;
    }
    const std::optional<std::string> file = FindFile(context.state, argv[i]);
    if (file) {
      *out += *file;
      continue;
    }
    const bool busy = !context.state.tools || !context.state.tools->bash;
    *err += busy ? fmt::format("cat: can't open '{}': No such file or directory\n", argv[i])
                 : fmt::format("cat: {}: No such file or directory\n", argv[i]);
    status = 1;
  }
  if (!any) *out += input;
  return status;
}

int Tail(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context) {
  bool follow = false;
  size_t count = 10;
  std::string text = input, path;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == "-f" || argv[i] == "-F" || argv[i] == "-nf")
      follow = true;
    else if (argv[i] == "-n" && i + 1 < argv.size())
      count = static_cast<size_t>(std::strtoul(argv[++i].c_str(), nullptr, 10));
    else if (argv[i].size() > 1 && argv[i][0] == '-' &&
             std::isdigit(static_cast<unsigned char>(argv[i][1])))
      count = static_cast<size_t>(std::strtoul(argv[i].c_str() + 1, nullptr, 10));
    else if (argv[i].starts_with("-n"))
      count = static_cast<size_t>(std::strtoul(argv[i].c_str() + 2, nullptr, 10));
    else if (!argv[i].starts_with("-"))
      path = argv[i];
  }
  if (path == "/dev/zero") {  // the classic way to eat all memory
    context.state.memory = INT64_MAX / 4;
    context.delay = absl::InfiniteDuration();
    return 0;
  }
  if (!path.empty()) {
    const std::optional<std::string> file = FindFile(context.state, path);
    if (!file) {
      *err += fmt::format("tail: can't open '{}': No such file or directory\n", path);
      if (!follow) return 1;
    } else {
      text = *file;
    }
  }
  if (follow) context.delay = absl::InfiniteDuration();
  const auto lines = SplitLines(text);
  for (size_t i = argv[0] == "head" ? 0 : lines.size() - std::min(count, lines.size());
       i < lines.size(); ++i) {
    if (argv[0] == "head" && i >= count) break;
    *out += lines[i] + "\n";
  }
  return 0;
}

namespace {

// The words that are no flags.
Argv PathsOf(const ShellCall& call) {
  Argv paths;
  for (size_t i = 1; i < call.argv.size(); ++i) {
    if (!call.argv[i].starts_with("-")) paths.push_back(call.argv[i]);
  }
  return paths;
}

int Touch(const ShellCall& call, const Argv& paths) {
  ShellState& state = call.context.state;
  for (const std::string& word : paths) {
    const std::string path = AbsolutePath(state, word);
    if (IsReadOnly(state, path)) {
      *call.err += fmt::format("touch: {}: Read-only file system\n", word);
      return 1;
    }
    if (state.files.contains(path)) continue;
    if (!KeepFile(state, path, "")) {
      *call.err += fmt::format("touch: {}: {}\n", word, kNoSpace);
      return 1;
    }
  }
  return 0;
}

int Remove(const ShellCall& call, const Argv& paths) {
  ShellState& state = call.context.state;
  int status = 0;
  const bool force = call.argv.size() > 1 && call.argv[1].starts_with("-") &&
                     call.argv[1].find('f') != std::string::npos;
  for (const std::string& word : paths) {
    const std::string path = AbsolutePath(state, word);
    bool any = FindFile(state, path).has_value();
    std::erase_if(state.files, [&](const auto& file) {
      const bool gone = file.first == path || file.first.starts_with(path + "/") ||
                        MatchesPattern(path, file.first);
      any = any || gone;
      if (gone) state.sizes.erase(file.first);
      return gone;
    });
    if (FindFile(state, path) || IsDirectory(state, path)) state.removed.insert(path);
    if (any || force) continue;
    *call.err += fmt::format("rm: can't remove '{}': No such file or directory\n", word);
    status = 1;
  }
  return status;
}

int MakeDirectory(const ShellCall& call, const Argv& paths) {
  ShellState& state = call.context.state;
  for (const std::string& word : paths) {
    const std::string path = AbsolutePath(state, word);
    if (IsReadOnly(state, path)) {
      *call.err += fmt::format("mkdir: can't create directory '{}': Read-only file system\n", word);
      return 1;
    }
    if (!KeepFile(state, path + "/.", "")) {
      *call.err += fmt::format("mkdir: can't create directory '{}': {}\n", word, kNoSpace);
      return 1;
    }
    state.removed.erase(path);
  }
  return 0;
}

int Copy(const ShellCall& call, const std::string& name, const Argv& paths) {
  ShellState& state = call.context.state;
  const std::optional<std::string> file = FindFile(state, paths[0]);
  if (!file && !IsDirectory(state, paths[0])) {
    *call.err += fmt::format("{}: can't stat '{}': No such file or directory\n", name, paths[0]);
    return 1;
  }
  std::string target = AbsolutePath(state, paths.back());
  if (IsDirectory(state, target)) target = AbsolutePath(state, target + "/" + BaseName(paths[0]));
  if (file && !KeepFile(state, target, *file)) {
    *call.err += fmt::format("{}: can't create '{}': {}\n", name, target, kNoSpace);
    return 1;
  }
  if (name == "mv") state.files.erase(AbsolutePath(state, paths[0]));
  return 0;
}

int Stat(const ShellCall& call, const Argv& paths) {
  const ShellState& state = call.context.state;
  int status = 0;
  for (const std::string& path : paths) {
    if (FindFile(state, path) || IsDirectory(state, path)) {
      *call.out += path + "\n";
    } else {
      *call.err += fmt::format("stat: can't stat '{}': No such file or directory\n", path);
      status = 1;
    }
  }
  return status;
}

int Tee(const ShellCall& call, const Argv& paths) {
  ShellState& state = call.context.state;
  int status = 0;
  for (const std::string& path : paths) {
    if (KeepFile(state, AbsolutePath(state, path), call.input)) continue;
    *call.err += fmt::format("tee: {}: {}\n", path, kNoSpace);
    status = 1;
  }
  *call.out += call.input;
  return status;
}

}  // namespace

std::optional<int> FileCommand(const ShellCall& call, const std::string& name) {
  Argv paths = PathsOf(call);
  if (name == "touch") return Touch(call, paths);
  if (name == "rm") return Remove(call, paths);
  if (name == "mkdir") return MakeDirectory(call, paths);
  if ((name == "cp" || name == "mv" || name == "ln") && paths.size() >= 2)
    return Copy(call, name, paths);
  if (name == "ls")
    return List(call.context.state, call.argv, std::move(paths), call.out, call.err);
  if (name == "stat") return Stat(call, paths);
  if (name == "tee") return Tee(call, paths);
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
