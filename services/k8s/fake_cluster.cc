#include "services/k8s/fake_cluster.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/http_client/http_client.h"
#include "nlohmann/json.hpp"

namespace opsmesh::k8s {
namespace {

[[noreturn]] void Die(const std::string& sentence) {
  std::fprintf(stderr, "FakeCluster: %s\n", sentence.c_str());
  std::abort();
}

}  // namespace

FakeCluster::FakeCluster(std::string_view json, std::string id) : id_(std::move(id)) {
  auto parsed = base::ParseJson(json, {.max_bytes = 256 << 20});  // 20,000 pods are 27 MB
  if (!parsed.ok() || !parsed->is_array()) Die("the test data is no JSON array");
  for (const nlohmann::json& item : *parsed) {
    auto object = kube::Object::Parse(item.dump());
    if (!object.ok())
      Die(std::string(object.status().message()) + ": " + item.dump().substr(0, 200));
    const kube::ResourceType* type = kube::FindBuiltin((*object)->meta().kind);
    if (!type) Die("unknown kind " + std::string((*object)->meta().kind));
    objects_[type->plural].push_back(*object);
  }
  for (auto& [plural, list] : objects_) {
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
      return std::pair(a->ns(), a->name()) < std::pair(b->ns(), b->name());
    });
  }
  Rebuild();
}

std::unique_ptr<FakeCluster> FakeCluster::FromFile(const std::string& file) {
  const char* root = std::getenv("OPSMESH_SOURCE_DIR");
  const std::string path = std::string(root ? root : ".") + "/services/k8s/testdata/" + file;
  std::ifstream in(path);
  if (!in) Die("cannot read " + path + " (is OPSMESH_SOURCE_DIR set?)");
  std::stringstream text;
  text << in.rdbuf();
  return std::make_unique<FakeCluster>(text.str());
}

absl::Time FakeCluster::Now() {
  return absl::FromCivil(absl::CivilSecond(2026, 1, 10, 12, 0, 0), absl::UTCTimeZone());
}

void FakeCluster::Rebuild() {
  std::map<std::string, kube::KindSnapshotPtr, std::less<>> kinds;
  for (const kube::ResourceType& type : kube::BuiltinTypes()) {
    kube::KindStatus status;
    status.type = type;
    status.as_of = Now() - absl::Seconds(2) - down_since_;
    status.state = kube::KindStatus::State::kLive;
    std::vector<kube::ObjectPtr> list = objects_[type.plural];
    if (forbidden_[type.plural]) {
      status.state = kube::KindStatus::State::kForbidden;
      status.last_error =
          base::PermissionDenied("FORBIDDEN", fmt::format("{} is forbidden", type.plural))
              .Hint(fmt::format("Add a rule with verbs [get, list, watch] on {}.",
                                type.qualified_name()));
      list.clear();
    } else if (const absl::Status refused = Judge("list", type, ""); !refused.ok()) {
      status.refused[""] = refused;
      status.last_error = refused;
      status.state = kube::KindStatus::State::kForbidden;
      if (type.namespaced) {
        status.state = kube::KindStatus::State::kLive;
        status.only_in = allowed_;
        for (const kube::ObjectPtr& place : objects_["namespaces"]) {
          const std::string ns(place->name());
          if (const absl::Status there = Judge("list", type, ns); !there.ok())
            status.refused[ns] = there;
        }
      }
      std::erase_if(list, [&](const kube::ObjectPtr& object) {
        return !type.namespaced || !Judge("list", type, object->ns()).ok();
      });
    } else if (down_since_ > absl::ZeroDuration()) {
      status.state = kube::KindStatus::State::kStale;
      status.last_error = Down();
    }
    status.objects = list.size();
    kinds[type.plural] = std::make_shared<const kube::KindSnapshot>(status, std::move(list));
  }
  snapshot_ = std::make_shared<const kube::Snapshot>(std::move(kinds), Now());
  ++change_count_;
}

void FakeCluster::Forbid(const std::string& plural) {
  forbidden_[plural] = true;
  Rebuild();
}

void FakeCluster::Restrict(std::vector<std::string> namespaces) {
  restricted_ = true;
  allowed_ = std::move(namespaces);
  std::sort(allowed_.begin(), allowed_.end());
  Rebuild();
}

absl::Status FakeCluster::Judge(std::string_view verb, const kube::ResourceType& type,
                                std::string_view ns) const {
  const bool allowed =
      !restricted_ || (type.namespaced && std::binary_search(allowed_.begin(), allowed_.end(), ns));
  if (allowed) return absl::OkStatus();
  return base::PermissionDenied(
             "FORBIDDEN", fmt::format("User \"tester\" cannot {} resource \"{}\" in \"{}\".", verb,
                                      type.plural, ns))
      .Hint(fmt::format("Add a rule with verbs [get, list, watch] on {}.", type.qualified_name()))
      .With("verb", verb)
      .With("resource", type.plural)
      .With("namespace", ns)
      .With("user", "tester");
}

void FakeCluster::GoDown(absl::Duration since) {
  down_since_ = since;
  Rebuild();
}

void FakeCluster::SetLog(const std::string& key, std::vector<std::string> lines) {
  logs_[key] = std::move(lines);
}

absl::Status FakeCluster::Down() const {
  return base::Unavailable("CONNECT_FAILED", "The apiserver of cluster 'test' does not answer.")
      .Hint("Check that it runs.");
}

