#include "libs/kube/object.h"

#include <dirent.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/kind_store.h"
#include "libs/kube/object_builder.h"
#include "libs/kube/quantity.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"
#include "libs/kube/wire.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kube {
namespace {

using test::HaveShared;
using test::Reason;
using test::Recorded;

ObjectPtr Must(std::string_view json) {
  auto object = Object::Parse(json);
  EXPECT_TRUE(object.ok()) << object.status();
  return object.ok() ? *object : nullptr;
}

std::vector<ObjectPtr> RecordedList(const std::string& version, const std::string& file,
                                    const char* plural) {
  ListPage page;
  const absl::Status status = ParseList(Recorded(version, file), *FindBuiltin(plural), &page);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(page.unparseable.empty());
  return page.items;
}

TEST(Object, KeepsEveryByteButWhatMustNotBeKept) {
  const auto object = Must(R"( { "apiVersion":"v1", "kind":"Pod",
    "metadata": {"name":"a","namespace":"b","managedFields":[{"manager":"x"}],
      "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"env\":\"hunter2\"}","keep":"é\n"}},
    "spec": {"number": 1.0, "big": 123456789012345678901234567890, "exp": 1e400, "list": [ ] , "text":"\u00e9\/" } } )");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(
      object->json(),
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"b","annotations":{"keep":"é\n"}},)"
      R"("spec":{"number":1.0,"big":123456789012345678901234567890,"exp":1e400,"list":[],"text":"\u00e9\/"}})");
  EXPECT_EQ(object->Annotation("keep"), "é\n");
  EXPECT_EQ(object->Annotation("other"), std::nullopt);
}

TEST(Object, ValuesOfSecretsAreGoneHoweverTheObjectIsSpelled) {
  for (
      const std::string json :
      {R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"data":{"p":"aHVudGVyMg=="},"stringData":{"q":"hunter2"}})",
       R"({"metadata":{"name":"s"},"data":{"p":"aHVudGVyMg=="},"stringData":{"q":"hunter2"},"kind":"Secret","apiVersion":"v1"})",
       R"({"kind":"Sec\u0072et","apiVersion":"v1","metadata":{"name":"s"},"d\u0061ta":{"p":"aHVudGVyMg=="},"stringData":{"q":"hunter2"}})",
       R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":["aHVudGVyMg=="],"stringData":"hunter2"})"}) {
    for (const std::string kind : {"", "Secret", "Pod"}) {
      const auto object = Object::Parse(json, kind.empty() ? "" : "v1", kind);
      ASSERT_TRUE(object.ok()) << object.status();
      EXPECT_EQ((*object)->json().find("hunter2"), std::string::npos) << json;
      EXPECT_EQ((*object)->json().find("aHVudGVyMg"), std::string::npos) << json;
    }
  }
  const auto secret = Must(
      R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"data":{"p":"x","q":"y"},"type":"Opaque"})");
  ASSERT_NE(secret->As<Secret>(), nullptr);
  EXPECT_EQ(secret->As<Secret>()->keys, (std::vector<Str>{"p", "q"}));
  EXPECT_EQ(secret->As<Secret>()->type, "Opaque");
}

TEST(Object, ListItemsGetTheKindTheListHas) {
  const auto object = Object::Parse(R"({"metadata":{"name":"a","namespace":"b"}})", "v1", "Pod");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ((*object)->meta().kind, "Pod");
  EXPECT_NE((*object)->As<Pod>(), nullptr);
  EXPECT_EQ((*object)->As<Node>(), nullptr);
}

