#include "libs/kube/object_packer.h"

namespace opsmesh::kube {

ObjectPacker::Parts ObjectPacker::Pack(std::string_view json, std::string_view family) {
  const std::lock_guard lock(mutex_);
  if (++packed_ > kGeneration) {
    packed_ = 1;
    pool_ = std::make_shared<TextPool>(inflated_);
    of_kind_ = nullptr;
    of_family_.clear();
  }
  if (of_kind_ == nullptr) of_kind_ = std::make_shared<PackedText>(PackedText::Pack(json, nullptr));
  Base base = of_kind_;
  if (!family.empty()) {
    auto& known = of_family_[std::string(family)];
    base = known.lock();
    if (base == nullptr)
      known = base = std::make_shared<PackedText>(PackedText::Pack(json, of_kind_));
  }
  return {PackedText::Pack(json, std::move(base)), pool_};
}

size_t ObjectPacker::MemoryBytes() const {
  const std::lock_guard lock(mutex_);
  size_t bytes = pool_->MemoryBytes();
  for (const auto& [name, base] : of_family_) {
    bytes += name.size() + 64;
    if (const auto text = base.lock()) bytes += text->MemoryBytes() + 64;
  }
  return bytes;
}

}  // namespace opsmesh::kube
