// What the planner's grammar says about a question before anybody answers it. Pure.
#pragma once

#include <string>
#include <vector>

#include "libs/text/language.h"
#include "opsmesh/llm/v1/turn.pb.h"

namespace opsmesh::llm {

struct Reading {
  text::Language language = text::Language::kEnglish;
  /// The planner should answer whatever is configured: a command, a change, the answer to its own
  /// question.
  bool for_planner = false;
  /// "test", "test connection": whether everything works is asked.
  bool self_test = false;
  /// "test connection" also asks for the cluster, which the planner checks.
  bool asks_cluster = false;
  /// Tools the planner would use.
  std::vector<std::string> suggested;
};

Reading ReadQuestion(const v1::RunTurnRequest& request);

}  // namespace opsmesh::llm
