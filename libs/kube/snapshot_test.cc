#include <gtest/gtest.h>

#include "libs/kube/cache.h"

namespace opsmesh::kube {
namespace {

std::vector<ObjectPtr> Objects(const std::vector<std::string>& json) {
  std::vector<ObjectPtr> objects;
  for (const std::string& text : json) {
    auto object = Object::Parse(text);
    EXPECT_TRUE(object.ok()) << object.status();
    objects.push_back(*object);
  }
  return objects;
}

TEST(KindSnapshot, IndexesFindByNamespaceOwnerNodeLabelAndUid) {
  const auto pod = [](const std::string& ns, const std::string& name, const std::string& app,
                      const std::string& node) {
    return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name + R"(","namespace":")" +
           ns + R"(","uid":"u-)" + name + R"(","labels":{"app":")" + app +
           R"("},"ownerReferences":[{"kind":"ReplicaSet","name":"rs","uid":"rs-)" + app +
           R"(","controller":true}]},"spec":{"nodeName":")" + node + R"("}})";
  };
  const KindSnapshot pods({}, Objects({pod("a", "x", "web", "n1"), pod("b", "x", "web", "n2"),
                                       pod("b", "y", "db", "n1"), pod("c", "z", "web", "")}));
  EXPECT_EQ(pods.InNamespace("b").size(), 2u);
  EXPECT_EQ(pods.InNamespace("").size(), 4u);
  EXPECT_TRUE(pods.InNamespace("bb").empty());
  EXPECT_EQ(pods.OwnedBy("rs-web").size(), 3u);
  EXPECT_EQ(pods.OnNode("n1").size(), 2u);
  EXPECT_TRUE(pods.OnNode("").empty());
  EXPECT_EQ(pods.WithLabel("app", "web").size(), 3u);
  EXPECT_EQ(pods.FindUid("u-z")->name(), "z");
  EXPECT_EQ(pods.Find("b", "y")->meta().uid, "u-y");
  EXPECT_EQ(pods.Find("b", "z"), nullptr);
  EXPECT_EQ(pods.Matching("b", *LabelSelector::Parse("app=web")).size(), 1u);
  EXPECT_EQ(pods.Matching("", *LabelSelector::Parse("app in (web,db),!x")).size(), 4u);
  EXPECT_EQ(pods.Matching("b", StrPairs{{"app", "db"}}).size(), 1u);
  EXPECT_TRUE(pods.Matching("b", StrPairs{}).empty());
}

TEST(KindSnapshot, EventsAreFoundByTheirTargetInOrderOfTime) {
  const auto event = [](const std::string& name, const std::string& uid, int hour) {
    return R"({"kind":"Event","apiVersion":"v1","metadata":{"name":")" + name +
           R"(","namespace":"a"},"involvedObject":{"kind":"Pod","namespace":"a","name":"x","uid":")" +
           uid + R"("},"lastTimestamp":"2026-01-01T0)" + std::to_string(hour) + ":00:00Z\"}";
  };
  const KindSnapshot events(
      {}, Objects({event("e1", "u1", 3), event("e2", "u2", 1), event("e3", "u1", 2)}));
  const auto names = [](const std::vector<ObjectPtr>& found) {
    std::string text;
    for (const auto& object : found) text += std::string(object->name()) + " ";
    return text;
  };
  EXPECT_EQ(names(events.About("Pod", "a", "x", "u1")), "e3 e1 ");
  EXPECT_EQ(names(events.About("Pod", "a", "x")), "e2 e3 e1 ");
  EXPECT_EQ(names(events.About("Pod", "a", "x", "unknown")), "e2 e3 e1 ");
  EXPECT_EQ(names(events.About("Pod", "b", "x")), "");
}

}  // namespace
}  // namespace opsmesh::kube
