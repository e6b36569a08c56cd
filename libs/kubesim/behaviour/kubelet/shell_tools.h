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

std::string BaseName(std::string_view path);
std::vector<std::string> SplitLines(const std::string& text);

// shell_text.cc
int Echo(const Argv& argv, const ShellState& state, std::string* out);
int Printf(const Argv& argv, std::string* out);
int Grep(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context);
/// `known` is false when `name` is no such command.
int TextCommand(const Argv& argv, const std::string& name, const std::string& input,
                std::string* out, ShellContext& context, bool* known);

// shell_files.cc
/// A file that is there: written by the script, mounted, or one every container has; else nothing.
std::optional<std::string> FindFile(const ShellState& state, const std::string& path);
/// Whether it lies in a file system that cannot be written.
bool IsReadOnly(const ShellState& state, const std::string& path);
bool IsDirectory(const ShellState& state, std::string path);
int Cat(const Argv& argv, const std::string& input, std::string* out, std::string* err,
        ShellContext& context);
int Tail(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context);
int FileCommand(const Argv& argv, const std::string& name, const std::string& input,
                std::string* out, std::string* err, ShellContext& context, bool* known);

// shell_net.cc
int Fetch(const Argv& argv, std::string* out, std::string* err, ShellContext& context);
int Resolve(const Argv& argv, std::string* out, std::string* err, ShellContext& context);
int Netcat(const Argv& argv, std::string* err, ShellContext& context);
/// The port behind the first of `names` that is given.
int PortOption(const Argv& argv, int otherwise, std::initializer_list<const char*> names);
void ServeHttp(int port, bool any_page, ShellContext& context);
int Stress(const Argv& argv, std::string* out, ShellContext& context);
int Interpreter(const Argv& argv, std::string* out, std::string* err, ShellContext& context);

}  // namespace opsmesh::kubesim