TEST(Object, HostileTextIsATypedErrorNotACrash) {
  EXPECT_EQ(Reason(Object::Parse("").status()), "MALFORMED_JSON");
  EXPECT_EQ(Reason(Object::Parse("{").status()), "MALFORMED_JSON");
  EXPECT_EQ(Reason(Object::Parse(R"({"metadata":{"name":"a"}} x)").status()), "MALFORMED_JSON");
  EXPECT_EQ(Reason(Object::Parse("[]").status()), "UNPARSEABLE_OBJECT");
  EXPECT_EQ(Reason(Object::Parse("null").status()), "UNPARSEABLE_OBJECT");
  EXPECT_EQ(Reason(Object::Parse(R"({"metadata":{"name":5}})").status()), "UNPARSEABLE_OBJECT");
  std::string deep = R"({"metadata":{"name":"a"},"spec":)";
  for (int i = 0; i < 100000; ++i) deep += '[';
  EXPECT_EQ(Reason(Object::Parse(deep).status()), "JSON_TOO_DEEP");
  const auto bytes =
      Object::Parse("{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"\xff\xfe\"}}}");
  ASSERT_TRUE(bytes.ok());
  EXPECT_TRUE(base::IsValidUtf8((*bytes)->json()));
}

TEST(Object, EveryPrefixAndEveryFlippedByteOfAPodIsReadOrRefused) {
  const std::string pod =
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"k\n":"v"}},"spec":{"containers":[)"
      R"({"name":"c","resources":{"limits":{"cpu":"1e3m"}}}]},"status":{"phase":"Running","x":[1.5e3,true,null]}})";
  for (size_t i = 0; i < pod.size(); ++i) (void)Object::Parse(pod.substr(0, i));
  for (size_t i = 0; i < pod.size(); ++i) {
    for (const char c : {'"', '\\', '{', '}', '[', ']', ',', ':', '\0', '\xff', '7'}) {
      std::string changed = pod;
      changed[i] = c;
      const auto object = Object::Parse(changed);
      if (!object.ok()) continue;
      (void)(*object)->As<Pod>();
      EXPECT_TRUE(base::ParseJson((*object)->json()).ok()) << changed;
    }
  }
}

TEST(Object, TheScannerJudgesJsonTestSuiteAsTheStandardDoes) {
  const std::string folder = test::SharedDir() + "/badinputs/JSONTestSuite/test_parsing";
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) {
    std::cerr << "*** NOT TESTED: " << folder << " is not there ***\n";
    GTEST_SKIP();
  }
  int judged = 0;
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    std::string text;
    if (!name.ends_with(".json") || !test::ReadFile(folder + "/" + name, &text)) continue;
    JsonScanner scanner(text);
    std::string copy;
    const bool accepted = base::IsValidUtf8(text) && scanner.Copy(&copy) && scanner.AtEnd();
    EXPECT_TRUE(name[0] != 'y' || accepted) << name;
    EXPECT_FALSE(name[0] == 'n' && accepted) << name;
    EXPECT_TRUE(!accepted || name[0] == 'i' || base::ParseJson(copy).ok()) << name;
    ++judged;
  }
  closedir(dir);
  EXPECT_GT(judged, 250);
}

TEST(Object, ViewsAreDecodedOnceAlsoWhenManyAskAtOnce) {
  const auto pod = Must(
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]}})");
  std::vector<const Pod*> views(8);
  std::vector<std::thread> threads;
  for (const Pod*& view : views) threads.emplace_back([&] { view = pod->As<Pod>(); });
  for (auto& thread : threads) thread.join();
  for (const Pod* view : views) EXPECT_EQ(view, views[0]);
}

/// Everything a pod's view says, for comparing.
std::string Told(const Object& object) {
  const Meta& meta = object.meta();
  std::string text =
      fmt::format("{} {} {} {} {} {}\n", meta.full_name(), meta.uid, meta.resource_version,
                  meta.kind, meta.api_version, absl::FormatTime(meta.created));
  for (const auto& [key, value] : meta.labels) text += fmt::format("{}={}\n", key, value);
  for (const OwnerRef& owner : meta.owners) text += fmt::format("{} {}\n", owner.kind, owner.uid);
  const Pod* pod = object.As<Pod>();
  if (pod == nullptr) return text;
  text += fmt::format("{} {} {} {} {} {}\n", pod->status, pod->ready(), pod->restarts, pod->pod_ip,
                      pod->spec.node_name, pod->message);
  for (const Container& c : pod->spec.containers) {
    text += fmt::format("{} {} {}\n", c.name, c.image, c.liveness.path);
    for (const Str arg : c.args) text += fmt::format(" {}", arg);
    for (const EnvVar& env : c.env) text += fmt::format(" {}={}", env.name, env.value);
    for (const auto& [name, quantity] : c.limits)
      text += fmt::format(" {}:{}", name, quantity.text);
  }
  for (const ContainerStatus& c : pod->statuses)
    text += fmt::format("{} {} {}\n", c.name, c.image_id, c.state.message);
  return text;
}

