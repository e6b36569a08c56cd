#include "libs/kubesim/behaviour/kubelet/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/client_tools.h"
#include "libs/kubesim/objects/defaults.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kFirstLine = absl::Milliseconds(60),
                         kBetweenLines = absl::Milliseconds(15);
int64_t Amount(const std::string& quantity, int64_t scale) {
  return static_cast<int64_t>(ParseQuantity(Json(quantity)).value_or(0) / scale);
}

std::string Expand(const std::string& line, absl::Time time, const std::string& tag) {
  if (line.find('{') == std::string::npos) return line;
  const absl::TimeZone utc = absl::UTCTimeZone();
  std::string text = base::ReplaceAll(line, "{rfc3339}", base::Rfc3339(time));
  text = base::ReplaceAll(text, "{time}", absl::FormatTime("%Y/%m/%d %H:%M:%S", time, utc));
  text = base::ReplaceAll(text, "{clf}", absl::FormatTime("%d/%b/%Y:%H:%M:%S +0000", time, utc));
  text = base::ReplaceAll(text, "{ctime}", absl::FormatTime("%a %b %d %H:%M:%E6S %Y", time, utc));
  text = base::ReplaceAll(text, "{redis}", absl::FormatTime("%d %b %Y %H:%M:%E3S", time, utc));
  text = base::ReplaceAll(text, "{pg}", absl::FormatTime("%Y-%m-%d %H:%M:%E3S", time, utc));
  return base::ReplaceAll(text, "{tag}", tag);
}

void WriteLines(const std::vector<std::string>& lines, absl::Time first, absl::Duration step,
                const std::string& tag, std::vector<LogLine>* out) {
  for (const std::string& line : lines) {
    // A line of the table may be a paragraph.
    std::string text = Expand(line, first, tag);
    for (size_t from = 0; from <= text.size();) {
      const size_t end = std::min(text.find('\n', from), text.size());
      out->push_back({first, text.substr(from, end - from)});
      from = end + 1;
    }
    first += step;
  }
}

// The release that an image is: of "nginx:alpine" and "nginx:1" the current one.
std::string ReleaseOf(const std::string& image, const ImageProfile& profile) {
  const auto name = ImageName::Parse(image);
  const std::string tag = name ? name->tag.substr(0, name->tag.find('-')) : "";
  const std::string current = profile.current.empty() ? "1.0.0" : profile.current;
  const bool number =
      !tag.empty() && (std::isdigit(static_cast<unsigned char>(tag[0])) != 0 || tag[0] == 'v');
  return !number || current.starts_with(tag + ".") ? current : tag;
}

}  // namespace

namespace process_internal {

class Repeats final : public LogScript {
 public:
  Repeats(ImageProfilePtr profile, std::string tag, absl::Time started, const base::Clock* clock)
      : profile_(std::move(profile)), tag_(std::move(tag)), started_(started), clock_(clock) {}
  void Write(absl::Time after, size_t most,
             const std::function<void(LogLine)>& sink) const override {
    const absl::Duration every = std::max(profile_->repeat_every, absl::Milliseconds(100));
    const int64_t last = (clock_->Now() - started_) / every;
    const int64_t first = std::max<int64_t>(
        {1, (after - started_) / every + 1, last - static_cast<int64_t>(most) + 1});
    for (int64_t i = first; i <= last; ++i) {
      const absl::Time time = started_ + every * i;
      sink({time, Expand(profile_->repeats[static_cast<size_t>(i) % profile_->repeats.size()], time,
                         tag_)});
    }
  }

 private:
  const ImageProfilePtr profile_;
  const std::string tag_;
  const absl::Time started_;
  const base::Clock* clock_;
};

}  // namespace process_internal

std::shared_ptr<const LogScript> Process::MakeLogScript(const base::Clock& clock) const {
  const bool own = !script_runs_ || shell_.serves_image;
  if (!own || end_ || profile_->repeats.empty()) return nullptr;
  return std::make_shared<process_internal::Repeats>(profile_, tag_, started_, &clock);
}

