// The recorded answers of a real 1.32 as judge: its objects are loaded, its questions asked again
// at the same moment.
#include <fnmatch.h>

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

Json ReadJson(const std::string& name) {
  return Json::parse(ReadText(Folder() / name), nullptr, false);
}

// What may differ: "ID-GLOB | JSON-POINTER-GLOB | reason" a line, in recorded_differences.txt
// beside this file. A rule that excuses nothing fails the test.
class Excuses {
 public:
  Excuses() {
    const char* source = std::getenv("OPSMESH_SOURCE_DIR");
    std::ifstream in(std::filesystem::path(source ? source : ".") /
                     "libs/kubesim/recorded_differences.txt");
    for (std::string line; std::getline(in, line);) {
      if (line.empty() || line[0] == '#') continue;
      const size_t first = line.find(" | "), second = line.find(" | ", first + 3);
      EXPECT_NE(second, std::string::npos) << "expected 'id | pointer | reason': " << line;
      if (second != std::string::npos)
        rules_.push_back(
            {line.substr(0, first), line.substr(first + 3, second - first - 3), line, 0});
    }
    EXPECT_FALSE(rules_.empty()) << "recorded_differences.txt is not there";
  }
  bool Excuse(const std::string& id, const std::string& pointer) {
    for (Rule& rule : rules_) {
      if (fnmatch(rule.id.c_str(), id.c_str(), 0) != 0 ||
          fnmatch(rule.pointer.c_str(), pointer.c_str(), 0) != 0)
        continue;
      ++rule.used;
      return true;
    }
    return false;
  }
  void ExpectAllUsed() const {
    for (const Rule& rule : rules_) EXPECT_GT(rule.used, 0) << "excuses nothing: " << rule.line;
  }

 private:
  struct Rule {
    std::string id, pointer, line;
    int used;
  };
  std::vector<Rule> rules_;
};

// Takes out what no two servers have in common.
void Neutral(Json& node) {
  if (node.is_array()) {
    for (Json& item : node) Neutral(item);
  }
  if (!node.is_object()) return;
  for (const char* member :
       {"resourceVersion", "continue", "description", "remainingItemCount", "storageVersionHash"}) {
    if (node.contains(member) && !node[member].is_object()) node.erase(member);
  }
  for (auto& [key, value] : node.items()) Neutral(value);
}

class RecordedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Folder() / "index.json")) {
      std::printf("NOTE: %s is not there: the recorded answers of a real 1.32 are not compared.\n",
                  Folder().c_str());
      GTEST_SKIP();
    }
    const Json index = ReadJson("index.json");
    LoadList("list-customresourcedefinitions.json");  // the kinds it defines are in other lists
    for (const Json& one : index) {
      const std::string id = TextAt(one, "id");
      exchanges_[id] = one;
      order_.push_back(one);
      if (id.starts_with("list-") && TextAt(one, "user") == "admin" && At(one, "status") == 200)
        LoadList(TextAt(one, "response_file"));
    }
    AddWhatWasNotListed();
  }

  // Objects of the recorded cluster that no recorded list shows, as its README describes them.
  void AddWhatWasNotListed() {
    door_.Post("/api/v1/namespaces/payments/serviceaccounts",
               {{"metadata", {{"name", "default"}}}});
    door_.Post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {{"metadata", {{"name", "pod-reader"}}},
         {"roleRef", {{"kind", "Role"}, {"name", "pod-reader"}}},
         {"subjects",
          {{{"kind", "ServiceAccount"}, {"name", "pod-reader"}, {"namespace", "default"}}}}});
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
    if (type == nullptr || type->group == "events.k8s.io" || file.find("demo") != std::string::npos)
      return;
    for (const Json& item : ListAt(list, {"items"})) (void)door_.store.Create(*type, item, true);
  }

  std::shared_ptr<RecordedExchange> Replay(const Json& exchange) {
    absl::Time date;
    std::string error;
    if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", TextAt(exchange, {"response_headers", "Date"}),
                        &date, &error))
      door_.clock.Set(date);
    FakeDoor::Fields fields;
    for (const auto& [name, value] : At(exchange, "request_headers").items()) {
      if (name != "Authorization") fields.emplace_back(name, Scalar(value));
    }
    const std::string user = TextAt(exchange, "user");
    if (user == "pod-reader")
      fields.emplace_back("Authorization", "Bearer " + door_.tokens.Issue(ServiceAccountUser(
                                                           "default", "pod-reader", "u")));
    if (user == "bad-token") fields.emplace_back("Authorization", "Bearer not.a.token");
    if (user == "none") fields.emplace_back("Impersonate-User", "system:anonymous");
    const std::string file = TextAt(exchange, "request_body_file");
    return door_.Send(TextAt(exchange, "method"), TextAt(exchange, "path"),
                      file.empty() ? "" : ReadText(Folder() / file), fields);
  }

  std::map<std::string, Json> exchanges_;
  std::vector<Json> order_;  // as they were played
  FakeDoor door_;
};

// What is made anew at each write.
void Renew(Json& node) {
  if (node.is_array()) {
    for (Json& item : node) Renew(item);
  }
  if (!node.is_object()) return;
  for (const char* member : {"uid", "creationTimestamp", "time", "deletionTimestamp",
                             "lastTransitionTime", "lastUpdateTime", "startTime"}) {
    if (node.contains(member) && node[member].is_string()) node[member] = "<new>";
  }
  for (auto& [key, value] : node.items()) Renew(value);
}