TEST(Packing, AnObjectOfACacheSaysWhatThePlainOneSays) {
  ObjectPacker packer;
  std::vector<std::string> texts;
  for (const std::string version : {"1.32", "1.20"}) {
    if (!HaveShared("data/kube/recorded-" + version)) continue;
    for (const char* file :
         {"list-pods-shop.json", "list-pods-infra.json", "list-pods-payments.json"}) {
      for (const ObjectPtr& object : RecordedList(version, file, "pods"))
        texts.emplace_back(object->json());
    }
  }
  for (int i = 0; i < 300; ++i) {
    texts.push_back(fmt::format(
        R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p\"{0}","namespace":"n{1}","uid":"u{0}","labels":{{"app":"a{1}","é\n":"{0}"}},)"
        R"("ownerReferences":[{{"kind":"ReplicaSet","uid":"rs{1}","controller":true}}]}},"spec":{{"nodeName":"n{2}","containers":[{{"name":"c",)"
        R"("image":"i:{1}","args":["{3}","\u00e9{1}"]}}]}},"status":{{"phase":"Running","message":"{3}"}}}})",
        i, i / 7, i % 3, std::string(static_cast<size_t>(i), 'x')));
  }
  for (const std::string& text : texts) {
    const ObjectPtr plain = *ObjectBuilder::FromStripped(text);
    const ObjectPtr packed = *ObjectBuilder::FromStripped(text, &packer);
    EXPECT_EQ(Told(*packed), Told(*plain));
    EXPECT_EQ(packer.inflated(), 0);
    EXPECT_EQ(packed->Annotation("none"), std::nullopt);
    EXPECT_EQ(packed->json(), text);
    EXPECT_EQ(packer.inflated(), 1);
  }
  EXPECT_EQ(packer.inflated(), 0);
}

TEST(Packing, ObjectsOutliveTheirPackerAndItsGenerations) {
  std::vector<ObjectPtr> kept;
  {
    ObjectPacker packer;
    for (uint32_t i = 0; i < 2 * ObjectPacker::kGeneration + 5; ++i) {
      auto object = *ObjectBuilder::FromStripped(
          fmt::format(
              R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p{0}","namespace":"shop"}},"spec":{{"nodeName":"node-{1}"}}}})",
              i, i % 9),
          &packer);
      if (i % 4000 == 0) kept.push_back(std::move(object));
    }
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i]->name(), fmt::format("p{}", i * 4000));
    EXPECT_EQ(kept[i]->As<Pod>()->spec.node_name, fmt::format("node-{}", i * 4000 % 9));
    EXPECT_EQ(kept[i]->root().At("metadata.namespace").String(), "shop");
  }
}