std::optional<StartFailure> Process::Start(const ProcessSpec& spec, const ImageTable& table,
                                           absl::Time now, Process* process) {
  Process& p = *process;
  p = Process();
  p.profile_ = spec.profile;
  p.tag_ = ReleaseOf(spec.image, *spec.profile);
  p.started_ = now;
  p.memory_limit_ = spec.memory_limit;
  p.env_ = spec.env;
  p.initialised_ = spec.initialised;
  p.files_ = spec.files;
  p.files_.try_emplace("/var/run/secrets/kubernetes.io/serviceaccount/namespace", spec.ns);
  p.files_.try_emplace("/etc/hostname", spec.pod_name + "\n");
  p.ns_ = spec.ns;
  for (const std::string& mount : spec.mounts) p.mounts_[mount] = spec.read_only.contains(mount);
  p.mounts_["/"] = spec.read_only.contains("/");
  if (!spec.directory.empty()) p.directory_ = spec.directory;
  p.message_path_ = spec.message_path;
  p.declared_ = spec.declared;
  p.cpu_ = Amount(spec.profile->cpu, 1);
  p.memory_ = Amount(spec.profile->memory, 1000);
  // The entry points of servers' images hand over to a shell or a tool that is named instead.
  const bool tool = !spec.argv.empty() && !spec.profile->any_command &&
                    CommonShellTool(spec.argv[0]) && CommandExists(spec.argv[0], *spec.profile);
  if (!spec.argv.empty() && (spec.command_given || spec.profile->no_server || tool)) {
    if (auto failure = p.StartCommand(spec, table, now)) return failure;
  } else if (spec.profile->no_server) {
    if (spec.tty) return std::nullopt;  // a shell that waits for somebody
    p.exits_at_ = now + absl::Milliseconds(40);
  } else {
    p.Serve(now);
  }
  return std::nullopt;
}

void Process::Adopt(absl::Time started) {
  const absl::Duration shift = started_ - started;
  started_ = started;
  listens_from_ -= shift;
  begun_ = true;
  if (exits_at_) *exits_at_ -= shift;
}

void Process::Advance(absl::Time now, const World& world, std::vector<LogLine>* lines) {
  if (end_) return;
  if (!begun_) {
    begun_ = true;
    if (!lines_once_.empty())
      WriteLines({lines_once_}, started_ + kFirstLine, kBetweenLines, tag_, lines);
    else if (serving_)
      WriteLines(profile_->starts, started_ + kFirstLine, kBetweenLines, tag_, lines);
    if (exec_format_error_) {
      lines->push_back({started_, "exec: exec format error"});
      end_ = ProcessEnd{started_ + absl::Milliseconds(10), 255, ""};
      return;
    }
  }
  if (script_runs_) {
    const bool served = shell_.serves_image;
    RunShell(&shell_, term_at_ && *term_at_ < now ? *term_at_ : now, world, lines);
    if (shell_.serves_image && !served) {
      Serve(shell_.now);
      if (serving_)
        WriteLines(profile_->starts, shell_.now + kFirstLine, kBetweenLines, tag_, lines);
    }
    memory_ = std::max(memory_, shell_.memory);
    if (shell_.milli_cpu > 1) cpu_ = shell_.milli_cpu;
    const bool beyond = memory_limit_ > 0 && shell_.memory > memory_limit_;
    if (shell_.over && !serving_)
      end_ = beyond ? ProcessEnd{shell_.now, 137, "OOMKilled"}
                    : ProcessEnd{shell_.now, shell_.status, ""};
  }
  CheckMemory(now);
  if (!end_ && exits_at_ && *exits_at_ <= now) {
    WriteLines(profile_->ends,
               *exits_at_ - absl::Milliseconds(40) *
                                static_cast<int64_t>(serving_ ? profile_->ends.size() : 0),
               absl::Milliseconds(40), tag_, lines);
    end_ = ProcessEnd{*exits_at_, exit_code_, exit_reason_};
  }
  if (!end_ && term_at_ && *term_at_ <= now) end_ = ProcessEnd{*term_at_, term_code_, ""};
}

void Process::CheckMemory(absl::Time now) {
  if (end_ || memory_limit_ <= 0 || memory_ + extra_memory_ <= memory_limit_) return;
  // Memory grows until the limit is reached.
  const absl::Time at =
      std::max(started_ + absl::Milliseconds(900), extra_memory_ > 0 ? now : started_);
  if (at <= now)
    end_ = ProcessEnd{at, 137, "OOMKilled"};
  else
    oom_at_ = at;
}

