#include "libs/kube/wire.h"

#include <fmt/format.h>

#include <optional>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/object_builder.h"

namespace opsmesh::kube {
namespace {

std::string Text(std::string_view raw) {
  std::string out;
  UnescapeJson(raw, &out);
  return out;
}

/// A value when it is a string, passed over otherwise.
bool ReadStringOrSkip(JsonScanner& scanner, std::string* out) {
  if (scanner.Peek() != '"') return scanner.Skip();
  std::string_view raw;
  if (!scanner.ReadString(&raw)) return false;
  *out = Text(raw);
  return true;
}

bool ReadListMeta(JsonScanner& scanner, ListPage* page) {
  if (scanner.Peek() != '{') return scanner.Skip();
  return scanner.ForEachMember([&](std::string_view key) {
    if (key == "resourceVersion") return ReadStringOrSkip(scanner, &page->resource_version);
    if (key == "continue") return ReadStringOrSkip(scanner, &page->continue_token);
    if (key == "remainingItemCount") {
      std::string text;
      if (!scanner.Copy(&text)) return false;
      page->remaining = JsonRef(text).Int();
      return true;
    }
    return scanner.Skip();
  });
}

// A list or a watch of pods that brings a Service: it would be shown as a pod without a status.
std::optional<Unparseable> OfAnotherKind(const Object& object, const ResourceType& type) {
  const Meta& meta = object.meta();
  if (type.kind.empty() || meta.kind.empty() || meta.kind == type.kind) return std::nullopt;
  return Unparseable{std::string(object.name()), std::string(object.ns()),
                     fmt::format("It is of kind {}, and {} were asked for.",
                                 base::Utf8Prefix(meta.kind, 60), type.plural)};
}

bool ReadItems(JsonScanner& scanner, const ResourceType& type, ListPage* page,
               ObjectPacker* packer) {
  if (scanner.Peek() != '[') return scanner.Skip();  // null: an empty list
  const std::string api_version = type.api_version();
  std::string scratch;
  return scanner.ForEachElement([&] {
    auto object = ObjectBuilder::Read(scanner, api_version, type.kind, &scratch, packer);
    if (*scanner.error() != '\0') return false;
    if (object.ok()) {
      if (auto other = OfAnotherKind(**object, type))
        page->unparseable.push_back(*std::move(other));
      else
        page->items.push_back(*std::move(object));
    } else {
      page->unparseable.push_back({"", "", std::string(object.status().message())});
    }
    return true;
  });
}

bool AreSecrets(const ResourceType& type) { return type.group.empty() && type.plural == "secrets"; }

/// Makes a scanner over well-formed UTF-8; `repaired` holds the text when it had to be mended.
JsonScanner ScannerOver(std::string_view text, std::string* repaired) {
  if (!base::IsValidUtf8(text)) text = *repaired = base::SanitizeUtf8(text);
  return JsonScanner(text);
}

WatchEvent::Type TypeOf(std::string_view word, bool* known) {
  *known = true;
  if (word == "ADDED") return WatchEvent::Type::kAdded;
  if (word == "MODIFIED") return WatchEvent::Type::kModified;
  if (word == "DELETED") return WatchEvent::Type::kDeleted;
  if (word == "BOOKMARK") return WatchEvent::Type::kBookmark;
  *known = false;
  return WatchEvent::Type::kAdded;
}

}  // namespace

absl::Status ParseList(std::string_view body, const ResourceType& type, ListPage* page,
                       ObjectPacker* packer) {
  std::string repaired;
  const http_client::WipedAtEnd wiped(AreSecrets(type) ? &repaired : nullptr);
  JsonScanner scanner = ScannerOver(body, &repaired);
  page->resource_version.clear();
  page->continue_token.clear();
  page->remaining.reset();
  bool has_items = false;
  scanner.ForEachMember([&](std::string_view key) {
    if (key == "kind") return ReadStringOrSkip(scanner, &page->kind);
    if (key == "metadata") return ReadListMeta(scanner, page);
    if (key == "items") {
      has_items = true;
      return ReadItems(scanner, type, page, packer);
    }
    return scanner.Skip();
  });
  if (*scanner.error() == '\0' && !scanner.AtEnd()) scanner.Fail("text after the end of the list");
  OPSMESH_RETURN_IF_ERROR(scanner.ToStatus());
  if (!has_items && !page->kind.ends_with("List")) {
    return base::InvalidArgument("", "NOT_A_LIST",
                                 fmt::format("The answer is a '{}', not a list.", page->kind));
  }
  return absl::OkStatus();
}

WatchLine ParseWatchLine(std::string_view text, const ResourceType& type, ObjectPacker* packer) {
  WatchLine line;
  std::string repaired;
  const http_client::WipedAtEnd wiped(AreSecrets(type) ? &repaired : nullptr);
  JsonScanner scanner = ScannerOver(text, &repaired);
  std::string word;
  std::string compact;  // of the object, stripped
  bool has_object = false;
  scanner.ForEachMember([&](std::string_view key) {
    if (key == "type") return ReadStringOrSkip(scanner, &word);
    if (key != "object" || scanner.Peek() != '{') return scanner.Skip();
    has_object = true;
    compact.clear();
    // An ERROR carries a Status, whatever the watch is about: no kind is put on it.
    return word == "ERROR" ? scanner.Copy(&compact)
                           : CopyStripped(scanner, type.api_version(), type.kind, &compact);
  });
  if (*scanner.error() != '\0' || !scanner.AtEnd()) return line;
  if (word == "ERROR") {
    line.kind = WatchLine::Kind::kError;
    line.error_json = std::move(compact);
    return line;
  }
  bool known = false;
  line.event.type = TypeOf(word, &known);
  if (!known) {
    line.kind = WatchLine::Kind::kUnknownType;
    return line;
  }
  line.event.resource_version = JsonRef(compact)["metadata"]["resourceVersion"].String();
  if (line.event.type == WatchEvent::Type::kBookmark) {
    line.kind = has_object ? WatchLine::Kind::kEvent : WatchLine::Kind::kMalformed;
    return line;
  }
  auto object = has_object ? ObjectBuilder::FromStripped(compact, packer)
                           : absl::StatusOr<ObjectPtr>(base::InvalidArgument(
                                 "object", "UNPARSEABLE_OBJECT", "An event without an object."));
  auto other = object.ok() ? OfAnotherKind(**object, type) : std::nullopt;
  if (other) {
    line.kind = WatchLine::Kind::kUnparseable;
    line.unparseable = *std::move(other);
  } else if (object.ok()) {
    line.kind = WatchLine::Kind::kEvent;
    line.event.object = *std::move(object);
  } else {
    line.kind = WatchLine::Kind::kUnparseable;
    line.unparseable = {"", JsonRef(compact)["metadata"]["namespace"].String(),
                        std::string(object.status().message())};
  }
  return line;
}

absl::Status LineSplitter::TooLong() const {
  return base::ResourceExhausted(
      "EVENT_TOO_LARGE",
      fmt::format("The API server sent a line of more than {} bytes.", max_bytes_));
}

}  // namespace opsmesh::kube
