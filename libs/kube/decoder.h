// Reads the JSON of an object into a typed view in one pass. Strings are copied only where they
// hold escapes or the text is not kept in plain.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/kube/json_walk.h"
#include "libs/kube/views_common.h"

namespace opsmesh::kube {

struct Container;
struct Toleration;

/// Likely to differ between lists that differ, the same for equal ones.
size_t ListKey(std::span<const Container> containers);
size_t ListKey(std::span<const Toleration> tolerations);

/// Stands before one value at a time. Each Read consumes one value; null reads as absent; a value
/// of another type is passed over and named in the defects. Members nobody reads are passed over by
/// themselves.
class Decoder {
 public:
  /// Strings point into `json` or, given a pool, into that and `own`.
  Decoder(std::string_view json, TextArena* own, TextPool* pool,
          std::unique_ptr<std::vector<std::string>>* defects)
      : at_(json.data()), end_(at_ + json.size()), own_(own), pool_(pool), defects_(defects) {}
  /// Decodes into the storage of a view. One at a time in a thread.
  Decoder(const kube::Object& object, View* view);

  /// Calls `member(key)` for each member; keys come as they stand in the JSON.
  template <typename F>
  void Object(std::string_view field, F member) {
    if (!Begin('{', field)) return;
    ++at_;
    while (at_ < end_ && *at_ == '"') {
      const char* const key = at_ + 1;
      const char* const key_end = JsonWalk::StringEnd(key, end_);
      if (end_ - key_end < 3) break;
      at_ = key_end + 2;
      const char* const value = at_;
      member(std::string_view(key, static_cast<size_t>(key_end - key)));
      if (at_ == value) Skip();
      if (at_ >= end_ || *at_ != ',') break;
      ++at_;
    }
    if (at_ < end_) ++at_;  // '}'
  }

  template <typename F>
  void Array(std::string_view field, F element) {
    if (!Begin('[', field)) return;
    ++at_;
    while (at_ < end_ && *at_ != ']') {
      const char* const value = at_;
      element();
      if (at_ == value) Skip();
      if (at_ >= end_ || *at_ != ',') break;
      ++at_;
    }
    if (at_ < end_) ++at_;  // ']'
  }

  /// Elements of an array into `out`, each by `read(T*)`.
  template <typename T, typename F>
  void Vector(std::string_view field, std::vector<T>* out, F read) {
    Array(field, [&] {
      out->emplace_back();
      read(&out->back());
    });
    out->shrink_to_fit();
  }

  /// The same for a list that equal objects share.
  template <typename T, typename F>
  void Shared(std::string_view field, SharedList<T>* out, F read) {
    struct Held {
      std::vector<T> items;
      TextArena own;
    };
    const std::shared_ptr<Held> held(new Held);  // no make_shared: weak pointers outlive it
    TextArena* const own = std::exchange(own_, &held->own);
    Vector(field, &held->items, read);
    own_ = own;
    if (held->items.empty()) return;
    std::shared_ptr<const std::vector<T>> items(held, &held->items);
    if (pool_ == nullptr) {
      out->items_ = std::move(items);
      return;
    }
    // The key only finds a candidate; what counts is that the lists are equal.
    const auto same = [&](const std::shared_ptr<const void>& known) {
      return *static_cast<const std::vector<T>*>(known.get()) == *items;
    };
    static const char kTypeTag = 0;  // its address names T
    out->items_ = std::static_pointer_cast<const std::vector<T>>(
        pool_->Share({&kTypeTag, ListKey(*items)}, items, same));
  }

  void Read(std::string_view field, Str* out);
  void Read(std::string_view field, std::optional<Str>* out);
  void Read(std::string_view field, int64_t* out);
  void Read(std::string_view field, std::optional<int64_t>* out);
  void Read(std::string_view field, bool* out);
  void Read(std::string_view field, std::optional<bool>* out);
  void Read(std::string_view field, absl::Time* out);
  void Read(std::string_view field, IntOrString* out);
  void Read(std::string_view field, Quantity* out);
  void Read(std::string_view field, std::vector<Str>* out);
  void Read(std::string_view field, StrPairs* out);
  void Read(std::string_view field, ResourceList* out);
  void Read(std::string_view field, ObjectSelector* out);
  void Read(std::string_view field, ObjectReference* out);
  void Read(std::string_view field, std::vector<Condition>* out);
  /// A number that counts something: negative ones become 0.
  void ReadCount(std::string_view field, int64_t* out);
  void ReadNames(std::string_view field, std::vector<Str>* out);  // [{"name": ...}]

  void Skip() { at_ = JsonWalk::Skip(at_, end_); }
  /// The value that is next, not consumed.
  JsonRef Ref() const { return JsonRef(std::string_view(at_, static_cast<size_t>(end_ - at_))); }
  char Next() const { return at_ < end_ ? *at_ : '\0'; }
  Str Text(std::string_view raw);

 private:
  bool Begin(char type, std::string_view field);
  /// True when a string is next and was read.
  bool String(std::string_view field, Str* out);
  void Defect(std::string_view field);

  const char* at_;
  const char* end_;
  TextArena* own_;
  TextPool* pool_;
  std::unique_ptr<std::vector<std::string>>* defects_;  // null = nobody asks
};

/// "2026-01-02T03:04:05Z" and other RFC 3339; InfinitePast() when it is none.
absl::Time ParseTime(std::string_view text);

struct PodSpec;
struct PodTemplate;
void DecodePodSpec(Decoder& d, PodSpec* spec);
void DecodePodTemplate(Decoder& d, PodTemplate* pod_template);

/// The number of the typed view for a kind, kNoView when there is none.
int ViewIdFor(std::string_view api_version, std::string_view kind);
/// Decodes; the caller owns the result. `view_id` is not kNoView.
View* DecodeView(int view_id, const class Object& object);

// One for each file of views.
View* DecodePodView(const Object& object);
View* DecodeWorkloadView(int view_id, const Object& object);
View* DecodeNetworkView(int view_id, const Object& object);
View* DecodeClusterView(int view_id, const Object& object);

}  // namespace opsmesh::kube
