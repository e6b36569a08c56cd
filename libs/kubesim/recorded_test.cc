// The recorded answers of a real 1.32 as judge: its objects are loaded, its questions asked again at the same moment.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

std::filesystem::path Folder() {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  return std::filesystem::path(source ? source : ".") / "../shared/data/kube/recorded-1.32";
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Json ReadJson(const std::string& name) { return Json::parse(ReadText(Folder() / name), nullptr, false); }

// Takes out what no two servers have in common.
void Neutral(Json& node) {
  if (node.is_array()) {
    for (Json& item : node) Neutral(item);
  }
  if (!node.is_object()) return;
  for (const char* member : {"resourceVersion", "continue", "description", "remainingItemCount", "storageVersionHash"}) node.erase(member);
  for (auto& [key, value] : node.items()) Neutral(value);
}

class RecordedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Folder() / "index.json")) {
      std::printf("NOTE: %s is not there: the recorded answers of a real 1.32 are not compared.\n", Folder().c_str());
      GTEST_SKIP();
    }
    const Json index = ReadJson("index.json");
    LoadList("list-customresourcedefinitions.json");  // the kinds it defines are in other lists
    for (const Json& one : index) {
      const std::string id = TextAt(one, "id");
      exchanges_[id] = one;
      if (id.starts_with("list-") && TextAt(one, "user") == "admin" && At(one, "status") == 200) LoadList(TextAt(one, "response_file"));
    }
    AddWhatWasNotListed();
  }

  // Objects of the recorded cluster that no recorded list shows, as its README describes them.
  void AddWhatWasNotListed() {
    door_.Post("/api/v1/namespaces/payments/serviceaccounts", {{"metadata", {{"name", "default"}}}});
    door_.Post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
               {{"metadata", {{"name", "pod-reader"}}}, {"roleRef", {{"kind", "Role"}, {"name", "pod-reader"}}},
                {"subjects", {{{"kind", "ServiceAccount"}, {"name", "pod-reader"}, {"namespace", "default"}}}}});
  }

  void LoadList(const std::string& file) {
    const Json list = ReadJson(file);
    std::string kind = TextAt(list, "kind");
    if (!kind.ends_with("List")) return;
    kind.resize(kind.size() - 4);
    if (kind == "CustomResourceDefinition") {
      for (const Json& item : ListAt(list, {"items"})) door_.store.catalog().DefineCustom(item);
    }
    const ResourceType* type = door_.store.catalog().FindKind(TextAt(list, "apiVersion"), kind);
    if (type == nullptr || type->group == "events.k8s.io" || file.find("demo") != std::string::npos) return;
    for (const Json& item : ListAt(list, {"items"})) (void)door_.store.Create(*type, item, true);
  }

  std::shared_ptr<RecordedExchange> Replay(const Json& exchange) {
    absl::Time date;
    std::string error;
    if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", TextAt(exchange, {"response_headers", "Date"}), &date, &error)) door_.clock.Set(date);
    FakeDoor::Fields fields;
    for (const auto& [name, value] : At(exchange, "request_headers").items()) {
      if (name != "Authorization") fields.emplace_back(name, Scalar(value));
    }
    const std::string user = TextAt(exchange, "user");
    if (user == "pod-reader") fields.emplace_back("Authorization", "Bearer " + door_.tokens.Issue(ServiceAccountUser("default", "pod-reader", "u")));
    if (user == "bad-token") fields.emplace_back("Authorization", "Bearer not.a.token");
    if (user == "none") fields.emplace_back("Impersonate-User", "system:anonymous");
    const std::string file = TextAt(exchange, "request_body_file");
    return door_.Send(TextAt(exchange, "method"), TextAt(exchange, "path"), file.empty() ? "" : ReadText(Folder() / file), fields);
  }

  std::map<std::string, Json> exchanges_;
  FakeDoor door_;
};

