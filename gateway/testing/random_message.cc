#include "gateway/testing/random_message.h"

#include <array>
#include <limits>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"

namespace opsmesh::gateway {
namespace {

namespace pb = google::protobuf;

class Filler {
 public:
  explicit Filler(std::mt19937_64& random) : random_(random) {}

  void Fill(pb::Message* message, int depth) {
    const std::string& type = message->GetDescriptor()->full_name();
    if (type == "opsmesh.type.v1.Json") return SetText(message, "raw", Json());
    if (type == "google.protobuf.Timestamp") return FillTime(message, -62135596800, 253402300799);
    if (type == "google.protobuf.Duration") return FillDuration(message);
    if (type == "google.protobuf.FieldMask") return FillMask(message);
    if (type == "google.protobuf.Any") return FillAny(message);
    if (type == "google.protobuf.Value") return FillValue(message, depth);
    const pb::Descriptor* descriptor = message->GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (descriptor->options().map_entry() || Chance(descriptor->field_count() > 12 ? 5 : 2))
        FillField(message, *descriptor->field(i), depth);
    }
  }

 private:
  bool Chance(int one_in) { return random_() % one_in == 0; }

  void FillField(pb::Message* message, const pb::FieldDescriptor& field, int depth) {
    const bool is_message = field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
    // A Value without a kind has no JSON form.
    if (is_message && depth <= 0 && field.message_type()->full_name() != "google.protobuf.Value")
      return;
    if (!field.is_repeated()) return Set(message, field, depth);
    const int count = static_cast<int>(random_() % 4);
    for (int i = 0; i < count; ++i) Add(message, field, depth);
  }