std::shared_ptr<const kube::Snapshot> FakeCluster::Picture(const base::Context&) {
  return snapshot_;
}

absl::StatusOr<kube::ResourceType> FakeCluster::Resolve(const base::Context& ctx,
                                                        std::string_view name) {
  return (*Discover(ctx))->Find(name);
}

absl::StatusOr<std::shared_ptr<const kube::Discovery>> FakeCluster::Discover(const base::Context&) {
  std::vector<kube::ResourceType> types(kube::BuiltinTypes().begin(), kube::BuiltinTypes().end());
  return std::make_shared<const kube::Discovery>(std::move(types), std::vector<std::string>(),
                                                 Now());
}

absl::StatusOr<kube::ListResult> FakeCluster::List(const base::Context&,
                                                   const kube::ResourceType& type,
                                                   std::string_view ns, const kube::ListOptions&) {
  calls.push_back(fmt::format("list {} {}", type.plural, ns));
  if (down_since_ > absl::ZeroDuration()) return Down();
  OPSMESH_RETURN_IF_ERROR(Judge("list", type, ns));
  kube::ListResult out;
  out.type = type;
  for (const kube::ObjectPtr& object : objects_[type.plural]) {
    if (ns.empty() || object->ns() == ns) out.items.push_back(object);
  }
  return out;
}

absl::StatusOr<kube::ObjectPtr> FakeCluster::Get(const base::Context&,
                                                 const kube::ResourceType& type,
                                                 std::string_view ns, std::string_view name) {
  calls.push_back(fmt::format("get {} {}/{}", type.plural, ns, name));
  if (down_since_ > absl::ZeroDuration()) return Down();
  OPSMESH_RETURN_IF_ERROR(Judge("get", type, ns));
  for (const kube::ObjectPtr& object : objects_[type.plural]) {
    if (object->name() == name && (!type.namespaced || object->ns() == ns)) return object;
  }
  return base::NotFound("NOT_FOUND", fmt::format("{} \"{}\" not found", type.plural, name));
}

absl::StatusOr<kube::LogText> FakeCluster::PodLogs(const base::Context&, std::string_view ns,
                                                   std::string_view pod,
                                                   const kube::LogOptions& options) {
  const std::string key =
      fmt::format("{}/{}/{}{}", ns, pod, options.container, options.previous ? "/previous" : "");
  calls.push_back("log " + key);
  if (down_since_ > absl::ZeroDuration()) return Down();
  OPSMESH_RETURN_IF_ERROR(Judge("get", *kube::FindBuiltin("pods"), ns));
  const auto it = logs_.find(key);
  if (it == logs_.end()) {
    if (options.previous)
      return base::FailedPrecondition("NO_PREVIOUS_LOG", "previous terminated container not found");
    return base::FailedPrecondition("CONTAINER_NOT_STARTED",
                                    "container is waiting to start: ContainerCreating");
  }
  kube::LogText out;
  out.lines = it->second;
  if (options.tail_lines && static_cast<int64_t>(out.lines.size()) > *options.tail_lines) {
    out.lines.erase(out.lines.begin(), out.lines.end() - *options.tail_lines);
    out.truncated = true;
  }
  return out;
}

absl::StatusOr<std::shared_ptr<http_client::Call>> FakeCluster::FollowPodLogs(
    const base::Context& ctx, std::string_view ns, std::string_view pod,
    const kube::LogOptions& options, kube::FollowObserver observer) {
  struct Ended : http_client::Call {
    void Cancel() override {}
    void Resume() override {}
  };
  OPSMESH_ASSIGN_OR_RETURN(const kube::LogText log, PodLogs(ctx, ns, pod, options));
  for (const std::string& line : log.lines) observer.on_line(line);
  observer.on_done(absl::OkStatus());
  return std::make_shared<Ended>();
}

absl::StatusOr<kube::AccessAnswer> FakeCluster::CanI(const base::Context&,
                                                     const kube::AccessQuestion& question) {
  calls.push_back(fmt::format("can-i {} {}", question.verb, question.resource));
  return kube::AccessAnswer{!forbidden_[question.resource], ""};
}

absl::StatusOr<std::vector<kube::PodUsage>> FakeCluster::PodMetrics(const base::Context&,
                                                                    std::string_view ns) {
  OPSMESH_RETURN_IF_ERROR(Judge("list", *kube::FindBuiltin("pods"), ns));
  if (!pod_usage.empty()) {
    std::vector<kube::PodUsage> out;
    for (const kube::PodUsage& use : pod_usage) {
      if (ns.empty() || use.ns == ns) out.push_back(use);
    }
    return out;
  }
  return base::Unavailable("METRICS_NOT_SERVED", "The cluster has no metrics server.")
      .Hint("Install metrics-server.");
}

absl::StatusOr<std::vector<kube::NodeUsage>> FakeCluster::NodeMetrics(const base::Context&) {
  OPSMESH_RETURN_IF_ERROR(Judge("list", *kube::FindBuiltin("nodes"), ""));
  if (node_usage.empty())
    return base::Unavailable("METRICS_NOT_SERVED", "The cluster has no metrics server.")
        .Hint("Install metrics-server.");
  return node_usage;
}

ClusterHealth FakeCluster::Check(const base::Context&, absl::Duration) {
  ClusterHealth health;
  health.latency = absl::Milliseconds(1);
  if (down_since_ > absl::ZeroDuration())
    health.status = Down();
  else
    health.version = "v1.32.4";
  return health;
}

}  // namespace opsmesh::k8s
