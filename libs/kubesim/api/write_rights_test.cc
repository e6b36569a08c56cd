// What a right to write gives, and what it does not: objects that are made on the way, parts of a
// pod that are written by themselves, deletions that others overtake.
#include "libs/kubesim/api/deletes.h"
#include "libs/kubesim/api/write_testing.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

class WriteRightsTest : public WriteTest {
 protected:
  // Gives ann one role in the namespace.
  void Grant(const Json& resources, const Json& verbs, const char* group = "") {
    const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop";
    door_.Post(rbac + "/roles",
               {{"metadata", {{"name", "r"}}},
                {"rules", {{{"apiGroups", {group}}, {"resources", resources}, {"verbs", verbs}}}}});
    door_.Post(rbac + "/rolebindings", {{"metadata", {{"name", "r"}}},
                                        {"roleRef", {{"kind", "Role"}, {"name", "r"}}},
                                        {"subjects", {{{"kind", "User"}, {"name", "ann"}}}}});
  }
  std::shared_ptr<RecordedExchange> AsAnn(const std::string& method, const std::string& target,
                                          const Json& body) {
    const std::string media =
        method == "PATCH" ? "application/apply-patch+yaml" : "application/json";
    return door_.Send(method, target, body.dump(),
                      {{"Impersonate-User", "ann"}, {"Content-Type", media}});
  }
  static Json Pod(const std::string& name, Json spec = Json::object()) {
    spec["containers"] = {{{"name", "c"}, {"image", "c:1"}}};
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", {{"name", name}}},
            {"spec", std::move(spec)}};
  }
  std::shared_ptr<RecordedExchange> Debug(const Json& containers) {
    return door_.Patch(pods_ + "/p/ephemeralcontainers", "merge-patch+json",
                       {{"metadata", {{"labels", {{"sneaked", "in"}}}}},
                        {"spec",
                         {{"ephemeralContainers", containers},
                          {"activeDeadlineSeconds", 5},
                          {"containers", {{{"name", "c"}, {"image", "evil:1"}}}}}}});
  }
  Cluster live() { return {door_.store, door_.logs, door_.clock, true, true}; }

  const std::string pods_ = "/api/v1/namespaces/shop/pods";
};

TEST_F(WriteRightsTest, WhoAppliesOntoNothingNeedsTheRightToCreate) {
  Grant({"configmaps"}, {"patch"});
  const Json map = {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "m"}}}};
  const auto refused = AsAnn("PATCH", maps_ + "/m?fieldManager=t", map);
  EXPECT_EQ(refused->code(), 403);
  EXPECT_EQ(refused->json()["message"], "configmaps \"m\" is forbidden: ");
  EXPECT_EQ(door_.Send("GET", maps_ + "/m")->code(), 404);
  door_.Post(maps_, map);
  EXPECT_EQ(AsAnn("PATCH", maps_ + "/m?fieldManager=t", map)->code(), 200);
}

TEST_F(WriteRightsTest, WhoMayCreateMayApplyOntoNothing) {
  Grant({"configmaps"}, {"patch", "create"});
  const Json map = {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "m"}}}};
  EXPECT_EQ(AsAnn("PATCH", maps_ + "/m?fieldManager=t", map)->code(), 201);
}

TEST_F(WriteRightsTest, WhoPutsWhatIsNotThereNeedsTheRightToCreate) {
  Grant({"leases"}, {"update"}, "coordination.k8s.io");
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases";
  const Json lease = {{"metadata", {{"name", "l"}}},
                      {"spec", {{"leaseDurationSeconds", 5}, {"holderIdentity", "a"}}}};
  EXPECT_EQ(AsAnn("PUT", leases + "/l", lease)->code(), 403);
  EXPECT_EQ(door_.Send("GET", leases + "/l")->code(), 404);
  EXPECT_EQ(door_.Send("PUT", leases + "/l", lease.dump())->code(), 201);
}

