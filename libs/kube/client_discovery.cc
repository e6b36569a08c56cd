// Client::Discover and Client::Resolve.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>

#include "libs/base/error.h"
#include "libs/kube/client.h"
#include "libs/kube/discovery_wire.h"
#include "libs/kube/small_json.h"
#include "libs/kube/transport.h"

namespace opsmesh::kube {
namespace {

constexpr absl::Duration kDiscoveryLife = absl::Minutes(10);
// A group behind an aggregated API that hangs costs at most this.
constexpr absl::Duration kGroupLimit = absl::Seconds(5);
constexpr size_t kGroupsAtATime = 6;
constexpr char kAggregated[] =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

constexpr char kGroups[] = "/apis";

struct Found {
  std::vector<ResourceType> types;
  std::vector<std::string> failed;
};

ApiCall Get(std::string path) {
  ApiCall call;
  call.verb = "get";
  call.path = std::move(path);
  call.accept = kAggregated;
  return call;
}

/// One group version the old way. A failure is noted, not returned: a dead aggregated API must not
/// hide the others.
void ReadGroupVersion(Transport& transport, const Impersonation& who, const base::Context& ctx,
                      const GroupVersion& gv, Found* found) {
  ApiCall call = Get(gv.group.empty() ? "/api/" + gv.version : "/apis/" + gv.name());
  call.accept = "application/json";
  call.retry = false;
  const auto response = transport.Do(ctx.WithTimeout(kGroupLimit), call, who);
  if (response.ok()) {
    const SmallJson json(response->body);
    if (json.root()["kind"].RawString() == "APIResourceList")
      return ReadResourceList(json.root(), gv, &found->types);
  }
  found->failed.push_back(gv.name());
}

/// Several group versions at a time: older servers have thirty, each a round trip away.
void ReadGroupVersions(Transport& transport, const Impersonation& who, const base::Context& ctx,
                       const std::vector<GroupVersion>& versions, Found* found) {
  std::vector<Found> parts(versions.size());
  std::atomic<size_t> next{0};
  const auto read = [&] {
    for (size_t i = next++; i < versions.size(); i = next++)
      ReadGroupVersion(transport, who, ctx, versions[i], &parts[i]);
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(versions.size(), kGroupsAtATime); ++i) others.emplace_back(read);
  read();
  for (std::thread& other : others) other.join();
  for (Found& part : parts) {
    std::move(part.types.begin(), part.types.end(), std::back_inserter(found->types));
    std::move(part.failed.begin(), part.failed.end(), std::back_inserter(found->failed));
  }
}

/// A group that does not answer now has not lost its kinds: what was known of it stays.
void KeepFailedGroups(const Discovery* before, Found* found) {
  if (before == nullptr) return;
  const auto in_failed = [found](std::string_view name) {
    return std::find(found->failed.begin(), found->failed.end(), name) != found->failed.end();
  };
  for (const ResourceType& type : before->types()) {
    const bool failed =
        in_failed(type.api_version()) || (!type.group.empty() && in_failed(kGroups));
    const bool known =
        std::any_of(found->types.begin(), found->types.end(), [&](const ResourceType& other) {
          return other.group == type.group && other.plural == type.plural;
        });
    if (failed && !known) found->types.push_back(type);
  }
}

/// The server is being started, or has too much to do.
bool IsPassing(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kResourceExhausted;
}

/// /api or /apis, in whichever form the server has.
absl::Status ReadRoot(Transport& transport, const Impersonation& who, const base::Context& ctx,
                      const std::string& path, bool patient, Found* found) {
  ApiCall call = Get(path);
  call.patient = patient;
  OPSMESH_ASSIGN_OR_RETURN(const auto response, transport.Do(ctx, call, who));
  const SmallJson json(response.body);
  const auto kind = json.root()["kind"].RawString();
  std::vector<GroupVersion> versions;
  if (kind == "APIGroupDiscoveryList") {
    ReadAggregated(json.root(), &found->types, &found->failed);
  } else if (kind == "APIGroupList") {
    versions = ReadGroupList(json.root());
  } else if (kind == "APIVersions") {
    versions.push_back({"", "v1"});
  } else {
    return NotKubernetes(call, transport.cluster(), response.status, response.Get("Content-Type"),
                         response.body);
  }
  ReadGroupVersions(transport, who, ctx, versions, found);
  return ctx.Check();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Discovery>> Client::Discover(const base::Context& ctx,
                                                                  const DiscoverOptions& options) {
  const base::Clock& clock = *transport_->options().clock;
  {
    const std::lock_guard lock(transport_->discovery_mutex);
    const bool fresh = clock.Steady() - transport_->discovered_at < kDiscoveryLife;
    if (transport_->discovery != nullptr && fresh && !options.refresh) return transport_->discovery;
  }
  Found found;
  const auto read = [&](const char* path) {
    return ReadRoot(*transport_, who_, ctx, path, options.patient, &found);
  };
  OPSMESH_RETURN_IF_ERROR(read("/api"));
  const absl::Status groups = read(kGroups);
  if (!groups.ok()) {
    OPSMESH_RETURN_IF_ERROR(ctx.Check());
    found.failed.push_back(kGroups);
  }
  {
    const std::lock_guard lock(transport_->discovery_mutex);
    if (transport_->discovery == nullptr && IsPassing(groups)) return groups;
    KeepFailedGroups(transport_->discovery.get(), &found);
  }
  auto discovery = std::make_shared<const Discovery>(ChooseVersions(found.types),
                                                     std::move(found.failed), clock.Now());
  const std::lock_guard lock(transport_->discovery_mutex);
  transport_->discovery = discovery;
  // A picture without its groups is good for this once.
  if (!IsPassing(groups)) transport_->discovered_at = clock.Steady();
  return discovery;
}

absl::StatusOr<ResourceType> Client::Resolve(const base::Context& ctx, std::string_view name) {
  const absl::Duration before = transport_->options().clock->Steady();
  auto discovery = Discover(ctx);
  if (discovery.ok()) {
    auto type = (*discovery)->Find(name);
    if (type.ok()) return type;
    // The kind may be younger than the picture; a picture made just now cannot be.
    bool old;
    {
      const std::lock_guard lock(transport_->discovery_mutex);
      old = transport_->discovered_at < before - absl::Seconds(5);
    }
    if (!old) return type;
    discovery = Discover(ctx, {.refresh = true});
    if (discovery.ok()) return (*discovery)->Find(name);
    return type;
  }
  if (const ResourceType* builtin = FindBuiltin(name)) return *builtin;
  return discovery.status();
}

}  // namespace opsmesh::kube
