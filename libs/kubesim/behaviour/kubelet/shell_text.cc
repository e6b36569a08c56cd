// Commands that write and change text: echo, printf, grep, sed and their like.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_machine.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '0':
      case 'e':
        out += '\033';
        break;
      case '\\':
        out += '\\';
        break;
      default:
        out += '\\';
        out += text[i];
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  size_t from = 0;
  while (from < text.size()) {
    const size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

int Echo(const Argv& argv, const ShellState& state, std::string* out) {
  size_t first = 1;
  bool newline = true, escapes = !state.is_bash;
  for (; first < argv.size() && argv[first].size() > 1 && argv[first][0] == '-' &&
         argv[first].find_first_not_of("neE", 1) == std::string::npos;
       ++first) {
    newline = newline && argv[first].find('n') == std::string::npos;
    escapes = escapes || argv[first].find('e') != std::string::npos;
  }
  const std::string text =
      base::Join(Argv(argv.begin() + static_cast<ptrdiff_t>(first), argv.end()), " ");
  *out += (escapes ? Unescape(text) : text) + (newline ? "\n" : "");
  return 0;
}

int Printf(const Argv& argv, std::string* out) {
  if (argv.size() < 2) return 2;
  const std::string format = Unescape(argv[1]);
  size_t next = 2;
  do {
    for (size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%' || i + 1 == format.size()) {
        *out += format[i];
        continue;
      }
      size_t end = i + 1;
      while (end < format.size() && !std::isalpha(static_cast<unsigned char>(format[end])) &&
             format[end] != '%')
        ++end;
      const std::string value = next < argv.size() ? argv[next] : "";
      const char kind = end < format.size() ? format[end] : 's';
      if (kind == '%') {
        *out += '%';
      } else {
        ++next;
        *out += kind == 'd' || kind == 'i'
                    ? std::to_string(std::strtoll(value.c_str(), nullptr, 10))
                    : value;
      }
      i = end;
    }
  } while (next > 2 && next < argv.size());
  return 0;
}

int Grep(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context) {
  std::string flags, pattern, text = input;
  bool have_pattern = false;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("-") && argv[i].size() > 1) {
      flags += argv[i].substr(1);
      continue;
    }
    if (!have_pattern) {
      pattern = argv[i];
      have_pattern = true;
      continue;
    }
    const std::optional<std::string> file = FindFile(context.state, argv[i]);
    if (!file) {
      *err += fmt::format("grep: {}: No such file or directory\n", argv[i]);
      return 2;
    }
    text = *file;
  }
  int count = 0;
  for (const std::string& line : SplitLines(text)) {
    const bool hit = line.find(pattern) != std::string::npos;
    if (hit == (flags.find('v') != std::string::npos)) continue;
    ++count;
    if (flags.find('q') == std::string::npos && flags.find('c') == std::string::npos)
      *out += line + "\n";
  }
  if (flags.find('c') != std::string::npos) *out += std::to_string(count) + "\n";
  return count > 0 ? 0 : 1;
}

