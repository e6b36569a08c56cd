#include "services/k8s/json_writer.h"

#include <cmath>

#include <fmt/format.h>

#include "libs/base/json_string.h"

namespace opsmesh::k8s {

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  out_ += '{';
  has_items_.push_back(false);
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  out_ += '}';
  has_items_.pop_back();
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Separate();
  out_ += '[';
  has_items_.push_back(false);
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  out_ += ']';
  has_items_.pop_back();
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  base::AppendJsonString(key, &out_);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::Value(std::string_view text) {
  Separate();
  base::AppendJsonString(text, &out_);
  return *this;
}

JsonWriter& JsonWriter::Value(bool value) { return Number(value ? "true" : "false"); }

JsonWriter& JsonWriter::Value(double value) {
  if (!std::isfinite(value)) return Null();
  return Number(fmt::format("{}", value));
}

JsonWriter& JsonWriter::Null() { return Number("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) { return Number(json); }

JsonWriter& JsonWriter::Number(std::string_view digits) {
  Separate();
  out_ += digits;
  return *this;
}

std::string JsonWriter::Take() {
  has_items_.clear();
  after_key_ = false;
  return std::move(out_);
}

}  // namespace opsmesh::k8s
