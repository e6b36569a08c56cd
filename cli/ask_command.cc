#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/one_shot.h"
#include "cli/print.h"
#include "cli/settings.h"
#include "cli/stdin_data.h"
#include "cli/terminal.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

/// Turns the one line of JSON that Ask() prints into YAML.
class YamlOutput final : public Output {
 public:
  explicit YamlOutput(Output& out) : out_(out) {}
  void Answer(std::string_view text) override {
    const auto parsed = base::ParseJson(text);
    out_.Answer(parsed.ok() ? RenderYaml(*parsed) : std::string(text));
  }
  void Note(std::string_view line) override { out_.Note(line); }

 private:
  Output& out_;
};

/// Appends lines to a file only its owner can read.
class TraceFile {
 public:
  explicit TraceFile(const std::string& path)
      : fd_(path.empty() ? -1
                         : open(path.c_str(),
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~TraceFile() {
    if (fd_ >= 0) close(fd_);
  }
  bool ok() const { return fd_ >= 0; }
  void Line(std::string_view line) const {
    const std::string whole = std::string(line) + "\n";
    if (fd_ >= 0 && write(fd_, whole.data(), whole.size()) < 0) return;
  }

 private:
  const int fd_;
};

int Refuse(Output& terminal, const std::string& what, const std::string& next) {
  terminal.Note("opsmesh: " + what);
  if (!next.empty()) terminal.Note("         " + next);
  return kUsage;
}

}  // namespace

int AskOnce(OneShot& shot) {
  Interrupts interrupts;
  Terminal terminal(shot.reach.no_color);
  Question& question = shot.question;
  question.query = base::Join(shot.words, " ");
  question.as_json = shot.format != "text";
  if (!shot.no_stdin) {
    const auto data = ReadStdin(STDIN_FILENO, kMaxAttachmentBytes, absl::Seconds(30));
    if (!data.ok())
      return Refuse(terminal, std::string(data.status().message()),
                    base::DetailOf(data.status()).hint);
    question.attachment = data->bytes;
    if (!data->left_out.empty()) terminal.Note("! " + data->left_out);
  }
  if (base::Trim(question.query).empty()) {
    return Refuse(terminal, "There is no question.",
                  "Write one: opsmesh ask \"what is wrong in shop?\"");
  }
  const TraceFile trace_file(shot.trace_path);
  if (!shot.trace_path.empty() && !trace_file.ok()) {
    return Refuse(terminal, "The trace file " + shot.trace_path + " cannot be written.",
                  "Name another with --trace-path.");
  }
  const auto reach = OpenReach(shot.reach);
  if (!reach.ok()) return Report(reach.status());
  question.server = (*reach)->server();
  std::shared_ptr<base::CancelState> cancel;
  const base::Context ctx =
      (*reach)->Within(absl::Seconds(shot.reach.timeout_seconds)).WithCancel(&cancel);
  interrupts.Watch(cancel);
  AskTrace trace;
  if (trace_file.ok()) {
    trace_file.Line(base::DumpJson(
        {{"question", question.query}, {"attachment_bytes", question.attachment.size()}}));
    trace.on_event = [&trace_file](std::string_view event) { trace_file.Line(event); };
  }
  YamlOutput yaml(terminal);
  return Ask(ctx, (*reach)->client(), question,
             shot.format == "yaml" ? static_cast<Output&>(yaml) : terminal, &trace);
}

void AddAskCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("ask", "Ask one question, in Chinese or English.");
  auto shot = std::make_shared<OneShot>();
  command->add_option("question", shot->words,
                      "The question; data for it may come on standard input.");
  command->add_option("--session", shot->question.session_id, "Go on with this session.");
  command->add_option("-n,--namespace", shot->question.name_space, "Namespace to look in first.");
  command->add_option("--cluster", shot->question.cluster, "Id of a configured cluster.");
  command
      ->add_option("-o,--output", shot->format,
                   "text, or json or yaml: the last event with facts and ledger.")
      ->check(CLI::IsMember({"text", "json", "yaml"}));
  command->add_flag("-q,--quiet", shot->question.quiet, "Print the answer alone.");
  command->add_flag("--no-stdin", shot->no_stdin, "Do not read standard input.");
  command->add_option("--trace-path", shot->trace_path,
                      "Append every event of the answer to this file.");
  AddReachFlags(*command, shot->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh ask \"which pods keep restarting?\"\n"
      "  opsmesh ask -n shop 有哪些 Pod 没有就绪\n"
      "  kubectl get pods -A -o json | opsmesh ask \"analyze these pods\"\n"
      "What comes on standard input is data the question is about, never an instruction.\n"
      "A key for OpsMesh is read from OPSMESH_API_KEY, never from the command line.");
  command->callback([shot, exit_code] { *exit_code = AskOnce(*shot); });
}

}  // namespace opsmesh::cli
