// Puts a process together and takes it apart again.
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "grpc/support/log.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"
#include "libs/rpc/runner.h"
#include "libs/server/channel_directory.h"
#include "libs/server/common_config.h"
#include "libs/server/data_dir.h"
#include "libs/server/grpc_server.h"
#include "libs/server/metrics_listener.h"
#include "libs/server/server.h"

namespace opsmesh::server {
namespace {

constexpr absl::Duration kReadyInterval = absl::Seconds(1);
constexpr absl::Duration kCancelGrace =
    absl::Seconds(3);  // for handlers to notice that they are cancelled

// gRPC's own messages, as lines of ours. The library knows one function for the whole process.
std::atomic<const log::Logger*> grpc_logger = nullptr;

void LogOfGrpc(gpr_log_func_args* args) {
  const log::Logger* logger = grpc_logger.load();
  if (logger == nullptr || args->severity < GPR_LOG_SEVERITY_ERROR) return;
  logger->Warn(args->message, {{"source", "grpc"}});
}

// One service with all that is made for it. Members die in reverse: the service first.
struct Part {
  ServiceSpec spec;
  std::optional<log::Logger> logger;
  std::unique_ptr<telemetry::Tracer> tracer;
  std::unique_ptr<ChannelDirectory> channels;
  std::unique_ptr<rpc::Runner> runner;
  std::unique_ptr<Environment> environment;
  std::unique_ptr<Service> service;
  bool ready = false;
  std::string why_not;
};

class ProcessImpl final : public Process {
 public:
  ProcessImpl(ProcessOptions options, std::vector<ServiceSpec> specs)
      : options_(std::move(options)) {
    allow_list_ = options_.allow_list ? *options_.allow_list : rpc::DefaultAllowList();
    for (ServiceSpec& spec : specs) {
      auto part = std::make_unique<Part>();
      part->spec = std::move(spec);
      parts_.push_back(std::move(part));
    }
  }
  ~ProcessImpl() override { Stop(absl::ZeroDuration()); }

  absl::Status Begin();

  uint16_t grpc_port() const override { return static_cast<uint16_t>(port_); }
  rpc::Channel ChannelAs(std::string_view as) override {
    rpc::Channel channel = DirectoryAs(as).Local();
    channel.Get();  // now: a caller may keep it longer than the directory lives
    return channel;
  }
  const rpc::ChannelSource& channels() const override { return DirectoryAs("cli"); }
  const log::Logger& logger() const override { return *logger_; }
  telemetry::Registry& metrics() override { return metrics_; }
  const redact::Redactor& redactor() const override { return *redactor_; }
  absl::Status Ready() const override;
  uint16_t metrics_port() const override {
    return metrics_listener_ == nullptr ? 0 : metrics_listener_->port();
  }
  void Stop(absl::Duration grace) override;

 private:
  absl::Status LoadConfig();
  absl::Status OpenLog();
  void MakeAuthenticator();
  absl::Status BuildPart(Part& part);
  absl::Status Listen();
  void WatchReadiness();
  void AskReadiness();
  void SetServing(const std::string& name, bool serving);
  ChannelDirectory& DirectoryAs(std::string_view as) const;
  std::set<std::string> LocalServices() const;