  void Set(pb::Message* m, const pb::FieldDescriptor& f, int depth) {
    const pb::Reflection& r = *m->GetReflection();
    switch (f.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return r.SetInt32(m, &f, Int<int32_t>());
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return r.SetInt64(m, &f, Int<int64_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return r.SetUInt32(m, &f, Int<uint32_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return r.SetUInt64(m, &f, Int<uint64_t>());
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return r.SetDouble(m, &f, Real<double>());
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return r.SetFloat(m, &f, Real<float>());
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return r.SetBool(m, &f, Chance(2));
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return r.SetEnumValue(m, &f, Enum(f));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return r.SetString(m, &f, Text(f));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(r.MutableMessage(m, &f), depth - 1);
    }
  }

  void Add(pb::Message* m, const pb::FieldDescriptor& f, int depth) {
    const pb::Reflection& r = *m->GetReflection();
    switch (f.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return r.AddInt32(m, &f, Int<int32_t>());
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return r.AddInt64(m, &f, Int<int64_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return r.AddUInt32(m, &f, Int<uint32_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return r.AddUInt64(m, &f, Int<uint64_t>());
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return r.AddDouble(m, &f, Real<double>());
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return r.AddFloat(m, &f, Real<float>());
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return r.AddBool(m, &f, Chance(2));
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return r.AddEnumValue(m, &f, Enum(f));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return r.AddString(m, &f, Text(f));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        if (f.is_map() && !MapKeyIsNew(m, f)) return;
        return Fill(r.AddMessage(m, &f), depth - 1);
    }
  }

  // Random keys rarely clash, but a map must not hold one twice: at most one entry of narrow keys.
  bool MapKeyIsNew(pb::Message* m, const pb::FieldDescriptor& f) {
    return m->GetReflection()->FieldSize(*m, &f) == 0;
  }

  template <typename T>
  T Int() {
    static constexpr std::array<T, 6> kEdges = {0,
                                                1,
                                                static_cast<T>(-1),
                                                127,
                                                std::numeric_limits<T>::min(),
                                                std::numeric_limits<T>::max()};
    return Chance(2) ? kEdges[random_() % kEdges.size()] : static_cast<T>(random_());
  }

  template <typename T>
  T Real() {
    switch (random_() % 8) {
      case 0:
        return 0;
      case 1:
        return std::numeric_limits<T>::quiet_NaN();
      case 2:
        return std::numeric_limits<T>::infinity();
      case 3:
        return std::numeric_limits<T>::max();
      case 4:
        return std::numeric_limits<T>::min();
      case 5:
        return static_cast<T>(static_cast<int64_t>(random_() % 2000) - 1000) / 10;
      default:
        return static_cast<T>(std::uniform_real_distribution<double>(-1e9, 1e9)(random_));
    }
  }

  int Enum(const pb::FieldDescriptor& f) {
    if (f.enum_type()->full_name() == "google.protobuf.NullValue") return 0;
    return Chance(8) ? 77
                     : f.enum_type()
                           ->value(static_cast<int>(random_() % f.enum_type()->value_count()))
                           ->number();
  }

  std::string Text(const pb::FieldDescriptor& f) {
    return f.type() == pb::FieldDescriptor::TYPE_BYTES ? Bytes() : Words();
  }

  std::string Words() {
    static constexpr std::array<const char*, 14> kPieces = {
        "a", "Pod", "\"",     "\\",           "\n",     "\t",         "\x01",
        "/", "<b>", "\u00e9", "\u4e2d\u6587", "\u2028", "\U0001F600", "\x7f"};
    std::string text;
    for (size_t n = random_() % 9; n > 0; --n) text += kPieces[random_() % kPieces.size()];
    return text;
  }

  std::string Bytes() {
    std::string bytes(random_() % 9, '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    return bytes;
  }

  std::string Json() {
    static constexpr std::array<const char*, 6> kTexts = {
        "{\"a\":1,\"b\":[true,null,\"x\"]}", "[]", "42", "\"\u4e2d\"", "1.5",
        "{\"k\":{\"deep\":[[[]]]}}"};
    return kTexts[random_() % kTexts.size()];
  }

  void SetText(pb::Message* m, const char* name, const std::string& value) {
    m->GetReflection()->SetString(m, m->GetDescriptor()->FindFieldByName(name), value);
  }
  void SetInt64(pb::Message* m, const char* name, int64_t value) {
    m->GetReflection()->SetInt64(m, m->GetDescriptor()->FindFieldByName(name), value);
  }
  void SetInt32(pb::Message* m, const char* name, int32_t value) {
    m->GetReflection()->SetInt32(m, m->GetDescriptor()->FindFieldByName(name), value);
  }

  void FillTime(pb::Message* m, int64_t first, int64_t last) {
    SetInt64(m, "seconds",
             first + static_cast<int64_t>(random_() % static_cast<uint64_t>(last - first)));
    static constexpr std::array<int32_t, 5> kNanos = {0, 500'000'000, 1'000, 1, 999'999'999};
    SetInt32(m, "nanos", kNanos[random_() % kNanos.size()]);
  }
  void FillDuration(pb::Message* m) {
    SetInt64(m, "seconds", static_cast<int64_t>(random_() % 315'576'000'000));
    SetInt32(m, "nanos", Chance(2) ? 0 : 250'000'000);
  }
  void FillMask(pb::Message* m) {
    m->GetReflection()->AddString(m, m->GetDescriptor()->FindFieldByName("paths"),
                                  "some_field.sub_field");
  }
  void FillAny(pb::Message* m) {
    SetText(m, "type_url", "type.googleapis.com/opsmesh.toy.v1.Plain");
    SetText(m, "value", "\x0a\x02hi");
  }
  void FillValue(pb::Message* m, int depth) {
    const pb::FieldDescriptor* field = m->GetDescriptor()->field(static_cast<int>(random_() % 4));
    if (field->name() == "number_value") {
      m->GetReflection()->SetDouble(m, field, static_cast<double>(random_() % 1000) / 8);
    } else {
      Set(m, *field, depth);
    }
  }

  std::mt19937_64& random_;
};

}  // namespace

void FillRandomly(std::mt19937_64& random, int depth, google::protobuf::Message* message) {
  Filler(random).Fill(message, depth);
}

}  // namespace opsmesh::gateway
