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
          admin_->Version(base::Context::Background().WithTimeout(absl::Seconds(5))).ok())
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
