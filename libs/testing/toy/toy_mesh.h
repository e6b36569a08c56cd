// A running toy mesh inside a test, and what a test asks of it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/context.h"
#include "libs/clients/mesh.h"
#include "libs/log/logger.h"
#include "libs/telemetry/trace.h"
#include "libs/testing/toy/toy.h"
#include "opsmesh/front/v1/front.grpc.pb.h"
#include "opsmesh/toy/v1/toy.grpc.pb.h"

namespace opsmesh::toy {

/// A folder that goes when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct MeshOptions {
  std::string yaml = "";             // configuration
  std::string grpc_listen = "none";  // "127.0.0.1:0" = a socket
  bool with_front = true;
  bool with_toy = true;
  std::function<absl::Status()> ready = nullptr;
  bool redact = true;
};

/// front and toy in this process.
struct ToyMesh {
  explicit ToyMesh(MeshOptions options = {});
  ~ToyMesh() { Stop(); }
  void Stop(absl::Duration grace = absl::ZeroDuration()) { process->Stop(grace); }

  /// A client with the identity of `as`; "" = from outside.
  template <typename Service>
  clients::Client<Service> As(std::string_view as) {
    return clients::Client<Service>(
        process->ChannelAs(as),
        std::make_shared<clients::RetryPolicy>(clients::RetryOptions{.max_tries = 1}, ids));
  }
  clients::Client<v1::ToyService> Toy(std::string_view as = "gateway") {
    return As<v1::ToyService>(as);
  }
  clients::Client<front::v1::FrontService> Front(std::string_view as = "gateway") {
    return As<front::v1::FrontService>(as);
  }

  TemporaryFolder folder;
  base::SeededIds ids{7};
  std::shared_ptr<ToyLogic> logic = std::make_shared<ToyLogic>();
  std::shared_ptr<log::MemorySink> log = std::make_shared<log::MemorySink>();
  std::shared_ptr<telemetry::InMemorySpanExporter> spans =
      std::make_shared<telemetry::InMemorySpanExporter>();
  std::unique_ptr<server::Process> process;
};

/// A person with a role, 10 s, and a trace.
base::Context ContextOf(std::string id = "key:ann", base::Role role = base::Role::kAdmin);
v1::EchoRequest EchoOf(const std::string& text);

}  // namespace opsmesh::toy
