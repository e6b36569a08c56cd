#include "libs/kubesim/simulator.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "libs/base/error.h"
#include "libs/base/ids.h"
#include "libs/base/strings.h"
#include "libs/base/worker_pool.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/api_server.h"
#include "libs/kubesim/api/token_signer.h"
#include "libs/kubesim/behaviour/controllers/controllers.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/behaviour/nodes.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/demo/scenario.h"
#include "libs/kubesim/door/certificates.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kDoorThreads = 2;
constexpr size_t kMaxBody = 3 << 20;  // what a real apiserver takes

class SimulatorImpl final : public Simulator {
 public:
  explicit SimulatorImpl(const SimulatorOptions& options)
      : clock_(options.clock ? *options.clock : base::SystemClock()),
        live_(options.live),
        kubelets_(options.kubelets),
        content_(options.content),
        ids_(options.seed),
        store_({.clock = &clock_, .ids = &ids_}),
        // Virtual time promises the same bytes, also of tokens in Secrets; any other key is secret.
        signer_(std::make_shared<TokenSigner>(options.virtual_time ? std::optional(options.seed)
                                                                   : std::nullopt)),
        tokens_(base::SystemIds(), signer_) {}
  /// A copy.
  SimulatorImpl(const ForkOptions& options, const SimulatorImpl& from)
      : clock_(base::SystemClock()),
        live_(options.live),
        kubelets_(from.kubelets_),
        content_(from.content_),
        ids_(options.seed),
        store_({.clock = &clock_, .ids = &ids_}, from.store_),
        logs_(from.logs_),
        signer_(from.signer_),
        tokens_(base::SystemIds(), signer_),
        authority_(from.authority_) {
    clock_.Freeze(from.clock_.Now());
    fault_table_.CopyFrom(from.fault_table_);
  }
  ~SimulatorImpl() override {
    Stop(absl::ZeroDuration());
    engine_.reset();
  }

  /// The content, then what lives in it.
  absl::Status Make(const SimulatorOptions& options) {
    if (options.virtual_time) clock_.Freeze(clock_.Now());
    OPSMESH_RETURN_IF_ERROR(Load(options));
    return Live(options.live, options.virtual_time);
  }

  absl::Status MakeFrom(const SimulatorOptions& options, const std::vector<GivenObject>& objects,
                        std::vector<std::string>* left_out) {
    if (options.virtual_time) clock_.Freeze(clock_.Now());
    ContentTarget target{store_, logs_, clock_};
    OPSMESH_RETURN_IF_ERROR(LoadObjects(target, objects, left_out));
    return Live(options.live, options.virtual_time);
  }

  absl::StatusOr<std::unique_ptr<Simulator>> Fork(ForkOptions options) const override {
    std::unique_ptr<SimulatorImpl> copy;
    auto make = [&] {
      copy = std::make_unique<SimulatorImpl>(options, *this);
      if (!engine_ || !options.live) return;
      // Requests at the door may have written since the engine looked: then the copy's engine looks
      // at everything.
      auto state = engine_->Save();
      if (!state || state->version != copy->store_.resource_version()) return;
      copy->engine_state_ = std::move(state);
      copy->kubelet_state_ = std::make_unique<KubeletState>(kubelet_->state());
    };
    if (engine_)
      engine_->Between(make);
    else
      make();
    // Its engine reads every object once; that waits until time is to pass.
    copy->engine_waits_ = options.live;
    return copy;
  }

  absl::Status Live(bool live, bool virtual_time) {
    if (!authority_) {
      OPSMESH_ASSIGN_OR_RETURN(authority_, CertificateAuthority::Create(clock_.Now()));
    }
    if (!live) return absl::OkStatus();
    engine_ = std::make_unique<Engine>(Parts(), clock_);
    AddControllers(
        *engine_,
        {.signer = signer_.get(), .authority = authority_.get(), .node_lifecycle = kubelets_});
    std::optional<Scenario> scenario;
    if (content_ == Content::kDemo) {
      OPSMESH_ASSIGN_OR_RETURN(scenario, DemoScenario());
    }
    kubelet_ = &AddNodes(*engine_, {.scenario = scenario ? &*scenario : nullptr,
                                    .faults = &fault_table_,
                                    .kubelets = kubelet_state_.get(),
                                    .run_pods = kubelets_});
    kubelet_state_.reset();
    faults_ = std::make_unique<Faults>(*engine_, *kubelet_, fault_table_);
    if (engine_state_) engine_->Resume(*std::exchange(engine_state_, std::nullopt));
    if (virtual_time) {
      engine_->StartVirtual();
    } else {
      engine_->StartRealTime();
    }
    return absl::OkStatus();
  }

