// JSON patch (RFC 6902) as the library of a real apiserver applies it: paths lose what stands
// before their first "/", a member that is not there reads as null where it is copied or tested and
// may be replaced, the root itself can only be replaced or tested.
#include <charconv>
#include <optional>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxOperations = 10'000;
constexpr size_t kMostCopied = 3u << 20;

ApiStatus DoesNotApply() {
  return {.code = 422,
          .reason = "Invalid",
          .message = "the server rejected our request due to an error in our request",
          .has_details = true};
}

// The holder of a path's last segment.
struct Target {
  Json* holder = nullptr;
  std::string key;

  // An index of an existing element (or, to insert, one behind the last); nothing when it is none.
  // Negative ones count from the end.
  std::optional<size_t> Index(bool insert) const {
    int64_t index = 0;
    const char* begin = key.data() + (key.starts_with('+') && !key.starts_with("+-") ? 1 : 0);
    const auto [end, error] = std::from_chars(begin, key.data() + key.size(), index);
    if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
    const int64_t size = static_cast<int64_t>(holder->size()) + (insert ? 1 : 0);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return std::nullopt;
    return static_cast<size_t>(index);
  }
};

std::string Unescape(std::string_view segment) {
  return base::ReplaceAll(base::ReplaceAll(segment, "~1", "/"), "~0", "~");
}

std::optional<Target> Find(Json& root, const std::string& path) {
  const auto parts = base::Split(path, '/');
  if (parts.size() < 2) return std::nullopt;
  Target target{&root, ""};
  for (size_t i = 1; i < parts.size(); ++i) {
    target.key = Unescape(parts[i]);
    if (i + 1 == parts.size()) break;
    if (target.holder->is_array()) {
      const auto index = target.Index(false);
      if (!index) return std::nullopt;
      target.holder = &(*target.holder)[*index];
    } else {
      auto it = target.holder->is_object() ? target.holder->find(target.key) : target.holder->end();
      if (it == target.holder->end()) return std::nullopt;
      target.holder = &*it;
    }
  }
  return target.holder->is_structured() ? std::optional(target) : std::nullopt;
}

// A null value for a member that is not there; null for an element that is not.
const Json* Read(const Target& target) {
  static const Json kNothing;
  if (target.holder->is_object()) {
    const auto member = target.holder->find(target.key);
    return member == target.holder->end() ? &kNothing : &*member;
  }
  const auto index = target.Index(false);
  return index ? &(*target.holder)[*index] : nullptr;
}

// Takes the value out of its holder: it may be large.
std::optional<Json> Take(const Target& target) {
  std::optional<Json> value;
  if (target.holder->is_object()) {
    const auto member = target.holder->find(target.key);
    if (member == target.holder->end()) return std::nullopt;
    value.emplace(std::move(*member));
    target.holder->erase(member);
  } else if (const auto index = target.Index(false)) {
    value.emplace(std::move((*target.holder)[*index]));
    target.holder->erase(*index);
  }
  return value;
}

bool Add(const Target& target, Json value) {
  if (target.holder->is_object()) {
    (*target.holder)[target.key] = std::move(value);
    return true;
  }
  if (target.key == "-") {
    target.holder->push_back(std::move(value));
    return true;
  }
  const auto index = target.Index(true);
  if (!index) return false;
  auto& list = target.holder->get_ref<Json::array_t&>();  // insert() of Json copies
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return true;
}

bool Remove(const Target& target) {
  if (target.holder->is_object()) return target.holder->erase(target.key) > 0;
  const auto index = target.Index(false);
  if (index) target.holder->erase(*index);
  return index.has_value();
}

bool Replace(const Target& target, Json value) {
  if (target.holder->is_object()) {
    (*target.holder)[target.key] = std::move(value);
    return true;
  }
  const auto index = target.Index(false);
  if (index) (*target.holder)[*index] = std::move(value);
  return index.has_value();
}

bool Apply(Json& root, const Json& operation) {
  const std::string word = TextAt(operation, "op");
  if (At(operation, "path") == "") {
    const Json& value = At(operation, "value");
    if (word == "test") return root == value;
    if (word != "replace" || !value.is_structured()) return false;
    root = value;
    return true;
  }
  auto target = Find(root, TextAt(operation, "path"));
  if (word == "add") return target && Add(*target, At(operation, "value"));
  if (word == "remove") return target && Remove(*target);
  if (word == "replace") return target && Replace(*target, At(operation, "value"));
  if (word == "test") {
    const Json* there = target ? Read(*target) : nullptr;
    return there ? *there == At(operation, "value") : false;
  }
  if (word != "move" && word != "copy") return false;
  const auto source = Find(root, TextAt(operation, "from"));
  std::optional<Json> value;
  if (source && word == "move") {
    value = Take(*source);
  } else if (const Json* there = source ? Read(*source) : nullptr) {
    value.emplace(*there);
  }
  if (!value) return false;
  target = Find(root, TextAt(operation, "path"));  // it may have moved
  return target && Add(*target, *std::move(value));
}

// How long what a copy takes is as text; 0 when it is not there.
size_t SizeAt(Json& root, const std::string& path) {
  const auto source = Find(root, path);
  const Json* value = source ? Read(*source) : nullptr;
  return value ? value->dump(-1, ' ', false, Json::error_handler_t::replace).size() : 0;
}

}  // namespace

Outcome<Json> JsonPatch(const Json& target, const Json& patch) {
  if (!patch.is_array())
    return BadRequestStatus("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (patch.size() > kMaxOperations) {
    ApiStatus status{.code = 413,
                     .reason = "RequestEntityTooLarge",
                     .message =
                         "Request entity too large: The allowed maximum operations in a "
                         "JSON patch is 10000, got " +
                         std::to_string(patch.size())};
    return status;
  }
  Json result = target;
  size_t copied = 0;
  for (const Json& operation : patch) {
    // Copies of copies grow without end: what one patch may copy is bounded as its body is.
    if (TextAt(operation, "op") == "copy") copied += SizeAt(result, TextAt(operation, "from"));
    if (copied > kMostCopied || !Apply(result, operation)) return DoesNotApply();
  }
  return result;
}

}  // namespace opsmesh::kubesim
