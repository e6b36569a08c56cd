// A real control plane whose store is thrown away under a running cache: versions begin anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"

namespace opsmesh::kube {
namespace {

base::Context Patient() { return base::Context::Background().WithTimeout(absl::Seconds(120)); }

std::string ConfigMapJson(const std::string& name, int value) {
  return R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":")" + name +
         R"("},"data":{"value":")" + std::to_string(value) + R"("}})";
}

/// True when the cache holds the objects of the kind that the server has, as they are.
bool IsEqual(Client& client, const Cache& cache, const std::string& plural) {
  const auto truth = client.List(Patient(), *FindBuiltin(plural), "");
  if (!truth.ok()) return false;
  const auto picture = cache.Get(plural);
  bool equal = picture->objects().size() == truth->items.size();
  for (const ObjectPtr& object : truth->items) {
    const ObjectPtr cached = picture->Find(object->ns(), object->name());
    equal = equal && cached != nullptr && cached->meta().uid == object->meta().uid &&
            cached->meta().resource_version == object->meta().resource_version;
  }
  return equal;
}

TEST(RealWipeTest, AStoreThatIsWipedUnderARunningCacheIsReadAnewInEveryKind) {
  const char* dir = std::getenv("KUBE_REAL_DIR");
  const std::string kubeconfig = dir == nullptr ? "" : std::string(dir) + "/admin.kubeconfig";
  const std::string up = test::SharedDir() + "/kube-real/up.sh";
  if (kubeconfig.empty() || !std::ifstream(kubeconfig) || !std::ifstream(up))
    GTEST_SKIP() << "*** NOT TESTED: no real API server runs (KUBE_REAL_DIR) ***";
  auto http = http_client::Client::Create();
  auto client = test::MakeClient(*http, *LoadCluster({.kubeconfig_flag = kubeconfig}), true);
  const ResourceType& maps = *FindBuiltin("configmaps");
  // Far ahead of anything the new store will say for a while.
  for (int i = 0; i < 600; ++i) {
    const std::string name = "wiped-" + std::to_string(i % 30);
    const std::string body = ConfigMapJson(name, i);
    ASSERT_TRUE(
        i < 30 ? client->Create(Patient(), maps, "default", body).ok()
               : client->Patch(Patient(), maps, "default", name, PatchType::kMerge, body).ok());
  }
  Cache::Options options;
  options.kinds = {"configmaps", "secrets", "serviceaccounts", "namespaces", "pods", "nodes"};
  auto cache = *Cache::Start(*client, options);
  ASSERT_TRUE(cache->WaitForSync(Patient()).ok());
  ASSERT_TRUE(IsEqual(*client, *cache, "configmaps"));

  ASSERT_EQ(std::system((up + " --fresh >/dev/null 2>&1").c_str()), 0);
  const std::string after = ConfigMapJson("after-the-wipe", 1);
  auto made = client->Create(Patient(), maps, "default", after);
  for (int i = 0; i < 100 && !made.ok(); ++i) {  // the new server makes its namespaces first
    (void)Patient().Sleep(absl::Milliseconds(100));
    made = client->Create(Patient(), maps, "default", after);
  }
  ASSERT_TRUE(made.ok()) << made.status();
  for (const std::string& kind : options.kinds) {
    bool equal = false;
    for (int i = 0; i < 300 && !equal; ++i) {
      equal = IsEqual(*client, *cache, kind);
      if (!equal) (void)Patient().Sleep(absl::Milliseconds(100));
    }
    EXPECT_TRUE(equal) << kind << " " << cache->Get(kind)->status().last_error;
  }
  EXPECT_EQ(cache->Get("configmaps")->Find("default", "wiped-1"), nullptr);
  EXPECT_TRUE(client->Delete(Patient(), maps, "default", "after-the-wipe").ok());
}

}  // namespace
}  // namespace opsmesh::kube
