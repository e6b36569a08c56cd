// The defaults that the schema of a custom resource gives.
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

size_t Weight(const Json& value) {
  if (value.is_string()) return sizeof(value) + value.get_ref<const std::string&>().size();
  size_t weight = sizeof(value);
  if (value.is_structured()) {
    for (const Json& item : value) weight += Weight(item);
  }
  return weight;
}

// Fills in defaults while they come to less than what no server would store anyway: a default of a
// mebibyte may be that of each of a million items.
class Filling {
 public:
  explicit Filling(bool keep_nulls) : keep_nulls_(keep_nulls) {}

  void Fill(const Json& schema, Json& value) {
    if (!schema.is_object()) return;
    if (value.is_array()) {
      for (Json& item : value) Fill(At(schema, "items"), item);
      return;
    }
    if (!value.is_object()) return;
    const Json& properties = At(schema, "properties");
    if (properties.is_object()) {
      for (const auto& [member, part] : properties.items()) Member(part, member, value);
    }
    const Json& more = At(schema, "additionalProperties");
    if (!more.is_object()) return;
    for (auto it = value.begin(); it != value.end();) {
      const bool named = properties.is_object() && properties.contains(it.key());
      if (!named && it->is_null() && !keep_nulls_ && !BoolAt(more, {"nullable"})) {
        it = value.erase(it);
        continue;
      }
      if (!named) Fill(more, *it);
      ++it;
    }
  }

 private:
  bool Take(const Json& given) {
    const size_t weight = Weight(given);
    if (weight > left_) return false;
    left_ -= weight;
    return true;
  }

  void Member(const Json& part, const std::string& member, Json& holder) {
    auto found = holder.find(member);
    const bool null_counts_not =
        found != holder.end() && found->is_null() && !BoolAt(part, {"nullable"});
    if ((found == holder.end() || null_counts_not) && part.is_object() &&
        part.contains("default") && Take(part["default"]))
      holder[member] = part["default"];
    else if (null_counts_not && !keep_nulls_)
      holder.erase(member);
    if (holder.contains(member)) Fill(part, holder[member]);
  }

  const bool keep_nulls_;
  size_t left_ = 16u << 20;
};

}  // namespace

void ApplySchemaDefaults(const Json& schema, Json& value, bool keep_nulls) {
  Filling(keep_nulls).Fill(schema, value);
}
}  // namespace opsmesh::kubesim
