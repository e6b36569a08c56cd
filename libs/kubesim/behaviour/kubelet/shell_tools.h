// The commands of the simulated shell, by what they are about. For shell_*.cc only. Each takes its
// words (its name first), may read `input`, writes to `out` and `err`, and returns its status.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/behaviour/kubelet/shell_program.h"

namespace opsmesh::kubesim {

using Argv = std::vector<std::string>;

inline constexpr char kNoSpace[] = "No space left on device";

/// One command as it is run: its words (its name first), what it reads, where it writes.
struct ShellCall {
  const Argv& argv;
  const std::string& input;
  std::string* out;
  std::string* err;
  ShellContext& context;
};

std::string BaseName(std::string_view path);
std::vector<std::string> SplitLines(const std::string& text);

// shell_catalogue.cc
/// Whether it is one of the tools a usual image has (awk, ls …), of the network included.
bool IsSystemTool(const std::string& name);
/// Whether what goes in comes out, as far as the simulation goes: sort, tr, sed …
bool PassesInputOn(const std::string& name);

// shell_builtins.cc
/// Nothing when the first word is no command of the shell itself.
std::optional<int> RunBuiltin(const ShellCall& call);
/// Runs the script at `script_at` in a shell of its own; the words behind it are $0, $1 …
int RunNestedShell(const Argv& argv, size_t script_at, const std::string& input, std::string* out,
                   ShellContext& context);

// shell_text.cc
int Echo(const Argv& argv, const ShellState& state, std::string* out);
int Printf(const Argv& argv, std::string* out);
int Grep(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context);
/// Nothing when `name` is no such command.
std::optional<int> TextCommand(const ShellCall& call, const std::string& name);

// shell_files.cc
/// A file that is there: written by the script, mounted, or one every container has; else nothing.
std::optional<std::string> FindFile(const ShellState& state, const std::string& path);
/// Whether it lies in a file system that cannot be written.
bool IsReadOnly(const ShellState& state, const std::string& path);
bool IsDirectory(const ShellState& state, std::string path);
/// Writes a file; of what is longer than kMaxShellText only the length is kept. False when there
/// are kMaxShellFiles others: no space is left.
bool KeepFile(ShellState& state, const std::string& path, std::string text);
/// Notes a file's size alone. False when there are kMaxShellFiles others.
bool KeepSize(ShellState& state, const std::string& path, int64_t bytes);
int Cat(const Argv& argv, const std::string& input, std::string* out, std::string* err,
        ShellContext& context);
int Tail(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context);
/// Nothing when `name` is no such command.
std::optional<int> FileCommand(const ShellCall& call, const std::string& name);

// shell_archive.cc
/// tar: c, x and t of uncompressed archives, on standard input and output or in a file.
int Tar(const Argv& argv, const std::string& input, std::string* out, std::string* err,
        ShellContext& context);
/// Whether this tar reads its archive from standard input.
bool ReadsArchive(const Argv& argv);
/// The path as seen from the working directory, absolute and without "." and "..".
std::string AbsolutePath(const ShellState& state, const std::string& path);

// shell_net.cc
int Fetch(const Argv& argv, std::string* out, std::string* err, ShellContext& context);
int Resolve(const Argv& argv, std::string* out, std::string* err, ShellContext& context);
int Netcat(const Argv& argv, std::string* err, ShellContext& context);
/// The port behind the first of `names` that is given.
int PortOption(const Argv& argv, int otherwise, std::initializer_list<const char*> names);
/// Nothing happens when something listens on that port, or on kMaxShellPorts others.
void Listen(ShellState& state, Listener listener);
void ServeHttp(int port, bool any_page, ShellContext& context);
int Stress(const Argv& argv, std::string* out, ShellContext& context);
int Interpreter(const Argv& argv, std::string* out, std::string* err, ShellContext& context);

}  // namespace opsmesh::kubesim
