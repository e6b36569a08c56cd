// For the tests of this room: an API server whose lists and watches of pods follow a script.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/kube/client_fixture.h"
#include "libs/kube/test_support.h"

namespace opsmesh::kube::test {

using Answer = std::function<void(const Seen&, std::shared_ptr<http_server::Exchange>)>;

inline Answer Say(int status, std::string body) {
  return [=](const Seen&, std::shared_ptr<http_server::Exchange> exchange) {
    exchange->Respond(Json(status, body));
  };
}

/// Begins to answer, and cuts the connection in the middle of a word.
inline Answer CutAfter(std::string half) {
  return [=](const Seen&, std::shared_ptr<http_server::Exchange> exchange) {
    exchange->Start({});
    exchange->Write(half);
    exchange->Abort();
  };
}

/// Discovery that works, and lists and watches of pods by script: the next answer of a queue, at
/// its end the last one again.
class ScriptedApi {
 public:
  explicit ScriptedApi(http_server::Options options = {})
      : api_(
            [this](const Seen& seen, std::shared_ptr<http_server::Exchange> exchange) {
              Serve(seen, std::move(exchange));
            },
            std::move(options)) {}
  ~ScriptedApi() {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

  void Lists(std::vector<Answer> answers) { Set(&lists_, std::move(answers)); }
  void Watches(std::vector<Answer> answers) { Set(&watches_, std::move(answers)); }
  /// Kinds of the core group beside pods: "widgets".
  void Serves(std::vector<std::string> plurals) {
    const std::lock_guard lock(mutex_);
    more_ = std::move(plurals);
  }
  int lists() const { return lists_asked_; }
  int watches() const { return watches_asked_; }
  absl::Duration WatchedAt(size_t index) {
    const std::lock_guard lock(mutex_);
    return watched_at_.at(index);
  }
  std::string WatchedFrom(size_t index) {
    const std::lock_guard lock(mutex_);
    return watched_from_.at(index);
  }
  /// Keeps a stream open and says `line` on it.
  Answer Open(std::string lines = "") {
    return [this, lines](const Seen&, std::shared_ptr<http_server::Exchange> exchange) {
      exchange->Start({});
      if (!lines.empty()) exchange->Write(lines);
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(exchange));
    };
  }
  Answer Silence() {
    return [this](const Seen&, std::shared_ptr<http_server::Exchange> exchange) {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(exchange));
    };
  }
  /// Cuts every open watch.
  void Cut() {
    const std::lock_guard lock(mutex_);
    for (const auto& exchange : held_) exchange->Abort();
    held_.clear();
  }
  const FakeApi& api() const { return api_; }

 private:
  void Set(std::vector<Answer>* where, std::vector<Answer> answers) {
    const std::lock_guard lock(mutex_);
    *where = std::move(answers);
  }
  static Answer Next(std::vector<Answer>* from) {
    Answer answer = from->front();
    if (from->size() > 1) from->erase(from->begin());
    return answer;
  }
  static std::string Kind(const std::string& plural, const std::string& kind) {
    return R"({"name":")" + plural + R"(","singularName":"","namespaced":true,"kind":")" + kind +
           R"(","verbs":["get","list","watch"]})";
  }
  void Serve(const Seen& seen, std::shared_ptr<http_server::Exchange> exchange) {
    std::unique_lock lock(mutex_);
    if (seen.path == "/api")
      return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/apis")
      return exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[]})"));
    if (seen.path == "/api/v1") {
      std::string kinds = Kind("pods", "Pod");
      for (const std::string& plural : more_) kinds += "," + Kind(plural, "Widget");
      return exchange->Respond(
          Json(200, R"({"kind":"APIResourceList","resources":[)" + kinds + "]}"));
    }
    const std::string plural = seen.path.substr(seen.path.rfind('/') + 1);
    if (plural != "pods" && std::find(more_.begin(), more_.end(), plural) == more_.end())
      return exchange->Respond(Json(404, StatusJson(404, "NotFound")));
    Answer answer;
    if (seen.query.contains("watch")) {
      watched_at_.push_back(base::SystemClock().Steady());
      watched_from_.push_back(seen.query.at("resourceVersion"));
      ++watches_asked_;
      answer = Next(&watches_);
    } else {
      ++lists_asked_;
      answer = Next(&lists_);
    }
    lock.unlock();
    answer(seen, std::move(exchange));
  }

  std::mutex mutex_;
  std::vector<Answer> lists_{Say(200, PodList({}))};
  std::vector<Answer> watches_{Open()};
  std::vector<std::string> more_;
  std::vector<absl::Duration> watched_at_;
  std::vector<std::string> watched_from_;
  std::vector<std::shared_ptr<http_server::Exchange>> held_;
  std::atomic<int> lists_asked_{0};
  std::atomic<int> watches_asked_{0};
  FakeApi api_;
};

}  // namespace opsmesh::kube::test
