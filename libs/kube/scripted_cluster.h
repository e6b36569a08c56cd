// For the tests of this room: an API server of pods, and of some kinds that refuse, whose watch the
// test feeds by hand.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "libs/http_server/http_server.h"
#include "libs/kube/test_support.h"

namespace opsmesh::kube::test {

/// A pod of namespace shop as a server writes it; `more` are further members (",\"status\":{}").
inline std::string PodAt(const std::string& name, int version, const std::string& more = "",
                         const std::string& uid = "") {
  return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
         R"(","namespace":"shop","uid":")" + (uid.empty() ? "u-" + name : uid) +
         R"(","resourceVersion":")" + std::to_string(version) + R"(","labels":{"app":")" +
         name.substr(0, name.find('-')) + "\"}}" + more + "}";
}

/// Thread-safe.
class ScriptedCluster {
 public:
  ScriptedCluster()
      : api_([this](const Seen& seen, std::shared_ptr<http_server::Exchange> exchange) {
          Serve(seen, std::move(exchange));
        }) {}

  void SetList(std::vector<std::string> items, int version) {
    const std::lock_guard lock(mutex_);
    items_ = std::move(items);
    version_ = version;
  }
  /// The next watch gets this answer instead of a stream.
  void RefuseNextWatch(http_server::Response response) {
    const std::lock_guard lock(mutex_);
    refusals_.push_back(std::move(response));
  }
  /// Everything else is answered 401 from now on.
  void TakeOnly(const std::string& authorization) {
    const std::lock_guard lock(mutex_);
    authorization_ = authorization;
  }
  /// Waits until `count` watches were opened in all.
  bool WaitForWatches(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return opened_ >= count; });
  }
  void Send(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (watch_) watch_->Write(line);
  }
  void Event(const std::string& type, const std::string& object) {
    Send("{\"type\":\"" + type + "\",\"object\":" + object + "}\n");
  }
  void Cut() {
    const std::lock_guard lock(mutex_);
    if (watch_) watch_->Abort();
    watch_ = nullptr;
  }
  void End() {
    const std::lock_guard lock(mutex_);
    if (watch_) watch_->Finish();
    watch_ = nullptr;
  }
  std::vector<std::string> watched_from() {
    const std::lock_guard lock(mutex_);
    return watched_from_;
  }
  std::vector<std::string> listed_from() {
    const std::lock_guard lock(mutex_);
    return listed_from_;
  }
  const FakeApi& api() const { return api_; }

 private:
  void Serve(const Seen& seen, std::shared_ptr<http_server::Exchange> exchange) {
    const std::lock_guard lock(mutex_);
    if (!authorization_.empty() && seen.headers.Get("Authorization") != authorization_) {
      return exchange->Respond(Json(401, StatusJson(401, "Unauthorized")));
    }
    if (seen.path == "/api")
      return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/api/v1") {
      return exchange->Respond(Json(200, R"({"kind":"APIResourceList","resources":[
        {"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","watch"]},
        {"name":"secrets","singularName":"secret","namespaced":true,"kind":"Secret","verbs":["get","list","watch"]}]})"));
    }
    if (seen.path == "/apis")
      return exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[]})"));
    if (seen.path == "/api/v1/secrets")
      return exchange->Respond(Json(403, StatusJson(403, "Forbidden")));
    if (seen.path != "/api/v1/pods")
      return exchange->Respond(Json(404, StatusJson(404, "NotFound")));
    const auto query = [&](const std::string& key) {
      return seen.query.contains(key) ? seen.query.at(key) : "";
    };
    if (query("watch") != "true") {
      listed_from_.push_back(query("resourceVersion"));
      return exchange->Respond(Json(200, R"({"kind":"PodList","metadata":{"resourceVersion":")" +
                                             std::to_string(version_) + R"("},"items":[)" +
                                             base::Join(items_, ",") + "]}"));
    }
    watched_from_.push_back(query("resourceVersion"));
    if (!refusals_.empty()) {
      exchange->Respond(refusals_.front());
      refusals_.erase(refusals_.begin());
    } else {
      exchange->Start({});
      watch_ = std::move(exchange);
    }
    ++opened_;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> items_;
  int version_ = 1;
  std::string authorization_;
  std::vector<http_server::Response> refusals_;
  std::shared_ptr<http_server::Exchange> watch_;
  int opened_ = 0;
  std::vector<std::string> watched_from_;
  std::vector<std::string> listed_from_;
  FakeApi api_;
};

}  // namespace opsmesh::kube::test
