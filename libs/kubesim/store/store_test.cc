#include "libs/kubesim/store/store.h"

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "libs/kubesim/store/selectors.h"
#include "libs/kubesim/store/stored_json.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

class StoreTest : public testing::Test {
 protected:
  Outcome<ObjectPtr> Create(const std::string& ns, const std::string& name,
                            const std::string& value = "1") {
    return store_.Create(
        maps_, {{"metadata", {{"namespace", ns}, {"name", name}}}, {"data", {{"v", value}}}});
  }
  Outcome<ObjectPtr> Set(const std::string& ns, const std::string& name, const std::string& value,
                         uint64_t version = 0) {
    Json object = store_.Get(maps_, ns, name)->Parse();
    object["data"]["v"] = value;
    return store_.Update(maps_, object, version);
  }
  static std::vector<std::string> Names(const Snapshot& snapshot) {
    std::vector<std::string> names;
    for (const ObjectPtr& object : snapshot.objects)
      names.push_back(object->ns + "/" + object->name);
    return names;
  }

  Store store_{Store::Options{.history_limit = 8}};
  const ResourceType& maps_ = MustFind(store_, "", "v1", "configmaps");
};

using Strings = std::vector<std::string>;

TEST_F(StoreTest, ListsAreOrderedByNamespaceAndName) {
  for (const char* name : {"c", "a", "b"}) ASSERT_TRUE(Create("shop", name).ok());
  ASSERT_TRUE(Create("infra", "z").ok());
  EXPECT_EQ(Names(store_.List(maps_)), (Strings{"infra/z", "shop/a", "shop/b", "shop/c"}));
  EXPECT_EQ(Names(store_.List(maps_, "shop")), (Strings{"shop/a", "shop/b", "shop/c"}));
}

TEST_F(StoreTest, ASecondCreateIsAlreadyExistsAndAStaleUpdateIsAConflict) {
  auto first = Create("shop", "a");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Create("shop", "a").status().reason, "AlreadyExists");
  ASSERT_TRUE(Set("shop", "a", "2", (*first)->resource_version).ok());
  EXPECT_EQ(Set("shop", "a", "3", (*first)->resource_version).status().reason, "Conflict");
}

TEST_F(StoreTest, AnUpdateThatChangesNothingKeepsTheVersionAndWakesNobody) {
  auto first = Create("shop", "a");
  int changes = 0;
  auto watch = store_.StartWatch(maps_.storage_key, 0, [&](const Change&) { ++changes; });
  auto again = Set("shop", "a", "1");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->resource_version, (*first)->resource_version);
  EXPECT_EQ(changes, 0);
}

TEST_F(StoreTest, AnUpdateCannotChangeTheUid) {
  auto first = Create("shop", "a");
  Json object = (*first)->Parse();
  object["metadata"]["uid"] = "forged";
  object["data"]["v"] = "2";
  EXPECT_EQ((*store_.Update(maps_, object, 0))->uid, (*first)->uid);
}

TEST_F(StoreTest, APastListShowsTheStateOfItsVersion) {
  ASSERT_TRUE(Create("shop", "a").ok());
  ASSERT_TRUE(Create("shop", "b").ok());
  const uint64_t then = store_.resource_version();
  ASSERT_TRUE(Set("shop", "a", "2").ok());
  ASSERT_TRUE(store_.Remove(maps_, "shop", "b").ok());
  ASSERT_TRUE(Create("shop", "c").ok());
  auto past = store_.ListAt(maps_, "shop", then);
  ASSERT_TRUE(past.has_value());
  EXPECT_EQ(Names(*past), (Strings{"shop/a", "shop/b"}));
  EXPECT_EQ(past->objects[0]->Parse()["data"]["v"], "1");
}

TEST_F(StoreTest, AForgottenVersionCanNeitherBeListedNorWatched) {
  ASSERT_TRUE(Create("shop", "a").ok());
  const uint64_t old = store_.resource_version();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Set("shop", "a", std::to_string(i + 2)).ok());
  EXPECT_FALSE(store_.ListAt(maps_, "", old).has_value());
  EXPECT_EQ(store_.StartWatch(maps_.storage_key, old, [](const Change&) {}), nullptr);
}

