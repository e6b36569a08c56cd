#include "libs/kubesim/store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "libs/base/json.h"
#include "libs/kubesim/store/stored_json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

// Shared between the store's list and the handle; `active` is guarded by the store's mutex.
struct Store::WatchEntry {
  std::string storage_key;
  Watcher watcher;
};

namespace {

class WatchHandle final : public Store::Watch {
 public:
  WatchHandle(std::mutex& mutex, std::shared_ptr<void> entry)
      : mutex_(mutex), entry_(std::move(entry)) {}
  ~WatchHandle() override {
    std::lock_guard lock(mutex_);  // no callback is running once the lock is held
    entry_.reset();
  }

 private:
  std::mutex& mutex_;
  std::shared_ptr<void> entry_;
};

std::string Text(const Json& object, const char* member) {
  auto it = object.find(member);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

namespace {

// The object as it is kept under a version; null when it is `current` (may be null) unchanged.
ObjectPtr SealOver(Json& object, uint64_t version, const Object* current) {
  Json& meta = object["metadata"];
  object.erase("kind");
  object.erase("apiVersion");
  // Written as if nothing had changed: bytes that are equal then are no write.
  meta["resourceVersion"] = std::to_string(current ? current->resource_version : version);
  size_t at = 0;
  std::string json = DumpStored(object, &at);
  if (current != nullptr) {
    if (json == current->json) return nullptr;
    const std::string text = std::to_string(version);
    json.replace(at, std::to_string(current->resource_version).size(), text);
    meta["resourceVersion"] = text;
  }
  auto sealed = std::make_shared<Object>();
  sealed->ns = Text(meta, "namespace");
  sealed->name = Text(meta, "name");
  sealed->uid = Text(meta, "uid");
  sealed->resource_version = version;
  if (auto labels = meta.find("labels"); labels != meta.end() && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      if (value.is_string()) sealed->labels.emplace_back(key, value.get<std::string>());
    }
  }
  json.shrink_to_fit();
  sealed->json = std::move(json);
  return sealed;
}

}  // namespace

namespace {

// What lives only for the sake of a remembered change: the state it replaced, and a last one.
size_t HeldBytes(const Change& change) {
  size_t bytes = sizeof(Change);
  if (change.previous) bytes += sizeof(Object) + change.previous->json.size();
  if (change.type == ChangeType::kDeleted) bytes += sizeof(Object) + change.object->json.size();
  return bytes;
}

}  // namespace

Json Object::Parse() const { return ParseStored(json); }

std::string Object::Wire(const ResourceType& type) const {
  return fmt::format("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",{}", type.kind, type.ApiVersion(),
                     std::string_view(json).substr(1));
}

Store::Store(Options options)
    : clock_(options.clock ? options.clock : &base::SystemClock()),
      own_ids_(options.ids ? nullptr : std::make_unique<base::SeededIds>(1)),
      ids_(options.ids ? options.ids : own_ids_.get()),
      history_limit_(options.history_limit),
      version_(options.first_version),
      compacted_(options.first_version),
      history_limit_bytes_(options.history_bytes) {}

Store::Store(Options options, const Store& from) : Store(options) {
  {
    std::lock_guard lock(from.mutex_);
    version_ = compacted_ = from.version_;
    tables_ = from.tables_;
  }
  if (from.catalog_.HasGroupVersion("metrics.k8s.io", "v1beta1")) catalog_.EnableMetrics();
  if (const Table* definitions = FindTable("apiextensions.k8s.io/customresourcedefinitions")) {
    for (const ObjectPtr& object : *definitions) catalog_.DefineCustom(object->Parse());
  }
}

Store::~Store() = default;

uint64_t Store::resource_version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

uint64_t Store::oldest_version() const {
  std::lock_guard lock(mutex_);
  return compacted_;
}

Store::Table* Store::FindTable(std::string_view storage_key) {
  auto it = tables_.find(storage_key);
  if (it == tables_.end()) it = tables_.emplace(std::string(storage_key), Table()).first;
  return &it->second;
}

const Store::Table* Store::FindTable(std::string_view storage_key) const {
  auto it = tables_.find(storage_key);
  return it == tables_.end() ? nullptr : &it->second;
}

ObjectPtr Store::Get(const ResourceType& type, std::string_view ns, std::string_view name) const {
  std::lock_guard lock(mutex_);
  const Table* table = FindTable(type.storage_key);
  if (table == nullptr) return nullptr;
  auto it = table->find(Key(ns, name));
  return it == table->end() ? nullptr : *it;
}

Snapshot Store::ListLocked(const ResourceType& type, std::string_view ns) const {
  Snapshot snapshot;
  snapshot.resource_version = version_;
  const Table* table = FindTable(type.storage_key);
  if (table == nullptr) return snapshot;
  auto it = ns.empty() ? table->begin() : table->lower_bound(Key(ns, ""));
  if (ns.empty()) snapshot.objects.reserve(table->size());
  for (; it != table->end() && (ns.empty() || (*it)->ns == ns); ++it)
    snapshot.objects.push_back(*it);
  return snapshot;
}

Snapshot Store::List(const ResourceType& type, std::string_view ns) const {
  std::lock_guard lock(mutex_);
  return ListLocked(type, ns);
}

size_t Store::Count(const ResourceType& type) const {
  std::lock_guard lock(mutex_);
  const Table* table = FindTable(type.storage_key);
  return table == nullptr ? 0 : table->size();
}

std::optional<Snapshot> Store::ListAt(const ResourceType& type, std::string_view ns,
                                      uint64_t version) const {
  std::lock_guard lock(mutex_);
  if (version < compacted_ || version > version_) return std::nullopt;
  Snapshot now = ListLocked(type, ns);
  if (version == version_) return now;
  // Undo the later changes, newest first.
  Table state;
  for (ObjectPtr& object : now.objects) state.insert(state.end(), std::move(object));
  for (auto change = history_.rbegin(); change != history_.rend(); ++change) {
    if (change->object->resource_version <= version) break;
    if (change->resource->storage_key != type.storage_key) continue;
    if (!ns.empty() && change->object->ns != ns) continue;
    if (auto there = state.find(change->object); there != state.end()) state.erase(there);
    if (change->previous) state.insert(change->previous);
  }
  Snapshot past;
  past.resource_version = version;
  past.objects.assign(state.begin(), state.end());
  return past;
}

ObjectPtr Store::Seal(Json& object, uint64_t version) const {
  return SealOver(object, version, nullptr);
}

void Store::Record(Change change) {
  for (const auto& weak : watches_) {
    auto entry = weak.lock();
    if (!entry) continue;
    if (!entry->storage_key.empty() && entry->storage_key != change.resource->storage_key) continue;
    entry->watcher(change);
  }
  std::erase_if(watches_, [](const auto& weak) { return weak.expired(); });
  history_bytes_ += HeldBytes(change);
  history_.push_back(std::move(change));
  while (history_.size() > history_limit_ || history_bytes_ > history_limit_bytes_) {
    compacted_ = history_.front().object->resource_version;
    ForgetOldest();
  }
}

void Store::ForgetOldest() {
  history_bytes_ -= HeldBytes(history_.front());
  history_.pop_front();
}

Outcome<ObjectPtr> Store::Create(const ResourceType& type, Json object, bool keep_identity) {
  return Create(type, std::move(object), keep_identity, nullptr);
}

Outcome<ObjectPtr> Store::Update(const ResourceType& type, Json object, uint64_t expected_version) {
  return Update(type, std::move(object), expected_version, nullptr);
}

Outcome<ObjectPtr> Store::Create(const ResourceType& type, Json object, bool keep_identity,
                                 Json* kept) {
  Json& meta = object["metadata"];
  if (!meta.is_object()) meta = Json::object();
  if (!keep_identity || Text(meta, "uid").empty()) meta["uid"] = ids_->NewUuid();
  if (!keep_identity || Text(meta, "creationTimestamp").empty()) {
    meta["creationTimestamp"] = base::Rfc3339(clock_->Now());
  }
  const std::string ns = Text(meta, "namespace"), name = Text(meta, "name");
  std::lock_guard lock(mutex_);
  Table& table = *FindTable(type.storage_key);
  if (table.contains(Key(ns, name))) return AlreadyExistsStatus(type, name);
  ObjectPtr sealed = Seal(object, ++version_);
  table.insert(sealed);
  if (kept != nullptr) *kept = std::move(object);
  Record({ChangeType::kAdded, &type, sealed, nullptr});
  return sealed;
}

Outcome<ObjectPtr> Store::Update(const ResourceType& type, Json object, uint64_t expected_version,
                                 Json* kept) {
  Json& meta = object["metadata"];
  const std::string ns = Text(meta, "namespace");
  const std::string name = Text(meta, "name");
  std::lock_guard lock(mutex_);
  Table& table = *FindTable(type.storage_key);
  auto it = table.find(Key(ns, name));
  if (it == table.end()) return NotFoundStatus(type, name);
  const ObjectPtr current = *it;
  if (expected_version != 0 && expected_version != current->resource_version)
    return ModifiedStatus(type, name);
  meta["uid"] = current->uid;  // identity is the store's
  ObjectPtr sealed = SealOver(object, version_ + 1, current.get());
  if (!sealed) return current;
  ++version_;
  table.insert(table.erase(it), sealed);
  if (kept != nullptr) *kept = std::move(object);
  Record({ChangeType::kModified, &type, sealed, current});
  return sealed;
}

Outcome<ObjectPtr> Store::Remove(const ResourceType& type, std::string_view ns,
                                 std::string_view name, std::string_view expected_uid,
                                 uint64_t expected_version) {
  std::lock_guard lock(mutex_);
  Table& table = *FindTable(type.storage_key);
  auto it = table.find(Key(ns, name));
  if (it == table.end()) return NotFoundStatus(type, name);
  const ObjectPtr current = *it;
  if (!expected_uid.empty() && current->uid != expected_uid) {
    return ConflictStatus(
        type, name,
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                    expected_uid, current->uid));
  }
  if (expected_version != 0 && expected_version != current->resource_version)
    return ModifiedStatus(type, name);
  Json last = current->Parse();
  ObjectPtr sealed = Seal(last, ++version_);
  table.erase(it);
  Record({ChangeType::kDeleted, &type, sealed, current});
  return sealed;
}

