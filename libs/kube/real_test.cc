// Against a real API server (../shared/kube-real). Skipped, loudly, when none runs:
// KUBE_REAL_DIR/admin.kubeconfig.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"

namespace opsmesh::kube {
namespace {

using test::Reason;

base::Context Long() { return base::Context::Background().WithTimeout(absl::Seconds(90)); }

class RealTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* dir = std::getenv("KUBE_REAL_DIR");
    if (dir != nullptr && std::ifstream(std::string(dir) + "/admin.kubeconfig")) {
      dir_ = dir;
      admin_ = Open("admin.kubeconfig");
      if (admin_ != nullptr &&
          admin_->Version(base::Context::Background().WithTimeout(absl::Seconds(60))).ok())
        return;
    }
    GTEST_SKIP() << "*** NOT TESTED: no real API server runs (KUBE_REAL_DIR) ***";
  }
  std::unique_ptr<Client> Open(const std::string& file) {
    const auto config = LoadCluster({.kubeconfig_flag = dir_ + "/" + file});
    EXPECT_TRUE(config.ok()) << config.status();
    return config.ok() ? test::MakeClient(*http_, *config, true) : nullptr;
  }
  absl::Status CreateConfigMap(const std::string& name, int value) {
    return admin_
        ->Create(Long(), *FindBuiltin("cm"), "default",
                 R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":")" + name +
                     R"("},"data":{"v":")" + std::to_string(value) + "\"}}")
        .status();
  }

  template <typename F>
  bool Eventually(F condition) {
    for (int i = 0; i < 600; ++i) {
      if (condition()) return true;
      (void)Long().Sleep(absl::Milliseconds(100));
    }
    return false;
  }
  /// Makes etcd forget every state but the latest.
  bool CompactStore() {
    const char* port = std::getenv("K8S_ETCD_PORT");
    const auto ask = [&](const std::string& what, const std::string& body) {
      http_client::Request request;
      request.method = "POST";
      request.url =
          "http://127.0.0.1:" + std::string(port == nullptr ? "22379" : port) + "/v3/kv/" + what;
      request.body = body;
      const auto response = http_->Fetch(Long(), request);
      return response.ok() && response->status == 200 ? response->body : "";
    };
    const std::string state = ask("range", R"({"key":"AA=="})");
    const size_t at = state.find(R"("revision":")");
    if (at == std::string::npos) return false;
    const std::string revision = std::to_string(std::atoll(state.c_str() + at + 12));
    return !ask("compaction", R"({"revision":")" + revision + "\"}").empty();
  }

  std::string dir_;
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  std::unique_ptr<Client> admin_;
};

TEST_F(RealTest, DiscoveryReadsReviewsAndRefusalsAreAsTheServerMeansThem) {
  const auto version = admin_->Version(Long());
  ASSERT_TRUE(version.ok());
  EXPECT_EQ(version->major, 1);
  const auto discovery = admin_->Discover(Long());
  ASSERT_TRUE(discovery.ok()) << discovery.status();
  EXPECT_GT((*discovery)->types().size(), 40u);
  EXPECT_EQ(admin_->Resolve(Long(), "cronjobs")->version,
            version->AtLeast(1, 21) ? "v1" : "v1beta1");
  EXPECT_EQ(Reason(admin_->Get(Long(), *FindBuiltin("pods"), "default", "absent").status()),
            "NOT_FOUND");
  EXPECT_TRUE(admin_->CanI(Long(), {"delete", "", "pods", "", "default", ""})->allowed);
  EXPECT_EQ(Reason(admin_->NodeMetrics(Long()).status()), "METRICS_NOT_SERVED");
  const auto reader = Open("pod-reader.kubeconfig");
  EXPECT_TRUE(reader->List(Long(), *FindBuiltin("pods"), "default").ok());
  EXPECT_EQ(Reason(reader->List(Long(), *FindBuiltin("nodes"), "").status()), "FORBIDDEN");
  EXPECT_FALSE(reader->CanI(Long(), {"delete", "", "pods", "", "default", ""})->allowed);
}

