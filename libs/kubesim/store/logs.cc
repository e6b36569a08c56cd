#include "libs/kubesim/store/logs.h"

#include <algorithm>
#include <utility>

namespace opsmesh::kubesim {

struct LogStore::FollowEntry {
  Follower follower;
};

namespace {

class FollowHandle final : public LogStore::Follow {
 public:
  FollowHandle(std::mutex& mutex, std::shared_ptr<void> entry)
      : mutex_(mutex), entry_(std::move(entry)) {}
  ~FollowHandle() override {
    std::lock_guard lock(mutex_);
    entry_.reset();
  }

 private:
  std::mutex& mutex_;
  std::shared_ptr<void> entry_;
};

}  // namespace

LogStore::LogStore(const LogStore& from) : max_lines_(from.max_lines_) {
  std::lock_guard lock(from.mutex_);
  for (const auto& [key, runs] : from.runs_) {
    runs_.emplace_hint(runs_.end(), key,
                       Runs{runs.current, runs.previous, runs.has_current, runs.has_previous, {}});
  }
}

void LogStore::StartRun(std::string_view pod_uid, std::string_view container) {
  std::lock_guard lock(mutex_);
  Runs& runs = runs_[Key(pod_uid, container)];
  RunScript(runs);
  runs.script.reset();
  if (runs.has_current) {
    runs.previous = std::move(runs.current);
    runs.current.clear();
    runs.has_previous = true;
  }
  runs.has_current = true;
}

void LogStore::AppendLocked(Runs& runs, LogLine line) const {
  runs.has_current = true;
  for (const auto& weak : runs.followers) {
    if (auto entry = weak.lock()) entry->follower(line);
  }
  std::erase_if(runs.followers, [](const auto& weak) { return weak.expired(); });
  runs.current.push_back(std::move(line));
  if (runs.current.size() > max_lines_) runs.current.pop_front();
}

void LogStore::Append(std::string_view pod_uid, std::string_view container, LogLine line) {
  std::lock_guard lock(mutex_);
  Runs& runs = runs_[Key(pod_uid, container)];
  RunScript(runs);
  AppendLocked(runs, std::move(line));
}

void LogStore::RunScript(Runs& runs) const {
  if (!runs.script) return;
  runs.script->Write(runs.script_from, max_lines_, [&](LogLine line) {
    runs.script_from = line.time;
    AppendLocked(runs, std::move(line));
  });
}

void LogStore::SetScript(std::string_view pod_uid, std::string_view container,
                         std::shared_ptr<const LogScript> script, absl::Time from) {
  std::lock_guard lock(mutex_);
  Runs& runs = runs_[Key(pod_uid, container)];
  RunScript(runs);
  runs.script = std::move(script);
  runs.script_from = from;
  runs.has_current = true;
}

void LogStore::Advance() {
  std::lock_guard lock(mutex_);
  std::erase_if(followed_, [&](const Key& key) {
    auto it = runs_.find(key);
    if (it == runs_.end()) return true;
    RunScript(it->second);
    std::erase_if(it->second.followers, [](const auto& weak) { return weak.expired(); });
    return it->second.followers.empty();
  });
}

void LogStore::Forget(std::string_view pod_uid) {
  std::lock_guard lock(mutex_);
  auto it = runs_.lower_bound(Key(pod_uid, ""));
  while (it != runs_.end() && it->first.first == pod_uid) it = runs_.erase(it);
}

bool LogStore::ReadLocked(const Key& key, const Selection& selection,
                          std::vector<LogLine>* lines) const {
  lines->clear();
  auto it = runs_.find(key);
  if (it == runs_.end()) return false;
  Runs& runs = it->second;
  if (!selection.previous) RunScript(runs);
  if (selection.previous ? !runs.has_previous : !runs.has_current) return false;
  const std::deque<LogLine>& run = selection.previous ? runs.previous : runs.current;
  auto first = run.begin();
  if (selection.tail_lines && *selection.tail_lines < run.size()) {
    first = run.end() - static_cast<ptrdiff_t>(*selection.tail_lines);
  }
  for (; first != run.end(); ++first) {
    if (!selection.since || first->time >= *selection.since) lines->push_back(*first);
  }
  return true;
}

bool LogStore::Read(std::string_view pod_uid, std::string_view container,
                    const Selection& selection, std::vector<LogLine>* lines) const {
  std::lock_guard lock(mutex_);
  return ReadLocked(Key(pod_uid, container), selection, lines);
}

std::unique_ptr<LogStore::Follow> LogStore::ReadAndFollow(std::string_view pod_uid,
                                                          std::string_view container,
                                                          const Selection& selection,
                                                          std::vector<LogLine>* lines,
                                                          Follower follower) {
  auto entry = std::make_shared<FollowEntry>(FollowEntry{std::move(follower)});
  std::lock_guard lock(mutex_);
  const Key key(pod_uid, container);
  ReadLocked(key, selection, lines);
  runs_[key].followers.push_back(entry);
  followed_.insert(key);
  return std::make_unique<FollowHandle>(mutex_, std::move(entry));
}

}  // namespace opsmesh::kubesim
