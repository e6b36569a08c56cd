// chat: questions one after the other in one session. Works at a terminal and in a pipe.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::cli {
namespace {

constexpr size_t kMaxLineBytes = 64 << 10;

/// Lines of standard input, each waited for beside Ctrl-C.
class Lines {
 public:
  explicit Lines(int interrupt_fd) : interrupt_fd_(interrupt_fd) {}
  enum class Got { kLine, kInterrupt, kEnd };

  Got Next(std::string* line) {
    while (true) {
      if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
        *line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return Got::kLine;
      }
      if (ended_) {
        *line = std::exchange(buffer_, "");
        return line->empty() ? Got::kEnd : Got::kLine;
      }
      std::array<pollfd, 2> waiting{pollfd{STDIN_FILENO, POLLIN, 0},
                                    pollfd{interrupt_fd_, POLLIN, 0}};
      if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return Got::kEnd;
      if ((waiting[1].revents & POLLIN) != 0) {
        uint64_t count = 0;
        if (read(interrupt_fd_, &count, sizeof count) < 0) return Got::kEnd;
        buffer_.clear();
        return Got::kInterrupt;
      }
      if (waiting[0].revents == 0) continue;
      std::array<char, 4096> bytes{};
      const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
      if (count <= 0) {
        ended_ = true;
      } else if (buffer_.size() < kMaxLineBytes) {
        buffer_.append(bytes.data(), static_cast<size_t>(count));
      }
    }
  }

 private:
  const int interrupt_fd_;
  std::string buffer_;
  bool ended_ = false;
};

class Chat {
 public:
  Chat(Reach& reach, const ChatFlags& flags, Terminal& terminal, Interrupts& interrupts)
      : reach_(reach),
        flags_(flags),
        terminal_(terminal),
        interrupts_(interrupts),
        lines_(interrupts.prompt_fd()) {
    session_ = flags.session_id;
  }

  int Run() {
    const bool person = isatty(STDIN_FILENO) == 1;
    if (person) Greet();
    int code = kOk;
    while (true) {
      if (person) Prompt();
      std::string line;
      const Lines::Got got = lines_.Next(&line);
      if (got == Lines::Got::kEnd) break;
      if (got == Lines::Got::kInterrupt) {
        terminal_.Answer("\n");
        continue;
      }
      const std::string question(base::Trim(base::SanitizeUtf8(line)));
      if (question.empty()) continue;
      if (question == "/exit" || question == "/quit" || question == "exit" || question == "quit")
        return code;
      if (question == "/new") {
        session_.clear();
        terminal_.Note(Say("新的会话。", "A new session."));
        continue;
      }
      code = Turn(question);
    }
    if (person) terminal_.Answer("\n");
    return code;
  }

 private:
  void Greet() {
    terminal_.Note(reach_.description());
    terminal_.Note(
        Say("请提问。Ctrl-C 取消正在进行的回答，/new 开始新会话，/exit 或 Ctrl-D 结束。",
            "Ask. Ctrl-C cancels an answer, /new begins another session, /exit or Ctrl-D ends."));
  }
  void Prompt() {
    terminal_.Answer(UseColor(1, flags_.reach.no_color) ? "\x1b[1m>\x1b[0m " : "> ");
  }

  int Turn(const std::string& words) {
    Question question;
    question.server = reach_.server();
    question.query = words;
    question.session_id = session_;
    question.name_space = flags_.name_space;
    question.cluster = flags_.cluster;
    question.quiet = flags_.quiet;
    std::shared_ptr<base::CancelState> cancel;
    const base::Context ctx =
        reach_.Within(absl::Seconds(flags_.reach.timeout_seconds)).WithCancel(&cancel);
    interrupts_.Watch(cancel);
    AskTrace trace;
    const int code = Ask(ctx, reach_.client(), question, terminal_, &trace);
    interrupts_.Unwatch();
    if (!trace.session_id.empty()) session_ = trace.session_id;
    return code;
  }

  Reach& reach_;
  const ChatFlags& flags_;
  Terminal& terminal_;
  Interrupts& interrupts_;
  Lines lines_;
  std::string session_;
};

}  // namespace

int RunChat(const ChatFlags& flags) {
  Interrupts interrupts;
  Terminal terminal(flags.reach.no_color);
  const auto reach = OpenReach(flags.reach);
  if (!reach.ok()) return Report(reach.status());
  return Chat(**reach, flags, terminal, interrupts).Run();
}

void AddChatCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("chat", "Ask question after question in one session.");
  auto flags = std::make_shared<ChatFlags>();
  command->add_option("--session", flags->session_id, "Go on with this session.");
  command->add_option("-n,--namespace", flags->name_space, "Namespace to look in first.");
  command->add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  command->add_flag("-q,--quiet", flags->quiet, "Print the answers alone.");
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh chat\n"
      "  printf 'pods in shop\\nand in payments?\\n' | opsmesh chat -q\n"
      "/pods, /logs, /scale, /status and /help are understood as in the chat platforms.");
  command->callback([flags, exit_code] { *exit_code = RunChat(*flags); });
}

}  // namespace opsmesh::cli
