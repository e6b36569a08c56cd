#include "libs/http_client/wiping.h"

#include <malloc.h>
#include <string.h>  // explicit_bzero

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace opsmesh::http_client {

void Wipe(std::string* text) {
  text->resize(text->capacity());
  explicit_bzero(text->data(), text->size());
  text->clear();
}

void AppendWiping(std::string_view piece, std::string* text) {
  if (text->capacity() - text->size() < piece.size()) {
    std::string larger;
    larger.reserve(std::max(text->size() + piece.size(), 2 * text->capacity()));
    larger.append(*text);
    Wipe(text);
    *text = std::move(larger);
  }
  text->append(piece);
}

void* WipingMalloc(size_t size) { return std::malloc(size); }

void* WipingCalloc(size_t count, size_t size) { return std::calloc(count, size); }

char* WipingStrdup(const char* text) { return strdup(text); }

void WipingFree(void* block) {
  if (block == nullptr) return;
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

void* WipingRealloc(void* block, size_t size) {
  const size_t had = block == nullptr ? 0 : malloc_usable_size(block);
  if (block != nullptr && size <= had) return block;
  void* const larger = std::malloc(size);
  if (larger == nullptr || block == nullptr) return larger;
  memcpy(larger, block, had);
  WipingFree(block);
  return larger;
}

}  // namespace opsmesh::http_client