TEST_F(RecordedTest, EveryExchangeIsAnsweredAsRecordedButForListedDifferences) {
  Excuses excuses;
  int compared = 0;
  auto differs = [&](const std::string& id, const std::string& pointer, const std::string& what) {
    if (!excuses.Excuse(id, pointer))
      ADD_FAILURE() << id << " | " << pointer << " | " << what.substr(0, 300);
  };
  for (const Json& exchange : order_) {
    const std::string id = TextAt(exchange, "id"), file = TextAt(exchange, "response_file");
    if (file.find(".watch.") != std::string::npos || id.starts_with("openapi-v"))
      continue;  // streams and documents: tests of their own
    const auto answer = Replay(exchange);
    ++compared;
    if (answer->code() != IntAt(exchange, "status")) {
      differs(id, "status",
              std::to_string(IntAt(exchange, "status")) + " => " + std::to_string(answer->code()) +
                  " " + answer->response().body.substr(0, 160));
      continue;
    }
    if (const std::string type = TextAt(exchange, {"response_headers", "Content-Type"});
        answer->response().headers.Get("Content-Type") != type) {
      differs(id, "header.Content-Type",
              type + " => " + std::string(answer->response().headers.Get("Content-Type")));
    }
    const std::string text = file.empty() ? "" : ReadText(Folder() / file);
    Json expected = Json::parse(text, nullptr, false);
    if (!expected.is_structured()) {
      if (text != answer->response().body)
        differs(id, "text", text.substr(0, 140) + " => " + answer->response().body.substr(0, 140));
      continue;
    }
    Json actual = answer->json();
    Neutral(expected);
    Neutral(actual);
    if (TextAt(exchange, "method") != "GET" || id.find("-get") != std::string::npos) {
      Renew(expected);
      Renew(actual);
    }
    for (const Json& step : Json::diff(expected, actual)) {
      const std::string pointer = TextAt(step, "path");
      const Json::json_pointer place(pointer);
      differs(id, pointer,
              TextAt(step, "op") + " " +
                  (expected.contains(place) ? expected[place].dump() : "<absent>") + " => " +
                  At(step, "value").dump());
    }
  }
  excuses.ExpectAllUsed();
  EXPECT_GT(compared, 270);
}

TEST_F(RecordedTest, RefusalsAreWordedTheSame) {
  // id -> why it differs.
  const std::map<std::string, std::string> differences = {
      {"error-400-json", "the parser's own words"},
      {"error-406", "the list of what can be served"},
      {"error-400-kind", ""},
  };
  for (const char* id : {"error-403-namespace",
                         "error-403-cluster",
                         "error-403-delete",
                         "error-403-secret",
                         "error-403-anonymous",
                         "error-401",
                         "error-404-pod",
                         "error-404-deployment",
                         "error-404-resource",
                         "error-404-group",
                         "error-404-namespace-create",
                         "error-405",
                         "error-406",
                         "error-415",
                         "error-400-json",
                         "error-400-kind",
                         "error-400-namespace",
                         "error-422-deployment",
                         "error-422-name",
                         "error-422-crd",
                         "error-422-immutable",
                         "error-400-unknown-field",
                         "warning-unknown-field",
                         "error-403-terminating-namespace",
                         "error-403-quota",
                         "select-field-bad",
                         "select-label-bad",
                         "watch-bad-rv",
                         "log-404",
                         "log-403",
                         "log-importer",
                         "log-importer-container-nope",
                         "log-frontend-canary",
                         "log-gateway",
                         "log-cart-previous-true",
                         "log-pending",
                         "exec-no-upgrade",
                         "token-request-bad",
                         "metrics-api-absent",
                         "eviction-blocked",
                         "error-404-eviction",
                         "create-deployment-dry-run-get"}) {
    const auto found = exchanges_.find(id);
    ASSERT_NE(found, exchanges_.end()) << id;
    const auto answer = Replay(found->second);
    EXPECT_EQ(answer->code(), IntAt(found->second, "status"))
        << id << " " << answer->response().body.substr(0, 300);
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
    for (const Json& resource : ListAt(actual, {"resources"}))
      served[TextAt(resource, "name")] = resource;
    for (const Json& wanted : ListAt(expected, {"resources"})) {
      const Json& have = served[TextAt(wanted, "name")];
      for (const char* member : {"kind", "namespaced", "singularName", "shortNames", "categories",
                                 "verbs", "group", "version"}) {
        EXPECT_EQ(At(have, member), At(wanted, member))
            << id << " " << TextAt(wanted, "name") << "." << member;
      }
    }
  }
}

TEST_F(RecordedTest, AccessReviewsAnswerTheSame) {
  for (const char* id :
       {"ssar-allowed", "ssar-denied-verb", "ssar-denied-namespace", "ssar-admin"}) {
    const Json& exchange = exchanges_.at(id);
    const auto answer = Replay(exchange);
    EXPECT_EQ(answer->code(), 201) << id;
    EXPECT_EQ(At(answer->json(), {"status", "allowed"}),
              At(ReadJson(TextAt(exchange, "response_file")), {"status", "allowed"}))
        << id;
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
