#include "libs/kubesim/objects/field_place.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

FieldPlace FieldPlace::Root(const ResourceType& type) {
  FieldPlace place;
  place.root_ = SchemaOf(type);
  place.implicit_ = place.root_ != nullptr;
  place.custom_kind_ = type.custom;
  if (type.definition) place.custom_ = &At(*type.definition, {"schema", "openAPIV3Schema"});
  return place;
}

FieldPlace FieldPlace::Member(const std::string& name) const {
  FieldPlace next;
  next.depth_ = depth_ + 1;
  if (custom_kind_) {
    if (depth_ == 0 && name == "metadata") {  // the same in every kind
      static const FieldSchema* metadata = FindSchema("core.v1.Pod")->Find("metadata");
      next.field_ = metadata;
      next.value_ = &metadata->value;
      next.implicit_ = true;
      return next;
    }
    next.custom_kind_ = true;
    if (custom_ != nullptr) {
      const Json& properties = At(*custom_, "properties");
      next.custom_ = properties.is_object() && properties.contains(name)
                         ? &properties[name]
                         : &At(*custom_, "additionalProperties");
    }
    return next;
  }
  if (value_ != nullptr && value_->kind == ValueSchema::Kind::kMap) {
    next.value_ = value_->element.get();
    return next;
  }
  const TypeSchema* type = Type();
  const FieldSchema* field = type == nullptr ? nullptr : type->Find(name);
  if (field == nullptr) return next;
  next.field_ = field;
  next.value_ = &field->value;
  const bool listed =
      field->value.kind == ValueSchema::Kind::kList || field->value.kind == ValueSchema::Kind::kMap;
  next.implicit_ = implicit_ && (field->by_value || (field->required && listed));
  return next;
}

FieldPlace FieldPlace::Element() const {
  FieldPlace next;
  next.depth_ = depth_ + 1;
  if (custom_kind_) {
    next.custom_kind_ = true;
    if (custom_ != nullptr) next.custom_ = &At(*custom_, "items");
  } else if (value_ != nullptr && value_->element) {
    next.value_ = value_->element.get();
  }
  return next;
}

FieldPlace FieldPlace::Below(const FieldPath& path) const {
  FieldPlace place = *this;
  for (const std::string& element : path)
    place = element.starts_with("f:") ? place.Member(element.substr(2)) : place.Element();
  return place;
}

bool FieldPlace::implicit() const { return implicit_; }

bool FieldPlace::Zero(const Json& value) const {
  if (field_ == nullptr) return false;
  const bool always = field_->required || (depth_ == 1 && value.is_string());
  return always && (value == Json("") || value == Json(0) || value == Json(false));
}

bool FieldPlace::holds_map() const {
  return value_ != nullptr && value_->kind == ValueSchema::Kind::kMap;
}

bool FieldPlace::OneValue() const {
  if (custom_kind_)
    return custom_ != nullptr && TextAt(*custom_, "x-kubernetes-map-type") == "atomic";
  if (field_ != nullptr && (field_->atomic || field_->granular)) return field_->atomic;
  const TypeSchema* type = Type();
  if (type != nullptr && (type->atomic || type->open)) return true;
  return value_ != nullptr && value_->kind == ValueSchema::Kind::kAny;
}

bool FieldPlace::Atomic(const Json& value) const {
  return value.is_array() ? ListRule() == Rule::kAtomic : OneValue();
}

FieldPlace::Rule FieldPlace::ListRule() const {
  if (custom_kind_) {
    const std::string word = custom_ == nullptr ? "" : TextAt(*custom_, "x-kubernetes-list-type");
    return word == "map" ? Rule::kByKeys : word == "set" ? Rule::kSet : Rule::kAtomic;
  }
  if (field_ == nullptr) return Rule::kAtomic;
  if (field_->atomic) return Rule::kAtomic;
  return field_->list_rule;
}

std::vector<std::string> FieldPlace::Keys() const {
  if (!custom_kind_) return field_ == nullptr ? std::vector<std::string>() : field_->list_keys;
  std::vector<std::string> keys;
  for (const Json& key : ListAt(*custom_, {"x-kubernetes-list-map-keys"}))
    keys.push_back(Scalar(key));
  return keys;
}

const TypeSchema* FieldPlace::Type() const {
  if (value_ == nullptr) return root_;
  return value_->kind == ValueSchema::Kind::kStruct ? value_->type : nullptr;
}

const char* KeyDefault(std::string_view name) {
  return name == "protocol" ? "TCP" : name == "name" ? "" : nullptr;
}

std::string KeyElement(const std::vector<std::string>& keys, const Json& item, const Json* schema) {
  static const Json kNone;
  const Json& of = schema == nullptr ? kNone : *schema;
  Json names = Json::object();
  for (const std::string& name : keys) {
    const Json& own = At(of, {"items", "properties", name.c_str(), "default"});
    if (item.contains(name)) {
      names[name] = item[name];
    } else if (!own.is_null()) {
      names[name] = own;
    } else if (const char* otherwise = KeyDefault(name)) {
      names[name] = otherwise;
    }
  }
  return "k:" + names.dump();
}

bool Mergeable(const FieldPlace& place, const Json& list) {
  if (!list.is_array()) return false;
  const FieldPlace::Rule rule = place.ListRule();
  if (rule == FieldPlace::Rule::kAtomic) return false;
  if (rule == FieldPlace::Rule::kSet)
    return std::none_of(list.begin(), list.end(),
                        [](const Json& item) { return item.is_structured(); });
  return std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_object(); });
}

std::string ElementOf(const FieldPlace& place, const Json& item) {
  return place.ListRule() == FieldPlace::Rule::kSet
             ? "v:" + item.dump()
             : KeyElement(place.Keys(), item, place.custom());
}

std::string ReadablePath(const FieldPath& path) {
  std::string text;
  for (const std::string& element : path) {
    if (element.starts_with("f:")) {
      text += "." + element.substr(2);
    } else if (element.starts_with("v:")) {
      text += "[=" + element.substr(2) + "]";
    } else {
      std::string inner;
      const Json key = Json::parse(element.substr(2), nullptr, false);
      for (const auto& [name, value] : key.items())
        inner += (inner.empty() ? "" : ",") + name + "=" + value.dump();
      text += "[" + inner + "]";
    }
  }
  return text;
}

}  // namespace opsmesh::kubesim
