// Mutated requests against the whole API, without sockets: whatever comes, there is one answer, it
// is JSON where it says so, and the server goes on. OPSMESH_FUZZ_SECONDS prolongs it,
// OPSMESH_FUZZ_SEED chooses another course; meant for sanitizers.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

struct Seed {
  std::string method, target, media, body;
};

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A pod with a member of every kind of shape.
const char* kPod =
    R"({"metadata":{"name":"p","labels":{"a":"b"},"annotations":{"n":"x"},"finalizers":["a/b"],"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"o","uid":"u"}]},
  "spec":{"containers":[{"name":"c","image":"i:1","command":["sh"],"env":[{"name":"A","value":"1"},{"name":"B","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],"ports":[{"containerPort":80,"name":"http"}],
  "resources":{"requests":{"cpu":"100m","memory":"1Gi"},"limits":{"cpu":1}},"readinessProbe":{"httpGet":{"path":"/","port":"http"}},"volumeMounts":[{"name":"v","mountPath":"/v"}]}],"volumes":[{"name":"v","configMap":{"name":"m"}}],
  "tolerations":[{"key":"k","operator":"Exists"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]}]}}},"activeDeadlineSeconds":5}})";

std::vector<Seed> OwnSeeds() {
  const std::string core = "/api/v1/namespaces/fuzz/", apps = "/apis/apps/v1/namespaces/fuzz/";
  const std::string deployment =
      std::string(
          R"({"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"strategy":{"rollingUpdate":{"maxSurge":"25%"}},"template":)") +
      kPod + "}}";
  const std::string definition =
      R"({"metadata":{"name":"boxes.x.io"},"spec":{"group":"x.io","scope":"Namespaced","names":{"plural":"boxes","kind":"Box"},"versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.n","statusReplicasPath":".status.n"}},
    "additionalPrinterColumns":[{"name":"N","type":"integer","jsonPath":".spec.n"}],"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"n":{"type":"integer","default":1,"minimum":0},"t":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},"p":{"type":"string","pattern":"^a+$"}}}}}}}]}})";
  const std::string merge = "application/merge-patch+json",
                    strategic = "application/strategic-merge-patch+json",
                    json_patch = "application/json-patch+json",
                    apply = "application/apply-patch+yaml", json = "application/json";
  return {
      {"POST", core + "pods", json, kPod},
      {"POST", apps + "deployments", json, deployment},
      {"PUT", apps + "deployments/d?fieldValidation=Strict", json, deployment},
      {"POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json, definition},
      {"POST", "/apis/x.io/v1/namespaces/fuzz/boxes", json,
       R"({"apiVersion":"x.io/v1","kind":"Box","metadata":{"name":"b"},"spec":{"n":1,"t":["a"],"p":"aa"}})"},
      {"PATCH", "/apis/x.io/v1/namespaces/fuzz/boxes/b/scale", merge, R"({"spec":{"replicas":2}})"},
      {"PATCH", "/apis/x.io/v1/namespaces/fuzz/boxes/b?fieldManager=f&force=true", apply,
       R"({"apiVersion":"x.io/v1","kind":"Box","metadata":{"name":"b"},"spec":{"t":["c"]}})"},
      {"PATCH", apps + "deployments/d", strategic,
       R"({"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"c","image":"j"},{"$patch":"delete","name":"x"}]}}}})"},
      {"PATCH", apps + "deployments/d", json_patch,
       R"([{"op":"add","path":"/metadata/labels/x","value":"y"},{"op":"test","path":"/spec/replicas","value":2},{"op":"move","from":"/metadata/labels/x","path":"/metadata/labels/z"}])"},
      {"PATCH", apps + "deployments/d?fieldManager=f&force=true", apply,
       R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"Z","value":"1"}]}]}}}})"},
      {"PUT", apps + "deployments/d/scale", json,
       R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"d","namespace":"fuzz"},"spec":{"replicas":3}})"},
      {"POST", core + "services", json,
       R"({"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80,"targetPort":"http"}],"selector":{"a":"b"}}})"},
      {"POST", core + "resourcequotas", json,
       R"({"metadata":{"name":"q"},"spec":{"hard":{"pods":"9","requests.cpu":"4","count/deployments.apps":"5"},"scopes":["NotTerminating"]}})"},
      {"POST", core + "limitranges", json,
       R"({"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","max":{"cpu":"2"},"default":{"cpu":"1"},"maxLimitRequestRatio":{"cpu":"4"}}]}})"},
      {"POST", core + "pods/p/eviction", json,
       R"({"kind":"Eviction","apiVersion":"policy/v1","metadata":{"name":"p"},"deleteOptions":{"gracePeriodSeconds":1}})"},
      {"POST", core + "pods/p/binding", json,
       R"({"kind":"Binding","apiVersion":"v1","metadata":{"name":"p"},"target":{"kind":"Node","name":"n"}})"},
      {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", json,
       R"({"spec":{"user":"u","groups":["g"],"resourceAttributes":{"verb":"get","resource":"pods","namespace":"fuzz"}}})"},
      {"POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/fuzz/roles", json,
       R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]})"},
      {"DELETE", core + "pods/p", json,
       R"({"propagationPolicy":"Background","preconditions":{"uid":"x"},"dryRun":["All"]})"},
      {"GET",
       core + "pods?limit=1&labelSelector=a%20in%20(b,c),!d&fieldSelector=status.phase%3DPending&"
              "resourceVersion=1&resourceVersionMatch=NotOlderThan",
       "", ""},
      {"GET",
       core +
           "pods?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
       "", ""},
      {"GET", core + "pods/p/log?tailLines=1&sinceSeconds=1", "", ""},
      {"POST", core + "configmaps?fieldValidation=Strict", "application/yaml",
       "metadata:\n  name: y\ndata: {a: b}\n"}};
}