TEST_F(RealTest, PagesWritesPatchesAndScaleWork) {
  for (int i = 0; i < 7; ++i) {
    const absl::Status made = CreateConfigMap("page-" + std::to_string(i), i);
    EXPECT_TRUE(made.ok() || made.code() == absl::StatusCode::kAlreadyExists) << made;
  }
  ListOptions pages;
  pages.page_size = 3;
  const auto paged = admin_->List(Long(), *FindBuiltin("cm"), "default", pages);
  const auto whole = admin_->List(Long(), *FindBuiltin("cm"), "default");
  ASSERT_TRUE(paged.ok() && whole.ok());
  EXPECT_EQ(paged->items.size(), whole->items.size());
  EXPECT_EQ(Reason(CreateConfigMap("page-1", 1)), "ALREADY_EXISTS");
  const auto patched = admin_->Patch(Long(), *FindBuiltin("cm"), "default", "page-1",
                                     PatchType::kMerge, R"({"data":{"v":"x"}})");
  ASSERT_TRUE(patched.ok()) << patched.status();
  EXPECT_EQ(patched->object->root()["data"]["v"].String(), "x");
  WriteOptions apply;
  apply.dry_run = true;
  EXPECT_TRUE(
      admin_
          ->Patch(
              Long(), *FindBuiltin("cm"), "default", "applied-dry", PatchType::kApply,
              R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"applied-dry"},"data":{"a":"b"}})",
              apply)
          .ok());
  EXPECT_EQ(Reason(admin_->Get(Long(), *FindBuiltin("cm"), "default", "applied-dry").status()),
            "NOT_FOUND");
  DeleteOptions wrong;
  wrong.uid = "11111111-1111-1111-1111-111111111111";
  EXPECT_EQ(Reason(admin_->Delete(Long(), *FindBuiltin("cm"), "default", "page-1", wrong).status()),
            "CONFLICT");
  for (int i = 0; i < 7; ++i) {
    EXPECT_TRUE(
        admin_->Delete(Long(), *FindBuiltin("cm"), "default", "page-" + std::to_string(i)).ok());
  }
}

TEST_F(RealTest, AUserOfOneNamespaceIsServedWhatRbacAllowsAndNoticesWhatIsGrantedLater) {
  const ResourceType role{
      "rbac.authorization.k8s.io", "v1", "Role", "roles", "role", {}, true, {}, {}};
  ResourceType binding = role;
  binding.kind = "RoleBinding";
  binding.plural = "rolebindings";
  const auto rules = [](const std::string& core) {
    return R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"one"},"rules":[
      {"apiGroups":[""],"resources":[)" +
           core + R"(],"verbs":["get","list","watch"]},
      {"apiGroups":["apps"],"resources":["deployments"],"verbs":["get","list","watch"]}]})";
  };
  ASSERT_TRUE(
      admin_->Create(Long(), role, "default", rules(R"("pods","events","configmaps")")).ok());
  ASSERT_TRUE(
      admin_
          ->Create(
              Long(), binding, "default",
              R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"one"},
      "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"one"},
      "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"one-namespace"}]})")
          .ok());
  ASSERT_TRUE(CreateConfigMap("one", 1).ok());
  Impersonation who;
  who.user = "one-namespace";
  who.groups = {"system:authenticated"};
  const auto user = admin_->As(who);
  Cache::Options options;
  options.namespaces = {"default"};
  auto cache = Cache::Start(*user, options);
  ASSERT_TRUE(cache.ok() && (*cache)->WaitForSync(Long()).ok());
  size_t readable = 0;
  for (const KindStatus& status : (*cache)->Status()) {
    readable += status.Covers("default") ? 1 : 0;
    EXPECT_EQ(status.synced(), status.Covers("default")) << status.type.plural;
    EXPECT_FALSE(status.Covers("kube-system")) << status.type.plural;
    if (!status.synced()) {
      EXPECT_EQ(status.state, KindStatus::State::kForbidden) << status.type.plural;
    }
  }
  EXPECT_EQ(readable, 4u);
  EXPECT_NE((*cache)->Get("configmaps")->Find("default", "one"), nullptr);
  ASSERT_TRUE(CreateConfigMap("two", 2).ok());
  EXPECT_TRUE(
      Eventually([&] { return (*cache)->Get("configmaps")->Find("default", "two") != nullptr; }));
  EXPECT_EQ((*cache)->Get("services")->status().state, KindStatus::State::kForbidden);
  ASSERT_TRUE(admin_
                  ->Replace(Long(), role, "default", "one",
                            rules(R"("pods","events","configmaps","services")"))
                  .ok());
  EXPECT_TRUE(Eventually([&] {
    (*cache)->Cover(Long(), "default");
    return (*cache)->Get("services")->Find("default", "kubernetes") != nullptr;
  }));
  cache->reset();
  for (const char* name : {"one", "two"})
    EXPECT_TRUE(admin_->Delete(Long(), *FindBuiltin("cm"), "default", name).ok());
  EXPECT_TRUE(admin_->Delete(Long(), binding, "default", "one").ok());
  EXPECT_TRUE(admin_->Delete(Long(), role, "default", "one").ok());
}

