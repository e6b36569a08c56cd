// One strict pass over JSON from the network: checks it, drops white space, strips what must not be
// kept.
//
// Numbers and strings stay byte for byte (no lossy round trip through a double), so an object can
// be shown and sent back as the server wrote it. Depth is bounded; nothing recurses on the input's
// say beyond that bound.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace opsmesh::kube {

/// Nesting that is read. CustomResourceDefinitions carry schemas some 60 levels deep.
inline constexpr int kMaxJsonDepth = 256;

/// Walks one document. Each method returns false after the first error; error() then says what and
/// where.
class JsonScanner {
 public:
  /// `text` must be well-formed UTF-8 (IsUtf8 below) and outlive the scanner.
  explicit JsonScanner(std::string_view text)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  /// Next byte after white space without consuming it; '\0' at the end.
  char Peek();
  bool AtEnd();
  /// Consumes `c` after white space.
  bool Expect(char c);
  /// Consumes `c` when it is next.
  bool TryConsume(char c);
  /// Reads a string; `raw` is what stands between the quotes.
  bool ReadString(std::string_view* raw);
  /// Checks and passes over one value.
  bool Skip();
  /// Checks one value and appends it without white space.
  bool Copy(std::string* out);
  /// Calls `member` for each member of the object that is next, after its key and colon were read.
  /// `member` must consume the value (Skip, Copy, ...) and returns what that returned.
  template <typename F>
  bool ForEachMember(F member) {
    if (!Enter('{')) return false;
    if (TryConsume('}')) return Leave();
    do {
      std::string_view key;
      if (!ReadString(&key) || !Expect(':') || !member(key)) return false;
    } while (TryConsume(','));
    return Expect('}') && Leave();
  }
  /// The same for the elements of an array.
  template <typename F>
  bool ForEachElement(F element) {
    if (!Enter('[')) return false;
    if (TryConsume(']')) return Leave();
    do {
      if (!element()) return false;
    } while (TryConsume(','));
    return Expect(']') && Leave();
  }

  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  /// "expected ':'" ...; "" when there was no error.
  const char* error() const { return error_; }
  bool too_deep() const { return too_deep_; }
  /// INVALID_ARGUMENT (MALFORMED_JSON or JSON_TOO_DEEP) with the offset.
  absl::Status ToStatus() const;
  bool Fail(const char* what);

 private:
  bool Enter(char open);
  bool Leave() {
    --depth_;
    return true;
  }
  void SkipSpace();
  bool Number();
  bool Literal(std::string_view word);
  bool Scalar();

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_ = 0;
  const char* error_ = "";
  bool too_deep_ = false;
};

/// Appends `raw` (a JSON string without quotes, checked) with its escapes decoded; lone surrogates
/// become U+FFFD.
void UnescapeJson(std::string_view raw, std::string* out);

/// Copies the object that is next, stripped as kube::Object promises, kind and apiVersion first:
/// its own, or the given ones where it has none, as in lists. Both arguments are plain words
/// without quotes or backslashes.
bool CopyStripped(JsonScanner& scanner, std::string_view api_version, std::string_view kind,
                  std::string* out);

}  // namespace opsmesh::kube
