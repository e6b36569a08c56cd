#include "cli/terminal.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "libs/base/strings.h"
#include "libs/text/variants.h"

namespace opsmesh::cli {

bool UseColor(int fd, bool forbidden) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (forbidden || (no_color != nullptr && *no_color != '\0')) return false;
  return isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

namespace {

/// Standard output and standard error end in one place: a terminal, or "2>&1".
bool OutputsMeet() {
  struct stat out {
  }, err{};
  return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
         out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

}  // namespace

void Terminal::Answer(std::string_view text) {
  // After a note the rest of a paragraph's blank line would be one too many.
  if (std::exchange(note_broke_line_, false) && text.starts_with('\n')) text.remove_prefix(1);
  if (text.empty()) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  mid_line_ = text.back() != '\n';
}

void Terminal::Note(std::string_view line) {
  std::fflush(stdout);
  if (mid_line_ && OutputsMeet()) {
    std::fputc('\n', stderr);
    mid_line_ = false;
    note_broke_line_ = true;
  }
  const char* color = "";
  if (color_ && line.rfind("opsmesh: ", 0) == 0) color = "\x1b[31m";
  if (color_ && line.rfind("! ", 0) == 0) color = "\x1b[33m";
  if (color_ && line.rfind("· ", 0) == 0) color = "\x1b[2m";
  std::fprintf(stderr, "%s%.*s%s\n", color, static_cast<int>(line.size()), line.data(),
               *color == '\0' ? "" : "\x1b[0m");
}

std::string TerminalLanguage() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string locale = base::AsciiLower(value);
    if (locale.rfind("zh", 0) != 0) return "en";
    const bool traditional = locale.find("tw") != std::string::npos ||
                             locale.find("hk") != std::string::npos ||
                             locale.find("hant") != std::string::npos;
    return traditional ? "zh-Hant" : "zh-Hans";
  }
  return "en";
}

std::string Say(std::string_view zh, std::string_view en) {
  const std::string language = TerminalLanguage();
  if (language == "en") return std::string(en);
  return language == "zh-Hant" ? text::ToTraditional(zh) : std::string(zh);
}

Interrupts::Interrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  prompt_fd_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Run(); });
}

Interrupts::~Interrupts() {
  const uint64_t one = 1;
  if (write(stop_fd_, &one, sizeof one) == sizeof one) thread_.join();
  for (const int fd : {signal_fd_, stop_fd_, prompt_fd_}) close(fd);
}

void Interrupts::Watch(std::shared_ptr<base::CancelState> work) {
  const std::lock_guard lock(mutex_);
  work_ = std::move(work);
}

int Interrupts::prompt_fd() {
  const std::lock_guard lock(mutex_);
  prompts_ = true;
  return prompt_fd_;
}

void Interrupts::Run() {
  while (true) {
    std::array<pollfd, 2> waiting{pollfd{signal_fd_, POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0}};
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if ((waiting[1].revents & POLLIN) != 0) return;
    signalfd_siginfo info{};
    if (read(signal_fd_, &info, sizeof info) != sizeof info) continue;
    std::shared_ptr<base::CancelState> work;
    bool prompts = false;
    {
      const std::lock_guard lock(mutex_);
      work = work_;
      prompts = prompts_;
    }
    if (work != nullptr && !work->cancelled()) {
      work->Cancel();
      continue;
    }
    const uint64_t one = 1;
    if (work == nullptr && prompts && write(prompt_fd_, &one, sizeof one) == sizeof one) continue;
    _exit(130);
  }
}

}  // namespace opsmesh::cli
