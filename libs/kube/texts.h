// Where the strings of objects and views live when the JSON they came from is kept compressed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace opsmesh::kube {

/// Texts of one owner, in few blocks; addresses are stable. Movable, not thread-safe.
class TextArena {
 public:
  /// `block` = bytes taken at a time.
  explicit TextArena(uint32_t block = 184) : block_(block) {}
  ~TextArena();
  TextArena(TextArena&& other) noexcept { *this = std::move(other); }
  TextArena& operator=(TextArena&& other) noexcept;
  std::string_view Copy(std::string_view text);
  size_t MemoryBytes() const;

 private:
  struct Block;  // text follows it
  Block* blocks_ = nullptr;
  char* at_ = nullptr;
  uint32_t left_ = 0;
  uint32_t block_ = 0;
};

/// Texts that many objects share: namespaces, nodes, images, label keys and values. A text enters
/// the pool when it is seen for the second time, so what is unique (uids, names) stays out. Grows
/// with what is put in; the owner of the pool starts a new one from time to time (ObjectPacker),
/// and a pool ends with the last object that uses it. Lists of views that are equal are shared in
/// the same way. Thread-safe.
class TextPool {
 public:
  using Counter = std::shared_ptr<std::atomic<int64_t>>;
  /// `inflated` counts the objects whose text is kept in plain.
  explicit TextPool(Counter inflated) : inflated_(std::move(inflated)) {}
  std::atomic<int64_t>& inflated() { return *inflated_; }
  /// The shared copy, or a copy in `own` for a text that was not seen before.
  std::string_view Keep(std::string_view text, TextArena* own);

  /// What lists of a type and likely contents are known by.
  using ListKey = std::pair<const void*, size_t>;
  /// The list that is known by `key` when `same` says that it is the same as `mine`; else `mine`,
  /// which is known from then on, as long as somebody holds it.
  std::shared_ptr<const void> Share(
      const ListKey& key, const std::shared_ptr<const void>& mine,
      const std::function<bool(const std::shared_ptr<const void>&)>& same);
  size_t MemoryBytes() const;

 private:
  const Counter inflated_;
  mutable std::mutex mutex_;
  TextArena texts_{16 << 10};
  absl::flat_hash_set<absl::string_view> known_;
  absl::flat_hash_map<ListKey, std::weak_ptr<const void>> lists_;
  std::array<uint16_t, 4096> seen_{};  // fingerprints of texts seen once, the latest of each slot
};

}  // namespace opsmesh::kube
