#include "libs/kube/decoder.h"

#include <algorithm>

#include "libs/base/clock.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/quantity.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxDefects = 8;

bool TwoDigits(const char* text, int* out) {
  if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
  *out = (text[0] - '0') * 10 + (text[1] - '0');
  return true;
}

}  // namespace

absl::Time ParseTime(std::string_view text) {
  // The form the API server writes; absl's general parser costs twenty times as much.
  int century, year, month, day, hour, minute, second;
  if (text.size() == 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
      text[16] == ':' && text[19] == 'Z' && TwoDigits(&text[0], &century) &&
      TwoDigits(&text[2], &year) && TwoDigits(&text[5], &month) && TwoDigits(&text[8], &day) &&
      TwoDigits(&text[11], &hour) && TwoDigits(&text[14], &minute) &&
      TwoDigits(&text[17], &second) && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
      hour < 24 && minute < 60 && second < 60) {
    return absl::FromCivil(
        absl::CivilSecond(century * 100 + year, month, day, hour, minute, second),
        absl::UTCTimeZone());
  }
  absl::Time time;
  return base::ParseRfc3339(text, &time) ? time : absl::InfinitePast();
}

void Decoder::Defect(std::string_view field) {
  if (defects_ == nullptr) return;
  if (*defects_ == nullptr) *defects_ = std::make_unique<std::vector<std::string>>();
  std::vector<std::string>& defects = **defects_;
  if (defects.size() < kMaxDefects &&
      std::find(defects.begin(), defects.end(), field) == defects.end())
    defects.emplace_back(field);
}

bool Decoder::Begin(char type, std::string_view field) {
  if (Next() == type) return true;
  if (Next() != 'n') Defect(field);
  Skip();
  return false;
}

Decoder::Decoder(const kube::Object& object, View* view)
    : Decoder(
          [&] {
            thread_local std::string scratch;
            return object.Text(&scratch);
          }(),
          &view->own_, object.pool_.get(), &view->defects_) {}

Str Decoder::Text(std::string_view raw) {
  std::string unescaped;
  const bool plain = raw.find('\\') == std::string_view::npos;
  if (!plain) {
    UnescapeJson(raw, &unescaped);
    raw = unescaped;
  }
  if (pool_ != nullptr) return pool_->Keep(raw, own_);
  return plain ? raw : own_->Copy(raw);
}

bool Decoder::String(std::string_view field, Str* out) {
  if (!Begin('"', field)) return false;
  const char* const start = at_ + 1;
  const char* const close = JsonWalk::StringEnd(start, end_);
  *out = Text(std::string_view(start, static_cast<size_t>(close - start)));
  at_ = close < end_ ? close + 1 : close;
  return true;
}

void Decoder::Read(std::string_view field, Str* out) { String(field, out); }

void Decoder::Read(std::string_view field, std::optional<Str>* out) {
  Str text;
  if (String(field, &text)) *out = text;
}

void Decoder::Read(std::string_view field, std::optional<int64_t>* out) {
  if (const auto number = Ref().Int()) {
    *out = *number;
  } else if (Next() != 'n') {
    Defect(field);
  }
  Skip();
}

void Decoder::Read(std::string_view field, int64_t* out) {
  std::optional<int64_t> number;
  Read(field, &number);
  if (number) *out = *number;
}

void Decoder::ReadCount(std::string_view field, int64_t* out) {
  std::optional<int64_t> number;
  Read(field, &number);
  if (!number) return;
  if (*number < 0) Defect(field);
  *out = std::max<int64_t>(0, *number);
}

void Decoder::Read(std::string_view field, std::optional<bool>* out) {
  if (const auto value = Ref().Bool()) {
    *out = *value;
  } else if (Next() != 'n') {
    Defect(field);
  }
  Skip();
}

void Decoder::Read(std::string_view field, bool* out) {
  std::optional<bool> value;
  Read(field, &value);
  if (value) *out = *value;
}

void Decoder::Read(std::string_view field, absl::Time* out) {
  Str text;
  if (!String(field, &text)) return;
  *out = ParseTime(text);
  if (*out == absl::InfinitePast()) Defect(field);
}

