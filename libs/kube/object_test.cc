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
#include "libs/kube/recorded_objects.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"
#include "libs/kube/wire.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kube {
namespace {

using test::HaveShared;
using test::Must;
using test::Reason;
using test::RecordedList;

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

}  // namespace
}  // namespace opsmesh::kube
