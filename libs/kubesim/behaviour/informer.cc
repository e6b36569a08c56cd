#include "libs/kubesim/behaviour/informer.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

const ObjectSet& ObjectIndex::Find(std::string_view key) const {
  static const auto* none = new ObjectSet();
  auto it = sets_.find(key);
  return it == sets_.end() ? *none : it->second;
}

std::vector<std::string> ObjectIndex::Keys() const {
  std::vector<std::string> keys;
  keys.reserve(sets_.size());
  for (const auto& [key, set] : sets_) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void ObjectIndex::Replace(const ObjectPtr* before, const ObjectPtr* after, const Json* parsed) {
  std::vector<Sets::value_type*> entries;
  if (after != nullptr) {
    for (std::string& key : keys_of_(**after, *parsed)) {
      Sets::value_type* const entry = &*sets_.try_emplace(std::move(key)).first;
      // A pod may name one claim twice.
      if (std::find(entries.begin(), entries.end(), entry) == entries.end())
        entries.push_back(entry);
    }
  }
  if (before != nullptr) {
    if (auto known = held_by_.find(before->get()); known != held_by_.end()) {
      for (Sets::value_type* entry : known->second) {
        entry->second.erase(*before);
        const bool needed = std::find(entries.begin(), entries.end(), entry) != entries.end();
        if (entry->second.empty() && !needed) sets_.erase(sets_.find(entry->first));
      }
      held_by_.erase(known);
    }
  }
  if (entries.empty()) return;
  for (Sets::value_type* entry : entries) entry->second.insert(*after);
  held_by_.emplace(after->get(), std::move(entries));
}

ObjectPtr Informer::Get(std::string_view ns, std::string_view name) const {
  auto it = objects_.find(KeyLess::View(ns, name));
  return it == objects_.end() ? nullptr : *it;
}

ObjectPtr Informer::GetByUid(std::string_view uid) const {
  auto it = by_uid_.find(uid);
  return it == by_uid_.end() ? nullptr : it->second;
}

std::vector<ObjectPtr> Informer::List(std::string_view ns) const {
  if (ns.empty()) return {objects_.begin(), objects_.end()};
  std::vector<ObjectPtr> found;
  for (auto it = objects_.lower_bound(KeyLess::View(ns, ""));
       it != objects_.end() && (*it)->ns == ns; ++it) {
    found.push_back(*it);
  }
  return found;
}

ObjectIndex& Informer::AddIndex(ObjectIndex::KeysOf keys_of) {
  indexes_.push_back(std::make_unique<ObjectIndex>(std::move(keys_of)));
  return *indexes_.back();
}

const ObjectIndex& Informer::ByController() {
  if (by_controller_ == nullptr) {
    by_controller_ = &AddIndex([](const Object&, const Json& parsed) {
      std::vector<std::string> keys;
      for (const Json& owner : ListAt(parsed, {"metadata", "ownerReferences"})) {
        if (BoolAt(owner, {"controller"})) keys.push_back(TextAt(owner, "uid"));
      }
      return keys;
    });
  }
  return *by_controller_;
}

const ObjectIndex& Informer::Orphans() {
  if (orphans_ == nullptr) {
    orphans_ = &AddIndex([](const Object& object, const Json& parsed) {
      for (const Json& owner : ListAt(parsed, {"metadata", "ownerReferences"})) {
        if (BoolAt(owner, {"controller"})) return std::vector<std::string>();
      }
      return std::vector<std::string>{object.ns};
    });
  }
  return *orphans_;
}

const ObjectIndex& Informer::ByLabel() {
  if (by_label_ == nullptr) {
    by_label_ = &AddIndex([](const Object& object, const Json&) {
      std::vector<std::string> keys;
      for (const auto& [key, value] : object.labels)
        keys.push_back(fmt::format("{}/{}={}", object.ns, key, value));
      return keys;
    });
  }
  return *by_label_;
}

}  // namespace opsmesh::kubesim
