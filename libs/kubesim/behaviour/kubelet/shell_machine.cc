#include "libs/kubesim/behaviour/kubelet/shell_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "absl/time/time.h"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kMachineMemory = 16LL << 30;
constexpr int64_t kMachineUsed = 5LL << 30;
constexpr int64_t kDisk = 100'000'000'000;
constexpr int64_t kDiskUsed = 38'000'000'000;

bool HasFlag(const ShellCall& call, char flag) {
  return std::any_of(call.argv.begin() + 1, call.argv.end(), [flag](const std::string& one) {
    return one.size() > 1 && one[0] == '-' && one[1] != '-' && one.find(flag) != std::string::npos;
  });
}

/// "93.2G", as -h shows it.
std::string Human(int64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"", "K", "M", "G", "T"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 || value >= 100 ? fmt::format("{:.0f}{}", value, kUnits[unit])
                                   : fmt::format("{:.1f}{}", value, kUnits[unit]);
}

int64_t Written(const ShellState& state, const std::string& below) {
  int64_t bytes = 0;
  const auto under = [&below](const std::string& path) {
    return below == "/" || path == below || path.starts_with(below + "/");
  };
  for (const auto& [path, text] : state.files) {
    if (under(path) && !state.sizes.contains(path)) bytes += static_cast<int64_t>(text.size());
  }
  for (const auto& [path, size] : state.sizes) {
    if (under(path)) bytes += size;
  }
  return bytes;
}

int FreeDisk(const ShellCall& call) {
  const bool human = HasFlag(call, 'h');
  *call.out += human ? "Filesystem                Size      Used Available Use% Mounted on\n"
                     : "Filesystem           1K-blocks      Used Available Use% Mounted on\n";
  const auto row = [&](const char* name, int64_t size, int64_t used, const std::string& on) {
    const auto amount = [human](int64_t bytes) {
      return human ? Human(bytes) : std::to_string(bytes / 1024);
    };
    *call.out += fmt::format("{:<20} {:>9} {:>9} {:>9} {:>3}% {}\n", name, amount(size),
                             amount(used), amount(size - used), (used * 100 + size - 1) / size, on);
  };
  const ShellState& state = call.context.state;
  row("overlay", kDisk, std::min(kDisk, kDiskUsed + Written(state, "/")), "/");
  row("tmpfs", 64 << 20, 0, "/dev");
  for (const auto& [path, read_only] : state.mounts) {
    if (path != "/")
      row("/dev/vda1", kDisk, std::min(kDisk, kDiskUsed + Written(state, path)), path);
  }
  return 0;
}

int FreeMemory(const ShellCall& call) {
  const int64_t unit = HasFlag(call, 'g') ? 1 << 30 : HasFlag(call, 'm') ? 1 << 20 : 1 << 10;
  const bool human = HasFlag(call, 'h');
  const auto amount = [&](int64_t bytes) {
    return human ? Human(bytes) : std::to_string(bytes / unit);
  };
  constexpr int64_t kCache = 3LL << 30;
  *call.out += fmt::format(
      "{:<7}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n{:<7}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n"
      "{:<7}{:>12}{:>12}{:>12}\n",
      "", "total", "used", "free", "shared", "buff/cache", "available",
      "Mem:", amount(kMachineMemory), amount(kMachineUsed),
      amount(kMachineMemory - kMachineUsed - kCache), amount(4 << 20), amount(kCache),
      amount(kMachineMemory - kMachineUsed), "Swap:", amount(0), amount(0), amount(0));
  return 0;
}

/// What the container's first process is called.
std::string MainProcess(const ShellState& state) {
  if (!state.child) return state.shell_name;
  if (state.tools == nullptr) return "sh";
  if (!state.tools->binaries.empty()) return state.tools->binaries[0];
  return state.tools->any_command ? "/app" : "sh";
}

int Processes(const ShellCall& call) {
  const ShellState& state = call.context.state;
  std::string own;
  for (const std::string& word : call.argv) own += (own.empty() ? "" : " ") + word;
  *call.out += "PID   USER     TIME  COMMAND\n";
  *call.out += fmt::format("{:>5} {:<8} {:>5} {}\n", 1, "root", "0:01", MainProcess(state));
  if (state.child) *call.out += fmt::format("{:>5} {:<8} {:>5} {}\n", 31, "root", "0:00", own);
  return 0;
}

int Top(const ShellCall& call) {
  if (!HasFlag(call, 'b')) {
    *call.err += "top: it shows one screen only here: top -b -n 1\n";
    return 1;
  }
  const ShellState& state = call.context.state;
  *call.out += fmt::format(
      "Mem: {}K used, {}K free, 4096K shrd, 102400K buff, 3043328K cached\n"
      "CPU:   9% usr   3% sys   0% nic  87% idle   0% io   0% irq   1% sirq\n"
      "Load average: 0.42 0.40 0.38 1/310 31\n"
      "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n"
      "{:>5} {:>5} {:<8} {:<4} {:>5} {:>4} {:>3} {:>4} {}\n",
      kMachineUsed / 1024, (kMachineMemory - kMachineUsed) / 1024, 1, 0, "root", "S",
      Human(state.memory), fmt::format("{}%", state.memory * 100 / kMachineMemory), 0,
      fmt::format("{}%", state.milli_cpu / 40), MainProcess(state));
  return 0;
}

int Uptime(const ShellCall& call) {
  *call.out +=
      fmt::format(" {} up 41 days,  3:12,  load average: 0.42, 0.40, 0.38\n",
                  absl::FormatTime("%H:%M:%S", call.context.state.now, absl::UTCTimeZone()));
  return 0;
}

int Kernel(const ShellCall& call) {
  const ShellState& state = call.context.state;
  const auto host = state.variables.find("HOSTNAME");
  const std::string name = host == state.variables.end() ? "localhost" : host->second;
  std::string line;
  const auto add = [&](char flag, const std::string& part) {
    if (HasFlag(call, 'a') || HasFlag(call, flag)) line += (line.empty() ? "" : " ") + part;
  };
  add('s', "Linux");
  add('n', name);
  add('r', "6.1.0-31-amd64");
  add('v', "#1 SMP PREEMPT_DYNAMIC Debian 6.1.128-1");
  add('m', "x86_64");
  *call.out += (line.empty() ? "Linux" : line) + "\n";
  return 0;
}

int DiskUse(const ShellCall& call) {
  std::vector<std::string> paths;
  for (size_t i = 1; i < call.argv.size(); ++i) {
    if (!call.argv[i].starts_with('-')) paths.push_back(call.argv[i]);
  }
  if (paths.empty()) paths.emplace_back(".");
  for (const std::string& path : paths) {
    const int64_t bytes = Written(call.context.state, AbsolutePath(call.context.state, path));
    const int64_t blocks = (bytes + 4095) / 4096 * 4;
    *call.out += fmt::format(
        "{}\t{}\n", HasFlag(call, 'h') ? Human(blocks * 1024) : std::to_string(blocks), path);
  }
  return 0;
}

}  // namespace

std::optional<int> MachineCommand(const ShellCall& call, const std::string& name) {
  if (name == "df") return FreeDisk(call);
  if (name == "du") return DiskUse(call);
  if (name == "free") return FreeMemory(call);
  if (name == "ps") return Processes(call);
  if (name == "top") return Top(call);
  if (name == "uptime") return Uptime(call);
  if (name == "uname") return Kernel(call);
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
