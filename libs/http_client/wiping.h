// Overwrites bytes that must not stay in freed memory: values of Secrets in answers.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::http_client {

/// Overwrites all that `text` holds or held, its spare room included, and empties it.
void Wipe(std::string* text);

/// Appends like std::string::append, but what it grows out of is overwritten before it is freed.
void AppendWiping(std::string_view piece, std::string* text);

/// Wipes a string when the scope ends; null = nothing to do.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string* text) : text_(text) {}
  ~WipedAtEnd() {
    if (text_ != nullptr) Wipe(text_);
  }
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;

 private:
  std::string* const text_;
};

/// For curl_global_init_mem: memory that libcurl (and zlib under it) gives back is overwritten
/// first. A few microseconds a call, for whatever is read.
void* WipingMalloc(size_t size);
void WipingFree(void* block);
void* WipingRealloc(void* block, size_t size);
char* WipingStrdup(const char* text);
void* WipingCalloc(size_t count, size_t size);

}  // namespace opsmesh::http_client
