// The life of a process, once for all services: block signals -> configuration (first doubt: a
// sentence, exit 78) -> log, telemetry -> channels -> services -> listen -> SERVING; SIGTERM or
// SIGINT: NOT_SERVING -> drain -> bounded stop -> flush -> exit 0. Health and reflection for every
// service.
//
//   // services/k8s/main.cc
//   int main(int argc, char** argv) {
//     return opsmesh::server::Main(argc, argv, {opsmesh::k8s::Spec()});
//   }
//
// `opsmesh up` is the same call with the specs of all six services and the gateway: one process,
// in-process channels, a pool of its own for each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/config/source.h"
#include "libs/log/logger.h"
#include "libs/redact/redactor.h"
#include "libs/rpc/authenticator.h"
#include "libs/rpc/channel.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/trace.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::server {

/// What a service is built from. References live longer than the service.
struct Environment {
  std::string name;  // "k8s"
  const base::Clock& clock;
  base::IdSource& ids;
  const log::Logger& logger;  // "svc" is `name`
  telemetry::Registry& metrics;
  const telemetry::Tracer& tracer;
  const redact::Redactor& redactor;
  const config::Source& config;
  rpc::Runner& runner;                      // the service's adapter and pool
  const rpc::ChannelSource& channels;       // to the other services; make a clients::Mesh of it
  const rpc::Authenticator& authenticator;  // for edges that make principals (gateway)
  std::string data_dir;                     // the service's own folder, exists, mode 0700
};

/// A running service: made by its composition root, owned by the process. Calls come from one
/// thread, in this order: Start, (Ready, many times, concurrently with requests), Drain, Stop,
/// destructor.
class Service {
 public:
  virtual ~Service() = default;
  /// What to register; may be empty (the gateway). Valid until the destructor.
  virtual std::vector<grpc::Service*> GrpcServices() = 0;
  /// Begins background work and listening of one's own; other services can be called from now on,
  /// but may not yet be ready. An error ends the process (exit 1) with its sentence.
  virtual absl::Status Start() { return absl::OkStatus(); }
  /// OK when the service can do its job; asked every second, must not block. Shown by health as
  /// NOT_SERVING with the sentence in the log. Liveness never asks.
  virtual absl::Status Ready() const { return absl::OkStatus(); }
  /// SIGTERM: stop taking on work; returns at once. Running requests still end.
  virtual void Drain() {}
  /// No request runs any more: end background work, write what must be kept. At most a few seconds.
  virtual void Stop() {}
};

/// One part of a process.
struct ServiceSpec {
  std::string name;          // "k8s"; also its section of the configuration, unless it reads others
  std::string grpc_service;  // "opsmesh.k8s.v1.K8sService"; "" = none
  /// Top-level configuration sections it reads beside the common ones ("k8s", "prometheus").
  std::vector<std::string> config_sections;
  /// Loads the configuration and throws it away, so that all problems of all parts are told at
  /// once. May be null.
  std::function<absl::Status(const config::Source&)> check_config;
  /// The composition root.
  std::function<absl::StatusOr<std::unique_ptr<Service>>(Environment&)> build;
};

/// What a process is told from outside: Main() fills it from flags, environment and files; tests
/// fill it by hand.
struct ProcessOptions {
  const base::Clock* clock = &base::SystemClock();
  base::IdSource* ids = &base::SystemIds();
  config::Source config = config::Source::Empty();
  /// Null = what the configuration says (standard error).
  std::shared_ptr<log::Sink> log_sink;
  std::shared_ptr<telemetry::SpanExporter> span_exporter;
  /// "" = the configuration's grpc.listen, then 127.0.0.1:50051; port 0 = a free one; "none" = no
  /// socket.
  std::string grpc_listen;
  /// "" = the configuration's, then $XDG_DATA_HOME/opsmesh, then ~/.local/share/opsmesh.
  std::string data_dir;
  /// Which service may call which; nullopt = the mesh's own rules (rpc::DefaultAllowList).
  std::optional<rpc::AllowList> allow_list;
};

/// A process with its services. Thread-safe after Start().
class Process {
 public:
  /// Builds, listens, starts and reports SERVING. Errors: INVALID_ARGUMENT (CONFIG) for the
  /// configuration, else what the part said, with its name before it.
  static absl::StatusOr<std::unique_ptr<Process>> Start(ProcessOptions options,
                                                        std::vector<ServiceSpec> specs);
  virtual ~Process() = default;

  /// Port of the gRPC socket; 0 when there is none.
  virtual uint16_t grpc_port() const = 0;
  /// Port of the HTTP listener of metrics.listen (/metrics, /livez, /readyz); 0 when there is none.
  virtual uint16_t metrics_port() const = 0;
  /// A channel into this process with the identity of `as` ("gateway", "cli"; "" = from outside, no
  /// token).
  virtual rpc::Channel ChannelAs(std::string_view as) = 0;
  virtual const rpc::ChannelSource& channels() const = 0;
  virtual const log::Logger& logger() const = 0;
  virtual telemetry::Registry& metrics() = 0;
  virtual const redact::Redactor& redactor() const = 0;
  /// OK when every service is; else the first one's sentence with its name.
  virtual absl::Status Ready() const = 0;

  /// NOT_SERVING, drain, at most `grace` for running requests, then their cancellation; stop;
  /// flush. Once; later calls wait for the first.
  virtual void Stop(absl::Duration grace) = 0;
};

/// What a program adds to the life that Main() and Run() give it.
struct RunOptions {
  config::SourceOptions sources;  // filled by Main()
  std::string grpc_listen;        // as in ProcessOptions
  std::string data_dir;
  std::optional<rpc::AllowList> allow_list;
  /// Called once it serves, for instance to print where the console is; an error ends the process.
  std::function<absl::Status(Process&)> started;
};

/// The whole life of a process: parses the common flags (--config, --data-dir, --grpc-listen,
/// --log-level, --set k=v,
/// --help, --version), runs until SIGTERM or SIGINT. Exit codes: 0 ended as asked, 1 could not
/// start, 2 usage, 78 configuration.
int Main(int argc, char** argv, std::vector<ServiceSpec> specs, RunOptions options = {});

/// The same for a program that parses its own flags (opsmesh up).
int Run(RunOptions options, std::vector<ServiceSpec> specs);

/// Where the files are looked for: config/config.yaml, config/config.<ENV>.yaml and .env below
/// `root` (the working folder), the user file in $XDG_CONFIG_HOME/opsmesh or
/// ~/.config/opsmesh/config.yaml, with ~/.config/kubelet-wuhrai/config.yaml in its place when only
/// that exists.
config::SourceOptions DefaultSources(std::map<std::string, std::string> environment,
                                     std::string_view root = ".");

/// Everything that is wrong with the configuration of a process of these parts, as Process::Start()
/// would say it and without starting anything: common sections, the parts' own, and top-level
/// sections that nobody reads.
absl::Status CheckConfig(const config::Source& source, const std::vector<ServiceSpec>& specs);

/// Common top-level sections every process knows: auth, data, grpc, log, mesh, metrics, pools,
/// shutdown.
std::vector<std::string> CommonSections();

}  // namespace opsmesh::server
