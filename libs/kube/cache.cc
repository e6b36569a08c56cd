#include "libs/kube/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/reflector.h"
#include "libs/kube/scheduler.h"

namespace opsmesh::kube {

std::string_view StateName(KindStatus::State state) {
  switch (state) {
    case KindStatus::State::kSyncing:
      return "syncing";
    case KindStatus::State::kLive:
      return "live";
    case KindStatus::State::kStale:
      return "stale";
    case KindStatus::State::kForbidden:
      return "forbidden";
    case KindStatus::State::kNotServed:
      return "not served";
  }
  return "";
}

const std::vector<std::string>& Cache::DefaultKinds() {
  static const auto* const kinds = new std::vector<std::string>{
      "pods",
      "nodes",
      "namespaces",
      "events",
      "deployments",
      "replicasets",
      "statefulsets",
      "daemonsets",
      "jobs",
      "cronjobs",
      "services",
      "endpoints",
      "endpointslices",
      "ingresses",
      "ingressclasses",
      "networkpolicies",
      "configmaps",
      "secrets",
      "serviceaccounts",
      "persistentvolumeclaims",
      "persistentvolumes",
      "storageclasses",
      "horizontalpodautoscalers",
      "poddisruptionbudgets",
      "resourcequotas",
      "limitranges",
  };
  return *kinds;
}

class Cache::Impl {
 public:
  Impl(Client& client, Options options)
      : parts_(std::make_shared<CacheParts>(client, std::move(options))),
        lists_(std::make_unique<Scheduler>(parts_->options.threads)),
        events_(std::make_unique<Scheduler>(1)) {
    parts_->ctx = parts_->ctx.WithCancel(&cancel_);
    parts_->lists = lists_.get();
    parts_->events = events_.get();
    parts_->on_status = [this] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    };
    for (const std::string& kind : parts_->options.kinds)
      reflectors_.push_back(std::make_shared<Reflector>(parts_, kind));
    for (const auto& reflector : reflectors_) reflector->Begin();
  }

  ~Impl() {
    cancel_->Cancel();
    {
      const std::lock_guard lock(parts_->guard);
      parts_->lists = parts_->events = nullptr;
    }
    lists_.reset();
    events_.reset();
  }

  absl::Status WaitForSync(const base::Context& ctx, const std::vector<std::string>& kinds) {
    const auto registration = ctx.OnCancel([this] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    while (true) {
      const Reflector* waiting_for = nullptr;
      for (const auto& reflector : reflectors_) {
        const bool wanted =
            kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](const std::string& kind) {
              return Canonical(kind) == reflector->name();
            });
        if (wanted && reflector->store().status().state == KindStatus::State::kSyncing)
          waiting_for = reflector.get();
      }
      if (waiting_for == nullptr) return absl::OkStatus();
      if (const absl::Status status = ctx.Check(); !status.ok())
        return NotSynced(status, *waiting_for);
      changed_.wait_for(lock,
                        absl::ToChronoNanoseconds(std::min(ctx.Remaining(), absl::Seconds(1))));
    }
  }

  const Reflector* Find(std::string_view plural) const {
    const std::string name = Canonical(plural);
    for (const auto& reflector : reflectors_) {
      if (reflector->name() == name) return reflector.get();
    }
    return nullptr;
  }

  const std::vector<std::shared_ptr<Reflector>>& reflectors() const { return reflectors_; }
  const base::Clock& clock() const { return *parts_->options.clock; }

  static std::string Canonical(std::string_view kind) {
    const ResourceType* builtin = FindBuiltin(kind);
    return builtin != nullptr ? builtin->plural : base::AsciiLower(kind);
  }

 private:
  static absl::Status NotSynced(const absl::Status& status, const Reflector& reflector) {
    const absl::Status error = reflector.store().status().last_error;
    if (error.ok())
      return base::Annotate(status, fmt::format("'{}' has not been listed yet", reflector.name()));
    return base::WithDetail(
        absl::Status(error.code(), fmt::format("'{}' could not be listed in time: {}",
                                               reflector.name(), base::ToStd(error.message()))),
        base::DetailOf(error));
  }

  std::shared_ptr<CacheParts> parts_;
  std::shared_ptr<base::CancelState> cancel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Reflector>> reflectors_;
  std::unique_ptr<Scheduler> lists_;
  std::unique_ptr<Scheduler> events_;
};

absl::StatusOr<std::unique_ptr<Cache>> Cache::Start(Client& client, Options options) {
  if (options.kinds.empty()) options.kinds = DefaultKinds();
  std::vector<std::string> kinds;
  for (const std::string& kind : options.kinds) {
    const std::string name = Impl::Canonical(kind);
    if (std::find(kinds.begin(), kinds.end(), name) == kinds.end()) kinds.push_back(name);
  }
  options.kinds = std::move(kinds);
  if (!options.ns.empty()) OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", options.ns));
  return std::unique_ptr<Cache>(new Cache(std::make_unique<Impl>(client, std::move(options))));
}

Cache::Cache(std::unique_ptr<Impl> parts) : impl_(std::move(parts)) {}
Cache::~Cache() = default;

absl::Status Cache::WaitForSync(const base::Context& ctx) const {
  return impl_->WaitForSync(ctx, {});
}
absl::Status Cache::WaitForSync(const base::Context& ctx,
                                const std::vector<std::string>& kinds) const {
  return impl_->WaitForSync(ctx, kinds);
}

std::shared_ptr<const Snapshot> Cache::Get() const {
  std::map<std::string, KindSnapshotPtr, std::less<>> kinds;
  for (const auto& reflector : impl_->reflectors())
    kinds[reflector->name()] = reflector->store().Get();
  return std::make_shared<const Snapshot>(std::move(kinds), impl_->clock().Now());
}

KindSnapshotPtr Cache::Get(std::string_view plural) const {
  if (const Reflector* reflector = impl_->Find(plural)) return reflector->store().Get();
  KindStatus status;
  status.state = KindStatus::State::kNotServed;
  return std::make_shared<const KindSnapshot>(status, std::vector<ObjectPtr>());
}

std::vector<KindStatus> Cache::Status() const {
  std::vector<KindStatus> all;
  for (const auto& reflector : impl_->reflectors()) all.push_back(reflector->store().status());
  return all;
}

size_t Cache::MemoryBytes() const {
  size_t bytes = 0;
  for (const auto& reflector : impl_->reflectors()) bytes += reflector->store().MemoryBytes();
  return bytes;
}

}  // namespace opsmesh::kube
