// Which commands there are, in which image.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

const std::set<std::string, std::less<>>& CommonTools() {
  static const auto* tools = new std::set<std::string, std::less<>>{
      "[",         "[[",       "awk",       "base64", "basename", "cat",      "chgrp",    "chmod",
      "chown",     "clear",    "cp",        "cut",    "date",     "dd",       "df",       "diff",
      "dirname",   "du",       "echo",      "env",    "expr",     "false",    "find",     "free",
      "getent",    "grep",     "egrep",     "gunzip", "gzip",     "head",     "hostname", "id",
      "install",   "kill",     "killall",   "ln",     "ls",       "md5sum",   "mkdir",    "mkfifo",
      "mknod",     "mktemp",   "mount",     "mv",     "nproc",    "od",       "pgrep",    "pidof",
      "printenv",  "printf",   "ps",        "pwd",    "readlink", "realpath", "rm",       "rmdir",
      "sed",       "seq",      "sha256sum", "sleep",  "sort",     "split",    "stat",     "stty",
      "sync",      "tac",      "tail",      "tar",    "tee",      "test",     "time",     "timeout",
      "top",       "touch",    "tr",        "true",   "tty",      "uname",    "uniq",     "uptime",
      "wc",        "which",    "whoami",    "xargs",  "yes",      "cmp",      "flock",    "nice",
      "fallocate", "truncate", "nohup",     "setsid", "tini",     "dumb-init"};
  return *tools;
}

const std::set<std::string, std::less<>>& NetTools() {
  static const auto* tools = new std::set<std::string, std::less<>>{
      "nslookup", "ping", "wget",  "nc",       "netstat", "telnet",
      "httpd",    "vi",   "watch", "ifconfig", "ip",      "traceroute"};
  return *tools;
}

const std::set<std::string, std::less<>>& Builtins() {
  static const auto* builtins = new std::set<std::string, std::less<>>{
      ":",        ".",       "source", "exec",     "exit",    "export", "set",   "unset",
      "cd",       "shift",   "trap",   "wait",     "read",    "eval",   "umask", "ulimit",
      "local",    "return",  "break",  "continue", "command", "type",   "hash",  "alias",
      "readonly", "declare", "shopt",  "times",    "let"};
  return *builtins;
}

/// What images of a family have beside the common tools.
bool FamilyHas(const std::string& family, const std::string& name) {
  static const auto* families =
      new std::map<std::string, std::set<std::string>>{{"curlimages/curl", {"curl"}},
                                                       {"alpine", {"apk", "curl"}},
                                                       {"bash", {"apt-get", "apt", "perl", "dpkg"}},
                                                       {"nginx", {"curl", "apt-get"}},
                                                       {"polinux/stress", {"stress", "stress-ng"}},
                                                       {"httpd", {"perl"}}};
  const auto it = families->find(family);
  return it != families->end() && it->second.contains(name);
}

}  // namespace

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool IsSystemTool(const std::string& name) {
  return CommonTools().contains(name) || NetTools().contains(name);
}

bool PassesInputOn(const std::string& name) { return CommonTools().contains(name); }

bool CommandExists(std::string_view command, const ImageProfile& profile) {
  const std::string name = BaseName(command);
  const bool absolute = command.find('/') != std::string_view::npos;
  if (std::find(profile.binaries.begin(), profile.binaries.end(), std::string(command)) !=
      profile.binaries.end())
    return true;
  if (absolute && !command.starts_with("/bin/") && !command.starts_with("/usr/") &&
      !command.starts_with("/sbin/"))
    return profile.any_command;
  if (std::any_of(profile.binaries.begin(), profile.binaries.end(),
                  [&](const std::string& one) { return BaseName(one) == name; }))
    return true;
  if (name == "sh" || name == "ash") return profile.shell;
  if (name == "bash") return profile.bash;
  if (profile.shell && (CommonTools().contains(name) || (!absolute && Builtins().contains(name))))
    return true;
  if (profile.shell && NetTools().contains(name))
    return !profile.bash || profile.any_command;  // busybox has them, Debian's images do not
  return FamilyHas(profile.family, name) || profile.any_command;
}

bool CommonShellTool(std::string_view command) {
  const std::string name = BaseName(command);
  return IsSystemTool(name) || Builtins().contains(name) || name == "sh" || name == "bash" ||
         name == "ash" || name == "curl";
}

}  // namespace opsmesh::kubesim
