// Text kept compressed against a text that resembles it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace opsmesh::kube {

/// Immutable; reading is thread-safe. Zstandard with the base as its prefix: pods of one ReplicaSet
/// differ in some five hundred bytes, and that is what each of them costs.
class PackedText {
 public:
  PackedText() = default;
  /// Compresses `text` against `base` (null = alone). Texts that do not shrink are kept as they
  /// are.
  static PackedText Pack(std::string_view text, std::shared_ptr<const PackedText> base);

  size_t size() const { return size_; }
  /// Replaces `out` with the text.
  void Unpack(std::string* out) const;
  /// Bytes of this text, its base not counted.
  size_t MemoryBytes() const;

 private:
  std::unique_ptr<char[]> bytes_;
  uint32_t packed_size_ = 0;  // = size_ when plain
  uint32_t size_ = 0;
  std::shared_ptr<const PackedText> base_;
};

}  // namespace opsmesh::kube
