// The process of a container: what its image and command do over time. A value (copies run on by
// themselves), advanced by asking for it; nothing happens between.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/kubesim/api/pod_exec.h"
#include "libs/kubesim/behaviour/kubelet/image_table.h"
#include "libs/kubesim/behaviour/kubelet/shell.h"
#include "libs/kubesim/store/logs.h"

namespace opsmesh::kubesim {

/// What a container is told to run.
struct ProcessSpec {
  ImageProfilePtr profile;
  std::string image;
  std::vector<std::string> argv;  // command and args; empty = the image's own
  bool command_given = false;  // `command` replaces the image's entry point, `args` alone does not
  std::map<std::string, std::string> env;
  std::vector<Listener> declared;   // the container's ports
  bool tty = false;                 // stdin or a terminal is kept open
  int64_t memory_limit = 0;         // bytes, 0 = none
  int64_t cpu_limit = 0;            // thousandths of a core, 0 = none
  std::set<std::string> mounts;     // mount paths
  std::set<std::string> read_only;  // those that are; "/" for the root
  std::string directory;            // workingDir; "" = the image's own
  std::string message_path = "/dev/termination-log";
  std::map<std::string, std::string> files;  // mounted files with their content
  std::string ns, pod_name;
  bool initialised = false;  // it has run before: needs no first password, say
};

/// Why a container could not start.
struct StartFailure {
  std::string message;  // of the runtime
  int code = 128;
};

struct ProcessEnd {
  absl::Time at;
  int code = 0;
  std::string reason;  // "OOMKilled", or ""
};

class Process {
 public:
  /// `world` answers what a script asks of names and ports. Deterministic.
  static std::optional<StartFailure> Start(const ProcessSpec& spec, const ImageTable& table,
                                           absl::Time now, Process* process);
  /// One that was running already (a loaded or forked cluster): a script begins again, without its
  /// lines.
  void Adopt(absl::Time started);

  /// Runs up to `now`; lines written go to `lines`.
  void Advance(absl::Time now, const World& world, std::vector<LogLine>* lines);
  /// When something happens next by itself; InfiniteFuture when nothing does.
  absl::Time due() const;
  const std::optional<ProcessEnd>& end() const { return end_; }

  /// SIGTERM, now. It may end, later or never.
  void Terminate(absl::Time now);
  /// Ends it by force.
  void Kill(absl::Time now, int code, std::string reason = {});

  /// What answers on a port at this moment; null = connection refused.
  const Listener* ListenerOn(int port, absl::Time now) const;
  /// Runs a command inside, as an exec probe does: exit code and output. Nobody waits for it longer
  /// than `patience`.
  ExecResult Exec(const std::vector<std::string>& argv, absl::Time now, const World& world,
                  absl::Duration patience = kPatience) const;
  /// The same for a lifecycle hook: the files that it writes stay.
  ExecResult Hook(const std::vector<std::string>& argv, absl::Time now, const World& world);
  /// A command that people run: files that it writes stay, unless it needs more input or has not
  /// ended. With `memory`, the only word of `argv` is a line for the shell that it belongs to.
  struct Asked {
    const std::string* input = nullptr;  // null: it may still come
    ShellMemory* memory = nullptr;
  };
  ExecResult Ask(const std::vector<std::string>& argv, const Asked& asked, absl::Time now,
                 const World& world);
  bool runs_script() const { return script_runs_; }
  /// A shell without a script that waits for somebody to type.
  bool waits() const { return !script_runs_ && !serving_ && !exits_at_ && !end_; }
  const ImageProfile& profile() const { return *profile_; }
  int64_t memory(absl::Time now) const;  // bytes
  /// Bytes of what it wrote in `folder` and below.
  int64_t DiskUse(std::string_view folder) const;
  int64_t milli_cpu() const { return cpu_; }
  /// Lines it goes on writing by itself; null when there are none.
  std::shared_ptr<const LogScript> MakeLogScript(const base::Clock& clock) const;
  /// What it wrote to its terminationMessagePath.
  std::string TerminationMessage() const;
  /// What lies in `folder` and below, by path from there; and puts such files into a folder.
  WrittenFiles FilesIn(std::string_view folder) const;
  void PutFiles(const std::string& folder, const WrittenFiles& files);
  /// Memory it needs beyond its limit kills it; faults raise the need.
  void RaiseMemory(int64_t bytes) { extra_memory_ = bytes; }
  bool busy_forever() const { return due() == absl::InfiniteFuture() && !end_; }

 private:
  static constexpr absl::Duration kPatience = absl::Hours(1);
  ExecResult Run(const std::vector<std::string>& argv, absl::Time now, const World& world,
                 std::map<std::string, std::string>* files, const Asked* asked = nullptr,
                 absl::Duration patience = kPatience) const;
  ShellState MakeInner(absl::Time now) const;
  std::optional<StartFailure> StartCommand(const ProcessSpec& spec, const ImageTable& table,
                                           absl::Time now);
  /// A mounted script: its first line names who reads it.
  std::optional<StartFailure> StartMounted(const std::string& script, const ProcessSpec& spec,
                                           const ImageTable& table, absl::Time now);
  void StartShell(const std::string& name, const ProcessSpec& spec, absl::Time now);
  void RunScript(const std::string& script, const ProcessSpec& spec, absl::Time now);
  void Serve(absl::Time now);
  void CheckMemory(absl::Time now);

  ImageProfilePtr profile_;
  std::string tag_, ns_, message_path_;
  absl::Time started_, listens_from_;
  bool begun_ = false;
  std::map<std::string, std::string> env_, files_;
  std::map<std::string, bool> mounts_;  // true = read-only; "/" is the root
  std::string directory_ = "/";
  std::vector<Listener> declared_;
  int64_t memory_ = 0, memory_limit_ = 0, extra_memory_ = 0, cpu_ = 0;
  // The image's server.
  bool initialised_ = false, serving_ = false, answers_everywhere_ = false;
  std::vector<Listener> listeners_;
  // A script.
  bool script_runs_ = false, exec_format_error_ = false;
  ShellState shell_;
  // How it ends.
  std::string lines_once_;  // instead of the image's own
  std::optional<absl::Time> exits_at_, term_at_, oom_at_;
  int exit_code_ = 0, term_code_ = 0;
  std::string exit_reason_;
  std::optional<ProcessEnd> end_;
};

}  // namespace opsmesh::kubesim
