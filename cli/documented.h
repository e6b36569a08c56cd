// The command line of the documented program `kubelet-wuhrai`: flags and a question in any order,
// and no verbs. `opsmesh` called by that name behaves so, and understands the same form when its
// first word is no verb but a question.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/config/source.h"
#include "libs/server/server.h"

namespace opsmesh::cli {

/// True when `argv` is to be read this way: by the name of the program, or because its first word
/// is a flag of this form or a question.
bool IsDocumentedForm(const std::vector<std::string>& arguments, const std::string& program);

/// Runs it; the exit code. `arguments` are without the program's name.
int RunDocumented(const std::vector<std::string>& arguments, const std::string& program);

/// What the user's file may say at its top level, in kebab-case, camelCase or snake_case.
struct DocumentedSettings {
  bool quiet = false;
  bool skip_permissions = false;
  bool remove_workdir = true;
  bool mcp_client = false;
  bool mcp_server = false;
  bool external_tools = false;
  std::string user_interface = "terminal";  // "terminal" or "html"
  std::string ui_listen_address = "127.0.0.1:8888";
  std::string trace_path;
  std::string kubeconfig;
};
absl::StatusOr<DocumentedSettings> LoadDocumented(const config::Source& source);

/// A part of every process of this program that knows these keys, so that a file that holds them is
/// no error.
server::ServiceSpec DocumentedPart();

}  // namespace opsmesh::cli
