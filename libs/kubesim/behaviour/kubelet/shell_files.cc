// Commands that read and change files, of which a script has a map.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
// A file that is there: written by the script, mounted, or one every image has.
const std::string* FindFile(const ShellState& state, const std::string& path) {
  if (auto it = state.files.find(path); it != state.files.end()) return &it->second;
  static const auto* always = new std::map<std::string, std::string>{
      {"/etc/hostname", "localhost\n"},
      {"/etc/hosts", "127.0.0.1\tlocalhost\n"},
      {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"},
      {"/dev/null", ""},
      {"/etc/resolv.conf",
       "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver "
       "10.96.0.10\noptions ndots:5\n"},
      {"/etc/os-release", "ID=linux\n"},
      {"/var/run/secrets/kubernetes.io/serviceaccount/namespace", "default"},
      {"/proc/1/cmdline", ""}};
  if (state.removed.contains(path)) return nullptr;
  auto it = always->find(path);
  return it == always->end() ? nullptr : &it->second;
}

bool IsDirectory(const ShellState& state, std::string path) {
  static const auto* always = new std::set<std::string>{
      "/",          "/tmp",           "/etc", "/var", "/usr", "/bin",     "/home",    "/root",
      "/opt",       "/proc",          "/dev", "/sys", "/run", "/var/run", "/var/log", "/usr/bin",
      "/usr/local", "/usr/local/bin", "/srv", "/mnt", "/lib", "/."};
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (always->contains(path)) return true;
  const std::string prefix = path + "/";
  auto it = state.files.lower_bound(prefix);
  return it != state.files.end() && it->first.starts_with(prefix);
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
    const std::string* file = FindFile(context.state, argv[i]);
    if (file != nullptr) {
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
    const std::string* file = FindFile(context.state, path);
    if (file == nullptr) {
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

int FileCommand(const Argv& argv, const std::string& name, const std::string& input,
                std::string* out, std::string* err, ShellContext& context, bool* known) {
  ShellState& state = context.state;
  *known = true;
  Argv paths;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (!argv[i].starts_with("-")) paths.push_back(argv[i]);
  }
  if (name == "touch") {
    for (const std::string& path : paths) {
      state.files.try_emplace(path);
      state.removed.erase(path);
    }
    return 0;
  }
  if (name == "rm") {
    int status = 0;
    const bool force =
        argv.size() > 1 && argv[1].starts_with("-") && argv[1].find('f') != std::string::npos;
    for (const std::string& path : paths) {
      bool any = FindFile(state, path) != nullptr;
      std::erase_if(state.files, [&](const auto& file) {
        const bool gone = file.first == path || file.first.starts_with(path + "/") ||
                          MatchesPattern(path, file.first);
        any = any || gone;
        return gone;
      });
      state.removed.insert(path);
      if (any || force) continue;
      *err += fmt::format("rm: can't remove '{}': No such file or directory\n", path);
      status = 1;
    }
    return status;
  }
  if (name == "mkdir") {
    for (const std::string& path : paths) state.files.try_emplace(path + "/.");
    return 0;
  }
  if ((name == "cp" || name == "mv" || name == "ln") && paths.size() >= 2) {
    const std::string* file = FindFile(state, paths[0]);
    if (file == nullptr && !IsDirectory(state, paths[0])) {
      *err += fmt::format("{}: can't stat '{}': No such file or directory\n", name, paths[0]);
      return 1;
    }
    if (file != nullptr) state.files[paths[1]] = *file;
    if (name == "mv") state.files.erase(paths[0]);
    return 0;
  }
  if (name == "ls" || name == "stat") {
    int status = 0;
    for (const std::string& path : paths) {
      if (FindFile(state, path) != nullptr)
        *out += path + "\n";
      else if (!IsDirectory(state, path)) {
        *err += fmt::format("ls: {}: No such file or directory\n", path);
        status = 1;
      }
    }
    return status;
  }
  if (name == "tee") {
    for (const std::string& path : paths) {
      if (state.files.size() < 256) state.files[path] = input;
    }
    *out += input;
    return 0;
  }
  *known = false;
  return 0;
}

}  // namespace opsmesh::kubesim
