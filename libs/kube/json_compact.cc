#include "libs/kube/json_compact.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "libs/base/error.h"

namespace opsmesh::kube {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// First byte in [at, end) that ends a run of plain string bytes: a quote, a backslash or a control
/// byte.
const char* StringRunEnd(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);  // unsigned: <= 0x1f
    const __m128i stop =
        _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
    if (const int mask = _mm_movemask_epi8(stop); mask != 0)
      return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
#endif
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) > 0x1f) ++at;
  return at;
}

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/// True when `raw`, a JSON string or key as it stands, means `word` (escapes can spell anything).
bool Means(std::string_view raw, std::string_view word) {
  if (raw == word) return true;
  if (raw.find('\\') == std::string_view::npos) return false;
  std::string decoded;
  UnescapeJson(raw, &decoded);
  return decoded == word;
}

}  // namespace

bool JsonScanner::Fail(const char* what) {
  if (*error_ == '\0') error_ = what;
  return false;
}

absl::Status JsonScanner::ToStatus() const {
  if (*error_ == '\0') return absl::OkStatus();
  return base::InvalidArgument(
      "", too_deep_ ? "JSON_TOO_DEEP" : "MALFORMED_JSON",
      fmt::format("Not JSON that can be read: {} at byte {}.", error_, offset()));
}

void JsonScanner::SkipSpace() {
  while (at_ < end_ && IsSpace(*at_)) ++at_;
}

char JsonScanner::Peek() {
  SkipSpace();
  return at_ < end_ ? *at_ : '\0';
}

bool JsonScanner::AtEnd() {
  SkipSpace();
  return at_ == end_;
}

bool JsonScanner::TryConsume(char c) {
  if (at_ < end_ && *at_ == c) {  // compact input, the usual case
    ++at_;
    return true;
  }
  SkipSpace();
  if (at_ >= end_ || *at_ != c) return false;
  ++at_;
  return true;
}

bool JsonScanner::Expect(char c) {
  if (TryConsume(c)) return true;
  switch (c) {
    case ':':
      return Fail("expected ':'");
    case '}':
      return Fail("expected ',' or '}'");
    case ']':
      return Fail("expected ',' or ']'");
    case '{':
      return Fail("expected an object");
    case '[':
      return Fail("expected an array");
    default:
      return Fail("expected a string");
  }
}

bool JsonScanner::Enter(char open) {
  if (!Expect(open)) return false;
  if (++depth_ > kMaxJsonDepth) {
    too_deep_ = true;
    return Fail("more than 256 levels of nesting");
  }
  return true;
}

bool JsonScanner::ReadString(std::string_view* raw) {
  if (!Expect('"')) return false;
  const char* const start = at_;
  while (true) {
    at_ = StringRunEnd(at_, end_);
    if (at_ >= end_) return Fail("the text ends inside a string");
    if (*at_ == '"') break;
    if (*at_ != '\\') return Fail("a control character inside a string");
    if (end_ - at_ < 2) return Fail("the text ends inside a string");
    if (std::strchr("\"\\/bfnrt", at_[1]) != nullptr && at_[1] != '\0') {
      at_ += 2;
    } else if (at_[1] == 'u' && end_ - at_ >= 6 && IsHex(at_[2]) && IsHex(at_[3]) &&
               IsHex(at_[4]) && IsHex(at_[5])) {
      at_ += 6;
    } else {
      return Fail("an escape that JSON does not know");
    }
  }
  *raw = {start, static_cast<size_t>(at_ - start)};
  ++at_;
  return true;
}

bool JsonScanner::Literal(std::string_view word) {
  if (static_cast<size_t>(end_ - at_) < word.size() ||
      std::memcmp(at_, word.data(), word.size()) != 0) {
    return Fail("expected a value");
  }
  at_ += word.size();
  return true;
}

bool JsonScanner::Number() {
  const auto digits = [this] {
    if (at_ >= end_ || !IsDigit(*at_)) return Fail("a number without digits");
    while (at_ < end_ && IsDigit(*at_)) ++at_;
    return true;
  };
  if (*at_ == '-') ++at_;
  if (at_ < end_ && *at_ == '0') {
    ++at_;
    if (at_ < end_ && IsDigit(*at_)) return Fail("a number that begins with 0");
  } else if (!digits()) {
    return false;
  }
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (!digits()) return false;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return false;
  }
  return true;
}

bool JsonScanner::Scalar() {
  switch (*at_) {
    case 't':
      return Literal("true");
    case 'f':
      return Literal("false");
    case 'n':
      return Literal("null");
    default:
      if (*at_ == '-' || IsDigit(*at_)) return Number();
      return Fail("expected a value");
  }
}

bool JsonScanner::Skip() {
  std::string_view ignored;
  switch (Peek()) {
    case '{':
      return ForEachMember([this](std::string_view) { return Skip(); });
    case '[':
      return ForEachElement([this] { return Skip(); });
    case '"':
      return ReadString(&ignored);
    case '\0':
      return Fail("the text ends before a value");
    default:
      return Scalar();
  }
}

