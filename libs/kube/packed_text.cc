#include "libs/kube/packed_text.h"

#include <malloc.h>
#include <zstd.h>

#include <cstring>

namespace opsmesh::kube {
namespace {

constexpr int kLevel = 1;

struct Compressor {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  std::string base;
  std::string out;
  Compressor() {
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  ~Compressor() { ZSTD_freeCCtx(context); }
};

struct Decompressor {
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  ~Decompressor() { ZSTD_freeDCtx(context); }
};

}  // namespace

PackedText PackedText::Pack(std::string_view text, std::shared_ptr<const PackedText> base) {
  thread_local Compressor zstd;
  PackedText packed;
  packed.size_ = static_cast<uint32_t>(text.size());
  zstd.out.resize(ZSTD_compressBound(text.size()));
  if (base != nullptr) {
    base->Unpack(&zstd.base);
    ZSTD_CCtx_refPrefix(zstd.context, zstd.base.data(), zstd.base.size());
  }
  const size_t size =
      ZSTD_compress2(zstd.context, zstd.out.data(), zstd.out.size(), text.data(), text.size());
  const bool plain = ZSTD_isError(size) != 0 || size >= text.size();
  if (!plain) packed.base_ = std::move(base);
  const std::string_view kept = plain ? text : std::string_view(zstd.out.data(), size);
  packed.packed_size_ = static_cast<uint32_t>(kept.size());
  packed.bytes_ = std::make_unique_for_overwrite<char[]>(kept.size());
  std::memcpy(packed.bytes_.get(), kept.data(), kept.size());
  return packed;
}

void PackedText::Unpack(std::string* out) const {
  out->resize(size_);
  if (packed_size_ == size_) {
    std::memcpy(out->data(), bytes_.get(), size_);
    return;
  }
  thread_local Decompressor zstd;
  std::string base;  // one a level; two levels at most
  if (base_ != nullptr) {
    base_->Unpack(&base);
    ZSTD_DCtx_refPrefix(zstd.context, base.data(), base.size());
  }
  const size_t size =
      ZSTD_decompressDCtx(zstd.context, out->data(), out->size(), bytes_.get(), packed_size_);
  // Cannot fail on bytes of our own; text of the right size all the same, should memory have been
  // damaged.
  if (ZSTD_isError(size) != 0 || size != size_) out->assign(size_, ' ');
}

size_t PackedText::MemoryBytes() const {
  return bytes_ == nullptr ? 0 : malloc_usable_size(bytes_.get()) + 8;
}

}  // namespace opsmesh::kube
