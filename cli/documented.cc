#include "cli/documented.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "CLI/CLI.hpp"
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/one_shot.h"
#include "cli/settings.h"
#include "cli/tools_command.h"
#include "cli/usage.h"
#include "fmt/core.h"
#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"
#include "libs/config/reader.h"

namespace opsmesh::cli {
namespace {

constexpr int kMostIterations = 12;  // what the llm service allows

/// What the command line says; empty or unset where it says nothing.
struct Flags {
  OneShot shot;
  DocumentedSettings settings;
  std::string llm_provider;
  std::string model;
  int max_iterations = 0;
  int verbosity = 0;
  bool skip_verify_ssl = false;
  bool tool_use_shim = false;
  std::string custom_tools_config;
  std::vector<std::string> extra_prompt_paths;
  std::string prompt_template_path;
  bool show_version = false;
};

void AddFlags(CLI::App& app, Flags& flags) {
  DocumentedSettings& settings = flags.settings;
  app.add_option(
      "words", flags.shot.words,
      "The question; or one of: models, tools, version. vllm://host:port names a server.");
  app.add_option("--llm-provider", flags.llm_provider,
                 "deepseek, qwen, doubao, vllm, ollama, openai, openai-compatible, ...");
  app.add_option("--model", flags.model, "Model; its provider is found by it when none is named.");
  app.add_option("--max-iterations", flags.max_iterations, "Most steps of one answer (1 to 12).")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--quiet,-q", settings.quiet, "Print the answer alone and end.");
  app.add_flag("--skip-permissions", settings.skip_permissions,
               "Ask no confirmation for low-risk actions; never lifts a policy.");
  app.add_flag("--remove-workdir", settings.remove_workdir,
               "Accepted: no working folder is made, so none is left.");
  app.add_option("--user-interface", settings.user_interface,
                 "terminal, or html: serve the web page.")
      ->check(CLI::IsMember({"terminal", "html"}));
  app.add_option("--ui-listen-address", settings.ui_listen_address, "Address of the web page.");
  app.add_flag("--mcp-client", settings.mcp_client,
               "Use the tools of the MCP servers in mcp.yaml too: no effect in this version.");
  app.add_flag(
      "--mcp-server", settings.mcp_server,
      "Be an MCP server on standard input and output: not built in this version, refused.");
  app.add_flag(
      "--external-tools", settings.external_tools,
      "With --mcp-server: also offer the tools of other MCP servers: not built in this version.");
  app.add_option("--trace-path", settings.trace_path,
                 "Append every event of the answer to this file.");
  app.add_option("--verbosity,-v", flags.verbosity, "Log level: 0, 1, 2 (debug).");
  app.add_flag("--enable-tool-use-shim", flags.tool_use_shim,
               "Accepted: models without tool calls need no shim here.");
  app.add_option("--custom-tools-config", flags.custom_tools_config,
                 "File of custom tools: no effect in this version.");
  app.add_option("--extra-prompt-paths", flags.extra_prompt_paths,
                 "Files of further instructions for the model: no effect in this version.");
  app.add_option("--prompt-template-file-path", flags.prompt_template_path,
                 "File with the instructions for the model: no effect in this version.");
  app.add_flag("--skip-verify-ssl", flags.skip_verify_ssl,
               "Do not verify the certificate of the model's server.");
  app.add_option("-n,--namespace", flags.shot.question.name_space, "Namespace to look in first.");
  app.add_option("--session", flags.shot.question.session_id, "Go on with this session.");
  app.add_option("-o,--output", flags.shot.format, "text, json or yaml.")
      ->check(CLI::IsMember({"text", "json", "yaml"}));
  app.add_flag("--no-stdin", flags.shot.no_stdin, "Do not read standard input.");
  app.add_flag("--version", flags.show_version, "Print the version.");
  AddReachFlags(app, flags.shot.reach);
}

/// "-v=2" as CLI11 wants it.
std::vector<std::string> Normalized(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    out.push_back(argument.rfind("-v=", 0) == 0 ? "--verbosity=" + argument.substr(3) : argument);
  }
  return out;
}

void Set(const char* name, const std::string& value) {
  if (!value.empty()) setenv(name, value.c_str(), 1);
}

/// The first word "vllm://host:port" becomes the address of the model's server.
void TakeServerWord(Flags& flags) {
  std::vector<std::string>& words = flags.shot.words;
  const auto address = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return word.rfind("vllm://", 0) == 0;
  });
  if (address == words.end()) return;
  std::string url = "http://" + address->substr(std::string_view("vllm://").size());
  while (!url.empty() && url.back() == '/') url.pop_back();
  Set("LLM_BASE_URL", url.size() >= 3 && url.substr(url.size() - 3) == "/v1" ? url : url + "/v1");
  if (flags.llm_provider.empty()) flags.llm_provider = "vllm";
  words.erase(address);
}

