// A small POSIX shell: the scripts of manifests (sh -c "…") and the lines that people type into
// containers, as programs that take simulated time.
// Scripts are compiled to a list of instructions; what runs is a copyable state, so that a cluster
// can be forked in the middle of `sleep 5`. Known: lists, && || !, if, while, until, for, case,
// pipelines, groups, variables, $(…), $((…)), quotes, redirections, here documents, background
// jobs, trap, and the commands of shell_builtins.cc and shell_catalogue.cc. Anything else makes the
// script unreadable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/behaviour/kubelet/image_table.h"
#include "libs/kubesim/store/logs.h"

namespace opsmesh::kubesim {

/// What a process can find out about the cluster. Engine thread only.
class World {
 public:
  virtual ~World() = default;
  enum class Reach { kNoSuchHost, kRefused, kTimeout, kOpen };
  /// Whether `host` (name of a Service as seen from `ns`, DNS name, address) resolves.
  virtual bool Resolves(const std::string& host, const std::string& ns) const = 0;
  /// A TCP connection; `status` gets what HTTP answers on `path` when it is open and speaks HTTP
  /// (else 0).
  virtual Reach Connect(const std::string& host, int port, const std::string& path,
                        const std::string& ns, int* status) const = 0;
  /// What HTTP answers there, and its media type; "" when nobody knows.
  struct Page {
    std::string text, type;
  };
  virtual Page Read(const std::string&, int, const std::string&, const std::string&) const {
    return {};
  }
};

struct ExecResult {
  int code = 0;
  std::string output;
  absl::Duration took;
  std::string errors;   // the part of `output` that went to standard error
  bool absent = false;  // there is no such command: nothing was run
  // Of commands that people run (Asked):
  std::string written;       // standard output alone, byte by byte
  bool wants_input = false;  // it reads standard input, which was not given: nothing counts
  bool unreadable = false;   // the line cannot be read
  bool left = false;         // it ended with `exit`
};

/// A file that was written; `size` counts where the content is not kept.
struct WrittenFile {
  std::string text;
  int64_t size = 0;
  bool operator==(const WrittenFile&) const = default;
};
using WrittenFiles = std::map<std::string, WrittenFile>;  // by path

struct ShellProgram;

/// A script in the middle of its run.
struct ShellState {
  std::shared_ptr<const ShellProgram> program;
  size_t pc = 0;
  int status = 0;
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string>
      files;  // what it wrote, by path; what it removed has a mark in `removed`
  std::set<std::string> removed;
  std::map<std::string, int64_t> sizes;  // of files whose content nobody keeps, in bytes
  std::map<std::string, bool> mounts;    // by path; true = read-only; "/" is the root
  std::string directory = "/";           // the working directory
  bool child = false;                    // not the first process of its container
  bool keeps_errors = false;
  std::string errors;  // what went to standard error, when it is kept
  bool raw = false;    // output goes to `written` as it is, instead of to lines
  std::string written;
  std::string input;                          // what is left of standard input
  bool may_ask = false, wants_input = false;  // input may still come; it is needed
  struct Loop {
    std::vector<std::string> items;
    size_t next = 0;
  };
  std::map<size_t, Loop> loops;  // by instruction
  std::vector<absl::Time> jobs;  // ends of background jobs
  std::vector<Listener> listeners;
  std::vector<std::string> positional;  // $0 $1 …
  absl::Time now;                       // how far it has run
  absl::Time wakes =
      absl::InfinitePast();  // sleeping until; InfiniteFuture: serves or waits for ever
  bool over = false;
  bool left = false;  // by `exit`
  int64_t memory = 1 << 20;
  int64_t memory_limit = 0;  // of the container, 0 = none
  int64_t milli_cpu = 1;
  std::optional<std::string> on_term;  // trap handler; "" = ignored
  bool errexit = false, xtrace = false;
  bool is_bash = false;
  std::string shell_name = "sh";
  std::shared_ptr<const ImageProfile> tools;  // which commands exist
  std::string ns;
  bool serves_image = false;                    // it handed over to the image's own server
  int spins = 0;                                // times in a row that it went round without a pause
  absl::Time horizon = absl::InfiniteFuture();  // nobody waits for it longer
};

/// Nothing when the script cannot be read: it is then taken for an application.
std::shared_ptr<const ShellProgram> CompileShell(std::string_view script);

/// A script about to run.
ShellState MakeShell(std::shared_ptr<const ShellProgram> program,
                     const std::map<std::string, std::string>& env, ImageProfilePtr tools,
                     absl::Time now);

/// Runs until `until`, the end, or a wait beyond. Lines go to `lines` with their times. Shells in
/// it, and one that somebody waits for (a horizon), have a bounded number of steps in all; one that
/// used them up is not over.
void RunShell(ShellState* state, absl::Time until, const World& world, std::vector<LogLine>* lines);

/// Whether the command exists in the image: a common tool, a shell, or one of the image's binaries.
bool CommandExists(std::string_view command, const ImageProfile& profile);

/// What every image has and nobody can run: /etc, /etc/passwd …
bool IsPlainFileOrDirectory(const std::string& path);

/// cat, test, sh …: not a tool of a server.
bool CommonShellTool(std::string_view command);

}  // namespace opsmesh::kubesim
