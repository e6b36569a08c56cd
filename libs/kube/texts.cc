#include "libs/kube/texts.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "absl/hash/hash.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kLongest = 256;  // longer texts are hardly ever the same twice

}  // namespace

struct TextArena::Block {
  Block* next;
};

TextArena::~TextArena() {
  while (blocks_ != nullptr) std::free(std::exchange(blocks_, blocks_->next));
}

TextArena& TextArena::operator=(TextArena&& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(at_, other.at_);
  std::swap(left_, other.left_);
  std::swap(block_, other.block_);
  return *this;
}

std::string_view TextArena::Copy(std::string_view text) {
  if (text.empty()) return {};
  char* start = at_;
  if (text.size() > left_) {
    const size_t bytes = text.size() > block_ / 2 ? text.size() : block_;
    auto* const block = static_cast<Block*>(std::malloc(sizeof(Block) + bytes));
    if (block == nullptr) throw std::bad_alloc();
    block->next = std::exchange(blocks_, block);
    start = reinterpret_cast<char*>(block + 1);
    if (bytes - text.size() > left_) {
      at_ = start + text.size();
      left_ = static_cast<uint32_t>(bytes - text.size());
    }
  } else {
    at_ += text.size();
    left_ -= static_cast<uint32_t>(text.size());
  }
  std::memcpy(start, text.data(), text.size());
  return {start, text.size()};
}

size_t TextArena::MemoryBytes() const {
  size_t bytes = 0;
  for (Block* block = blocks_; block != nullptr; block = block->next)
    bytes += malloc_usable_size(block) + 8;
  return bytes;
}

std::string_view TextPool::Keep(std::string_view text, TextArena* own) {
  if (text.empty()) return {};
  if (text.size() > kLongest) return own->Copy(text);
  const size_t hash = absl::HashOf(base::ToAbsl(text));
  uint16_t& slot = seen_[hash % seen_.size()];
  const auto print = static_cast<uint16_t>((hash >> 48) | 1);
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(base::ToAbsl(text)); found != known_.end())
    return base::ToStd(*found);
  if (slot != print) {
    slot = print;
    return own->Copy(text);
  }
  const std::string_view shared = texts_.Copy(text);
  known_.insert(base::ToAbsl(shared));
  return shared;
}

std::shared_ptr<const void> TextPool::Share(
    const ListKey& key, const std::shared_ptr<const void>& mine,
    const std::function<bool(const std::shared_ptr<const void>&)>& same) {
  std::shared_ptr<const void> known;
  {
    const std::lock_guard lock(mutex_);
    const auto found = lists_.find(key);
    if (found != lists_.end()) known = found->second.lock();
  }
  if (known != nullptr && same(known)) return known;
  const std::lock_guard lock(mutex_);
  lists_[key] = mine;
  return mine;
}

size_t TextPool::MemoryBytes() const {
  const std::lock_guard lock(mutex_);
  return sizeof(*this) + texts_.MemoryBytes() +
         known_.capacity() * (sizeof(absl::string_view) + 1) +
         lists_.capacity() * (sizeof(decltype(lists_)::value_type) + 1);
}

}  // namespace opsmesh::kube