TEST_F(WriteRightsTest, APartOfAnObjectIsAppliedToWhatIsThereOnly) {
  Grant({"pods/status", "pods/ephemeralcontainers"}, {"patch"});
  for (const char* part : {"/status", "/ephemeralcontainers"}) {
    const auto refused = AsAnn("PATCH", pods_ + "/new" + part + "?fieldManager=t", Pod("new"));
    EXPECT_EQ(refused->code(), 404) << part;
    EXPECT_EQ(refused->json()["message"], "pods \"new\" not found") << part;
  }
  EXPECT_EQ(door_.Send("GET", pods_ + "/new")->code(), 404);
}

TEST_F(WriteRightsTest, NothingButNewEphemeralContainersComesWithThem) {
  ASSERT_EQ(door_.Post(pods_, Pod("p"))->code(), 201);
  const Json before = door_.Get(pods_ + "/p");
  const Json first = {{"name", "d"}, {"image", "busybox:1"}};
  ASSERT_EQ(Debug(Json::array({first}))->code(), 200);
  Json after = door_.Get(pods_ + "/p");
  ASSERT_EQ(ListAt(after, {"spec", "ephemeralContainers"}).size(), 1);
  after["spec"].erase("ephemeralContainers");
  EXPECT_EQ(after["spec"], before["spec"]);
  EXPECT_EQ(At(after, {"metadata", "labels"}), At(before, {"metadata", "labels"}));

  const auto removed = Debug(Json::array());
  EXPECT_EQ(removed->code(), 422);
  EXPECT_EQ(
      removed->json()["details"]["causes"][0],
      Json({{"reason", "FieldValueForbidden"},
            {"message", "Forbidden: existing ephemeral containers \"d\" may not be removed\n"},
            {"field", "spec.ephemeralContainers"}}));
  EXPECT_EQ(Debug(Json::array({{{"name", "d"}, {"image", "busybox:2"}}}))->code(), 422);
  EXPECT_EQ(Debug(Json::array({first, {{"name", "e"}, {"image", "busybox:1"}}}))->code(), 200);
}

TEST_F(WriteRightsTest, PodSecurityJudgesEphemeralContainers) {
  ASSERT_EQ(door_.Post(pods_, Pod("p"))->code(), 201);
  door_.Patch("/api/v1/namespaces/shop", "merge-patch+json",
              {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "baseline"}}}}}});
  const auto refused =
      Debug({{{"name", "d"}, {"image", "busybox:1"}, {"securityContext", {{"privileged", true}}}}});
  EXPECT_EQ(refused->code(), 403);
  EXPECT_EQ(refused->json()["message"],
            "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": privileged "
            "(container \"d\" must not set securityContext.privileged=true)");
  EXPECT_EQ(Debug({{{"name", "d"}, {"image", "busybox:1"}}})->code(), 200);
}

TEST_F(WriteRightsTest, PodSecurityJudgesANewImageAndNothingElseOfARunningPod) {
  ASSERT_EQ(door_.Post(pods_, Pod("p", {{"hostNetwork", true}}))->code(), 201);
  door_.Patch("/api/v1/namespaces/shop", "merge-patch+json",
              {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "baseline"}}}}}});
  const std::string path = "/api/v1/namespaces/shop/pods/p";
  EXPECT_EQ(
      door_.Patch(path, "merge-patch+json", {{"metadata", {{"labels", {{"a", "b"}}}}}})->code(),
      200);
  const auto refused = door_.Patch(
      path, "json-patch+json",
      {{{"op", "replace"}, {"path", "/spec/containers/0/image"}, {"value", "other:2"}}});
  EXPECT_EQ(refused->code(), 403);
  EXPECT_EQ(refused->json()["message"],
            "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces "
            "(hostNetwork=true)");
}

