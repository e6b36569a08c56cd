// Who may do what: tokens, impersonation, nodes, grants, Pod Security.
#include <gtest/gtest.h>

#include "libs/base/strings.h"
#include "libs/kubesim/api/account_tokens.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/content/content.h"

namespace opsmesh::kubesim {
namespace {

using Fields = FakeDoor::Fields;

// A certificate request, made by us for this test: CN=ann, O=dev.
constexpr const char* kRequest =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIHWMH4CAQAwHDEMMAoGA1UECgwDZGV2MQwwCgYDVQQDDANhbm4wWTATBgcqhkjO\n"
    "PQIBBggqhkjOPQMBBwNCAATJBfs1aJ0/h4W3OgIf0LyEvGgZUSc/7zBRGrWlPXyU\n"
    "wrV/tkrYLTI0jxg/tBPukJjjQEEiLhi+269WsvudUwzeoAAwCgYIKoZIzj0EAwID\n"
    "SAAwRQIgVWBLUdWy4PVPNm4Ja58KpMowwID/DP3lWsOeIRQt/B8CIQDTMrXz4Qce\n"
    "muEIOdpYCy4Ys9eDaYi0zWA1wegQTohVkA==\n"
    "-----END CERTIFICATE REQUEST-----\n";

class Access : public ::testing::Test {
 protected:
  Access() {
    EXPECT_TRUE(LoadSystem({door_.store, door_.logs, door_.clock}).ok());
    door_.AddNamespace("shop");
  }

  std::string Request(const Json& spec, const std::string& account = "default") {
    const auto answer = door_.Post(
        "/api/v1/namespaces/shop/serviceaccounts/" + account + "/token",
        {{"kind", "TokenRequest"}, {"apiVersion", "authentication.k8s.io/v1"}, {"spec", spec}});
    EXPECT_EQ(answer->code(), 201) << answer->json();
    return answer->json()["status"]["token"];
  }
  static Fields Bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }
  int ReadsWith(const std::string& token) {
    return door_.Send("GET", "/api", "", Bearer(token))->code();
  }
  Json Review(const std::string& token, const Json& audiences = Json::array()) {
    return door_
        .Post("/apis/authentication.k8s.io/v1/tokenreviews",
              {{"spec", {{"token", token}, {"audiences", audiences}}}})
        ->json()["status"];
  }
  static Fields As(const std::string& user, const std::string& group = "") {
    Fields fields = {{"Impersonate-User", user}};
    if (!group.empty()) fields.emplace_back("Impersonate-Group", group);
    return fields;
  }
  static Json Pod(const std::string& name, Json spec) {
    spec["containers"] = {{{"name", "c"}, {"image", "registry.example.com/c:1"}}};
    return {{"metadata", {{"name", name}}}, {"spec", std::move(spec)}};
  }