TEST_F(StoreTest, AWatchFromAVersionMissesAndRepeatsNothing) {
  ASSERT_TRUE(Create("shop", "a").ok());
  const uint64_t then = store_.resource_version();
  ASSERT_TRUE(Create("shop", "b").ok());
  Strings seen;
  auto watch = store_.StartWatch(maps_.storage_key, then, [&](const Change& change) {
    seen.push_back(std::to_string(static_cast<int>(change.type)) + change.object->name);
  });
  ASSERT_TRUE(Set("shop", "a", "2").ok());
  ASSERT_TRUE(store_.Remove(maps_, "shop", "b").ok());
  watch.reset();
  ASSERT_TRUE(Create("shop", "c").ok());
  EXPECT_EQ(seen, (Strings{"0b", "1a", "2b"}));
}

TEST_F(StoreTest, AnObjectIsWrittenWithKindFirstAndHasNoneAsAListItem) {
  auto made = Create("shop", "a");
  EXPECT_EQ((*made)->Wire(maps_).substr(0, 40), R"({"kind":"ConfigMap","apiVersion":"v1","d)");
  EXPECT_FALSE((*made)->Parse().contains("kind"));
}

TEST_F(StoreTest, BothVersionsOfOneKindShareTheirObjects) {
  EXPECT_EQ(MustFind(store_, "", "v1", "events").storage_key,
            MustFind(store_, "events.k8s.io", "v1", "events").storage_key);
  EXPECT_EQ(MustFind(store_, "autoscaling", "v1", "horizontalpodautoscalers").storage_key,
            MustFind(store_, "autoscaling", "v2", "horizontalpodautoscalers").storage_key);
}

TEST(ResourceCatalog, ACustomResourceIsServedOnceDefinedAndGoneOnceRemoved) {
  ResourceCatalog catalog;
  catalog.DefineCustom(
      {{"spec",
        {{"group", "ops.example.com"},
         {"scope", "Namespaced"},
         {"names", {{"plural", "backups"}, {"kind", "Backup"}, {"shortNames", {"bk"}}}},
         {"versions", {{{"name", "v1"}, {"served", true}, {"storage", true}}}}}}});
  const ResourceType* backups = catalog.Find("ops.example.com", "v1", "backups");
  ASSERT_NE(backups, nullptr);
  EXPECT_EQ(backups->singular, "backup");
  catalog.RemoveCustom("ops.example.com", "backups");
  EXPECT_EQ(catalog.Find("ops.example.com", "v1", "backups"), nullptr);
}

TEST(ResourceCatalog, ADefinitionThatIsWrittenAgainIsServedByTheSameTypes) {
  ResourceCatalog catalog;
  Json definition = {{"spec",
                      {{"group", "ops.example.com"},
                       {"scope", "Namespaced"},
                       {"names", {{"plural", "backups"}, {"kind", "Backup"}}},
                       {"versions", {{{"name", "v1"}, {"served", true}, {"storage", true}}}}}}};
  catalog.DefineCustom(definition);
  const size_t count = catalog.All().size();
  const ResourceType* first = catalog.Find("ops.example.com", "v1", "backups");
  catalog.DefineCustom(definition);
  EXPECT_EQ(catalog.Find("ops.example.com", "v1", "backups"), first);
  EXPECT_EQ(catalog.All().size(), count);
  definition["spec"]["names"]["shortNames"] = {"bk"};
  catalog.DefineCustom(definition);
  const ResourceType* changed = catalog.Find("ops.example.com", "v1", "backups");
  EXPECT_NE(changed, first);
  EXPECT_EQ(changed->short_names, std::vector<std::string>{"bk"});
  EXPECT_EQ(catalog.All().size(), count);
}

TEST(FieldSelector, AFieldThatCannotBeSelectedOnIsRefused) {
  Store store{Store::Options{}};
  const ResourceType& pods = MustFind(store, "", "v1", "pods");
  EXPECT_EQ(FieldSelector::Parse("spec.color=red", pods).status().message,
            "field label not supported: spec.color");
  auto made = store.Create(pods, {{"metadata", {{"name", "p"}, {"namespace", "shop"}}},
                                  {"status", {{"phase", "Pending"}}}});
  EXPECT_TRUE(FieldSelector::Parse("status.phase=Pending,spec.nodeName=", pods)->Matches(**made));
  EXPECT_FALSE(FieldSelector::Parse("status.phase!=Pending", pods)->Matches(**made));
}