namespace {

int Date(const ShellCall& call) {
  const ShellState& state = call.context.state;
  const bool seconds = call.argv.size() > 1 && call.argv[1] == "+%s";
  *call.out +=
      seconds ? std::to_string(absl::ToUnixSeconds(state.now)) + "\n"
      : call.argv.size() > 1 && call.argv.back().starts_with("+")
          ? absl::FormatTime(call.argv.back().substr(1), state.now, absl::UTCTimeZone()) + "\n"
          : absl::FormatTime("%a %b %e %H:%M:%S UTC %Y\n", state.now, absl::UTCTimeZone());
  return 0;
}

int Environment(const ShellCall& call, const std::string& name) {
  const ShellState& state = call.context.state;
  if (call.argv.size() > 1 && name == "printenv") {
    auto it = state.variables.find(call.argv[1]);
    if (it == state.variables.end()) return 1;
    *call.out += it->second + "\n";
    return 0;
  }
  if (call.argv.size() > 1) {
    size_t first = 1;
    while (first < call.argv.size() && call.argv[first].find('=') != std::string::npos) ++first;
    std::string err;
    if (first < call.argv.size())
      return RunShellCommand(
          Argv(call.argv.begin() + static_cast<ptrdiff_t>(first), call.argv.end()), call.input,
          call.out, &err, call.context);
  }
  for (const auto& [key, value] : state.variables) *call.out += key + "=" + value + "\n";
  return 0;
}

int Sequence(const ShellCall& call) {
  const int64_t first = call.argv.size() > 2 ? std::strtoll(call.argv[1].c_str(), nullptr, 10) : 1;
  const int64_t step = call.argv.size() > 3
                           ? std::max<int64_t>(1, std::strtoll(call.argv[2].c_str(), nullptr, 10))
                           : 1;
  const int64_t last =
      call.argv.size() > 1 ? std::strtoll(call.argv.back().c_str(), nullptr, 10) : 0;
  for (int64_t i = first; i <= last && i - first < 100'000; i += step)
    *call.out += std::to_string(i) + "\n";
  return 0;
}

int Count(const ShellCall& call) {
  *call.out += std::to_string(call.argv.size() > 1 && call.argv[1] == "-l"
                                  ? static_cast<int64_t>(
                                        std::count(call.input.begin(), call.input.end(), '\n'))
                                  : static_cast<int64_t>(call.input.size())) +
               "\n";
  return 0;
}

int Expression(const ShellCall& call) {
  const ShellState& state = call.context.state;
  const int64_t value =
      EvaluateArithmetic(base::Join(Argv(call.argv.begin() + 1, call.argv.end()), " "), state);
  *call.out += std::to_string(value) + "\n";
  return value == 0;
}

// Who runs commands: root, or whom the security context names; there is no list of names for
// others.
std::pair<int64_t, int64_t> UserOf(const ShellState& state) {
  std::pair<int64_t, int64_t> user;
  if (auto status = state.files.find("/proc/self/status"); status != state.files.end())
    std::sscanf(status->second.c_str(), "Uid:\t%" SCNd64 "\nGid:\t%" SCNd64, &user.first,
                &user.second);
  return user;
}

std::string Identity(const ShellCall& call) {
  std::string letters;
  for (const std::string& word : Argv(call.argv.begin() + 1, call.argv.end())) {
    if (word.starts_with("-")) letters += word.substr(1);
  }
  const auto [user, group] = UserOf(call.context.state);
  const bool one = letters.find_first_of("ugG") != std::string::npos;
  const bool named = letters.find('n') != std::string::npos;
  auto show = [&](int64_t id) {
    if (one) return id == 0 && named ? std::string("root") : std::to_string(id);
    return std::to_string(id) + (id == 0 ? "(root)" : "");
  };
  if (one) return show(letters.find('u') != std::string::npos ? user : group);
  return fmt::format("uid={} gid={} groups={}", show(user), show(group), show(group));
}

}  // namespace

std::optional<int> TextCommand(const ShellCall& call, const std::string& name) {
  ShellState& state = call.context.state;
  const auto say = [&call](const std::string& line) {
    *call.out += line + "\n";
    return 0;
  };
  if (name == "date") return Date(call);
  if (name == "hostname") return say(state.variables["HOSTNAME"]);
  if (name == "whoami") {
    const int64_t user = UserOf(state).first;
    if (user == 0) return say("root");
    *call.err += fmt::format("whoami: unknown uid {}\n", user);
    return 1;
  }
  if (name == "id") return say(Identity(call));
  if (name == "pwd") return say(state.directory);
  if (name == "nproc") return say("2");
  if (name == "env" || name == "printenv") return Environment(call, name);
  if (name == "seq") return Sequence(call);
  if (name == "wc") return Count(call);
  if (name == "expr" && call.argv.size() > 1) return Expression(call);
  return MachineCommand(call, name);
}

}  // namespace opsmesh::kubesim