std::vector<Seed> RecordedSeeds() {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  const auto folder =
      std::filesystem::path(source ? source : ".") / "../shared/data/kube/recorded-1.32";
  std::vector<Seed> seeds;
  if (!std::filesystem::exists(folder / "index.json")) {
    std::printf("NOTE: %s is not there: only our own requests are mutated.\n", folder.c_str());
    return seeds;
  }
  for (const Json& one : Json::parse(ReadText(folder / "index.json"))) {
    const std::string file = TextAt(one, "request_body_file");
    std::string media = TextAt(one, {"request_headers", "Content-Type"});
    seeds.push_back({TextAt(one, "method"), TextAt(one, "path"), media,
                     file.empty() ? "" : ReadText(folder / file)});
  }
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  Seed operator()(Seed seed) {
    for (size_t rounds = 1 + Below(4); rounds > 0; --rounds) {
      switch (Below(6)) {
        case 0:
          Bytes(&seed.body);
          break;
        case 1:
        case 2:
        case 3:
          Structure(&seed.body);
          break;
        case 4:
          Target(&seed.target);
          break;
        default:
          Head(&seed);
          break;
      }
    }
    return seed;
  }
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

 private:
  void Bytes(std::string* text) {
    if (text->empty()) return;
    const size_t at = Below(text->size());
    static const char* kPieces[] = {"{",  "}",       "[",      "]",          "\"",    ",",  ":",
                                    "\\", "\\ud800", "\xff",   "null",       "1e999", "-0", "- ",
                                    "\n", "&a *a",   "<<: *a", "!!binary x", "---\n", "\t"};
    switch (Below(4)) {
      case 0:
        (*text)[at] = static_cast<char>(random_());
        break;
      case 1:
        text->insert(at, kPieces[Below(std::size(kPieces))]);
        break;
      case 2:
        text->erase(at, 1 + Below(20));
        break;
      default:
        text->insert(at, text->substr(Below(text->size()), Below(60)));
        break;
    }
  }

  Json Odd() {
    switch (Below(14)) {
      case 0:
        return nullptr;
      case 1:
        return -1;
      case 2:
        return 0;
      case 3:
        return int64_t{9'223'372'036'854'775'807};
      case 4:
        return 1.5e300;
      case 5:
        return "";
      case 6:
        return std::string(Below(3000), 'x');
      case 7:
        return Json::array();
      case 8:
        return Json::object();
      case 9:
        return true;
      case 10:
        return Json::array({nullptr, 1, "a", Json::object()});
      case 11:
        return "-9999999999999999999999Ei";
      case 12:
        return Deep(Below(500));
      default:
        return "\xE4\xBD\xA0 \xC3\xA4/~{}[]%$*?";
    }
  }
  Json Deep(size_t levels) {
    Json value = 1;
    for (size_t i = 0; i < levels; ++i)
      value = i % 2 == 0 ? Json::array({std::move(value)}) : Json{{"a", std::move(value)}};
    return value;
  }

  // Walks to a place at random and changes what is there.
  void Structure(std::string* text) {
    Json root = Json::parse(*text, nullptr, false);
    if (root.is_discarded()) return Bytes(text);
    Json* node = &root;
    while (node->is_structured() && !node->empty() && Below(5) != 0) {
      auto it = node->begin();
      std::advance(it, static_cast<std::ptrdiff_t>(Below(node->size())));
      node = &*it;
    }
    switch (Below(5)) {
      case 0:
        *node = Odd();
        break;
      case 1:
        if (node->is_object())
          (*node)[Below(2) == 0 ? "zz" : std::string(1 + Below(70), 'k')] = Odd();
        else
          *node = Odd();
        break;
      case 2:
        if (node->is_array())
          node->push_back(node->empty() ? Odd() : Json((*node)[Below(node->size())]));
        else
          *node = Odd();
        break;
      case 3:
        if (node->is_object() && !node->empty())
          node->erase(node->begin());
        else
          *node = Odd();
        break;
      default:
        *node = Json(root);
        break;  // the whole inside itself
    }
    *text = root.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text->size() > (1 << 20)) text->resize(1 << 20);
  }

  void Target(std::string* target) {
    static const char* kMore[] = {"limit=-1",
                                  "limit=2&continue=abc",
                                  "resourceVersion=99999999999999999999",
                                  "resourceVersion=5&resourceVersionMatch=Exact",
                                  "labelSelector=((((",
                                  "fieldSelector=,,=",
                                  "dryRun=All",
                                  "dryRun=x",
                                  "fieldManager=%00",
                                  "fieldValidation=Strict",
                                  "force=true",
                                  "gracePeriodSeconds=-5",
                                  "propagationPolicy=Foreground",
                                  "timeoutSeconds=1",
                                  "watch=1&timeoutSeconds=1",
                                  "pretty=1",
                                  "includeObject=Object",
                                  "tailLines=-1",
                                  "timeout=1x",
                                  "%zz=%zz",
                                  "container=%E4%BD%A0"};
    if (Below(4) == 0) {
      Bytes(target);
    } else {
      *target += (target->find('?') == std::string::npos ? "?" : "&") +
                 std::string(kMore[Below(std::size(kMore))]);
    }
  }

  void Head(Seed* seed) {
    static const char* kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
    static const char* kMedia[] = {"application/json",
                                   "application/yaml",
                                   "application/merge-patch+json",
                                   "application/strategic-merge-patch+json",
                                   "application/json-patch+json",
                                   "application/apply-patch+yaml",
                                   "application/vnd.kubernetes.protobuf",
                                   "x",
                                   ""};
    if (Below(2) == 0)
      seed->method = kMethods[Below(std::size(kMethods))];
    else
      seed->media = kMedia[Below(std::size(kMedia))];
  }

  std::mt19937_64 random_;
};