/// Settings of the mesh in this process, as the variables they are documented under. Before the
/// first thread.
void Apply(Flags& flags, const DocumentedSettings& settings) {
  TakeServerWord(flags);
  Set("LLM_PROVIDER", flags.llm_provider);
  Set("LLM_MODEL", flags.model);
  if (flags.skip_verify_ssl) Set("LLM_SKIP_VERIFY_SSL", "true");
  ReachFlags& reach = flags.shot.reach;
  if (flags.max_iterations > 0) {
    reach.settings["max_iterations"] =
        fmt::format("{}", std::min(flags.max_iterations, kMostIterations));
  }
  if (reach.kubeconfig.empty()) reach.kubeconfig = settings.kubeconfig;
  if (flags.verbosity >= 2) reach.settings["log.level"] = "debug";
  flags.shot.trace_path = settings.trace_path;
  flags.shot.question.quiet = settings.quiet;
}

/// Where the command line says nothing the user's file does.
DocumentedSettings Merge(const CLI::App& app, const DocumentedSettings& file,
                         DocumentedSettings line) {
  const auto given = [&app](const char* name) { return app.get_option(name)->count() > 0; };
  if (!given("--quiet")) line.quiet = file.quiet;
  if (!given("--skip-permissions")) line.skip_permissions = file.skip_permissions;
  if (!given("--remove-workdir")) line.remove_workdir = file.remove_workdir;
  if (!given("--mcp-client")) line.mcp_client = file.mcp_client;
  if (!given("--mcp-server")) line.mcp_server = file.mcp_server;
  if (!given("--external-tools")) line.external_tools = file.external_tools;
  if (!given("--user-interface")) line.user_interface = file.user_interface;
  if (!given("--ui-listen-address")) line.ui_listen_address = file.ui_listen_address;
  if (!given("--trace-path")) line.trace_path = file.trace_path;
  line.kubeconfig = file.kubeconfig;
  return line;
}

/// Says on stderr what was asked for and is not built, or has no effect; false when nothing can be
/// done.
bool TellLimits(const Flags& flags, const DocumentedSettings& settings) {
  const auto note = [&](const std::string& line) {
    if (!settings.quiet) std::fprintf(stderr, "! %s\n", line.c_str());
  };
  if (settings.mcp_server) {
    std::fprintf(stderr,
                 "opsmesh: Being an MCP server is not built in this version.\n"
                 "         Until then the tools are at POST /api/v1/tools/{name}:call of `opsmesh "
                 "up`, and `opsmesh tools call`.\n");
    return false;
  }
  if (settings.mcp_client)
    note("--mcp-client: MCP servers are not built in this version; the built-in tools answer.");
  if (settings.skip_permissions)
    note("--skip-permissions: nothing is changed in this version, and no policy is ever lifted.");
  if (flags.max_iterations > kMostIterations)
    note(fmt::format("--max-iterations: {} steps are the most.", kMostIterations));
  for (const auto& [name, value] :
       {std::pair<const char*, bool>{"--custom-tools-config", !flags.custom_tools_config.empty()},
        {"--extra-prompt-paths", !flags.extra_prompt_paths.empty()},
        {"--prompt-template-file-path", !flags.prompt_template_path.empty()}}) {
    if (value) note(fmt::format("{} is not built in this version and has no effect.", name));
  }
  return true;
}

int Serve(const DocumentedSettings& settings, const ReachFlags& reach) {
  std::string address = settings.ui_listen_address;
  if (!address.empty() && address.front() == ':') address.insert(0, "0.0.0.0");
  std::vector<std::string> arguments = {"up", "--listen", address};
  if (!reach.kubeconfig.empty())
    arguments.insert(arguments.end(), {"--kubeconfig", reach.kubeconfig});
  if (!reach.cluster.empty()) arguments.insert(arguments.end(), {"--cluster", reach.cluster});
  for (const auto& [key, value] : reach.settings)
    arguments.insert(arguments.end(), {"--set", key + "=" + value});
  return RunUp(arguments);
}