TEST_F(RealTest, AStoreThatIsCompactedInTheMiddleOfAListLosesNothing) {
  constexpr int kObjects = 40;
  for (int i = 0; i < kObjects; ++i) {
    const absl::Status made = CreateConfigMap("compact-" + std::to_string(i), i);
    ASSERT_TRUE(made.ok()) << made;
  }
  std::atomic<bool> stop{false};
  std::atomic<int> compacted{0};
  std::thread compactor([&] {
    for (int i = 0; !stop; ++i) {
      (void)CreateConfigMap("noise", i);
      (void)admin_->Delete(Long(), *FindBuiltin("cm"), "default", "noise");
      compacted += CompactStore() ? 1 : 0;
      (void)Long().Sleep(absl::Milliseconds(20));
    }
  });
  ListOptions pages;
  pages.page_size = 1;
  int inconsistent = 0;
  for (int round = 0; round < 3; ++round) {
    const auto list = admin_->List(Long(), *FindBuiltin("cm"), "default", pages);
    ASSERT_TRUE(list.ok()) << list.status();
    inconsistent += list->inconsistent ? 1 : 0;
    int found = 0;
    for (const ObjectPtr& object : list->items) found += object->name().starts_with("compact-");
    EXPECT_EQ(found, kObjects) << (list->inconsistent ? "of two states" : "");
  }
  stop = true;
  compactor.join();
  std::cerr << compacted << " compactions, " << inconsistent << " lists of two states\n";
  EXPECT_GT(compacted, 0);
  for (int i = 0; i < kObjects; ++i) {
    EXPECT_TRUE(
        admin_->Delete(Long(), *FindBuiltin("cm"), "default", "compact-" + std::to_string(i)).ok());
  }
}