  FakeDoor door_;
};

TEST_F(Access, ATokenIsAJsonWebTokenThatTheDoorTakesAndAReviewExplains) {
  const std::string token = Request({{"expirationSeconds", 900}});
  const auto claims = TokenSigner::Claims(token);
  ASSERT_TRUE(claims);
  EXPECT_EQ((*claims)["iss"], "https://kubernetes.default.svc.cluster.local");
  EXPECT_EQ((*claims)["sub"], "system:serviceaccount:shop:default");
  EXPECT_EQ((*claims)["exp"].get<int64_t>() - (*claims)["iat"].get<int64_t>(), 900);
  EXPECT_EQ(ReadsWith(token), 200);
  const Json status = Review(token);
  EXPECT_EQ(status["authenticated"], true);
  EXPECT_EQ(status["audiences"], Json({"https://kubernetes.default.svc.cluster.local"}));
  EXPECT_EQ(status["user"]["groups"], Json({"system:serviceaccounts", "system:serviceaccounts:shop",
                                            "system:authenticated"}));
  EXPECT_EQ(status["user"]["extra"]["authentication.kubernetes.io/credential-id"][0],
            "JTI=" + (*claims)["jti"].get<std::string>());
}

TEST_F(Access, ForgedExpiredAndForeignTokensAreUnauthorized) {
  const std::string token = Request({{"expirationSeconds", 600}});
  std::string forged = token;
  forged[token.find('.') + 20] ^= 1;
  EXPECT_EQ(ReadsWith(forged), 401);
  std::string unsigned_token = token.substr(0, token.rfind('.') + 1);
  EXPECT_EQ(ReadsWith(unsigned_token), 401);
  // "none" is no algorithm.
  std::string header = base::Base64Encode("{\"alg\":\"none\"}");
  header.erase(header.find_last_not_of('=') + 1);
  EXPECT_EQ(
      ReadsWith(header + token.substr(token.find('.'), token.rfind('.') - token.find('.') + 1)),
      401);
  const TokenSigner stranger(8);
  EXPECT_EQ(ReadsWith(stranger.Sign(*TokenSigner::Claims(token))), 401);
  EXPECT_EQ(ReadsWith("a.b.c"), 401);
  door_.clock.Set(door_.clock.Now() + absl::Seconds(659));
  EXPECT_EQ(ReadsWith(token), 200) << "a minute of leeway";
  door_.clock.Set(door_.clock.Now() + absl::Seconds(2));
  EXPECT_EQ(ReadsWith(token), 401);
  EXPECT_EQ(Review(token)["error"], "[invalid bearer token, service account token has expired]");
}

TEST_F(Access, ATokenForOthersIsNotForTheApiServer) {
  const std::string token = Request({{"audiences", {"vault", "ci"}}});
  EXPECT_EQ(ReadsWith(token), 401);
  EXPECT_EQ(Review(token, {"ci", "else"})["audiences"], Json({"ci"}));
  EXPECT_EQ(Review(token)["error"],
            "[invalid bearer token, token audiences [\"vault\" \"ci\"] is invalid for the target "
            "audiences [\"https://kubernetes.default.svc.cluster.local\"]]");
}

TEST_F(Access, ABoundTokenDiesWithItsPodAndKnowsItsNode) {
  door_.Post("/api/v1/nodes", {{"metadata", {{"name", "n1"}}}});
  ASSERT_EQ(door_.Post("/api/v1/namespaces/shop/pods", Pod("p", {{"nodeName", "n1"}}))->code(),
            201);
  const std::string token =
      Request({{"expirationSeconds", 3607},
               {"boundObjectRef", {{"kind", "Pod"}, {"apiVersion", "v1"}, {"name", "p"}}}});
  const Json extra = Review(token)["user"]["extra"];
  EXPECT_EQ(extra["authentication.kubernetes.io/pod-name"], Json({"p"}));
  EXPECT_EQ(extra["authentication.kubernetes.io/node-name"], Json({"n1"}));
  EXPECT_TRUE(extra.contains("authentication.kubernetes.io/node-uid"));
  // What the projected volume asks for goes on for a year, and says when it should not have.
  const Json claims = *TokenSigner::Claims(token);
  EXPECT_EQ(claims["exp"].get<int64_t>() - claims["iat"].get<int64_t>(), 365 * 24 * 3600);
  EXPECT_EQ(claims["kubernetes.io"]["warnafter"].get<int64_t>() - claims["iat"].get<int64_t>(),
            3607);
  door_.Send("DELETE", "/api/v1/namespaces/shop/pods/p");
  EXPECT_EQ(ReadsWith(token), 401);
  EXPECT_EQ(Review(token)["error"],
            "[invalid bearer token, service account token has been invalidated]");
}

TEST_F(Access, ATokenDiesWithItsAccountEvenWhenAnotherTakesTheName) {
  door_.Post("/api/v1/namespaces/shop/serviceaccounts", {{"metadata", {{"name", "bot"}}}});
  const std::string token = Request(Json::object(), "bot");
  EXPECT_EQ(ReadsWith(token), 200);
  door_.Send("DELETE", "/api/v1/namespaces/shop/serviceaccounts/bot");
  EXPECT_EQ(ReadsWith(token), 401);
  door_.Post("/api/v1/namespaces/shop/serviceaccounts", {{"metadata", {{"name", "bot"}}}});
  EXPECT_EQ(ReadsWith(token), 401);
}

TEST_F(Access, TheIssuerPublishesItsKey) {
  const auto document = door_.Send("GET", "/.well-known/openid-configuration", "",
                                   {{"Host", "cluster.example:6443"}});
  EXPECT_EQ(document->json()["jwks_uri"], "http://cluster.example:6443/openid/v1/jwks");
  const auto keys = door_.Send("GET", "/openid/v1/jwks");
  EXPECT_EQ(keys->response().headers.Get("Content-Type"), "application/jwk-set+json");
  EXPECT_EQ(keys->response().headers.Get("Cache-Control"), "public, max-age=3600");
  const std::string token = Request(Json::object());
  std::string header;
  ASSERT_TRUE(base::Base64Decode(token.substr(0, token.find('.')), &header));
  EXPECT_EQ(Json::parse(header)["kid"], keys->json()["keys"][0]["kid"]);
}

TEST_F(Access, TheSameSeedMakesTheSameKey) {
  EXPECT_EQ(TokenSigner(3).Sign({{"a", 1}}), TokenSigner(3).Sign({{"a", 1}}));
  EXPECT_NE(TokenSigner(3).Sign({{"a", 1}}), TokenSigner(4).Sign({{"a", 1}}));
  const TokenSigner own(3);
  EXPECT_TRUE(own.Verify(own.Sign({{"a", 1}})));
}

TEST_F(Access, WhatIsNoBearerTokenIsAnonymous) {
  for (const char* header : {"Basic YTpi", "Bearer", "Bearer  x", "x"}) {
    const auto answer = door_.Send("GET", "/api/v1/namespaces", "", {{"Authorization", header}});
    EXPECT_EQ(answer->code(), 403) << header;
    EXPECT_NE(answer->json()["message"].get<std::string>().find("system:anonymous"),
              std::string::npos);
  }
}

TEST_F(Access, TheDefaultRolesAreThoseOf132) {
  const Json admin = door_.Get("/apis/rbac.authorization.k8s.io/v1/clusterroles/admin");
  EXPECT_EQ(admin["rules"].size(), 25u);
  EXPECT_EQ(door_.Get("/apis/rbac.authorization.k8s.io/v1/clusterroles/edit")["rules"].size(), 23u);
  EXPECT_EQ(door_.Get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view")["rules"].size(), 10u);
  door_.Post(
      "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings",
      {{"metadata", {{"name", "ann"}}},
       {"roleRef",
        {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "edit"}}},
       {"subjects", {{{"kind", "User"}, {"name", "ann"}}}}});
  auto status = [&](const std::string& method, const std::string& path) {
    return door_.Send(method, path, "", As("ann"))->code();
  };
  EXPECT_EQ(status("GET", "/api/v1/namespaces/shop/secrets"), 200);
  EXPECT_EQ(status("GET", "/api/v1/namespaces/default/secrets"), 403);
  EXPECT_EQ(status("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"), 403);
  EXPECT_EQ(status("DELETE", "/api/v1/namespaces/shop/resourcequotas/x"), 403);
  EXPECT_EQ(status("DELETE", "/apis/apps/v1/namespaces/shop/deployments/x"), 404);
}

TEST_F(Access, ABindingToAMissingRoleIsNamedInTheRefusal) {
  door_.Post(
      "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings",
      {{"metadata", {{"name", "bob"}}},
       {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", "gone"}}},
       {"subjects", {{{"kind", "User"}, {"name", "bob"}}}}});
  const auto answer = door_.Send("GET", "/api/v1/namespaces/shop/pods", "", As("bob"));
  EXPECT_EQ(
      answer->json()["message"],
      "pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the "
      "namespace \"shop\": RBAC: role.rbac.authorization.k8s.io \"gone\" not found");
}

TEST_F(Access, AKubeletReadsWhatItsPodsNeedAndNoMore) {
  for (const char* node : {"n1", "n2"})
    door_.Post("/api/v1/nodes", {{"metadata", {{"name", node}}}});
  for (const char* name : {"used", "other"})
    door_.Post("/api/v1/namespaces/shop/secrets", {{"metadata", {{"name", name}}}});
  Json pod = Pod("p", {{"nodeName", "n1"}});
  pod["spec"]["volumes"] = {{{"name", "v"}, {"secret", {{"secretName", "used"}}}}};
  ASSERT_EQ(door_.Post("/api/v1/namespaces/shop/pods", pod)->code(), 201);
  auto get = [&](const std::string& node, const std::string& path) {
    return door_.Send("GET", path, "", As("system:node:" + node, "system:nodes"));
  };
  EXPECT_EQ(get("n1", "/api/v1/namespaces/shop/secrets/used")->code(), 200);
  EXPECT_EQ(get("n2", "/api/v1/namespaces/shop/secrets/used")->code(), 403);
  EXPECT_EQ(
      get("n1", "/api/v1/namespaces/shop/secrets/other")->json()["message"],
      "secrets \"other\" is forbidden: User \"system:node:n1\" cannot get resource "
      "\"secrets\" in API group \"\" in the namespace \"shop\": no relationship found between "
      "node 'n1' and this object");
  EXPECT_EQ(get("n1", "/api/v1/nodes/n2")->code(), 403);
  EXPECT_EQ(get("n1", "/api/v1/nodes/n1")->code(), 200);
  EXPECT_EQ(get("n1", "/api/v1/pods")->code(), 403);
  EXPECT_EQ(get("n1", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")->code(), 200);
  EXPECT_EQ(get("n1", "/api/v1/namespaces/shop/configmaps")->code(), 403);
  // NodeRestriction.
  auto patch = [&](const std::string& path, const Json& body) {
    Fields fields = As("system:node:n1", "system:nodes");
    fields.emplace_back("Content-Type", "application/merge-patch+json");
    return door_.Send("PATCH", path, body.dump(), fields);
  };
  EXPECT_EQ(
      patch("/api/v1/nodes/n2", {{"metadata", {{"labels", {{"a", "b"}}}}}})->json()["message"],
      "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"");
  EXPECT_EQ(patch("/api/v1/nodes/n1",
                  {{"metadata", {{"labels", {{"node-restriction.kubernetes.io/x", "y"}}}}}})
                ->json()["message"],
            "nodes \"n1\" is forbidden: is not allowed to modify labels: "
            "node-restriction.kubernetes.io/x");
  EXPECT_EQ(patch("/api/v1/nodes/n1", {{"metadata", {{"labels", {{"team", "a"}}}}}})->code(), 200);
  EXPECT_EQ(patch("/api/v1/nodes/n1",
                  {{"spec", {{"taints", {{{"key", "a"}, {"effect", "NoSchedule"}}}}}}})
                ->code(),
            403);
}

TEST_F(Access, PodSecurityRefusesAndWarnsInTheWordsOf132) {
  ASSERT_EQ(door_
                .Patch("/api/v1/namespaces/shop", "merge-patch+json",
                       {{"metadata",
                         {{"labels",
                           {{"pod-security.kubernetes.io/enforce", "baseline"},
                            {"pod-security.kubernetes.io/warn", "restricted"}}}}}})
                ->code(),
            200);
  const auto refused =
      door_.Post("/api/v1/namespaces/shop/pods", Pod("bad", {{"hostNetwork", true}}));
  EXPECT_EQ(refused->code(), 403);
  EXPECT_EQ(refused->json()["message"],
            "pods \"bad\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces "
            "(hostNetwork=true)");
  const auto warned = door_.Post("/api/v1/namespaces/shop/pods", Pod("so-so", Json::object()));
  EXPECT_EQ(warned->code(), 201);
  EXPECT_EQ(
      warned->response().headers.Get("Warning"),
      "299 - \"would violate PodSecurity \\\"restricted:latest\\\": allowPrivilegeEscalation != "
      "false (container \\\"c\\\" must set securityContext.allowPrivilegeEscalation=false), "
      "unrestricted capabilities (container \\\"c\\\" must set "
      "securityContext.capabilities.drop=[\\\"ALL\\\"]), runAsNonRoot != true (pod or container "
      "\\\"c\\\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "
      "\\\"c\\\" must set securityContext.seccompProfile.type to \\\"RuntimeDefault\\\" or "
      "\\\"Localhost\\\")\"");
  const auto bad_label =
      door_.Patch("/api/v1/namespaces/shop", "merge-patch+json",
                  {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "strict"}}}}}});
  EXPECT_EQ(bad_label->code(), 422);
}

