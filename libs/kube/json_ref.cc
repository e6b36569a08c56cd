#include "libs/kube/json_ref.h"

#include <charconv>
#include <cstdlib>
#include <limits>

#include "libs/kube/json_compact.h"
#include "libs/kube/json_walk.h"

namespace opsmesh::kube {

JsonRef::Type JsonRef::type() const {
  if (begin_ == nullptr || begin_ >= end_) return Type::kAbsent;
  switch (*begin_) {
    case '{':
      return Type::kObject;
    case '[':
      return Type::kArray;
    case '"':
      return Type::kString;
    case 't':
    case 'f':
      return Type::kBool;
    case 'n':
      return Type::kNull;
    default:
      return Type::kNumber;
  }
}

JsonRef JsonRef::operator[](std::string_view key) const {
  JsonRef found;
  WalkMembers([&](std::string_view name, JsonRef value) {
    if (name != key) return true;
    found = value;
    return false;
  });
  return found;
}

JsonRef JsonRef::At(std::string_view path) const {
  JsonRef value = *this;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    value = value[path.substr(0, dot)];
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return value;
}

JsonRef JsonRef::Index(size_t index) const {
  JsonRef found;
  WalkElements([&](JsonRef value) {
    if (index-- > 0) return true;
    found = value;
    return false;
  });
  return found;
}

size_t JsonRef::size() const {
  size_t count = 0;
  const auto counter = [&](auto&&...) {
    ++count;
    return true;
  };
  if (type() == Type::kObject) WalkMembers(counter);
  if (type() == Type::kArray) WalkElements(counter);
  return count;
}

std::optional<std::string_view> JsonRef::RawString() const {
  if (type() != Type::kString) return std::nullopt;
  const char* const close = JsonWalk::StringEnd(begin_ + 1, end_);
  return std::string_view(begin_ + 1, static_cast<size_t>(close - begin_ - 1));
}

std::string JsonRef::String() const {
  std::string out;
  if (const auto raw = RawString()) UnescapeJson(*raw, &out);
  return out;
}

std::optional<int64_t> JsonRef::Int() const {
  if (type() != Type::kNumber) return std::nullopt;
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(begin_, end_, value);
  if (error == std::errc::invalid_argument) return std::nullopt;
  if (stop < end_ && (*stop == '.' || *stop == 'e' || *stop == 'E')) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    return *begin_ == '-' ? std::numeric_limits<int64_t>::min()
                          : std::numeric_limits<int64_t>::max();
  }
  return value;
}

std::optional<double> JsonRef::Double() const {
  if (type() != Type::kNumber) return std::nullopt;
  double value = 0;
  const auto [stop, error] = std::from_chars(begin_, end_, value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<bool> JsonRef::Bool() const {
  if (type() != Type::kBool) return std::nullopt;
  return *begin_ == 't';
}

std::string_view JsonRef::Text() const {
  if (begin_ == nullptr || begin_ >= end_) return {};
  return {begin_, static_cast<size_t>(JsonWalk::Skip(begin_, end_) - begin_)};
}

void JsonRef::ForEachMember(const std::function<bool(std::string_view, JsonRef)>& visit) const {
  WalkMembers(visit);
}
void JsonRef::ForEachElement(const std::function<bool(JsonRef)>& visit) const {
  WalkElements(visit);
}

}  // namespace opsmesh::kube
