// KindSnapshot and Snapshot: reading the cache.
#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "libs/kube/cache.h"
#include "libs/kube/views.h"

namespace opsmesh::kube {
namespace {

using Bucket = std::vector<ObjectPtr>;

struct ByNamespace {
  bool operator()(const ObjectPtr& object, std::string_view ns) const { return object->ns() < ns; }
  bool operator()(std::string_view ns, const ObjectPtr& object) const { return ns < object->ns(); }
};

/// An index that is built when it is first asked for.
template <typename Map>
class Lazy {
 public:
  template <typename Build>
  const Map& Get(Build build) const {
    std::call_once(once_, [&] { build(&map_); });
    return map_;
  }

 private:
  mutable std::once_flag once_;
  mutable Map map_;
};

std::span<const ObjectPtr> In(const std::unordered_map<std::string_view, Bucket>& index,
                              std::string_view key) {
  const auto found = index.find(key);
  return found == index.end() ? std::span<const ObjectPtr>()
                              : std::span<const ObjectPtr>(found->second);
}

std::string TargetKey(std::string_view kind, std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(kind.size() + ns.size() + name.size() + 2);
  key.append(kind).append(1, '/').append(ns).append(1, '/').append(name);
  return key;
}

void SortByTime(Bucket* events) {
  std::stable_sort(events->begin(), events->end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    return a->As<Event>()->last_seen < b->As<Event>()->last_seen;
  });
}

}  // namespace

struct KindSnapshot::Data {
  std::vector<ObjectPtr> objects;
  Lazy<std::unordered_map<std::string_view, ObjectPtr>> by_uid;
  Lazy<std::unordered_map<std::string_view, Bucket>> by_owner;
  Lazy<std::unordered_map<std::string_view, Bucket>> by_node;
  Lazy<std::unordered_map<std::string_view, std::unordered_map<std::string_view, Bucket>>> by_label;
  Lazy<std::unordered_map<std::string_view, Bucket>> events_by_uid;
  Lazy<std::unordered_map<std::string, Bucket>> events_by_name;
};

KindSnapshot::KindSnapshot(KindStatus status, std::vector<ObjectPtr> sorted_objects)
    : status_(std::move(status)), data_([&] {
        auto data = std::make_shared<Data>();
        data->objects = std::move(sorted_objects);
        return data;
      }()) {}

KindSnapshot::KindSnapshot(KindStatus status, const KindSnapshot& same_objects)
    : status_(std::move(status)), data_(same_objects.data_) {}

KindSnapshot::~KindSnapshot() = default;

const std::vector<ObjectPtr>& KindSnapshot::objects() const { return data_->objects; }

std::span<const ObjectPtr> KindSnapshot::InNamespace(std::string_view ns) const {
  const auto& objects = data_->objects;
  if (ns.empty()) return objects;
  const auto first = std::lower_bound(objects.begin(), objects.end(), ns, ByNamespace());
  const auto last = std::upper_bound(first, objects.end(), ns, ByNamespace());
  return {first, last};
}

ObjectPtr KindSnapshot::Find(std::string_view ns, std::string_view name) const {
  const auto& objects = data_->objects;
  const auto found = std::lower_bound(objects.begin(), objects.end(), std::tie(ns, name),
                                      [](const ObjectPtr& object, const auto& key) {
                                        return std::tie(object->ns(), object->name()) < key;
                                      });
  if (found == objects.end() || (*found)->ns() != ns || (*found)->name() != name) return nullptr;
  return *found;
}

ObjectPtr KindSnapshot::FindUid(std::string_view uid) const {
  const auto& index = data_->by_uid.Get([&](auto* map) {
    map->reserve(data_->objects.size());
    for (const ObjectPtr& object : data_->objects) map->emplace(object->meta().uid, object);
  });
  const auto found = index.find(uid);
  return found == index.end() || uid.empty() ? nullptr : found->second;
}

std::span<const ObjectPtr> KindSnapshot::OwnedBy(std::string_view uid) const {
  return In(data_->by_owner.Get([&](auto* map) {
    for (const ObjectPtr& object : data_->objects) {
      for (const OwnerRef& owner : object->meta().owners) (*map)[owner.uid].push_back(object);
    }
  }),
            uid);
}