bool JsonScanner::Copy(std::string* out) {
  switch (Peek()) {
    case '{': {
      *out += '{';
      bool first = true;
      const bool ok = ForEachMember([&](std::string_view key) {
        if (!std::exchange(first, false)) *out += ',';
        *out += '"';
        out->append(key);
        *out += "\":";
        return Copy(out);
      });
      *out += '}';
      return ok;
    }
    case '[': {
      *out += '[';
      bool first = true;
      const bool ok = ForEachElement([&] {
        if (!std::exchange(first, false)) *out += ',';
        return Copy(out);
      });
      *out += ']';
      return ok;
    }
    case '"': {
      std::string_view raw;
      if (!ReadString(&raw)) return false;
      *out += '"';
      out->append(raw);
      *out += '"';
      return true;
    }
    case '\0':
      return Fail("the text ends before a value");
    default: {
      const char* const start = at_;
      if (!Scalar()) return false;
      out->append(start, static_cast<size_t>(at_ - start));
      return true;
    }
  }
}

namespace {

/// Writes members with commas between them.
class MemberWriter {
 public:
  explicit MemberWriter(std::string* out) : out_(out) { *out_ += '{'; }
  void Key(std::string_view key) {
    if (!std::exchange(first_, false)) *out_ += ',';
    *out_ += '"';
    out_->append(key);
    *out_ += "\":";
  }
  void End() { *out_ += '}'; }

 private:
  std::string* out_;
  bool first_ = true;
};

bool CopyAnnotations(JsonScanner& scanner, std::string* out) {
  if (scanner.Peek() != '{') return scanner.Copy(out);
  MemberWriter writer(out);
  const bool ok = scanner.ForEachMember([&](std::string_view key) {
    if (Means(key, kLastApplied)) return scanner.Skip();
    writer.Key(key);
    return scanner.Copy(out);
  });
  writer.End();
  return ok;
}

bool CopyMetadata(JsonScanner& scanner, std::string* out) {
  if (scanner.Peek() != '{') return scanner.Copy(out);
  MemberWriter writer(out);
  const bool ok = scanner.ForEachMember([&](std::string_view key) {
    if (Means(key, "managedFields") || Means(key, "selfLink")) return scanner.Skip();
    writer.Key(key);
    return Means(key, "annotations") ? CopyAnnotations(scanner, out) : scanner.Copy(out);
  });
  writer.End();
  return ok;
}

bool CopyMasked(JsonScanner& scanner, std::string* out) {
  if (scanner.Peek() != '{') {
    *out += "null";  // a shape nobody knows may hold anything
    return scanner.Skip();
  }
  MemberWriter writer(out);
  const bool ok = scanner.ForEachMember([&](std::string_view key) {
    writer.Key(key);
    *out += "\"***\"";
    return scanner.Skip();
  });
  writer.End();
  return ok;
}

/// True when the object that is next begins as the server begins one that stands alone. The scanner
/// is a copy.
bool BeginsWithTypeMeta(JsonScanner scanner) {
  std::string_view key;
  return scanner.TryConsume('{') && scanner.Peek() == '"' && scanner.ReadString(&key) &&
         (Means(key, "kind") || Means(key, "apiVersion"));
}

/// kind and apiVersion of the object that is next, as they stand in the JSON, where it has them.
/// The scanner is a copy.
void ReadTypeMeta(JsonScanner scanner, std::string_view* api_version, std::string_view* kind) {
  bool have_kind = false;
  bool have_version = false;
  scanner.ForEachMember([&](std::string_view key) {
    if (scanner.Peek() == '"' && Means(key, "kind")) {
      have_kind = true;
      return scanner.ReadString(kind) && !have_version;
    }
    if (scanner.Peek() == '"' && Means(key, "apiVersion")) {
      have_version = true;
      return scanner.ReadString(api_version) && !have_kind;
    }
    return scanner.Skip();
  });
}

}  // namespace

bool CopyStripped(JsonScanner& scanner, std::string_view api_version, std::string_view kind,
                  std::string* out) {
  if (scanner.Peek() != '{') return scanner.Fail("expected an object");
  const JsonScanner start = scanner;
  bool secret = kind == "Secret";
  bool own_kind_known = false;
  const auto look_at_own = [&] {
    if (std::exchange(own_kind_known, true)) return;
    std::string_view own_kind = kind;
    std::string_view own_version = api_version;
    ReadTypeMeta(start, &own_version, &own_kind);
    secret |= Means(own_kind, "Secret");
    kind = own_kind;
    api_version = own_version;
  };
  if (kind.empty() || BeginsWithTypeMeta(scanner)) look_at_own();
  MemberWriter writer(out);
  if (!kind.empty()) {
    writer.Key("kind");
    fmt::format_to(std::back_inserter(*out), "\"{}\"", kind);
  }
  if (!api_version.empty()) {
    writer.Key("apiVersion");
    fmt::format_to(std::back_inserter(*out), "\"{}\"", api_version);
  }
  const bool ok = scanner.ForEachMember([&](std::string_view key) {
    if (Means(key, "kind") || Means(key, "apiVersion")) return scanner.Skip();
    writer.Key(key);
    if (Means(key, "metadata")) return CopyMetadata(scanner, out);
    if (Means(key, "data") || Means(key, "stringData")) {
      look_at_own();  // a kind that stands behind its data still counts
      if (secret) return CopyMasked(scanner, out);
    }
    return scanner.Copy(out);
  });
  writer.End();
  return ok;
}

}  // namespace opsmesh::kube
