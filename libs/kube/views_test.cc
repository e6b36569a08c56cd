// The typed views of objects, against what two recorded servers and kubectl said of them.
#include "libs/kube/views.h"

#include <gtest/gtest.h>

#include <map>

#include "libs/kube/recorded_objects.h"
#include "libs/kube/test_support.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kube {
namespace {

using test::HaveShared;
using test::Must;
using test::Recorded;
using test::RecordedList;

TEST(Views, PodsOfBothRecordedServersShowWhatKubectlShows) {
  for (const std::string version : {"1.32", "1.20"}) {
    if (!HaveShared("data/kube/recorded-" + version)) GTEST_SKIP();
    const auto table = nlohmann::json::parse(Recorded(version, "table-pods.json"));
    std::map<std::string, std::vector<std::string>> rows;
    for (const auto& row : table["rows"]) {
      std::vector<std::string> cells;
      for (const auto& cell : row["cells"])
        cells.push_back(cell.is_string() ? cell.get<std::string>() : cell.dump());
      rows[cells[0]] = cells;
    }
    int compared = 0;
    for (const std::string ns : {"shop", "infra", "payments"}) {
      for (const ObjectPtr& object : RecordedList(version, "list-pods-" + ns + ".json", "pods")) {
        const auto row = rows.find(std::string(object->name()));
        if (row == rows.end()) continue;
        const Pod* pod = object->As<Pod>();
        ASSERT_NE(pod, nullptr);
        EXPECT_TRUE(pod->defects().empty());
        EXPECT_EQ(pod->ready(), row->second[1]) << object->name();
        EXPECT_EQ(pod->status, row->second[2]) << object->name();
        EXPECT_EQ(std::to_string(pod->restarts), row->second[3].substr(0, row->second[3].find(' ')))
            << object->name();
        ++compared;
      }
    }
    EXPECT_GT(compared, 8) << version;
  }
}

TEST(Views, EveryRecordedListDecodesWithoutADefect) {
  for (const std::string version : {"1.32", "1.20"}) {
    if (!HaveShared("data/kube/recorded-" + version)) GTEST_SKIP();
    const auto index = nlohmann::json::parse(Recorded(version, "index.json"));
    int objects = 0;
    for (const auto& entry : index) {
      if (!entry["response_file"].is_string() || entry["status"] != 200) continue;
      const auto file = entry["response_file"].get<std::string>();
      if (!file.starts_with("list-") && !file.starts_with("get-")) continue;
      const auto body = nlohmann::json::parse(Recorded(version, file), nullptr, false);
      if (!body.is_object() || !body.contains("items")) continue;
      std::string kind = body["kind"].get<std::string>();
      kind.resize(kind.size() - 4);
      const ResourceType* type = nullptr;
      for (const ResourceType& candidate : BuiltinTypes()) {
        if (candidate.kind == kind) {
          type = &candidate;
          break;
        }
      }
      if (type == nullptr) continue;
      ResourceType served = *type;
      const auto api_version = body["apiVersion"].get<std::string>();
      served.version = api_version.substr(
          api_version.find('/') == std::string::npos ? 0 : api_version.find('/') + 1);
      served.group = api_version.find('/') == std::string::npos
                         ? ""
                         : api_version.substr(0, api_version.find('/'));
      ListPage page;
      ASSERT_TRUE(ParseList(Recorded(version, file), served, &page).ok()) << file;
      EXPECT_EQ(page.items.size(), body["items"].size()) << file;
      for (const ObjectPtr& object : page.items) {
        ++objects;
        EXPECT_EQ(object->json().find("managedFields"), std::string::npos);
        const View* view = nullptr;
        if (const auto* v = object->As<Pod>()) view = v;
        if (const auto* v = object->As<Deployment>()) view = v;
        if (const auto* v = object->As<ReplicaSet>()) view = v;
        if (const auto* v = object->As<StatefulSet>()) view = v;
        if (const auto* v = object->As<DaemonSet>()) view = v;
        if (const auto* v = object->As<Job>()) view = v;
        if (const auto* v = object->As<CronJob>()) view = v;
        if (const auto* v = object->As<Service>()) view = v;
        if (const auto* v = object->As<Endpoints>()) view = v;
        if (const auto* v = object->As<EndpointSlice>()) view = v;
        if (const auto* v = object->As<Ingress>()) view = v;
        if (const auto* v = object->As<NetworkPolicy>()) view = v;
        if (const auto* v = object->As<Node>()) view = v;
        if (const auto* v = object->As<Event>()) view = v;
        if (const auto* v = object->As<HorizontalPodAutoscaler>()) view = v;
        if (const auto* v = object->As<PodDisruptionBudget>()) view = v;
        if (const auto* v = object->As<ResourceQuota>()) view = v;
        if (const auto* v = object->As<LimitRange>()) view = v;
        if (const auto* v = object->As<PersistentVolumeClaim>()) view = v;
        if (const auto* v = object->As<PersistentVolume>()) view = v;
        if (view == nullptr) continue;
        for (const std::string& defect : view->defects())
          ADD_FAILURE() << file << " " << object->name() << ": " << defect;
      }
    }
    EXPECT_GT(objects, 300) << version;
  }
}

TEST(Views, WhatIsMissingNullOrOfAWrongTypeReadsAsAbsentAndIsNamed) {
  const auto empty =
      Must(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"b"},"spec":{}})");
  EXPECT_EQ(empty->As<Pod>()->status, "Unknown");
  EXPECT_EQ(empty->As<Pod>()->ready(), "0/0");
  const auto nulls =
      Must(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":null,"status":null})");
  EXPECT_TRUE(nulls->As<Pod>()->defects().empty());
  const auto wrong = Must(
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":[]},"status":{"phase":"Running",)"
      R"("containerStatuses":{"restartCount":"many"}}})");
  EXPECT_EQ(wrong->As<Pod>()->phase, "Running");
  EXPECT_EQ(wrong->As<Pod>()->defects(), (std::vector<std::string>{"status.containerStatuses"}));
  const auto negative = Must(
      R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"a"},"spec":{"replicas":-3},)"
      R"("status":{"replicas":null,"readyReplicas":-1}})");
  EXPECT_EQ(negative->As<Deployment>()->replicas, 0);
  EXPECT_EQ(negative->As<Deployment>()->ready_replicas, 0);
  EXPECT_EQ(negative->As<Deployment>()->defects().size(), 2u);
  const auto future = Must(
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","creationTimestamp":"9999-12-31T23:59:59Z"}})");
  EXPECT_EQ(future->meta().Age(absl::FromUnixSeconds(1800000000)), absl::ZeroDuration());
}

TEST(Views, AnEventsOrderFollowsItsNewestTime) {
  const auto event = Must(
      R"({"kind":"Event","apiVersion":"v1","metadata":{"name":"e","creationTimestamp":"2026-01-01T00:00:00Z"},)"
      R"("involvedObject":{"kind":"Pod","namespace":"shop","name":"cart","uid":"u"},"reason":"BackOff",)"
      R"("message":"Back-off","type":"Warning","count":3,"firstTimestamp":"2026-01-01T00:00:00Z",)"
      R"("lastTimestamp":"2026-01-01T01:00:00Z","series":{"count":7,"lastObservedTime":"2026-01-01T02:00:00.000001Z"}})");
  const Event* view = event->As<Event>();
  EXPECT_EQ(view->count, 7);
  EXPECT_TRUE(view->warning());
  EXPECT_EQ(view->about.name, "cart");
  EXPECT_EQ(absl::ToUnixSeconds(view->last_seen), 1767232800);
  EXPECT_EQ(absl::ToUnixSeconds(view->first_seen), 1767225600);
}

}  // namespace
}  // namespace opsmesh::kube
