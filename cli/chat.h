// Question after question in one session.
#pragma once

#include <string>

#include "cli/reach.h"

namespace opsmesh::cli {

struct ChatFlags {
  ReachFlags reach;
  std::string session_id;
  std::string name_space;
  std::string cluster;
  bool quiet = false;
};

/// Reads questions from standard input until its end; the exit code of the last answer.
int RunChat(const ChatFlags& flags);

}  // namespace opsmesh::cli