TEST(FieldSelector, ValuesAreComparedAsTextAlsoWhereNothingIsStored) {
  Store store{Store::Options{}};
  const ResourceType& pods = MustFind(store, "", "v1", "pods");
  const ResourceType& events = MustFind(store, "", "v1", "events");
  auto selects = [&](const ResourceType& type, const Json& object, std::string_view text) {
    const ObjectPtr made = *store.Create(type, object);
    const bool matches = FieldSelector::Parse(text, type)->Matches(*made);
    (void)store.Remove(type, made->ns, made->name);
    return matches;
  };
  Json pod = {{"metadata", {{"name", "p"}, {"namespace", "shop"}}},
              {"spec", {{"nodeName", "n-1"}, {"priority", 7}}},
              {"status", {{"phase", "Running"}}}};
  EXPECT_TRUE(selects(pods, pod, "spec.nodeName=n-1,status.phase=Running"));
  EXPECT_FALSE(selects(pods, pod, "spec.nodeName=n"));  // it stands in the text, as a part
  EXPECT_FALSE(selects(pods, pod, "spec.nodeName=shop"));
  EXPECT_TRUE(selects(pods, pod, "spec.hostNetwork=false"));
  EXPECT_FALSE(selects(pods, pod, "spec.hostNetwork=true"));
  EXPECT_TRUE(selects(pods, pod, "metadata.name=p,metadata.namespace!=other"));
  pod["spec"]["hostNetwork"] = true;
  EXPECT_TRUE(selects(pods, pod, "spec.hostNetwork=true"));
  // A number of more than 64 bits in another client's bytes is no reason to answer otherwise.
  Object given;
  given.json = R"({"spec":{"big":123456789012345678901234567890,"nodeName":"n-1"}})";
  EXPECT_TRUE(FieldSelector::Parse("spec.nodeName=n-1", pods)->Matches(given));
  const Json event = {{"metadata", {{"name", "e"}, {"namespace", "shop"}}},
                      {"involvedObject", {{"kind", "Pod"}, {"name", "p"}}},
                      {"source", {{"component", "kubelet"}}}};
  EXPECT_TRUE(selects(events, event, "source=kubelet,involvedObject.kind=Pod"));
  EXPECT_FALSE(selects(events, event, "source=scheduler"));
}

TEST(StoredJson, AMembersBytesAreFoundWithoutALookIntoTheOthers) {
  const std::string object =
      R"({"a":"x\"}{\\","data":{"metadata":[1,{"b":"]"}]},"metadata":{"name":"n"},"n":-1,"z":null})";
  EXPECT_EQ(StoredMember(object, "metadata"), R"({"name":"n"})");
  EXPECT_EQ(StoredMember(object, "a"), R"("x\"}{\\")");
  EXPECT_EQ(StoredMember(object, "n"), "-1");
  EXPECT_EQ(StoredMember(object, "z"), "null");
  EXPECT_EQ(StoredMember(object, "name"), "");
  for (const char* odd : {"", "{", "{}", "{\"", "{\"a", "{\"a\"", "{\"a\":", "[1]"})
    EXPECT_EQ(StoredMember(odd, "metadata"), "") << odd;
}

TEST(YamlTest, WhatIsWrittenReadsBackAsTheSame) {
  const Json object = {{"null", nullptr},
                       {"yes", true},
                       {"numbers", {0, -3, 1.5, 1e300}},
                       {"empty", {{"list", Json::array()}, {"map", Json::object()}, {"text", ""}}}};
  Json texts = Json::array();
  for (const char* text : {"plain",
                           "null",
                           "~",
                           "true",
                           "yes",
                           "No",
                           "y",
                           "on",
                           "12",
                           "0777",
                           "0x1f",
                           "1_000",
                           "1:30",
                           "1e3",
                           ".inf",
                           "-.inf",
                           ".NaN",
                           "<<",
                           "=",
                           "2026-11-21",
                           "2026-11-21T19:54:07Z",
                           "2026-1-2 3:4",
                           "1.2.3",
                           "10.0.0.1",
                           "a: b",
                           "- x",
                           "#c",
                           "a #b",
                           "{",
                           "[",
                           "*a",
                           "&a",
                           "!t",
                           "%x",
                           "@x",
                           "`x`",
                           "'",
                           "\"",
                           "\\",
                           " lead",
                           "trail ",
                           "a\nb",
                           "a\nb\n",
                           "a\n\nb\n\n",
                           "\n",
                           " a\nb\n",
                           "a\n  b\n",
                           "\ta\n",
                           "a\tb",
                           "a\r\nb",
                           "中文",
                           "中文\n二\n",
                           "é: ü",
                           "a:",
                           ":",
                           "?",
                           "-",
                           "---",
                           "...",
                           "key: |",
                           ">",
                           "|"}) {
    texts.push_back(text);
  }
  Json all = object;
  all["texts"] = texts;
  for (const Json& text : texts) all["keys"][text.get<std::string>()] = 1;
  const std::string yaml = DumpYaml(all);
  const auto back = ParseYaml(yaml);
  ASSERT_TRUE(back.ok()) << back.status() << "\n" << yaml;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ(*back->front().value, all) << yaml;
  EXPECT_EQ(DumpYaml({{"a", nullptr}, {"t", "2026-11-21T19:54:07Z"}, {"b", "line\n"}, {"c", "on"}}),
            "a: null\nb: |\n  line\nc: \"on\"\nt: \"2026-11-21T19:54:07Z\"\n")
      << "as kubectl writes it";
  for (const char* plain : {"10.244.1.5", "3ff6be35-e27c-4bf2-bfb0-7f2f31a266cc", "nginx:1.27",
                            "::1", "10m", "v1.32.4", "0/3 nodes"})
    EXPECT_EQ(DumpYaml({{"a", plain}}), fmt::format("a: {}\n", plain));
}