TEST_F(WriteRightsTest, AGracePeriodStaysInTheCalendarAndIsNeverNegative) {
  ASSERT_EQ(door_.Post(pods_, Pod("p", {{"nodeName", "n"}}))->code(), 201);
  const ResourceType& pods = MustFind(door_.store, "", "v1", "pods");
  for (const auto& [asked, given] :
       {std::pair<int64_t, int64_t>{1'000'000'000'000, INT32_MAX}, {-7, 1}}) {
    const auto deleted = DeleteObject(live(), pods, door_.store.Get(pods, "shop", "p"),
                                      {{"gracePeriodSeconds", asked}}, false);
    ASSERT_TRUE(deleted.ok());
    const Json pod = deleted->object->Parse();
    EXPECT_EQ(At(pod, {"metadata", "deletionGracePeriodSeconds"}), given);
    EXPECT_EQ(TextAt(pod, {"metadata", "deletionTimestamp"}).size(), 20);
  }
}

TEST_F(WriteRightsTest, ADeletionDoesNotTakeWhatSomebodyHoldsMeanwhile) {
  door_.Post(maps_, {{"metadata", {{"name", "m"}}}});
  const ResourceType& maps = MustFind(door_.store, "", "v1", "configmaps");
  const ObjectPtr seen = door_.store.Get(maps, "shop", "m");
  door_.Patch(maps_ + "/m", "merge-patch+json",
              {{"metadata", {{"finalizers", {"example.com/hold"}}}}});
  const auto late = DeleteObject(live(), maps, seen, Json::object(), false);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.status().reason, "Conflict");
  const auto again = DeleteNamed(live(), maps, "shop", "m", Json::object(), false);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->gone);
  EXPECT_EQ(door_.Send("GET", maps_ + "/m")->code(), 200);
}

TEST_F(WriteRightsTest, AnUnhealthyPodGoesWhateverTheBudgetWhenThatSaysSo) {
  Json pod = Pod("p");
  pod["metadata"]["labels"] = {{"app", "l"}};
  door_.Post(pods_, pod);
  door_.Patch(pods_ + "/p/status", "merge-patch+json", {{"status", {{"phase", "Running"}}}});
  const std::string budgets = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets";
  door_.Post(budgets,
             {{"metadata", {{"name", "l"}}},
              {"spec", {{"minAvailable", 1}, {"selector", {{"matchLabels", {{"app", "l"}}}}}}}});
  door_.Patch(
      budgets + "/l/status", "merge-patch+json",
      {{"status", {{"currentHealthy", 0}, {"desiredHealthy", 1}, {"disruptionsAllowed", 0}}}});
  const Json eviction = {
      {"apiVersion", "policy/v1"}, {"kind", "Eviction"}, {"metadata", {{"name", "p"}}}};
  EXPECT_EQ(door_.Post(pods_ + "/p/eviction", eviction)->code(), 429);
  door_.Patch(budgets + "/l", "merge-patch+json",
              {{"spec", {{"unhealthyPodEvictionPolicy", "AlwaysAllow"}}}});
  EXPECT_EQ(door_.Post(pods_ + "/p/eviction", eviction)->code(), 201);
}

TEST_F(WriteRightsTest, APodIsBoundWhenItsGatesAreOpenAndTheTrialIsOne) {
  door_.Post(pods_, Pod("gated", {{"schedulingGates", {{{"name", "example.com/wait"}}}}}));
  door_.Post(pods_, Pod("free"));
  const Json node = {{"kind", "Node"}, {"name", "n"}};
  const auto gated =
      door_.Post(pods_ + "/gated/binding", {{"metadata", {{"name", "gated"}}}, {"target", node}});
  EXPECT_EQ(gated->code(), 409);
  EXPECT_EQ(gated->json()["message"],
            "Operation cannot be fulfilled on pods/binding \"gated\": pod gated has non-empty "
            ".spec.schedulingGates");
  const std::string bindings = "/api/v1/namespaces/shop/bindings";
  const Json binding = {{"metadata", {{"name", "free"}}}, {"target", node}};
  EXPECT_EQ(door_.Post(bindings + "?dryRun=foo", binding)->code(), 422);
  EXPECT_EQ(TextAt(door_.Get(pods_ + "/free"), {"spec", "nodeName"}), "");
  EXPECT_EQ(door_.Post(bindings, binding)->code(), 201);
}

}  // namespace
}  // namespace opsmesh::kubesim
