#include "libs/testing/toy/toy_mesh.h"

#include <cstdlib>
#include <filesystem>

namespace opsmesh::toy {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "opsmesh-toy-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ToyMesh::ToyMesh(MeshOptions options) {
  server::ProcessOptions process_options;
  process_options.ids = &ids;
  auto config = config::Source::FromYaml(options.yaml);
  if (!config.ok()) {
    ADD_FAILURE() << config.status();
    std::abort();
  }
  process_options.config = *config;
  process_options.log_sink = log;
  process_options.span_exporter = spans;
  process_options.grpc_listen = options.grpc_listen;
  process_options.data_dir = folder.path();
  process_options.allow_list = ToyAllowList();
  std::vector<server::ServiceSpec> specs;
  if (options.with_front) specs.push_back(FrontSpec());
  if (options.with_toy) specs.push_back(ToySpec(logic, options.ready));
  auto started = server::Process::Start(std::move(process_options), std::move(specs));
  if (!started.ok()) {
    ADD_FAILURE() << started.status();
    std::abort();
  }
  process = *std::move(started);
}

base::Context ContextOf(std::string id, base::Role role) {
  return base::Context::Background()
      .WithTimeout(absl::Seconds(60))
      .WithPrincipal({std::move(id), role})
      .WithRequestId("req-1")
      .WithTrace({"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true});
}

v1::EchoRequest EchoOf(const std::string& text) {
  v1::EchoRequest request;
  request.set_text(text);
  return request;
}

}  // namespace opsmesh::toy
