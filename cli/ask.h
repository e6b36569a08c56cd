// `opsmesh ask`: one question over HTTP, the answer as it comes.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"
#include "libs/http_client/http_client.h"

namespace opsmesh::cli {

struct Question {
  std::string server = "http://127.0.0.1:8080";  // base URL
  base::Secret api_key;                          // bearer; empty = none
  std::string query;
  std::string attachment;   // data the question is about; empty = none
  std::string session_id;   // empty = a new one
  std::string name_space;
  std::string cluster;
  bool as_json = false;     // print the last event instead of the text
  bool quiet = false;       // no progress on stderr
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

/// Asks and prints; the exit code (see exit_codes.h). Errors are printed as what, why and next step.
int Ask(const base::Context& ctx, http_client::Client& client, const Question& question, Output& output);

/// Most bytes of an attachment the contract allows.
inline constexpr size_t kMaxAttachmentBytes = 512 << 10;

}  // namespace opsmesh::cli