std::span<const ObjectPtr> KindSnapshot::OnNode(std::string_view node) const {
  return In(data_->by_node.Get([&](auto* map) {
    for (const ObjectPtr& object : data_->objects) {
      const Pod* pod = object->As<Pod>();
      if (pod != nullptr && !pod->spec.node_name.empty())
        (*map)[pod->spec.node_name].push_back(object);
    }
  }),
            node);
}

std::span<const ObjectPtr> KindSnapshot::WithLabel(std::string_view key,
                                                   std::string_view value) const {
  const auto& index = data_->by_label.Get([&](auto* map) {
    for (const ObjectPtr& object : data_->objects) {
      for (const auto& [name, text] : object->meta().labels) (*map)[name][text].push_back(object);
    }
  });
  const auto found = index.find(key);
  return found == index.end() ? std::span<const ObjectPtr>() : In(found->second, value);
}

namespace {

/// Those of `candidates` that lie in the namespace and match.
template <typename Match>
std::vector<ObjectPtr> Filter(std::span<const ObjectPtr> candidates, std::string_view ns,
                              Match match) {
  std::vector<ObjectPtr> found;
  for (const ObjectPtr& object : candidates) {
    if ((ns.empty() || object->ns() == ns) && match(object->meta().labels)) found.push_back(object);
  }
  return found;
}

}  // namespace

std::vector<ObjectPtr> KindSnapshot::Matching(std::string_view ns,
                                              const LabelSelector& selector) const {
  std::span<const ObjectPtr> candidates = InNamespace(ns);
  for (const LabelTerm& term : selector.terms()) {
    if (term.op != LabelTerm::Op::kEquals || term.values.size() != 1) continue;
    candidates = WithLabel(term.key, term.values[0]);
    break;
  }
  return Filter(candidates, ns, [&](const StrPairs& labels) { return selector.Matches(labels); });
}

std::vector<ObjectPtr> KindSnapshot::Matching(std::string_view ns,
                                              const ObjectSelector& selector) const {
  if (!selector.present) return {};
  const auto candidates =
      selector.match_labels.empty()
          ? InNamespace(ns)
          : WithLabel(selector.match_labels[0].first, selector.match_labels[0].second);
  return Filter(candidates, ns, [&](const StrPairs& labels) { return selector.Matches(labels); });
}

std::vector<ObjectPtr> KindSnapshot::Matching(std::string_view ns, const StrPairs& wanted) const {
  if (wanted.empty()) return {};
  return Filter(WithLabel(wanted[0].first, wanted[0].second), ns, [&](const StrPairs& labels) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
      return Has(labels, pair.first) && Lookup(labels, pair.first) == pair.second;
    });
  });
}

std::vector<ObjectPtr> KindSnapshot::About(std::string_view kind, std::string_view ns,
                                           std::string_view name, std::string_view uid) const {
  if (!uid.empty()) {
    const auto& index = data_->events_by_uid.Get([&](auto* map) {
      for (const ObjectPtr& object : data_->objects) {
        const Event* event = object->As<Event>();
        if (event != nullptr && !event->about.uid.empty())
          (*map)[event->about.uid].push_back(object);
      }
      for (auto& [key, events] : *map) SortByTime(&events);
    });
    const auto found = In(index, uid);
    if (!found.empty()) return {found.begin(), found.end()};
  }
  const auto& index = data_->events_by_name.Get([&](auto* map) {
    for (const ObjectPtr& object : data_->objects) {
      const Event* event = object->As<Event>();
      if (event == nullptr) continue;
      (*map)[TargetKey(event->about.kind, event->about.ns, event->about.name)].push_back(object);
    }
    for (auto& [key, events] : *map) SortByTime(&events);
  });
  const auto found = index.find(TargetKey(kind, ns, name));
  return found == index.end() ? std::vector<ObjectPtr>() : found->second;
}

const KindSnapshot& Snapshot::Of(std::string_view plural) const {
  static const auto* const kAbsent = [] {
    KindStatus status;
    status.state = KindStatus::State::kNotServed;
    return new KindSnapshot(status, {});
  }();
  auto found = kinds_.find(plural);
  if (found == kinds_.end()) {
    if (const ResourceType* builtin = FindBuiltin(plural)) found = kinds_.find(builtin->plural);
  }
  return found == kinds_.end() ? *kAbsent : *found->second;
}

}  // namespace opsmesh::kube