TEST_F(RecordedTest, ReadsAnswerWithTheSameObjectsTablesAndHeaders) {
  // Groups this cluster lacks, other versions of the server, and a list whose objects are no longer in the recordings.
  const std::set<std::string> other = {"list-demo-pods", "list-resourceversion-0", "list-apiservices", "get-apiservices"};
  int compared = 0;
  for (const auto& [id, exchange] : exchanges_) {
    const bool read = id.starts_with("list-") || id.starts_with("get-") || id.starts_with("table-") || id.starts_with("select-") || id == "metadata-only";
    if (!read || other.contains(id) || TextAt(exchange, "method") != "GET" || id.find("before") != std::string::npos) continue;
    const auto answer = Replay(exchange);
    EXPECT_EQ(answer->code(), IntAt(exchange, "status")) << id;
    EXPECT_EQ(answer->response().headers.Get("Content-Type"), TextAt(exchange, {"response_headers", "Content-Type"})) << id;
    Json expected = ReadJson(TextAt(exchange, "response_file"));
    Json actual = answer->json();
    Neutral(expected);
    Neutral(actual);
    const Json difference = Json::diff(expected, actual);
    // Objects differ where the cluster went on between two recordings.
    const bool same_moment = id.starts_with("table-") || id.starts_with("select-label") || !ListAt(expected, {"items"}).empty() || id.find("bad") != std::string::npos;
    if (same_moment) EXPECT_LE(difference.size(), 12u) << id << " " << difference.dump(1).substr(0, 1500);
    ++compared;
  }
  EXPECT_GT(compared, 80);
}

TEST_F(RecordedTest, RefusalsAreWordedTheSame) {
  // id -> why it differs.
  const std::map<std::string, std::string> differences = {
      {"error-400-json", "the parser's own words"},
      {"error-406", "the list of what can be served"},
      {"error-400-kind", ""},
  };
  for (const char* id : {"error-403-namespace", "error-403-cluster", "error-403-delete", "error-403-secret", "error-403-anonymous", "error-401", "error-404-pod",
                         "error-404-deployment", "error-404-resource", "error-404-group", "error-404-namespace-create", "error-405", "error-406", "error-415",
                         "error-400-json", "error-400-kind", "error-400-namespace", "error-422-deployment", "error-422-name", "error-422-crd", "error-422-immutable",
                         "error-400-unknown-field", "warning-unknown-field", "error-403-terminating-namespace", "error-403-quota", "select-field-bad", "select-label-bad",
                         "watch-bad-rv", "log-404", "log-403", "log-importer", "log-importer-container-nope", "log-frontend-canary", "log-gateway", "log-cart-previous-true",
                         "log-pending", "exec-no-upgrade", "token-request-bad", "metrics-api-absent", "eviction-blocked", "error-404-eviction", "create-deployment-dry-run-get"}) {
    const auto found = exchanges_.find(id);
    ASSERT_NE(found, exchanges_.end()) << id;
    const auto answer = Replay(found->second);
    EXPECT_EQ(answer->code(), IntAt(found->second, "status")) << id << " " << answer->response().body.substr(0, 300);
    const Json expected = ReadJson(TextAt(found->second, "response_file"));
    if (!expected.is_object() || TextAt(expected, "kind") != "Status") continue;
    const Json actual = answer->json();
    EXPECT_EQ(At(actual, "reason"), At(expected, "reason")) << id;
    if (!differences.contains(id)) {
      EXPECT_EQ(TextAt(actual, "message"), TextAt(expected, "message")) << id;
      EXPECT_EQ(At(actual, "details"), At(expected, "details")) << id;
    }
  }
}

TEST_F(RecordedTest, DiscoveryListsTheSameResourcesAndVerbs) {
  for (const auto& [id, exchange] : exchanges_) {
    if (!id.starts_with("discovery-") || id.find("ops.example") != std::string::npos) continue;
    const auto answer = Replay(exchange);
    ASSERT_EQ(answer->code(), IntAt(exchange, "status")) << id;
    const Json expected = ReadJson(TextAt(exchange, "response_file"));
    const Json actual = answer->json();
    EXPECT_EQ(At(actual, "kind"), At(expected, "kind")) << id;
    std::map<std::string, Json> served;
    for (const Json& resource : ListAt(actual, {"resources"})) served[TextAt(resource, "name")] = resource;
    for (const Json& wanted : ListAt(expected, {"resources"})) {
      const Json& have = served[TextAt(wanted, "name")];
      for (const char* member : {"kind", "namespaced", "singularName", "shortNames", "categories", "verbs", "group", "version"}) {
        EXPECT_EQ(At(have, member), At(wanted, member)) << id << " " << TextAt(wanted, "name") << "." << member;
      }
    }
  }
}

TEST_F(RecordedTest, AccessReviewsAnswerTheSame) {
  for (const char* id : {"ssar-allowed", "ssar-denied-verb", "ssar-denied-namespace", "ssar-admin"}) {
    const Json& exchange = exchanges_.at(id);
    const auto answer = Replay(exchange);
    EXPECT_EQ(answer->code(), 201) << id;
    EXPECT_EQ(At(answer->json(), {"status", "allowed"}), At(ReadJson(TextAt(exchange, "response_file")), {"status", "allowed"})) << id;
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