absl::Time Process::due() const {
  if (end_) return absl::InfiniteFuture();
  absl::Time next = absl::InfiniteFuture();
  if (!begun_) next = started_;
  if (script_runs_ && !shell_.over) next = std::min(next, std::max(shell_.wakes, shell_.now));
  if (exits_at_) next = std::min(next, *exits_at_);
  if (term_at_) next = std::min(next, *term_at_);
  if (oom_at_) next = std::min(next, *oom_at_);
  return next;
}

void Process::Terminate(absl::Time now) {
  if (end_ || term_at_) return;
  if (script_runs_ && !shell_.serves_image) {
    if (!shell_.on_term || shell_.on_term->empty())
      return;  // the first process of a container has no default action
    ShellState handler = shell_;
    handler.program = CompileShell(*shell_.on_term);
    if (!handler.program) return;
    handler.pc = 0;
    handler.now = now;
    handler.wakes = absl::InfinitePast();
    handler.over = false;
    class Nothing final : public World {
      bool Resolves(const std::string&, const std::string&) const override { return false; }
      Reach Connect(const std::string&, int, const std::string&, const std::string&,
                    int*) const override {
        return Reach::kRefused;
      }
    } nothing;
    std::vector<LogLine> lines;
    RunShell(&handler, now + absl::Hours(1), nothing, &lines);
    if (!handler.over) return;
    term_at_ = std::max(handler.now, now);
    term_code_ = handler.status;
    return;
  }
  if (profile_->no_server && !serving_) return;  // a shell or a sleep as process 1
  term_at_ = now + profile_->term_after;
  term_code_ = profile_->term_code;
}

void Process::Kill(absl::Time now, int code, std::string reason) {
  if (!end_) end_ = ProcessEnd{now, code, std::move(reason)};
}

const Listener* Process::ListenerOn(int port, absl::Time now) const {
  if (end_ || !begun_) return nullptr;
  for (const Listener& listener : shell_.listeners) {
    if (listener.port == port) return &listener;
  }
  if (!serving_ || now < listens_from_) return nullptr;
  for (const Listener& listener : listeners_) {
    if (listener.port == port) return &listener;
  }
  static const Listener* any = new Listener{0, Listener::Protocol::kHttp, {}, 200};
  return answers_everywhere_ ? any : nullptr;
}

ExecResult Process::Hook(const std::vector<std::string>& argv, absl::Time now, const World& world) {
  std::map<std::string, std::string> files;
  ExecResult result = Run(argv, now, world, &files);
  (script_runs_ ? shell_.files : files_) = std::move(files);
  return result;
}

ExecResult Process::Ask(const std::vector<std::string>& argv, const Asked& asked, absl::Time now,
                        const World& world) {
  std::map<std::string, std::string> files;
  ExecResult result = Run(argv, now, world, &files, &asked);
  if (!result.wants_input && !result.unreadable)
    (script_runs_ ? shell_.files : files_) = std::move(files);
  return result;
}

ExecResult Process::Exec(const std::vector<std::string>& argv, absl::Time now, const World& world,
                         absl::Duration patience) const {
  std::map<std::string, std::string> files;
  return Run(argv, now, world, &files, nullptr, patience);
}

