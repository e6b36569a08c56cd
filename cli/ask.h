// `opsmesh ask`: one question over HTTP, the answer as it comes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/gateway_client.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"

namespace opsmesh::cli {

struct Question {
  Server server;
  std::string query;
  std::string attachment;  // data the question is about; empty = none
  std::string session_id;  // empty = a new one
  std::string name_space;
  std::string cluster;
  bool as_json = false;  // print the last event instead of the text
  bool quiet = false;    // no progress on stderr
};

/// Where an answer goes; the real one writes to stdout and stderr.
class Output {
 public:
  virtual ~Output() = default;
  /// A piece of the answer.
  virtual void Answer(std::string_view text) = 0;
  /// A line of progress or of explanation, without its line end.
  virtual void Note(std::string_view line) = 0;
};

/// What a caller may learn beside the exit code.
struct AskTrace {
  std::string session_id;                               // of the answer; to go on with
  std::function<void(std::string_view json)> on_event;  // every event as it came; null = nobody
};

/// Asks and prints; the exit code (see exit_codes.h). Errors are printed as what, why and next
/// step.
int Ask(const base::Context& ctx, http_client::Client& client, const Question& question,
        Output& output, AskTrace* trace = nullptr);

/// Most bytes of an attachment the contract allows.
inline constexpr size_t kMaxAttachmentBytes = 512 << 10;

}  // namespace opsmesh::cli
