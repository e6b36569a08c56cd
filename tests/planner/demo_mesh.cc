#include "tests/planner/demo_mesh.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "libs/base/error.h"
#include "libs/kubesim/simulator.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "opsmesh/llm/v1/llm_service.grpc.pb.h"
#include "services/k8s/k8s.h"
#include "services/llm/llm.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

std::string Show(const std::string& name, const std::string& arguments) {
  std::string line = name;
  const json parsed = json::parse(arguments, nullptr, false);
  if (!parsed.is_object()) return line;
  for (const auto& [key, value] : parsed.items()) {
    const json& shown = value.is_array() && value.size() == 1 ? value[0] : value;
    line += fmt::format(" {}={}", key, shown.is_string() ? shown.get<std::string>() : shown.dump());
  }
  return line;
}

class DemoMeshImpl final : public DemoMesh {
 public:
  ~DemoMeshImpl() override {
    if (process_) process_->Stop(absl::Seconds(5));
    if (simulator_) simulator_->Stop();
  }

  absl::Status Open(const std::string& folder) {
    OPSMESH_ASSIGN_OR_RETURN(simulator_,
                             kubesim::Simulator::Create({.content = kubesim::Content::kDemo}));
    OPSMESH_RETURN_IF_ERROR(simulator_->Start({}));
    OPSMESH_ASSIGN_OR_RETURN(const std::string kubeconfig, simulator_->Kubeconfig());
    std::filesystem::create_directories(folder);
    const std::string path = folder + "/kubeconfig";
    std::ofstream(path) << kubeconfig;
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = folder + "/data";
    OPSMESH_ASSIGN_OR_RETURN(options.config, config::Source::FromYaml("k8s: {kubeconfig: '" + path +
                                                                      "', simulated: true}"));
    options.log_sink = std::make_shared<log::MemorySink>();
    OPSMESH_ASSIGN_OR_RETURN(
        process_, server::Process::Start(std::move(options), {k8s::Spec(), llm::Spec()}));
    channel_.emplace(process_->ChannelAs("gateway"));
    stub_ = v1::LlmService::NewStub(channel_->Get());
    return absl::OkStatus();
  }

  absl::StatusOr<DemoTurn> Ask(const v1::RunTurnRequest& request) override {
    DemoTurn turn;
    const base::Context context = base::Context::Background()
                                      .WithTimeout(absl::Seconds(60))
                                      .WithPrincipal({"test", base::Role::kAdmin});
    const std::function<absl::Status(v1::RunTurnResponse&)> take = [&](v1::RunTurnResponse& event) {
      if (event.has_tool_call()) {
        turn.calls.push_back(Show(event.tool_call().name(), event.tool_call().arguments().raw()));
      }
      if (event.has_tool_result()) {
        turn.results.push_back(event.tool_result().result().raw());
        for (const type::v1::Fact& fact : event.tool_result().facts()) turn.facts.push_back(fact);
      }
      if (event.has_done()) turn.done = std::move(*event.mutable_done());
      return absl::OkStatus();
    };
    OPSMESH_RETURN_IF_ERROR(rpc::CallStream(context, channel_->identity(), *stub_,
                                            &v1::LlmService::Stub::RunTurn, request, take));
    return turn;
  }

 private:
  std::unique_ptr<kubesim::Simulator> simulator_;
  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<v1::LlmService::Stub> stub_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DemoMesh>> DemoMesh::Start(const std::string& folder) {
  auto mesh = std::make_unique<DemoMeshImpl>();
  OPSMESH_RETURN_IF_ERROR(mesh->Open(folder));
  return mesh;
}

}  // namespace opsmesh::llm