TEST(Packing, PodsOfOneControllerShareTheirContainersUnlessTheyDiffer) {
  ObjectPacker packer;
  const auto pod = [&](int number, const std::string& image) {
    return *ObjectBuilder::FromStripped(
        fmt::format(
            R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p{0}","namespace":"shop"}},"spec":{{"nodeName":"n{0}","containers":[{{"name":"web",)"
            R"("image":"{1}","env":[{{"name":"LEVEL","value":"info"}}],"resources":{{"limits":{{"cpu":"1"}}}},"volumeMounts":[{{"name":"token-{0}","mountPath":"/t"}}],)"
            R"("livenessProbe":{{"httpGet":{{"path":"/","port":80}}}}}}],"tolerations":[{{"key":"a","operator":"Exists"}}]}}}})",
            number, image),
        &packer);
  };
  std::vector<ObjectPtr> pods;
  for (int i = 0; i < 4; ++i) pods.push_back(pod(i, "web:1"));
  const ObjectPtr newer = pod(9, "web:2");
  const PodSpec& first = pods[0]->As<Pod>()->spec;
  for (const ObjectPtr& other : pods) {
    EXPECT_TRUE(other->As<Pod>()->spec.containers.SharesWith(first.containers));
    EXPECT_TRUE(other->As<Pod>()->spec.tolerations.SharesWith(first.tolerations));
  }
  EXPECT_FALSE(newer->As<Pod>()->spec.containers.SharesWith(first.containers));
  EXPECT_TRUE(newer->As<Pod>()->spec.tolerations.SharesWith(first.tolerations));
  EXPECT_EQ(newer->As<Pod>()->spec.containers[0].image, "web:2");
  EXPECT_EQ(pods[3]->As<Pod>()->spec.node_name, "n3");
  // What is shared lives as long as the last that has it.
  const ObjectPtr last = pods.back();
  pods.clear();
  EXPECT_EQ(last->As<Pod>()->spec.containers[0].env[0].value, "info");
  EXPECT_EQ(last->As<Pod>()->spec.containers[0].liveness.kind, Probe::Kind::kHttp);
}

TEST(Packing, AStoreGivesUpTheTextsThatWereAskedFor) {
  KindStore store(base::SystemClock());
  ListResult list;
  for (int i = 0; i < 600; ++i) {
    list.items.push_back(*ObjectBuilder::FromStripped(
        fmt::format(
            R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p{}","namespace":"shop","uid":"u{}"}}}})",
            i, i),
        &store.packer()));
  }
  store.Replace("", list);
  list.items.clear();
  const auto before = store.Get();
  for (const ObjectPtr& object : before->objects()) EXPECT_FALSE(object->json().empty());
  EXPECT_EQ(store.packer().inflated(), 600);
  WatchEvent bookmark;
  bookmark.type = WatchEvent::Type::kBookmark;
  bookmark.resource_version = "7";
  store.Apply("", bookmark);
  const auto after = store.Get();
  ASSERT_EQ(after->objects().size(), 600u);
  for (size_t i = 0; i < 600; ++i)
    EXPECT_EQ(after->objects()[i]->meta().uid, before->objects()[i]->meta().uid);
  EXPECT_EQ(store.packer().inflated(), 600) << "the old picture is still held";
  store.Apply("", bookmark);
  EXPECT_EQ(store.Get()->objects()[0], after->objects()[0]) << "and is no reason to pack again";
  EXPECT_EQ(before->Find("shop", "p5")->root().At("metadata.uid").String(), "u5")
      << "who holds the old picture still reads it";
}

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

TEST(Quantity, ReadsEverySuffixAndTellsExaFromAnExponent) {
  EXPECT_EQ(ParseQuantity("250m"), 0.25);
  EXPECT_EQ(ParseQuantity("1.5Gi"), 1.5 * 1024 * 1024 * 1024);
  EXPECT_EQ(ParseQuantity("1E"), 1e18);
  EXPECT_EQ(ParseQuantity("1e3"), 1000);
  EXPECT_EQ(ParseQuantity("1E3"), 1000);
  EXPECT_EQ(ParseQuantity("12Ei"), 12.0 * 1024 * 1024 * 1024 * 1024 * 1024 * 1024);
  EXPECT_EQ(ParseQuantity("-5Gi"), -5.0 * 1024 * 1024 * 1024);
  EXPECT_EQ(ParseQuantity("0"), 0);
  EXPECT_EQ(ParseQuantity(".5"), 0.5);
  for (const char* bad :
       {"", "1e3m", "m", "1 Gi", "Gi", "1gi", "--1", "1e999", "0x10", "1.2.3", "NaN", "inf"}) {
    EXPECT_EQ(ParseQuantity(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(FormatCpu(0.25), "250m");
  EXPECT_EQ(FormatBytes(1.5 * 1024 * 1024 * 1024), "1.5Gi");
}

}  // namespace
}  // namespace opsmesh::kube