int Run(const CLI::App& app, Flags& flags, const std::string& program) {
  if (flags.show_version) {
    std::printf("%s %s\n", program.c_str(), base::VersionLine().c_str());
    return kOk;
  }
  const auto source = config::Source::Load(server::DefaultSources(config::SystemEnvironment()));
  if (!source.ok()) return Report(source.status());
  const auto file = LoadDocumented(*source);
  if (!file.ok()) return Report(file.status());
  const DocumentedSettings settings = Merge(app, *file, flags.settings);
  Apply(flags, settings);
  if (!TellLimits(flags, settings)) return kFailure;

  ReachFlags& reach = flags.shot.reach;
  if (program != "opsmesh" && reach.server.empty()) {
    reach.local = true;
    reach.log_file = "/tmp/kubelet-wuhrai.log";
  } else if (!flags.llm_provider.empty() || !flags.model.empty()) {
    reach.local = reach.server.empty();
  }
  const std::string word = flags.shot.words.size() == 1 ? flags.shot.words.front() : "";
  const std::string format = flags.shot.format == "text" ? "table" : flags.shot.format;
  if (word == "version") {
    std::printf("%s %s\n", program.c_str(), base::VersionLine().c_str());
    return kOk;
  }
  if (word == "models") return ListModels(reach, format);
  if (word == "tools") return ListTools(reach, "", format, false);
  if (!flags.shot.words.empty()) return AskOnce(flags.shot);
  if (settings.user_interface == "html") return Serve(settings, reach);
  ChatFlags chat;
  chat.reach = reach;
  chat.name_space = flags.shot.question.name_space;
  chat.session_id = flags.shot.question.session_id;
  chat.quiet = settings.quiet;
  return RunChat(chat);
}

bool LooksLikeAQuestion(const std::vector<std::string>& arguments) {
  const std::string& first = arguments.front();
  const auto wide = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  return first.find(' ') != std::string::npos || std::any_of(first.begin(), first.end(), wide) ||
         first.rfind("vllm://", 0) == 0 ||
         (arguments.size() > 2 && arguments[1].rfind('-', 0) != 0);
}

}  // namespace

bool IsDocumentedForm(const std::vector<std::string>& arguments, const std::string& program) {
  if (program == "kubelet-wuhrai") return true;
  if (arguments.empty()) return false;
  const std::string& first = arguments.front();
  for (const Verb& verb : kVerbs) {
    if (first == verb.name) return false;
  }
  if (first == "-h" || first == "--help" || first == "--version" || first == "-") return false;
  return first.rfind('-', 0) == 0 || LooksLikeAQuestion(arguments);
}

int RunDocumented(const std::vector<std::string>& arguments, const std::string& program) {
  CLI::App app("Asks about a Kubernetes cluster, in Chinese or English.", program);
  app.footer(
      "Examples:\n"
      "  kubelet-wuhrai --quiet \"list all pods\"\n"
      "  kubectl get pods -o json | kubelet-wuhrai \"analyze these pods\"\n"
      "  kubelet-wuhrai --llm-provider=vllm \"vllm://your-server:8000\" --model=your-model \"list "
      "pods\"\n"
      "  kubelet-wuhrai --user-interface=html --ui-listen-address=127.0.0.1:8888\n"
      "`opsmesh --help` shows the verbs. Exit codes: 0 ok, 1 failure, 2 usage, 3 needs approval, 4 "
      "denied, 5 dependency down, "
      "6 partial, 78 configuration.");
  Flags flags;
  AddFlags(app, flags);
  std::vector<std::string> reversed = Normalized(arguments);
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return ExplainUsage(app, error);
  }
  return Run(app, flags, program);
}

absl::StatusOr<DocumentedSettings> LoadDocumented(const config::Source& source) {
  DocumentedSettings settings;
  config::Reader reader(source, "");
  settings.quiet = reader.Bool("quiet", settings.quiet);
  settings.skip_permissions = reader.Bool("skip_permissions", settings.skip_permissions);
  settings.remove_workdir = reader.Bool("remove_workdir", settings.remove_workdir);
  settings.mcp_client = reader.Bool("mcp_client", settings.mcp_client);
  settings.mcp_server = reader.Bool("mcp_server", settings.mcp_server);
  settings.external_tools = reader.Bool("external_tools", settings.external_tools);
  config::StringOptions face;
  face.one_of = {"terminal", "html"};
  settings.user_interface = reader.String("user_interface", settings.user_interface, face);
  settings.ui_listen_address = reader.String("ui_listen_address", settings.ui_listen_address);
  settings.trace_path = reader.String("trace_path", "");
  settings.kubeconfig = reader.String("kubeconfig", "");
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return settings;
}

server::ServiceSpec DocumentedPart() {
  class Nothing final : public server::Service {
    std::vector<grpc::Service*> GrpcServices() override { return {}; }
  };
  return {
      .name = "cli",
      .config_sections = {"quiet", "skip_permissions", "remove_workdir", "mcp_client", "mcp_server",
                          "external_tools", "user_interface", "ui_listen_address", "trace_path",
                          "kubeconfig", "llm_provider", "model", "max_iterations",
                          "skip_verify_ssl", "enable_tool_use_shim", "custom_tools_config",
                          "extra_prompt_paths", "prompt_template_file_path"},
      .check_config = [](const config::Source& source) { return LoadDocumented(source).status(); },
      .build = [](server::Environment&) -> absl::StatusOr<std::unique_ptr<server::Service>> {
        return std::make_unique<Nothing>();
      },
  };
}

}  // namespace opsmesh::cli