TEST(FuzzTest, EveryMutatedRequestGetsOneAnswerAndTheServerGoesOn) {
  const char* seconds_text = std::getenv("OPSMESH_FUZZ_SECONDS");
  const char* seed_text = std::getenv("OPSMESH_FUZZ_SEED");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(seconds_text ? std::atoi(seconds_text) : 0);
  std::vector<Seed> seeds = OwnSeeds();
  for (Seed& seed : RecordedSeeds()) seeds.push_back(std::move(seed));
  Mutator mutate(seed_text ? static_cast<uint64_t>(std::atoll(seed_text)) : 1);
  std::unique_ptr<FakeDoor> door;
  static const char* kAccepts[] = {
      "application/json", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
      "application/yaml",
      "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"};
  for (int i = 0; i < 1500 || std::chrono::steady_clock::now() < end; ++i) {
    if (i % 400 == 0) {  // a cluster that does not grow without end
      door = std::make_unique<FakeDoor>();
      door->AddNamespace("fuzz");
      for (const Seed& seed : OwnSeeds())
        door->Send(seed.method, seed.target, seed.body, {{"Content-Type", seed.media}});
    }
    const Seed request = mutate(seeds[mutate.Below(seeds.size())]);
    const auto answer =
        door->Send(request.method, request.target, request.body,
                   {{"Content-Type", request.media}, {"Accept", kAccepts[mutate.Below(4)]}});
    ASSERT_EQ(answer->answers(), 1) << request.method << " " << request.target << "\n"
                                    << request.body.substr(0, 2000);
    const int code = answer->code();
    ASSERT_TRUE(code >= 200 && code < 600) << code;
    const auto response = answer->response();
    if (response.headers.Get("Content-Type") == "application/json" && request.method != "HEAD" &&
        request.target.find("watch") == std::string::npos && !response.body.empty()) {
      ASSERT_FALSE(Json::parse(response.body, nullptr, false).is_discarded())
          << request.method << " " << request.target << "\n"
          << response.body.substr(0, 500);
    }
  }
  EXPECT_EQ(door->Send("GET", "/version")->code(), 200);
}

}  // namespace
}  // namespace opsmesh::kubesim
