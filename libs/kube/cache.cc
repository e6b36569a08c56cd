#include "libs/kube/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <list>

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

bool KindStatus::Covers(std::string_view ns) const {
  if (!synced()) return false;
  return only_in.empty() || std::binary_search(only_in.begin(), only_in.end(), ns);
}

/// The longest a question waits to hear whether rights have gone.
constexpr absl::Duration kRightsTime = absl::Seconds(1);

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
    parts_->on_back = [this](bool anew) {
      const std::lock_guard lock(mutex_);
      for (const auto& reflector : Reflectors()) reflector->Hurry(anew);
    };
    for (const std::string& ns : parts_->options.namespaces) {
      if (!ns.empty() && namespaces_.size() < kMaxNamespaces) namespaces_[ns] = {};
    }
    for (const std::string& name : parts_->options.kinds) {
      Kind& kind = kinds_.emplace_back();
      kind.name = name;
      kind.store = std::make_shared<KindStore>(*parts_->options.clock);
    }
    for (Kind& kind : kinds_) {
      kind.whole = std::make_shared<Reflector>(parts_, kind.name, "", kind.store,
                                               [this, &kind](bool ok) { OnWhole(&kind, ok); });
      kind.whole->Begin();
    }
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
    return WaitWhile(ctx, [&]() -> const Kind* {
      for (const Kind& kind : kinds_) {
        const bool wanted =
            kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](const std::string& name) {
              return Canonical(name) == kind.name;
            });
        if (wanted && kind.store->syncing()) return &kind;
      }
      return nullptr;
    });
  }

  void Cover(const base::Context& ctx, std::string_view ns) {
    if (!CheckNamespace("namespace", ns.empty() ? "default" : ns).ok()) return;
    LookForServer(ctx);
    CheckRights(ctx, ns);
    {
      const std::lock_guard lock(mutex_);
      if (std::none_of(kinds_.begin(), kinds_.end(), [](const Kind& kind) {
            return kind.store->status().refused.contains("");
          })) {
        return;
      }
      const bool known = ns.empty() || namespaces_.contains(std::string(ns));
      if (!known && !MakeRoom()) return;
      absl::Duration& asked = ns.empty() ? asked_whole_ : namespaces_[std::string(ns)];
      const absl::Duration now = parts_->options.clock->Steady();
      if (known && now - asked < kAskAgain) return;
      asked = now;
      for (Kind& kind : kinds_) {
        if (!ns.empty() && kind.narrowed) AddPart(&kind, std::string(ns));
        AskAgain(kind, ns);
      }
    }
    (void)WaitWhile(ctx, [&]() -> const Kind* {
      for (const Kind& kind : kinds_) {
        if (parts_->asked.load() > 0 || kind.store->unanswered()) return &kind;
      }
      return nullptr;
    });
  }

  const KindStore* Find(std::string_view plural) const {
    const std::string name = Canonical(plural);
    for (const Kind& kind : kinds_) {
      if (kind.name == name) return kind.store.get();
    }
    return nullptr;
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Kind& kind : kinds_) visit(kind.name, *kind.store);
  }
  const base::Clock& clock() const { return *parts_->options.clock; }

  static std::string Canonical(std::string_view kind) {
    const ResourceType* builtin = FindBuiltin(kind);
    return builtin != nullptr ? builtin->plural : base::AsciiLower(kind);
  }

 private:
  struct Kind {
    std::string name;
    std::shared_ptr<KindStore> store;
    std::shared_ptr<Reflector> whole;
    bool narrowed = false;  // the list of all namespaces is forbidden
    std::map<std::string, std::shared_ptr<Reflector>, std::less<>> in;  // by namespace
  };

  /// Under the mutex.
  std::vector<std::shared_ptr<Reflector>> Reflectors() const {
    std::vector<std::shared_ptr<Reflector>> all;
    for (const Kind& kind : kinds_) {
      all.push_back(kind.whole);
      for (const auto& [ns, reflector] : kind.in) all.push_back(reflector);
    }
    return all;
  }

  /// A server that was lost may be back: one kind looks, and once it is answered the others do.
  void LookForServer(const base::Context& ctx) {
    {
      const std::lock_guard lock(mutex_);
      const absl::Duration now = parts_->options.clock->Steady();
      if (now - looked_ < kAskAgain) return;
      const auto all = Reflectors();
      if (std::none_of(all.begin(), all.end(), [](const auto& one) { return one->Hurry(true); }))
        return;
      looked_ = now;
    }
    WaitForAsked(ctx);
  }

  void WaitForAsked(const base::Context& ctx) {
    (void)WaitWhile(
        ctx, [&]() -> const Kind* { return parts_->asked.load() > 0 ? &kinds_.front() : nullptr; });
  }

  /// The list of all namespaces was answered or forbidden. On a thread that lists.
  void OnWhole(Kind* kind, bool allowed) {
    std::map<std::string, std::shared_ptr<Reflector>, std::less<>> over;
    {
      const std::lock_guard lock(mutex_);
      kind->narrowed = !allowed;
      if (allowed) {
        over = std::exchange(kind->in, {});
        kind->store->KeepWhole();  // also what was asked for since the list
      } else {
        for (const auto& [ns, asked] : namespaces_) AddPart(kind, ns);
      }
    }
    for (const auto& [ns, reflector] : over) reflector->Stop();
  }

  void AddPart(Kind* kind, const std::string& ns) {
    std::shared_ptr<Reflector>& reflector = kind->in[ns];
    if (reflector != nullptr) return;
    kind->store->Open(ns);
    reflector = std::make_shared<Reflector>(parts_, kind->name, ns, kind->store);
    reflector->Begin();
  }

  /// Rights that were taken away: an open watch goes on without them until it ends, minutes later.
  void CheckRights(const base::Context& ctx, std::string_view ns) {
    const base::Context quick = ctx.WithTimeout(kRightsTime);
    for (const std::string_view place : {kNoOnesNamespace, ns}) {
      if (place.empty() || !RightsAreDue(place)) continue;
      const absl::StatusOr<Rights> rights = Reflector::RightsOf(*parts_, quick, place);
      const bool unknown_user = rights.status().code() == absl::StatusCode::kUnauthenticated;
      if (!rights.ok() && !unknown_user) continue;
      bool asked = false;
      {
        const std::lock_guard lock(mutex_);
        for (Kind& kind : kinds_) {
          const auto part = kind.in.find(place);
          const bool whole = place == kNoOnesNamespace && !kind.narrowed;
          if (!whole && part == kind.in.end()) continue;
          const KindStatus status = kind.store->status();
          if (!status.synced() || (rights.ok() && rights->MayAllow("list", status.type))) continue;
          asked |= (whole ? kind.whole : part->second)->Recheck();
        }
      }
      if (asked) WaitForAsked(quick);
    }
  }

  /// True at most every kAskAgain for a place, and only while something of it is read.
  bool RightsAreDue(std::string_view place) {
    const std::lock_guard lock(mutex_);
    const bool read = std::any_of(kinds_.begin(), kinds_.end(), [&](const Kind& kind) {
      return place == kNoOnesNamespace ? !kind.narrowed && !kind.store->syncing()
                                       : kind.in.contains(place);
    });
    if (!read) return false;
    const absl::Duration now = parts_->options.clock->Steady();
    if (rights_read_.size() > 2 * kMaxNamespaces) rights_read_.clear();
    const auto [at, first] = rights_read_.try_emplace(std::string(place), now);
    if (!first && now - at->second < kAskAgain) return false;
    at->second = now;
    return true;
  }

  /// False when each of kMaxNamespaces namespaces is of use.
  bool MakeRoom() {
    if (namespaces_.size() < kMaxNamespaces) return true;
    for (auto at = namespaces_.begin(); at != namespaces_.end(); ++at) {
      const std::string ns = at->first;
      if (std::any_of(kinds_.begin(), kinds_.end(), [&](const Kind& kind) {
            const KindStatus status = kind.store->status();
            return std::binary_search(status.only_in.begin(), status.only_in.end(), ns);
          })) {
        continue;
      }
      for (Kind& kind : kinds_) {
        if (kind.in.erase(ns) > 0) kind.store->Close(ns);
      }
      namespaces_.erase(at);
      return true;
    }
    return false;
  }

  static void AskAgain(const Kind& kind, std::string_view ns) {
    const KindStatus status = kind.store->status();
    const auto part = kind.in.find(ns);
    if (part != kind.in.end()) {
      if (status.refused.contains(ns)) part->second->AskAgain();
    } else if (status.refused.contains("") && (ns.empty() || !status.type.namespaced)) {
      kind.whole->AskAgain();
    }
  }

  /// Until `waiting_for` names no kind (OK), or the context ends.
  template <typename F>
  absl::Status WaitWhile(const base::Context& ctx, F waiting_for) {
    const auto registration = ctx.OnCancel([this] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    while (true) {
      const Kind* const kind = waiting_for();
      if (kind == nullptr) return absl::OkStatus();
      if (const absl::Status status = ctx.Check(); !status.ok()) return NotSynced(status, *kind);
      changed_.wait_for(lock,
                        absl::ToChronoNanoseconds(std::min(ctx.Remaining(), absl::Seconds(1))));
    }
  }

  static absl::Status NotSynced(const absl::Status& status, const Kind& kind) {
    const absl::Status error = kind.store->status().last_error;
    if (error.ok())
      return base::Annotate(status, fmt::format("'{}' has not been listed yet", kind.name));
    return base::WithDetail(
        absl::Status(error.code(), fmt::format("'{}' could not be listed in time: {}", kind.name,
                                               base::ToStd(error.message()))),
        base::DetailOf(error));
  }

  const std::shared_ptr<CacheParts> parts_;
  std::shared_ptr<base::CancelState> cancel_;
  std::mutex mutex_;  // of namespaces, and which of them are read; before the stores' own
  std::condition_variable changed_;
  std::map<std::string, absl::Duration> namespaces_;   // and when they were last asked for again
  std::map<std::string, absl::Duration> rights_read_;  // by place, when
  absl::Duration asked_whole_ = -absl::InfiniteDuration();
  absl::Duration looked_ = -absl::InfiniteDuration();  // for a lost server
  std::list<Kind> kinds_;                              // addresses are stable
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
  for (const std::string& ns : options.namespaces)
    OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespaces", ns));
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

void Cache::Cover(const base::Context& ctx, std::string_view ns) { impl_->Cover(ctx, ns); }

std::shared_ptr<const Snapshot> Cache::Get() const {
  std::map<std::string, KindSnapshotPtr, std::less<>> kinds;
  impl_->ForEach(
      [&](const std::string& name, const KindStore& store) { kinds[name] = store.Get(); });
  return std::make_shared<const Snapshot>(std::move(kinds), impl_->clock().Now());
}

KindSnapshotPtr Cache::Get(std::string_view plural) const {
  if (const KindStore* store = impl_->Find(plural)) return store->Get();
  KindStatus status;
  status.state = KindStatus::State::kNotServed;
  return std::make_shared<const KindSnapshot>(status, std::vector<ObjectPtr>());
}

std::vector<KindStatus> Cache::Status() const {
  std::vector<KindStatus> all;
  impl_->ForEach(
      [&](const std::string&, const KindStore& store) { all.push_back(store.status()); });
  return all;
}

size_t Cache::MemoryBytes() const {
  size_t bytes = 0;
  impl_->ForEach([&](const std::string&, const KindStore& store) { bytes += store.MemoryBytes(); });
  return bytes;
}

}  // namespace opsmesh::kube
