// One question from the command line or a pipe, answered and done.
#pragma once

#include <string>
#include <vector>

#include "cli/ask.h"
#include "cli/reach.h"

namespace opsmesh::cli {

struct OneShot {
  ReachFlags reach;
  std::vector<std::string> words;  // the question; what stands on standard input is data for it
  std::string format = "text";     // "text", "json" or "yaml"
  bool no_stdin = false;
  std::string trace_path;  // every event of the answer is appended here; "" = nowhere
  Question question;       // session, namespace, cluster, quiet
};

/// The exit code.
int AskOnce(OneShot& shot);

}  // namespace opsmesh::cli
