// Makes the objects of a cache small: compressed JSON, shared strings.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/kube/packed_text.h"
#include "libs/kube/texts.h"

namespace opsmesh::kube {

/// One for each kind of a cache. Thread-safe.
///
/// An object is compressed against a sibling (same controller), whose text is compressed against
/// one of the kind. Bases and shared strings are renewed every kGeneration objects, so that what a
/// long life leaves behind stays bounded.
class ObjectPacker {
 public:
  static constexpr uint32_t kGeneration = 16384;

  struct Parts {
    PackedText text;
    std::shared_ptr<TextPool> pool;
  };
  /// `family`: the same for objects that resemble each other; "" = the kind is all that is known.
  Parts Pack(std::string_view json, std::string_view family);

  /// Objects whose text was asked for and is kept in plain since then.
  int64_t inflated() const { return *inflated_; }
  size_t MemoryBytes() const;

 private:
  using Base = std::shared_ptr<const PackedText>;
  const TextPool::Counter inflated_ = std::make_shared<std::atomic<int64_t>>(0);
  mutable std::mutex mutex_;
  std::shared_ptr<TextPool> pool_ = std::make_shared<TextPool>(inflated_);
  Base of_kind_;
  std::unordered_map<std::string, std::weak_ptr<const PackedText>> of_family_;
  uint32_t packed_ = 0;  // in this generation
};

}  // namespace opsmesh::kube