TEST_F(RealTest, ACustomKindIsReadFromItsMakingToItsEnd) {
  const ResourceType crds{"apiextensions.k8s.io",
                          "v1",
                          "CustomResourceDefinition",
                          "customresourcedefinitions",
                          "customresourcedefinition",
                          {},
                          false,
                          {},
                          {}};
  Cache::Options options;
  options.kinds = {"gears", "configmaps"};
  options.retry_refused = absl::Milliseconds(200);
  auto cache = Cache::Start(*admin_, options);
  ASSERT_TRUE(cache.ok() && (*cache)->WaitForSync(Long()).ok());
  EXPECT_EQ((*cache)->Get("gears")->status().state, KindStatus::State::kNotServed);
  ASSERT_TRUE(
      admin_
          ->Create(Long(), crds, "",
                   R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
      "metadata":{"name":"gears.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
      "names":{"plural":"gears","singular":"gear","kind":"Gear"},"versions":[{"name":"v1","served":true,"storage":true,
      "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})")
          .ok());
  ASSERT_TRUE(Eventually([&] {
    return (*cache)->Get("gears")->status().state == KindStatus::State::kLive;
  })) << (*cache)->Get("gears")->status().last_error;
  const auto gears = admin_->Resolve(Long(), "gears");
  ASSERT_TRUE(gears.ok()) << gears.status();
  ASSERT_TRUE(
      admin_
          ->Create(
              Long(), *gears, "default",
              R"({"apiVersion":"example.com/v1","kind":"Gear","metadata":{"name":"a"},"spec":{"teeth":12}})")
          .ok());
  EXPECT_TRUE(Eventually([&] {
    const ObjectPtr gear = (*cache)->Get("gears")->Find("default", "a");
    return gear != nullptr && gear->root().At("spec.teeth").Int() == 12;
  }));
  EXPECT_TRUE(admin_->Delete(Long(), crds, "", "gears.example.com").ok());
  EXPECT_TRUE(Eventually([&] {
    const auto status = (*cache)->Get("gears")->status();
    return status.state == KindStatus::State::kNotServed && status.objects == 0;
  }));
  EXPECT_EQ((*cache)->Get("configmaps")->status().state, KindStatus::State::kLive);
}

TEST_F(RealTest, AServerThatIsKilledInTheMiddleOfListsAndWatchesIsCaughtUpWith) {
  const std::string pid_file = dir_ + "/run/kube-apiserver.pid";
  const std::string up = test::SharedDir() + "/kube-real/up.sh >/dev/null 2>&1";
  ASSERT_TRUE(std::ifstream(pid_file).good());
  constexpr int kObjects = 60;
  for (int i = 0; i < kObjects; ++i)
    ASSERT_TRUE(CreateConfigMap("killed-" + std::to_string(i), i).ok());
  Cache::Options options;
  options.kinds = {"configmaps", "pods", "secrets", "events"};
  options.page_size = 1;
  auto watching = Cache::Start(*admin_, options);  // is there when it happens
  ASSERT_TRUE(watching.ok() && (*watching)->WaitForSync(Long()).ok());
  std::vector<std::unique_ptr<Cache>> listing;  // begin while it happens
  std::thread killer([&] {
    (void)Long().Sleep(absl::Milliseconds(30));
    EXPECT_EQ(std::system(("kill -9 $(cat " + pid_file + ")").c_str()), 0);
  });
  for (int i = 0; i < 8; ++i) {
    listing.push_back(*Cache::Start(*admin_, options));
    (void)Long().Sleep(absl::Milliseconds(10));
  }
  killer.join();
  EXPECT_TRUE(Eventually(
      [&] { return (*watching)->Get("configmaps")->status().state == KindStatus::State::kStale; }));
  EXPECT_GE((*watching)->Get("configmaps")->objects().size(), size_t{kObjects}) << "still shown";
  EXPECT_EQ(std::system(up.c_str()), 0);
  EXPECT_TRUE(Eventually([&] { return CreateConfigMap("after-the-kill", 1).ok(); }));
  listing.push_back(*std::move(watching));
  for (const auto& cache : listing) {
    EXPECT_TRUE(Eventually([&] {
      return cache->Get("configmaps")->Find("default", "after-the-kill") != nullptr &&
             cache->Get("configmaps")->objects().size() >= kObjects + 1u;
    })) << cache->Get("configmaps")->status().last_error;
  }
  listing.clear();
  EXPECT_TRUE(admin_->Delete(Long(), *FindBuiltin("cm"), "default", "after-the-kill").ok());
  for (int i = 0; i < kObjects; ++i) {
    EXPECT_TRUE(
        admin_->Delete(Long(), *FindBuiltin("cm"), "default", "killed-" + std::to_string(i)).ok());
  }
}

TEST_F(RealTest, TheCacheSyncsEveryKindAndSurvivesRestartsWithoutGapOrDouble) {
  std::mutex mutex;
  std::map<std::string, std::string> told;  // what the changes add up to
  int doubles = 0;
  Cache::Options options;
  options.on_change = [&](const Change& change) {
    if (change.type->plural != "configmaps") return;
    const std::lock_guard lock(mutex);
    const Object& object = change.after != nullptr ? *change.after : *change.before;
    const std::string name = object.meta().full_name();
    const std::string before =
        change.before == nullptr ? "" : std::string(change.before->meta().resource_version);
    if (told[name] != before && !(told[name].empty() && change.before != nullptr)) ++doubles;
    told[name] = change.after == nullptr ? "" : std::string(change.after->meta().resource_version);
  };
  auto cache = Cache::Start(*admin_, options);
  ASSERT_TRUE(cache.ok());
  const absl::Status synced = (*cache)->WaitForSync(Long());
  ASSERT_TRUE(synced.ok()) << synced;
  for (const KindStatus& status : (*cache)->Status()) {
    EXPECT_EQ(status.state, KindStatus::State::kLive)
        << status.type.plural << " " << status.last_error;
    EXPECT_TRUE(status.unparseable.empty());
  }
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      const std::string name = "churn-" + std::to_string(i % 20);
      if (!CreateConfigMap(name, i).ok())
        (void)admin_->Delete(Long(), *FindBuiltin("cm"), "default", name);
      ++written;
      (void)Long().Sleep(absl::Milliseconds(5));
    }
  });
  const std::string restart = test::SharedDir() + "/kube-real/restart-apiserver.sh >/dev/null 2>&1";
  const bool can_restart =
      std::ifstream(test::SharedDir() + "/kube-real/restart-apiserver.sh").good();
  for (int round = 0; round < 3 && can_restart; ++round) {
    (void)Long().Sleep(absl::Milliseconds(700));
    EXPECT_EQ(std::system(restart.c_str()), 0);
  }
  (void)Long().Sleep(absl::Seconds(1));
  stop = true;
  writer.join();
  EXPECT_GT(written, 20);
  ListResult truth;
  bool equal = false;
  for (int i = 0; i < 600 && !equal; ++i) {
    const auto list = admin_->List(Long(), *FindBuiltin("cm"), "");
    if (!list.ok()) continue;
    truth = *list;
    const auto snapshot = (*cache)->Get("configmaps");
    equal = snapshot->objects().size() == truth.items.size();
    for (const ObjectPtr& object : truth.items) {
      const ObjectPtr cached = snapshot->Find(object->ns(), object->name());
      equal = equal && cached != nullptr &&
              cached->meta().resource_version == object->meta().resource_version;
    }
    if (!equal) (void)Long().Sleep(absl::Milliseconds(100));
  }
  EXPECT_TRUE(equal);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(doubles, 0);
  for (const ObjectPtr& object : truth.items) {
    const auto heard = told.find(object->meta().full_name());
    if (heard == told.end()) continue;  // never changed since the first list
    EXPECT_EQ(heard->second, object->meta().resource_version) << object->name();
  }
  const KindStatus status = (*cache)->Get("configmaps")->status();
  std::cerr << "configmaps: " << written << " writes, " << status.events << " events, "
            << status.lists << " lists, " << status.reconnects << " reconnects\n";
}

}  // namespace
}  // namespace opsmesh::kube