TEST_F(Access, PodsGetTheirAccountsPullSecretsAndMount) {
  door_.Post("/api/v1/namespaces/shop/serviceaccounts",
             {{"metadata", {{"name", "quiet"}}},
              {"automountServiceAccountToken", false},
              {"imagePullSecrets", {{{"name", "registry"}}}}});
  const Json pod =
      door_.Post("/api/v1/namespaces/shop/pods", Pod("q", {{"serviceAccountName", "quiet"}}))
          ->json();
  EXPECT_EQ(pod["spec"]["imagePullSecrets"], Json({{{"name", "registry"}}}));
  EXPECT_FALSE(pod["spec"].contains("volumes"));
  const Json loud =
      door_
          .Post("/api/v1/namespaces/shop/pods",
                Pod("l", {{"serviceAccountName", "quiet"}, {"automountServiceAccountToken", true}}))
          ->json();
  EXPECT_EQ(loud["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]
                ["expirationSeconds"],
            3607);
}

TEST_F(Access, AGivenPriorityMustBeItsClasss) {
  EXPECT_EQ(
      door_.Post("/api/v1/namespaces/shop/pods", Pod("p", {{"priority", 7}}))->json()["message"],
      "pods \"p\" is forbidden: the integer value of priority (7) must not be provided in pod "
      "spec; priority admission controller computed 0 from the given PriorityClass name");
  EXPECT_EQ(door_
                .Post("/api/v1/namespaces/shop/pods",
                      Pod("p", {{"priorityClassName", "system-node-critical"}}))
                ->json()["spec"]["priority"],
            2000001000);
}

TEST_F(Access, OnlyWhoMayApproveApprovesAndConditionsStay) {
  const auto made = door_.Post("/apis/certificates.k8s.io/v1/certificatesigningrequests",
                               {{"metadata", {{"name", "ann"}}},
                                {"spec",
                                 {{"request", base::Base64Encode(kRequest)},
                                  {"signerName", "kubernetes.io/kube-apiserver-client"},
                                  {"username", "somebody"},
                                  {"usages", {"client auth"}}}}});
  ASSERT_EQ(made->code(), 201) << made->json();
  EXPECT_EQ(made->json()["spec"]["username"], "kubernetes-admin");
  Json request = made->json();
  request["status"]["conditions"] = {
      {{"type", "Approved"}, {"status", "True"}, {"reason", "ByHand"}, {"message", "fine"}}};
  request["spec"]["signerName"] = "example.com/other";
  const auto approved =
      door_.Send("PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/ann/approval",
                 request.dump());
  ASSERT_EQ(approved->code(), 200) << approved->json();
  EXPECT_EQ(approved->json()["status"]["conditions"][0]["reason"], "ByHand");
  EXPECT_EQ(approved->json()["spec"]["signerName"], "kubernetes.io/kube-apiserver-client");
  request["metadata"].erase("resourceVersion");
  request["status"]["conditions"] = {{{"type", "Denied"}, {"status", "True"}}};
  EXPECT_EQ(door_
                .Send("PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/ann/approval",
                      request.dump())
                ->code(),
            422);
}

}  // namespace
}  // namespace opsmesh::kubesim
