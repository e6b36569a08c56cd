#include "libs/kubesim/behaviour/testing_cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/controllers/controllers.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"

namespace opsmesh::kubesim {

StandInKubelet::StandInKubelet(Engine& engine) : engine_(engine) {
  engine_.InformerOf("", "pods").OnChange([this](const Seen& seen) { See(seen); });
}

void StandInKubelet::Start() { Beat(); }

void StandInKubelet::Beat() {
  const ResourceType& leases = engine_.Type("coordination.k8s.io", "leases");
  for (const ObjectPtr& object : engine_.InformerOf("", "nodes").List()) {
    if (silent_nodes.contains(object->name)) continue;
    auto renew = [&](Json& lease) {
      lease["spec"]["renewTime"] =
          absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", engine_.Now(), absl::UTCTimeZone());
      return true;
    };
    if (engine_.client().Change(leases, "kube-node-lease", object->name, renew).ok()) continue;
    Json lease = {{"metadata", {{"name", object->name}, {"namespace", "kube-node-lease"}}},
                  {"spec", Json::object()}};
    renew(lease);
    (void)engine_.client().Put(leases, lease);
  }
  engine_.After(absl::Seconds(10), [this] { Beat(); });
}

void StandInKubelet::See(const Seen& seen) {
  if (!seen.now) return;
  const std::string ns = seen.now->ns, name = seen.now->name, uid = seen.now->uid;
  const ResourceType& pods = engine_.Type("", "pods");
  if (BeingDeleted(seen.now_json)) {
    if (known_.insert(uid + "-").second) {
      engine_.After(absl::Seconds(2), [this, &pods, ns, name, uid] {
        // A kubelet says how a pod ended before it goes, for those who wait for that.
        (void)engine_.client().Change(
            pods, ns, name,
            [](Json& pod) {
              const std::string phase = TextAt(pod, {"status", "phase"});
              if (ListAt(pod, {"metadata", "finalizers"}).empty() || phase == "Succeeded")
                return false;
              pod["status"]["phase"] = "Failed";
              return true;
            },
            uid);
        (void)engine_.client().Remove(pods, ns, name, uid);
      });
    }
    return;
  }
  if (ListAt(seen.now_json, {"spec", "containers"}).empty()) return;
  const std::string chosen = TextAt(seen.now_json, {"spec", "nodeName"});
  if ((node.empty() && chosen.empty()) || !known_.insert(uid).second) return;
  const std::string image = TextAt(ListAt(seen.now_json, {"spec", "containers"})[0], "image");
  const std::string ip = fmt::format("10.244.{}.{}", next_address_ / 250, 1 + next_address_ % 250);
  ++next_address_;
  (void)engine_.client().Change(
      pods, ns, name,
      [&](Json& pod) {
        if (chosen.empty()) pod["spec"]["nodeName"] = node;
        return true;
      },
      uid);
  const bool completing = completing_images.contains(image),
             failing = failing_images.contains(image);
  engine_.After(start, [this, &pods, ns, name, uid, ip] {
    (void)engine_.client().Change(
        pods, ns, name,
        [&](Json& pod) {
          pod["status"]["phase"] = "Running";
          pod["status"]["podIP"] = ip;
          SetCondition(pod["status"], "Ready", "False", "ContainersNotReady", "", engine_.Now(),
                       Json());
          return true;
        },
        uid);
  });
  if (completing || failing) {
    engine_.After(absl::Seconds(5), [this, ns, name, uid, failing] {
      Finish(ns, name, uid, failing ? "Failed" : "Succeeded");
    });
  } else if (!broken_images.contains(image)) {
    engine_.After(start, [this, ns, name, uid] { SetReady(ns, name, uid); });
  }
}

void StandInKubelet::SetReady(const std::string& ns, const std::string& name,
                              const std::string& uid) {
  (void)engine_.client().Change(
      engine_.Type("", "pods"), ns, name,
      [&](Json& pod) {
        SetCondition(pod["status"], "Ready", "True", "", "", engine_.Now(), Json());
        return true;
      },
      uid);
}

void StandInKubelet::Finish(const std::string& ns, const std::string& name, const std::string& uid,
                            const char* phase) {
  (void)engine_.client().Change(
      engine_.Type("", "pods"), ns, name,
      [&](Json& pod) {
        pod["status"]["phase"] = phase;
        SetCondition(pod["status"], "Ready", "False", "PodCompleted", "", engine_.Now(), Json());
        const int code = std::string_view(phase) == "Failed" ? 1 : 0;
        pod["status"]["containerStatuses"] = Json::array(
            {{{"name", TextAt(ListAt(pod, {"spec", "containers"})[0], "name")},
              {"restartCount", 0},
              {"state",
               {{"terminated",
                 {{"exitCode", code}, {"finishedAt", base::Rfc3339(engine_.Now())}}}}}}});
        return true;
      },
      uid);
}

TestCluster::TestCluster(uint64_t seed, bool with_kubelet) : ids_(seed) {
  clock_.Freeze(start_.Now());
  store_ = std::make_unique<Store>(Store::Options{.clock = &clock_, .ids = &ids_});
  EXPECT_TRUE(LoadSystem(ContentTarget{*store_, logs_, clock_}).ok());
  engine_ = std::make_unique<Engine>(cluster(), clock_);
  AddControllers(*engine_);
  if (with_kubelet) kubelet_ = &engine_->Add<StandInKubelet>();
  if (with_kubelet) {
    Apply(
        "apiVersion: v1\nkind: Node\nmetadata: {name: node-1, labels: {disk: ssd}}\nspec: "
        "{}\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n");
  }
  engine_->StartVirtual();
}

void TestCluster::Apply(std::string_view yaml) {
  auto documents = ParseYaml(yaml);
  ASSERT_TRUE(documents.ok()) << documents.status();
  for (YamlDocument& document : *documents) {
    Json& object = *document.value;
    const ResourceType* type =
        store_->catalog().FindKind(TextAt(object, "apiVersion"), TextAt(object, "kind"));
    ASSERT_NE(type, nullptr) << object;
    if (type->namespaced && TextAt(object, {"metadata", "namespace"}).empty())
      object["metadata"]["namespace"] = "default";
    auto made = type->plural == "nodes" ? engine_->client().Put(*type, object)
                                        : engine_->client().Create(*type, object);
    ASSERT_TRUE(made.ok()) << made.status().message;
  }
}

Json TestCluster::Get(const char* group, const char* plural, const std::string& name,
                      const std::string& ns) {
  const ResourceType& type = engine_->Type(group, plural);
  const ObjectPtr object = store_->Get(type, type.namespaced ? ns : "", name);
  return object ? object->Parse() : Json();
}

std::vector<Json> TestCluster::List(const char* group, const char* plural, const std::string& ns) {
  const ResourceType& type = engine_->Type(group, plural);
  std::vector<Json> found;
  for (const ObjectPtr& object : store_->List(type, type.namespaced ? ns : "").objects)
    found.push_back(object->Parse());
  return found;
}

void TestCluster::Patch(const char* group, const char* plural, const std::string& name,
                        const Json& patch, const std::string& ns) {
  const ResourceType& type = engine_->Type(group, plural);
  auto written = engine_->client().Change(type, type.namespaced ? ns : "", name, [&](Json& object) {
    object = MergePatch(object, patch);
    ApplyDefaults(type, object);
    return true;
  });
  ASSERT_TRUE(written.ok()) << written.status().message;
}

void TestCluster::Delete(const char* group, const char* plural, const std::string& name,
                         const Json& options, const std::string& ns) {
  const ResourceType& type = engine_->Type(group, plural);
  auto refused = engine_->client().Delete(type, type.namespaced ? ns : "", name, options);
  ASSERT_FALSE(refused.has_value()) << refused->message;
}

std::vector<std::string> TestCluster::Events(const std::string& name, const std::string& ns) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const Json& event : List("", "events", ns)) {
    if (TextAt(event, {"involvedObject", "name"}) != name) continue;
    found.emplace_back(TextAt(event, {"metadata", "name"}),
                       fmt::format("{}: {} (x{})", TextAt(event, "reason"),
                                   TextAt(event, "message"), IntAt(event, "count")));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> texts;
  for (auto& [key, text] : found) texts.push_back(std::move(text));
  return texts;
}

std::string TestCluster::Dump() {
  std::string text;
  for (const ResourceType* type : store_->catalog().All()) {
    for (const ObjectPtr& object : store_->List(*type).objects)
      text += type->storage_key + " " + object->json + "\n";
  }
  return text;
}

}  // namespace opsmesh::kubesim
