#include "cli/cluster_copy.h"

#include <utility>

#include "fmt/core.h"
#include "libs/base/context.h"
#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/cache.h"
#include "libs/kube/client.h"
#include "libs/kube/config.h"
#include "libs/kube/files.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/rehearsal/observed.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

constexpr absl::Duration kMostReading = absl::Seconds(60);
constexpr absl::Duration kMostApplying = absl::Seconds(30);
constexpr size_t kMostManifest = 16 << 20;

// The cache holds "***" for each value of a Secret; a copy needs base64, or containers would miss
// them.
std::string WithStandIns(std::string_view secret) {
  nlohmann::json object = nlohmann::json::parse(secret, nullptr, false);
  if (!object.is_object() || !object.contains("data") || !object["data"].is_object())
    return std::string(secret);
  for (auto& value : object["data"]) value = "Kioq";
  return object.dump();
}

// Everything the watch cache holds of a real cluster; kinds that it may not read are named.
absl::StatusOr<std::vector<kubesim::GivenObject>> ReadCluster(const CopyFlags& flags,
                                                              ClusterCopy* copy) {
  kube::LoadOptions load;
  load.kubeconfig_flag = flags.kubeconfig;
  load.context = flags.context;
  OPSMESH_ASSIGN_OR_RETURN(kube::ClusterConfig config, kube::LoadCluster(load));
  copy->description = fmt::format("a copy of {} ({})", config.name, config.server);
  const std::unique_ptr<http_client::Client> http = http_client::Client::Create();
  kube::Client::Options options;
  options.config = std::move(config);
  options.http = http.get();
  OPSMESH_ASSIGN_OR_RETURN(const std::unique_ptr<kube::Client> client,
                           kube::Client::Create(std::move(options)));
  const base::Context context = base::Context::Background().WithTimeout(kMostReading);
  OPSMESH_RETURN_IF_ERROR(
      client->Version(context).status());  // a server that is not there is said at once
  OPSMESH_ASSIGN_OR_RETURN(const std::unique_ptr<kube::Cache> cache,
                           kube::Cache::Start(*client, {}));
  OPSMESH_RETURN_IF_ERROR(cache->WaitForSync(context));
  std::vector<kubesim::GivenObject> objects;
  const std::shared_ptr<const kube::Snapshot> snapshot = cache->Get();
  for (const auto& [plural, kind] : snapshot->kinds()) {
    if (!kind->status().synced())
      copy->left_out.push_back(
          fmt::format("{}: {}", plural, kube::StateName(kind->status().state)));
    for (const kube::ObjectPtr& object : kind->objects())
      objects.push_back(
          {plural == "secrets" ? WithStandIns(object->json()) : std::string(object->json()),
           kind->status().type.api_version(), kind->status().type.kind});
  }
  return objects;
}

absl::StatusOr<kube::ResourceType> TypeOf(kube::Client& client, const base::Context& context,
                                          const nlohmann::json& object) {
  const std::string api_version = kubesim::TextAt(object, "apiVersion"),
                    kind = kubesim::TextAt(object, "kind");
  OPSMESH_ASSIGN_OR_RETURN(const auto discovery, client.Discover(context, {.refresh = true}));
  const std::string group = api_version.find('/') == std::string::npos
                                ? ""
                                : api_version.substr(0, api_version.find('/'));
  for (const kube::ResourceType& type : discovery->types()) {
    if (type.kind != kind || type.group != group) continue;
    kube::ResourceType as_written = type;
    as_written.version = api_version.substr(group.empty() ? 0 : group.size() + 1);
    return as_written;
  }
  return base::InvalidArgument("apply", "UNKNOWN_KIND",
                               fmt::format("The cluster knows no {} of {}.", kind, api_version))
      .Hint("Check apiVersion and kind, or apply the definition first.");
}

absl::Status ApplyObject(kube::Client& client, const nlohmann::json& object) {
  const base::Context context = base::Context::Background().WithTimeout(kMostApplying);
  const std::string name = kubesim::TextAt(object, {"metadata", "name"});
  std::string ns = kubesim::TextAt(object, {"metadata", "namespace"});
  if (name.empty())
    return base::InvalidArgument("apply", "MANIFEST_INVALID",
                                 "There is no object with metadata.name.");
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type, TypeOf(client, context, object));
  if (ns.empty() && type.namespaced) ns = "default";
  kube::WriteOptions options;
  options.field_manager = "kubectl";  // whose fields they will be
  options.force = true;
  return client.Patch(context, type, ns, name, kube::PatchType::kApply, object.dump(), options)
      .status();
}

}  // namespace

absl::StatusOr<ClusterCopy> CopyCluster(const CopyFlags& flags, const base::Clock& clock) {
  ClusterCopy copy;
  kubesim::SimulatorOptions options;
  options.live = true;
  options.virtual_time = true;
  options.clock = &clock;
  options.seed = flags.seed;
  if (!flags.kubeconfig.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(const std::vector<kubesim::GivenObject> objects,
                             ReadCluster(flags, &copy));
    OPSMESH_ASSIGN_OR_RETURN(copy.simulator,
                             kubesim::Simulator::FromObjects(options, objects, &copy.left_out));
    copy.failing = kubesim::KeepFailing(copy.simulator->store(), *copy.simulator->faults());
    return copy;
  }
  if (flags.cluster == "demo") {
    options.content = kubesim::Content::kDemo;
    copy.description = "the demo cluster";
  } else if (flags.cluster == "empty") {
    copy.description = "an empty cluster";
  } else {
    options.content = kubesim::Content::kFolder;
    options.cluster_dir = flags.cluster;
    copy.description = fmt::format("the manifests of {}", flags.cluster);
  }
  OPSMESH_ASSIGN_OR_RETURN(copy.simulator, kubesim::Simulator::Create(options));
  return copy;
}

absl::StatusOr<int> ApplyFile(kubesim::Simulator& simulator, const std::string& path) {
  const auto text = kube::ReadSmallFile(path, kMostManifest);
  if (!text.ok()) return base::Annotate(text.status(), path);
  const auto parsed = kubesim::ParseYaml(*text);
  if (!parsed.ok()) return base::Annotate(parsed.status(), path);
  const std::vector<kubesim::YamlDocument>& documents = *parsed;
  OPSMESH_RETURN_IF_ERROR(simulator.Start({}));
  const std::unique_ptr<http_client::Client> http = http_client::Client::Create();
  kube::Client::Options options;
  options.config.server = simulator.url();
  options.http = http.get();
  options.allow_writes = true;
  absl::Status failed;
  {
    const auto client = kube::Client::Create(std::move(options));
    if (!client.ok()) failed = client.status();
    for (size_t i = 0; failed.ok() && i < documents.size(); ++i) {
      failed = ApplyObject(**client, *documents[i].value);
      if (!failed.ok())
        failed = base::Annotate(failed, fmt::format("{}, line {}", path, documents[i].line));
    }
  }
  simulator.Stop();
  if (!failed.ok()) return failed;
  return static_cast<int>(documents.size());
}

}  // namespace opsmesh::cli