void Decoder::Read(std::string_view field, IntOrString* out) {
  if (Next() == '"') {
    String(field, &out->name);
  } else {
    Read(field, &out->number);
  }
}

void Decoder::Read(std::string_view field, Quantity* out) {
  if (Next() == '"') {
    String(field, &out->text);
  } else if (Ref().type() == JsonRef::Type::kNumber) {
    out->text = Text(Ref().Text());
    Skip();
  } else {
    if (Next() != 'n') Defect(field);
    Skip();
    return;
  }
  out->value = ParseQuantity(out->text);
  if (!out->value) Defect(field);
}

void Decoder::Read(std::string_view field, std::vector<Str>* out) {
  Array(field, [&] {
    Str text;
    if (String(field, &text)) out->push_back(text);
  });
  out->shrink_to_fit();
}

void Decoder::ReadNames(std::string_view field, std::vector<Str>* out) {
  Array(field, [&] {
    Object(field, [&](std::string_view key) {
      Str name;
      if (key == "name" && String(field, &name)) out->push_back(name);
    });
  });
}

void Decoder::Read(std::string_view field, StrPairs* out) {
  Object(field, [&](std::string_view key) {
    Str value;
    if (String(field, &value)) out->emplace_back(Text(key), value);
  });
  out->shrink_to_fit();
}

void Decoder::Read(std::string_view field, ResourceList* out) {
  Object(field, [&](std::string_view key) {
    Quantity quantity;
    Read(field, &quantity);
    out->emplace_back(Text(key), quantity);
  });
  out->shrink_to_fit();
}

void Decoder::Read(std::string_view field, ObjectSelector* out) {
  if (Next() == '{') out->present = true;
  Object(field, [&](std::string_view key) {
    if (key == "matchLabels") Read(field, &out->match_labels);
    if (key == "matchExpressions") {
      Vector(field, &out->expressions, [&](ObjectSelector::Expression* expression) {
        Object(field, [&](std::string_view part) {
          if (part == "key") Read(field, &expression->key);
          if (part == "operator") Read(field, &expression->op);
          if (part == "values") Read(field, &expression->values);
        });
      });
    }
  });
}

void Decoder::Read(std::string_view field, ObjectReference* out) {
  Object(field, [&](std::string_view key) {
    if (key == "kind") Read(field, &out->kind);
    if (key == "namespace") Read(field, &out->ns);
    if (key == "name") Read(field, &out->name);
    if (key == "uid") Read(field, &out->uid);
    if (key == "apiVersion") Read(field, &out->api_version);
    if (key == "fieldPath") Read(field, &out->field_path);
  });
}

void Decoder::Read(std::string_view field, std::vector<Condition>* out) {
  Vector(field, out, [&](Condition* condition) {
    Object(field, [&](std::string_view key) {
      if (key == "type") Read(field, &condition->type);
      if (key == "status") Read(field, &condition->status);
      if (key == "reason") Read(field, &condition->reason);
      if (key == "message") Read(field, &condition->message);
      if (key == "lastTransitionTime") Read(field, &condition->last_transition);
    });
  });
}

const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type) {
  for (const Condition& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

bool ConditionTrue(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = FindCondition(conditions, type);
  return condition != nullptr && condition->status == "True";
}

std::optional<double> Amount(const ResourceList& list, std::string_view resource) {
  for (const auto& [name, quantity] : list) {
    if (name == resource) return quantity.value;
  }
  return std::nullopt;
}

bool ObjectSelector::Matches(const StrPairs& labels) const {
  for (const auto& [key, value] : match_labels) {
    if (!Has(labels, key) || Lookup(labels, key) != value) return false;
  }
  for (const Expression& expression : expressions) {
    const bool has = Has(labels, expression.key);
    const bool listed = has && std::find(expression.values.begin(), expression.values.end(),
                                         Lookup(labels, expression.key)) != expression.values.end();
    if (expression.op == "In"             ? !listed
        : expression.op == "NotIn"        ? listed
        : expression.op == "Exists"       ? !has
        : expression.op == "DoesNotExist" ? has
                                          : true) {
      return false;
    }
  }
  return true;
}

}  // namespace opsmesh::kube