  absl::Status Load(const SimulatorOptions& options) {
    ContentTarget target{store_, logs_, clock_};
    OPSMESH_RETURN_IF_ERROR(LoadSystem(target));
    switch (options.content) {
      case Content::kEmpty:
        return absl::OkStatus();
      case Content::kDemo:
        return LoadDemo(target);
      case Content::kFolder:
        OPSMESH_RETURN_IF_ERROR(LoadFolder(target, options.cluster_dir));
        return options.live ? LoadMachines(target).status() : absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status Start(DoorOptions door) override {
    std::lock_guard lock(mutex_);
    if (server_)
      return base::FailedPrecondition("ALREADY_OPEN",
                                      "The simulator already listens; call Stop() first.");
    http_server::Options options;
    options.address = door.address;
    options.port = door.port;
    options.threads = 1;
    options.server_name = "";
    // Tokens and selectors are long; a real server takes a mebibyte of headers.
    options.max_header_bytes = 60 << 10;
    options.max_target_bytes = 48 << 10;
    options.stream_buffer_limit = 16 << 20;  // a slow watcher may fall behind by a whole list
    options.limits = [](const http_server::Request&) { return http_server::Limits{kMaxBody}; };
    options.error_response = DoorError;
    if (door.tls) OPSMESH_RETURN_IF_ERROR(PrepareTls(door, &options));
    pool_ = std::make_unique<base::WorkerPool>(
        base::WorkerPool::Options{.name = "kubesim", .threads = kDoorThreads, .queue_limit = 1024});
    api_ = std::make_unique<ApiServer>(Parts(), tokens_, ApiOptions(door));
    const bool loopback_only = !door.tls;
    auto server = http_server::Server::Start(
        options, [this, loopback_only](std::shared_ptr<http_server::Exchange> exchange) {
          Receive(std::move(exchange), loopback_only);
        });
    if (!server.ok()) {
      api_.reset();
      pool_.reset();
      return server.status();
    }
    server_ = *std::move(server);
    door_ = door;
    port_ = server_->port();
    return absl::OkStatus();
  }

  void Stop(absl::Duration grace) override {
    std::lock_guard lock(mutex_);
    if (!server_) return;
    api_->EndStreams();
    server_->Stop(grace);
    pool_.reset();  // runs what was accepted
    server_.reset();
    api_.reset();
  }

  std::string url() const override {
    std::lock_guard lock(mutex_);
    return UrlLocked();
  }
  uint16_t port() const override {
    std::lock_guard lock(mutex_);
    return server_ ? port_ : 0;
  }

  absl::StatusOr<std::string> Kubeconfig() const override {
    return KubeconfigFor("kubernetes-admin", {"system:masters"});
  }

  absl::StatusOr<std::string> KubeconfigFor(std::string_view user,
                                            const std::vector<std::string>& groups) const override {
    std::lock_guard lock(mutex_);
    if (!server_)
      return base::FailedPrecondition("NOT_STARTED",
                                      "The simulator does not listen yet; call Start() first.");
    std::string cluster = fmt::format("server: {}", UrlLocked());
    std::string credentials;
    if (door_.tls) {
      cluster += fmt::format(", certificate-authority-data: {}",
                             base::Base64Encode(authority_->certificate()));
      OPSMESH_ASSIGN_OR_RETURN(KeyPair pair, authority_->IssueClient(user, groups));
      credentials =
          fmt::format("client-certificate-data: {}, client-key-data: {}",
                      base::Base64Encode(pair.certificate), base::Base64Encode(pair.key.Reveal()));
    } else {
      credentials = fmt::format("token: {}", tokens_.Issue(MakeUser(user, groups)));
    }
    return fmt::format(
        "apiVersion: v1\nkind: Config\ncurrent-context: opsmesh-sim\n"
        "clusters:\n- name: opsmesh-sim\n  cluster: {{{}}}\n"
        "users:\n- name: {}\n  user: {{{}}}\n"
        "contexts:\n- name: opsmesh-sim\n  context: {{cluster: opsmesh-sim, user: {}, namespace: "
        "default}}\n",
        cluster, Quoted(user), credentials, Quoted(user));
  }

  absl::Status Advance(absl::Duration duration) override {
    WakeEngine();
    if (!engine_ || !engine_->virtual_time()) {
      return base::FailedPrecondition(
          "NOT_VIRTUAL",
          "The simulator does not run in virtual time; make it with live and virtual_time.");
    }
    if (duration < absl::ZeroDuration() || duration > absl::Hours(24 * 366)) {
      return base::InvalidArgument("duration", "DURATION_OUT_OF_RANGE",
                                   "Simulated time moves forward, by at most 366 days at once.");
    }
    engine_->RunFor(duration);
    return absl::OkStatus();
  }
  Engine* engine() override {
    WakeEngine();
    return engine_.get();
  }
  Faults* faults() override {
    WakeEngine();
    return faults_.get();
  }

  Store& store() override { return store_; }
  LogStore& logs() override { return logs_; }

 private:
  void WakeEngine() {
    std::lock_guard lock(wake_mutex_);
    if (!std::exchange(engine_waits_, false)) return;
    (void)Live(true, true);
  }

  static std::string Quoted(std::string_view text) {
    return "\"" + base::ReplaceAll(base::ReplaceAll(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
  }

  std::string UrlLocked() const {
    if (!server_) return "";
    const bool v6 = door_.address.find(':') != std::string::npos;
    return fmt::format("{}://{}:{}", door_.tls ? "https" : "http",
                       v6 ? "[" + door_.address + "]" : door_.address, port_);
  }

  absl::Status PrepareTls(const DoorOptions& door, http_server::Options* options) {
    OPSMESH_ASSIGN_OR_RETURN(
        KeyPair pair,
        authority_->IssueServer({"DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default.svc",
                                 "IP:127.0.0.1", "IP:" + door.address}));
    PublishRootCertificate();
    options->tls =
        http_server::TlsOptions{pair.certificate, pair.key, authority_->certificate(), false};
    return absl::OkStatus();
  }

  // Programs in pods trust what this ConfigMap of their namespace holds.
  void PublishRootCertificate() {
    const ResourceType& maps = MustFind(store_, "", "v1", "configmaps");
    for (const ObjectPtr& object : store_.List(maps).objects) {
      if (object->name != "kube-root-ca.crt") continue;
      Json map = object->Parse();
      map["data"] = {{"ca.crt", authority_->certificate()}};
      (void)store_.Update(maps, std::move(map), object->resource_version);
    }
  }

  void Receive(std::shared_ptr<http_server::Exchange> exchange, bool loopback_only) {
    if (loopback_only && !exchange->request().remote_is_loopback) {
      exchange->Respond(DoorError(
          403, "", "the simulator's plain door serves loopback callers only; start it with TLS"));
      return;
    }
    if (!pool_->TrySubmit([this, exchange] { api_->Handle(exchange); })) {
      http_server::Response busy = DoorError(429, "", "too many requests, please try again later");
      busy.headers.Set("Retry-After", "1");
      exchange->Respond(std::move(busy));
    }
  }

  ApiServer::Options ApiOptions(const DoorOptions& door) {
    ApiServer::Options options{.open_door = !door.tls};
    if (faults_) options.own_paths = [this](const Call& call) { return faults_->Handle(call); };
    if (kubelet_ != nullptr) {
      options.exec = [this](const PodCommand& command) {
        CommandResult result;
        try {
          engine_->Between([&] { result = kubelet_->Command(command); });
        } catch (const std::exception& error) {  // it may come from a stream, where nobody catches
          result = {.end = CommandResult::End::kCannotStart,
                    .code = 126,
                    .output = std::string("the simulator cannot run this: ") + error.what()};
        }
        return result;
      };
      options.ask = [this](const PodRequest& request) {
        PodPage page;
        engine_->Between([&] { page = kubelet_->Ask(request); });
        return page;
      };
    }
    return options;
  }

  // Pods on nodes end when their kubelet says so; without kubelets they go at once.
  Cluster Parts() { return Cluster{store_, logs_, clock_, live_, live_}; }

  SimulationClock clock_;
  const bool live_;
  const bool kubelets_;
  const Content content_;
  base::SeededIds ids_;
  Store store_;
  LogStore logs_;
  FaultTable fault_table_;
  const std::shared_ptr<const TokenSigner> signer_;
  mutable TokenTable tokens_;
  std::shared_ptr<const CertificateAuthority> authority_;  // set once, before anything runs

  std::mutex wake_mutex_;
  bool engine_waits_ = false;
  std::optional<EngineState> engine_state_;  // of the original, until the engine starts
  std::unique_ptr<KubeletState> kubelet_state_;
  std::unique_ptr<Engine> engine_;
  Kubelet* kubelet_ = nullptr;  // the engine's
  std::unique_ptr<Faults> faults_;

  mutable std::mutex mutex_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<base::WorkerPool> pool_;
  std::unique_ptr<http_server::Server> server_;
  DoorOptions door_;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Simulator>> Simulator::Create(SimulatorOptions options) {
  auto simulator = std::make_unique<SimulatorImpl>(options);
  OPSMESH_RETURN_IF_ERROR(simulator->Make(options));
  return simulator;
}

absl::StatusOr<std::unique_ptr<Simulator>> Simulator::FromObjects(
    SimulatorOptions options, const std::vector<GivenObject>& objects,
    std::vector<std::string>* left_out) {
  auto simulator = std::make_unique<SimulatorImpl>(options);
  OPSMESH_RETURN_IF_ERROR(simulator->MakeFrom(options, objects, left_out));
  return simulator;
}

}  // namespace opsmesh::kubesim
