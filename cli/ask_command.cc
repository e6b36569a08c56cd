#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/stdin_data.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::cli {
namespace {

class Terminal final : public Output {
 public:
  void Answer(std::string_view text) override {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  void Note(std::string_view line) override {
    std::fflush(stdout);
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  }
};

/// Ctrl-C once cancels the question; twice ends the program as Ctrl-C always does.
class CancelOnInterrupt {
 public:
  explicit CancelOnInterrupt(std::shared_ptr<base::CancelState> cancel) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);  // ends the waiting thread
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
    waiter_ = std::thread([signals, cancel = std::move(cancel)] {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0 || signal != SIGINT) return;
      std::signal(SIGINT, SIG_DFL);
      sigset_t interrupt;
      sigemptyset(&interrupt);
      sigaddset(&interrupt, SIGINT);
      pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
      cancel->Cancel();
    });
  }
  ~CancelOnInterrupt() {
    pthread_kill(waiter_.native_handle(), SIGUSR1);
    waiter_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  CancelOnInterrupt(const CancelOnInterrupt&) = delete;
  CancelOnInterrupt& operator=(const CancelOnInterrupt&) = delete;

 private:
  sigset_t before_{};
  std::thread waiter_;
};

struct AskFlags {
  std::vector<std::string> words;
  std::string format = "text";
  bool no_stdin = false;
  double timeout_seconds = 180;
  Question question;
};

int RunAsk(AskFlags& flags) {
  Terminal terminal;
  Question& question = flags.question;
  question.query = base::Join(flags.words, " ");
  question.as_json = flags.format == "json";
  while (!question.server.empty() && question.server.back() == '/') question.server.pop_back();
  if (question.server.find("://") == std::string::npos) question.server.insert(0, "http://");
  if (const char* key = std::getenv("OPSMESH_API_KEY")) question.api_key = base::Secret(key);
  if (!flags.no_stdin) {
    const auto data = ReadStdin(STDIN_FILENO, kMaxAttachmentBytes, absl::Seconds(30));
    if (!data.ok()) {
      terminal.Note("opsmesh: " + std::string(data.status().message()));
      terminal.Note("         " + base::DetailOf(data.status()).hint);
      return kUsage;
    }
    question.attachment = data->bytes;
    if (data->truncated) terminal.Note("! Only the first 512 KiB of standard input are handed over.");
  }
  if (base::Trim(question.query).empty()) {
    terminal.Note("opsmesh: There is no question. Write one: opsmesh ask \"what is wrong in shop?\"");
    return kUsage;
  }
  std::shared_ptr<base::CancelState> cancel;
  const base::Context ctx =
      base::Context::Background().WithTimeout(absl::Seconds(flags.timeout_seconds)).WithCancel(&cancel);
  const CancelOnInterrupt interrupt(cancel);
  const auto client = http_client::Client::Create();
  return Ask(ctx, *client, question, terminal);
}

}  // namespace

void AddAskCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("ask", "Ask a running OpsMesh, in Chinese or English.");
  auto flags = std::make_shared<AskFlags>();
  command->add_option("question", flags->words, "The question; data for it may come on standard input.");
  command->add_option("--server", flags->question.server, "Address of the gateway.")
      ->envname("OPSMESH_SERVER")
      ->capture_default_str();
  command->add_option("--session", flags->question.session_id, "Go on with this session.");
  command->add_option("-n,--namespace", flags->question.name_space, "Namespace to look in first.");
  command->add_option("--cluster", flags->question.cluster, "Id of a configured cluster.");
  command->add_option("-o,--output", flags->format, "text, or json: the last event with facts and ledger.")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--timeout", flags->timeout_seconds, "Longest wait, in seconds.")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  command->add_flag("-q,--quiet", flags->question.quiet, "Print the answer alone.");
  command->add_flag("--no-stdin", flags->no_stdin, "Do not read standard input.");
  command->footer("A key for OpsMesh is read from OPSMESH_API_KEY, never from the command line.");
  command->callback([flags, exit_code] { *exit_code = RunAsk(*flags); });
}

}  // namespace opsmesh::cli