ExecResult Process::Run(const std::vector<std::string>& argv, absl::Time now, const World& world,
                        std::map<std::string, std::string>* files, const Asked* asked,
                        absl::Duration patience) const {
  *files = script_runs_ ? shell_.files : files_;
  ExecResult result;
  if (argv.empty()) return {126, "no command", absl::ZeroDuration()};
  ShellMemory* memory = asked == nullptr ? nullptr : asked->memory;
  if (memory == nullptr && !CommandExists(argv[0], *profile_)) {
    const bool path = argv[0].find('/') != std::string::npos;
    result.code = 126;
    result.absent = true;
    result.output = fmt::format(
        "OCI runtime exec failed: exec failed: unable to start container process: exec: \"{}\": "
        "{}: unknown",
        argv[0],
        path ? fmt::format("stat {}: no such file or directory", argv[0])
             : "executable file not found in $PATH");
    return result;
  }
  std::string line;
  for (const std::string& word : argv)
    line += (line.empty() ? "'" : " '") + base::ReplaceAll(word, "'", "'\\''") + "'";
  if (memory != nullptr) line = argv[0];
  const bool server_tool =
      memory == nullptr && serving_ && !profile_->binaries.empty() && !CommonShellTool(argv[0]);
  if (server_tool && (now < listens_from_ || end_)) return RefusedClient(argv);
  ShellState inner = MakeInner(now);
  inner.program = CompileShell(line);
  if (!inner.program) {
    result = {2, "syntax error", absl::ZeroDuration()};
    result.unreadable = true;
    return result;
  }
  if (asked != nullptr) {
    inner.raw = true;
    inner.may_ask = asked->input == nullptr;
    if (asked->input != nullptr) inner.input = *asked->input;
  }
  if (memory != nullptr && memory->begun) {
    inner.variables = memory->variables;
    inner.directory = memory->directory;
    inner.status = memory->status;
  }
  std::vector<LogLine> lines;
  inner.horizon = now + patience;
  RunShell(&inner, inner.horizon, world, &lines);
  result.written = std::move(inner.written);
  result.wants_input = inner.wants_input;
  result.left = inner.left;
  if (memory != nullptr)
    *memory = {inner.variables, inner.directory, inner.status, true, profile_->bash};
  for (const LogLine& one : lines) result.output += one.text + "\n";
  *files = inner.files;
  result.errors = inner.errors;
  result.output += inner.errors;
  result.took = inner.over ? inner.now - now : absl::InfiniteDuration();
  result.code = inner.status;
  if (server_tool && inner.serves_image) return {0, "", absl::ZeroDuration()};
  return result;
}

// A shell inside the container, beside its own process.
ShellState Process::MakeInner(absl::Time now) const {
  ShellState inner = script_runs_ ? shell_ : MakeShell(nullptr, env_, profile_, now);
  inner.pc = 0;
  inner.loops.clear();
  inner.now = now;
  inner.wakes = absl::InfinitePast();
  inner.over = inner.left = false;
  inner.ns = ns_;
  inner.child = inner.keeps_errors = true;
  inner.errors.clear();
  inner.directory = directory_;
  if (script_runs_) return inner;
  inner.files = files_;
  inner.mounts = mounts_;
  for (const auto& [mount, sealed] : mounts_) {
    if (mount != "/") inner.files.try_emplace(mount + "/.");
  }
  return inner;
}

int64_t Process::memory(absl::Time) const { return memory_ + extra_memory_; }

std::string Process::TerminationMessage() const {
  auto it = shell_.files.find(message_path_);
  return it == shell_.files.end() ? "" : it->second.substr(0, 4096);
}

WrittenFiles Process::FilesIn(std::string_view folder) const {
  const std::string prefix = std::string(folder) + (folder.ends_with("/") ? "" : "/");
  WrittenFiles found;
  for (const auto& [path, text] : script_runs_ ? shell_.files : files_) {
    if (path.starts_with(prefix) && path != prefix + ".")
      found[path.substr(prefix.size())] = {text, 0};
  }
  for (const auto& [path, size] : shell_.sizes) {
    if (path.starts_with(prefix)) found[path.substr(prefix.size())].size = size;
  }
  return found;
}

void Process::PutFiles(const std::string& folder, const WrittenFiles& files) {
  const std::string prefix = folder + (folder.ends_with("/") ? "" : "/");
  for (const auto& [path, file] : files) {
    (script_runs_ ? shell_.files : files_)[prefix + path] = file.text;
    if (file.size > 0) shell_.sizes[prefix + path] = file.size;
  }
}

int64_t Process::DiskUse(std::string_view folder) const {
  if (!script_runs_) return 0;
  while (folder.size() > 1 && folder.back() == '/') folder.remove_suffix(1);
  const std::string prefix = folder == "/" ? "/" : std::string(folder) + "/";
  auto below = [&](const std::string& path) { return path.starts_with(prefix) || path == folder; };
  int64_t bytes = 0;
  for (const auto& [path, size] : shell_.sizes) bytes += below(path) ? size : 0;
  for (const auto& [path, text] : shell_.files) {
    // What was mounted into it is not its own.
    if (below(path) && !files_.contains(path) && !shell_.sizes.contains(path))
      bytes += static_cast<int64_t>(text.size());
  }
  return bytes;
}

}  // namespace opsmesh::kubesim
