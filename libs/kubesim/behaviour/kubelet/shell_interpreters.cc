// Interpreters: what can be read off a program that is given as text.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

// Digits of pi by the spigot of Rabinowitz and Wagon (1995), "3." and digits - 1 behind it.
std::string Pi(int digits) {
  const int size = digits * 10 / 3 + 2;
  std::vector<int> boxes(static_cast<size_t>(size), 2);
  std::string text;
  int nines = 0, held = 0;
  for (int i = 0; i <= digits + 8; ++i) {
    int carry = 0;
    for (int j = size - 1; j > 0; --j) {
      const int value = 10 * boxes[static_cast<size_t>(j)] + carry * (j + 1);
      boxes[static_cast<size_t>(j)] = value % (2 * j + 1);
      carry = value / (2 * j + 1);
    }
    const int value = 10 * boxes[0] + carry;
    boxes[0] = value % 10;
    const int next = value / 10;
    if (next == 9) {
      ++nines;
      continue;
    }
    const bool over = next == 10;
    if (i > 0) text += static_cast<char>('0' + held + (over ? 1 : 0));
    text.append(static_cast<size_t>(nines), over ? '0' : '9');
    nines = 0;
    held = over ? 0 : next;
  }
  text.resize(std::min(text.size(), static_cast<size_t>(digits)));
  return text.substr(0, 1) + "." + text.substr(1);
}

// A script of the user's that nothing brings into an image of a bare language: 0 when it is there,
// or may be.
int MissingProgram(const Argv& argv, std::string* err, ShellContext& context) {
  const ShellState& state = context.state;
  if (!state.tools || !state.tools->bare_language) return 0;
  std::string file;
  for (size_t i = 1; i < argv.size() && file.empty(); ++i) {
    if (argv[i] == "-m") return 0;  // a module
    if (!argv[i].starts_with("-")) file = argv[i];
  }
  if (file.empty() || FindFile(state, file)) return 0;
  for (std::string folder = file; folder.find('/') != std::string::npos;) {
    folder.resize(folder.rfind('/'));
    if (!folder.empty() && state.files.contains(folder + "/."))
      return 0;  // a mounted volume may hold it
  }
  const std::string absolute = file.starts_with("/") ? file : "/" + file;
  if (!file.starts_with("/") &&
      std::any_of(state.files.begin(), state.files.end(), [](const auto& one) {
        return one.first.ends_with("/.") && one.first != "/." &&
               !one.first.starts_with("/var/run/secrets/");
      }))
    return 0;  // below the working directory, which may be a volume
  const std::string name = BaseName(argv[0]);
  if (name == "npm" || name == "yarn") {
    *err +=
        "npm error code ENOENT\nnpm error syscall open\nnpm error path /package.json\nnpm error "
        "errno -2\nnpm error enoent "
        "Could not read package.json: Error: ENOENT: no such file or directory, open "
        "'/package.json'\n";
    return 254;
  }
  if (name == "node") {
    *err += fmt::format(
        "node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module "
        "'{}'\n"
        "    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15) {{\n"
        "  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}}\n",
        absolute);
    return 1;
  }
  if (name.starts_with("python")) {
    *err += fmt::format("{}: can't open file '/{}': [Errno 2] No such file or directory\n", name,
                        absolute);
    return 2;
  }
  if (name == "php") {
    *err += fmt::format("Could not open input file: {}\n", file);
    return 1;
  }
  *err += fmt::format("{}: No such file or directory -- {} (LoadError)\n", name, file);
  return name == "perl" ? 2 : 1;
}

// python -m http.server [port]
bool ServesFolder(const Argv& argv, std::string* out, ShellContext& context) {
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    if (argv[i] != "-m" || (argv[i + 1] != "http.server" && argv[i + 1] != "SimpleHTTPServer"))
      continue;
    const std::string& last = argv.back();
    const int port = std::isdigit(static_cast<unsigned char>(last[0]))
                         ? static_cast<int>(std::strtol(last.c_str(), nullptr, 10))
                         : 8000;
    *out += fmt::format("Serving HTTP on 0.0.0.0 port {} (http://0.0.0.0:{}/) ...\n", port, port);
    Listen(context.state, {port, Listener::Protocol::kHttp, {{"/", 200}}, 404});
    context.becomes_server = true;
    return true;
  }
  return false;
}

std::string CodeOf(const Argv& argv) {
  std::string code;
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    const bool letters = argv[i].size() > 1 && argv[i][0] == '-' && argv[i][1] != '-';
    if (letters && (argv[i] == "-c" || argv[i] == "-r" || argv[i].back() == 'e'))
      code = argv[i + 1];
  }
  return code;
}

// What stands between the parentheses of the first call; "" when there is none.
std::string ArgumentOf(const std::string& code, std::string_view call) {
  const size_t at = code.find(call);
  if (at == std::string::npos) return "";
  const size_t open = at + call.size();
  return code.substr(open, code.find(')', open) - open);
}

void Print(const std::string& code, std::string* out) {
  for (const char* call : {"print(", "console.log(", "puts ", "echo "}) {
    const std::string text = ArgumentOf(code, call);
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
        text.back() == text.front())
      *out += text.substr(1, text.size() - 2) + "\n";
  }
}

bool GoesRound(const std::string& code) {
  return code.find("while True") != std::string::npos ||
         code.find("setInterval") != std::string::npos ||
         code.find("while(true)") != std::string::npos;
}

// How the program ends by its own word.
std::optional<int> ExitOf(const std::string& code) {
  for (const char* call : {"sys.exit(", "process.exit(", "os._exit(", "exit("}) {
    if (code.find(call) == std::string::npos) continue;
    return static_cast<int>(std::strtol(ArgumentOf(code, call).c_str(), nullptr, 10)) & 255;
  }
  return std::nullopt;
}

int RunCode(const std::string& code, std::string* out, std::string* err, ShellContext& context) {
  if (const size_t at = code.find("bpi("); at != std::string::npos) {  // perl -Mbignum=bpi
    const int digits = static_cast<int>(std::strtol(code.c_str() + at + 4, nullptr, 10));
    *out += Pi(std::clamp(digits, 1, 5000)) + "\n";
    context.state.milli_cpu = 950;
    context.delay += absl::Seconds(6);
    return 0;
  }
  Print(code, out);
  const std::string pause = ArgumentOf(code, "sleep(");
  if (absl::Duration time; !pause.empty() && ParseSleep(pause, &time)) context.delay += time;
  if (GoesRound(code)) {
    context.delay = absl::InfiniteDuration();
    return 0;
  }
  if (const auto status = ExitOf(code)) return *status;
  if (code.find("raise ") == std::string::npos && code.find("throw ") == std::string::npos)
    return 0;
  const size_t raise = code.find("raise");
  *err += "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n" +
          code.substr(raise == std::string::npos ? 0 : raise + 6) + "\n";
  return 1;
}

}  // namespace

int Interpreter(const Argv& argv, std::string* out, std::string* err, ShellContext& context) {
  if (ServesFolder(argv, out, context)) return 0;
  const std::string code = CodeOf(argv);
  if (!code.empty()) return RunCode(code, out, err, context);
  if (const int status = MissingProgram(argv, err, context); status != 0) return status;
  context.state.serves_image = true;  // a program of the image, or a mounted one: it runs
  context.becomes_server = argv.size() > 1;
  return 0;
}

}  // namespace opsmesh::kubesim