TEST(YamlTest, MergeKeysFillInWhatAMapDoesNotSayItself) {
  const auto read = [](const std::string& text) {
    auto documents = ParseYaml(text);
    return documents.ok() ? documents->front().value->dump()
                          : std::string(documents.status().message());
  };
  const std::string base = "v: &x {a: 1, b: {c: 2}}\nw: &y {a: 9, d: 4}\n";
  const std::string both = R"("v":{"a":1,"b":{"c":2}},"w":{"a":9,"d":4})";
  EXPECT_EQ(read(base + "z: {<<: *x, a: 7}"), R"({)" + both + R"(,"z":{"a":7,"b":{"c":2}}})");
  EXPECT_EQ(read(base + "z:\n  a: 7\n  <<: *x"), R"({)" + both + R"(,"z":{"a":7,"b":{"c":2}}})");
  EXPECT_EQ(read(base + "z: {<<: [*x, *y]}"), R"({)" + both + R"(,"z":{"a":1,"b":{"c":2},"d":4}})");
  EXPECT_EQ(read(base + "z: {\"<<\": *y}"), R"({)" + both + R"(,"z":{"<<":{"a":9,"d":4}}})");
  EXPECT_EQ(read(base + "z: {<<: 3}"),
            "yaml: line 3: map merge requires map or sequence of maps as the value");
  EXPECT_EQ(read(base + "z: {<<: [[*x]]}"),
            "yaml: line 3: map merge requires map or sequence of maps as the value");
}

TEST(YamlTest, PlainWordsAreReadAsKubectlReadsThem) {
  const auto read = [](const std::string& text) {
    auto documents = ParseYaml("a: " + text);
    return documents.ok() ? documents->front().value->at("a").dump() : "refused";
  };
  for (const char* word : {"y", "Yes", "on", "true"}) EXPECT_EQ(read(word), "true") << word;
  for (const char* word : {"n", "No", "OFF", "false"}) EXPECT_EQ(read(word), "false") << word;
  EXPECT_EQ(read("010"), "8");
  EXPECT_EQ(read("0b11"), "3");
  EXPECT_EQ(read("1_000"), "1000");
  EXPECT_EQ(read("08"), "8");
  EXPECT_EQ(read("1e3"), "1000");
  EXPECT_EQ(read("'yes'"), R"("yes")");
  for (const char* word : {"12:30", "1.2.3", "0x", "nULL", "2001-01-01"})
    EXPECT_EQ(read(word), "\"" + std::string(word) + "\"");
  EXPECT_EQ(ParseYaml("on: 1")->front().value->dump(), R"({"true":1})");
}

TEST(YamlTest, AnAmbiguousWordIsWrittenInQuotes) {
  const Json object = {{"on", "yes"}, {"plain", "text"}, {"number", "010"}};
  EXPECT_EQ(*ParseYaml(DumpYaml(object))->front().value, object);
}

TEST(YamlText, ALongTextOfDoubleSpacesIsWrittenInOnePass) {
  std::string text;
  while (text.size() < (1 << 20)) text += "a  ";
  text += "a";
  EXPECT_EQ(DumpYaml(Json(text)), text + "\n");  // quadratic work would take minutes
}

}  // namespace
}  // namespace opsmesh::kubesim