std::unique_ptr<Store::Watch> Store::StartWatch(std::string_view storage_key, uint64_t version,
                                                Watcher watcher) {
  auto entry =
      std::make_shared<WatchEntry>(WatchEntry{std::string(storage_key), std::move(watcher)});
  std::lock_guard lock(mutex_);
  if (version != 0) {
    if (version < compacted_) return nullptr;
    auto first = std::partition_point(history_.begin(), history_.end(), [&](const Change& change) {
      return change.object->resource_version <= version;
    });
    for (; first != history_.end(); ++first) {
      if (!entry->storage_key.empty() && first->resource->storage_key != entry->storage_key)
        continue;
      entry->watcher(*first);
    }
  }
  watches_.push_back(entry);
  return std::make_unique<WatchHandle>(mutex_, std::move(entry));
}

void Store::Compact(uint64_t version) {
  std::lock_guard lock(mutex_);
  version = std::min(version, version_);
  while (!history_.empty() && history_.front().object->resource_version <= version) ForgetOldest();
  compacted_ = std::max(compacted_, version);
}

const ResourceType& MustFind(const Store& store, std::string_view group, std::string_view version,
                             std::string_view plural) {
  const ResourceType* type = store.catalog().Find(group, version, plural);
  if (type == nullptr) {
    std::fprintf(stderr, "kubesim: no resource %.*s in group '%.*s'\n",
                 static_cast<int>(plural.size()), plural.data(), static_cast<int>(group.size()),
                 group.data());
    std::abort();
  }
  return *type;
}

}  // namespace opsmesh::kubesim