  ProcessOptions options_;
  CommonConfig config_;
  std::unique_ptr<redact::Redactor> redactor_;
  std::optional<log::Logger> logger_;
  telemetry::Registry metrics_;
  std::unique_ptr<rpc::Authenticator> authenticator_;
  rpc::AllowList allow_list_;
  LocalServer local_;
  mutable std::mutex directories_mutex_;
  mutable std::map<std::string, std::unique_ptr<ChannelDirectory>, std::less<>> directories_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::unique_ptr<MetricsListener> metrics_listener_;
  mutable std::mutex ready_mutex_;
  base::Context life_ = base::Context::Background();
  std::shared_ptr<base::CancelState> end_of_life_;
  std::thread watcher_;
  std::once_flag stopped_;
  size_t started_ = 0;
};

absl::Status ProcessImpl::LoadConfig() {
  std::vector<std::string> names;
  std::vector<absl::Status> problems;
  for (const auto& part : parts_) names.push_back(part->spec.name);
  auto common = LoadCommon(options_.config, names);
  problems.push_back(common.status());
  for (const auto& part : parts_) {
    if (part->spec.check_config) problems.push_back(part->spec.check_config(options_.config));
  }
  OPSMESH_RETURN_IF_ERROR(config::Combine(problems));
  config_ = *std::move(common);
  if (!options_.grpc_listen.empty()) config_.grpc_listen = options_.grpc_listen;
  if (!options_.data_dir.empty()) config_.data_dir = options_.data_dir;
  if (config_.data_dir.empty()) config_.data_dir = DefaultDataDir(config::SystemEnvironment());
  return absl::OkStatus();
}

absl::Status ProcessImpl::OpenLog() {
  redactor_ = std::make_unique<redact::Redactor>(
      redact::Options{.literals = options_.config.SecretValues()});
  std::shared_ptr<log::Sink> sink = options_.log_sink;
  if (sink == nullptr) {
    sink = log::StderrSink();
    if (!config_.log_file.empty()) {
      OPSMESH_ASSIGN_OR_RETURN(
          auto file, log::FileSink({.path = config_.log_file,
                                    .max_bytes = static_cast<size_t>(config_.log_file_bytes)}));
      sink = log::TeeSink({std::move(sink), std::move(file)});
    }
  }
  logger_.emplace(
      std::move(sink),
      log::Logger::Options{.service = parts_.size() == 1 ? parts_[0]->spec.name : "opsmesh",
                           .level = config_.log_level,
                           .clock = options_.clock,
                           .redactor = redactor_.get()});
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function(LogOfGrpc);
  grpc_logger.store(&*logger_);
  return absl::OkStatus();
}

void ProcessImpl::MakeAuthenticator() {
  const bool configured = !config_.mesh_token.empty();
  // Services of one process prove themselves to each other by a token that nobody else can know.
  if (!configured)
    config_.mesh_token = base::Secret(options_.ids->NewId("") + options_.ids->NewId(""));
  authenticator_ = std::make_unique<rpc::Authenticator>(
      rpc::AuthenticatorOptions{.mesh_token = config_.mesh_token,
                                .trust_domain = config_.trust_domain,
                                .require_certificate = !config_.tls.empty(),
                                .keys = config_.keys,
                                // A token of the operator's says that only the mesh belongs here.
                                .allow_anonymous = !configured});
  if (config_.keys.empty() && config_.tls.empty() && !configured) {
    logger_->Warn(
        "no authentication is configured: callers from loopback have every role, all others are "
        "viewers",
        {{"next", "set auth.keys"}});
  }
}

std::set<std::string> ProcessImpl::LocalServices() const {
  std::set<std::string> local;
  for (const auto& part : parts_) {
    if (!part->spec.grpc_service.empty()) local.insert(part->spec.grpc_service);
  }
  return local;
}

ChannelDirectory& ProcessImpl::DirectoryAs(std::string_view as) const {
  const std::lock_guard lock(directories_mutex_);
  auto& directory = directories_[std::string(as)];
  if (directory == nullptr) {
    directory =
        std::make_unique<ChannelDirectory>(std::string(as), LocalServices(), local_, config_);
  }
  return *directory;
}

absl::Status ProcessImpl::BuildPart(Part& part) {
  const std::string& name = part.spec.name;
  part.logger.emplace(logger_->ForService(name));
  part.tracer = std::make_unique<telemetry::Tracer>(name, *options_.ids, options_.span_exporter);
  part.channels = std::make_unique<ChannelDirectory>(name, LocalServices(), local_, config_);
  if (!part.spec.grpc_service.empty())
    OPSMESH_RETURN_IF_ERROR(rpc::Runner::CheckContract(part.spec.grpc_service));
  Pool pool = config_.pools[name];
  if (part.spec.grpc_service.empty()) pool = {.threads = 1, .queue = 0};  // takes no calls
  part.runner = std::make_unique<rpc::Runner>(
      rpc::RunnerOptions{.service = part.spec.grpc_service,
                         .short_name = name,
                         .threads = pool.threads,
                         .queue_limit = static_cast<size_t>(pool.queue),
                         .authenticator = authenticator_.get(),
                         .allow_list = &allow_list_,
                         .clock = options_.clock,
                         .ids = options_.ids,
                         .logger = &*part.logger,
                         .metrics = &metrics_,
                         .tracer = part.tracer.get()});
  const std::string folder = config_.data_dir + "/" + name;
  OPSMESH_RETURN_IF_ERROR(MakeFolder(folder));
  part.environment = std::make_unique<Environment>(Environment{
      name, *options_.clock, *options_.ids, *part.logger, metrics_, *part.tracer, *redactor_,
      options_.config, *part.runner, *part.channels, *authenticator_, folder});
  OPSMESH_ASSIGN_OR_RETURN(part.service, part.spec.build(*part.environment));
  return absl::OkStatus();
}

absl::Status ProcessImpl::Listen() {
  std::vector<grpc::Service*> services;
  for (const auto& part : parts_) {
    for (grpc::Service* service : part->service->GrpcServices()) services.push_back(service);
  }
  OPSMESH_ASSIGN_OR_RETURN(server_, StartGrpcServer(config_, services, LocalServices(), &port_));
  SetServing("", false);
  for (const std::string& service : LocalServices()) SetServing(service, false);
  SetServing("liveness", true);
  local_.Set(server_.get());
  if (config_.grpc_listen != "none" && !IsLoopbackListen(config_.grpc_listen) &&
      config_.tls.empty()) {
    logger_->Warn("gRPC listens beyond loopback without mTLS",
                  {{"address", config_.grpc_listen}, {"next", "set mesh.tls"}});
  }
  return absl::OkStatus();
}

void ProcessImpl::SetServing(const std::string& name, bool serving) {
  if (server_ == nullptr || server_->GetHealthCheckService() == nullptr) return;
  server_->GetHealthCheckService()->SetServingStatus(name, serving);
}

absl::Status ProcessImpl::Begin() {
  OPSMESH_RETURN_IF_ERROR(LoadConfig());
  OPSMESH_RETURN_IF_ERROR(OpenLog());
  MakeAuthenticator();
  metrics_
      .AddGauge({.name = "opsmesh_build_info",
                 .help = "Always 1; the version is the label.",
                 .labels = {"version"}})
      .With({base::Version()})
      .Set(1);
  for (const auto& part : parts_) {
    if (absl::Status status = BuildPart(*part); !status.ok())
      return base::Annotate(status, part->spec.name);
  }
  OPSMESH_RETURN_IF_ERROR(Listen());
  for (const auto& part : parts_) {
    ++started_;
    if (absl::Status status = part->service->Start(); !status.ok())
      return base::Annotate(status, part->spec.name);
  }
  if (!config_.metrics_listen.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(
        metrics_listener_,
        MetricsListener::Start(config_.metrics_listen, metrics_, [this] { return Ready(); }));
  }
  life_ = base::Context::Background().WithCancel(&end_of_life_);
  AskReadiness();
  watcher_ = std::thread([this] { WatchReadiness(); });
  std::vector<std::string> names;
  for (const auto& part : parts_) names.push_back(part->spec.name);
  logger_->Info("serving", {{"services", base::Join(names, ",")},
                            {"grpc_listen", config_.grpc_listen},
                            {"grpc_port", port_},
                            {"version", base::VersionLine()}});
  return absl::OkStatus();
}

void ProcessImpl::AskReadiness() {
  bool all = true;
  for (const auto& part : parts_) {
    const absl::Status status = part->service->Ready();
    const std::lock_guard lock(ready_mutex_);
    const std::string why(base::ToStd(status.message()));
    if (!status.ok() && why != part->why_not) {
      part->logger->Warn("not ready", log::ErrorFields(status));
    } else if (status.ok() && !part->why_not.empty()) {
      part->logger->Info("ready");
    }
    part->ready = status.ok();
    part->why_not = why;
    all = all && part->ready;
    if (!part->spec.grpc_service.empty()) SetServing(part->spec.grpc_service, part->ready);
  }
  SetServing("", all);
}

void ProcessImpl::WatchReadiness() {
  while (life_.Sleep(kReadyInterval).ok()) AskReadiness();
}

absl::Status ProcessImpl::Ready() const {
  for (const auto& part : parts_) {
    if (part->service == nullptr) continue;
    if (absl::Status status = part->service->Ready(); !status.ok())
      return base::Annotate(status, part->spec.name);
  }
  return absl::OkStatus();
}

void ProcessImpl::Stop(absl::Duration grace) {
  std::call_once(stopped_, [&] {
    const absl::Duration begin = base::SystemClock().Steady();
    const auto left = [&] {
      return std::max(absl::ZeroDuration(), grace - (base::SystemClock().Steady() - begin));
    };
    if (end_of_life_ != nullptr) end_of_life_->Cancel();
    if (watcher_.joinable()) watcher_.join();
    SetServing("", false);
    for (const std::string& service : LocalServices()) SetServing(service, false);
    for (size_t i = 0; i < started_; ++i) parts_[i]->service->Drain();
    for (const auto& part : parts_) {
      if (part->runner != nullptr) part->runner->Drain();
    }
    // Services of one process call each other while their requests end, so the server must still
    // take calls.
    if (parts_.size() > 1 && server_ != nullptr) {
      for (const auto& part : parts_) part->runner->WaitIdle(left());
    }
    if (server_ != nullptr) {
      server_->Shutdown(absl::ToChronoTime(base::SystemClock().Now() +
                                           left()));  // then gRPC cancels what is left
      for (const auto& part : parts_) part->runner->CancelAll();
      for (const auto& part : parts_) {
        if (!part->runner->WaitIdle(kCancelGrace) && logger_) {
          part->logger->Error("handlers did not end when cancelled",
                              {{"in_flight", part->runner->in_flight()}});
        }
      }
    }
    metrics_listener_.reset();
    for (size_t i = started_; i-- > 0;) parts_[i]->service->Stop();
    local_.Set(nullptr);
    // Channels into the server go before it, services before what they were built from.
    for (auto it = parts_.rbegin(); it != parts_.rend(); ++it) (*it)->service.reset();
    for (const auto& part : parts_) part->channels.reset();
    {
      const std::lock_guard lock(directories_mutex_);
      directories_.clear();
    }
    server_.reset();
    if (logger_) {
      logger_->Info("stopped", {{"dur_ms", base::SystemClock().Steady() - begin}});
      logger_->Flush();
      const log::Logger* mine = &*logger_;
      grpc_logger.compare_exchange_strong(mine, nullptr);
    }
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(ProcessOptions options,
                                                        std::vector<ServiceSpec> specs) {
  auto process = std::make_unique<ProcessImpl>(std::move(options), std::move(specs));
  OPSMESH_RETURN_IF_ERROR(process->Begin());
  return process;
}

absl::Status CheckConfig(const config::Source& source, const std::vector<ServiceSpec>& specs) {
  std::vector<std::string> names;
  std::vector<std::string> sections = CommonSections();
  for (const ServiceSpec& spec : specs) {
    names.push_back(spec.name);
    sections.push_back(spec.name);
    sections.insert(sections.end(), spec.config_sections.begin(), spec.config_sections.end());
  }
  std::vector<absl::Status> findings = {LoadCommon(source, names).status()};
  for (const ServiceSpec& spec : specs) {
    if (spec.check_config) findings.push_back(spec.check_config(source));
  }
  // Last: older names of keys are known once the parts have asked for them.
  findings.push_back(source.CheckTopLevel(sections));
  return config::Combine(findings);
}

std::vector<std::string> CommonSections() {
  return {"auth", "data", "grpc", "log", "mesh", "metrics", "pools", "shutdown"};
}

}  // namespace opsmesh::server
