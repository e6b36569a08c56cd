#include "libs/kubesim/api/limit_ranges.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Amounts = std::map<std::string, Amount>;

Amounts AmountsOf(const Json& map) {
  Amounts amounts;
  if (!map.is_object()) return amounts;
  for (const auto& [name, value] : map.items()) amounts[name] = Amount::Of(value);
  return amounts;
}

// Calls back with each item of every LimitRange of the namespace.
template <typename Visit>
void EachLimit(const Cluster& cluster, const std::string& ns, Visit&& visit) {
  for (const ObjectPtr& range :
       cluster.store.List(MustFind(cluster.store, "", "v1", "limitranges"), ns).objects) {
    const Json content = range->Parse();
    for (const Json& limit : ListAt(content, {"spec", "limits"})) visit(limit);
  }
}

// Fills one side ("requests", "limits") of a container; adds a sentence to `set` about what it
// took.
void Fill(const Json& defaults, const char* side, const std::string& word, Json& container,
          std::vector<std::string>* set) {
  if (!defaults.is_object()) return;
  std::set<std::string> names;
  for (const auto& [name, value] : defaults.items()) {
    if (!At(container, {"resources", side, name.c_str()}).is_null()) continue;
    container["resources"][side][name] = value;
    names.insert(name);
  }
  if (names.empty()) return;
  const std::string one(side, std::string_view(side).size() - 1);
  set->push_back(fmt::format("{} {} for {} {}",
                             base::Join(std::vector<std::string>(names.begin(), names.end()), ", "),
                             one, word, TextAt(container, "name")));
}

// What one item says about requests and limits of `type`.
class Bounds {
 public:
  Bounds(std::string type, const Json& limit, std::vector<std::string>* faults)
      : type_(std::move(type)), limit_(limit), faults_(*faults) {}

  void Check(const Amounts& requests, const Amounts& limits, bool claim) {
    for (const auto& [name, edge] : AmountsOf(At(limit_, "min")))
      Min(name, edge, Find(requests, name), Find(limits, name));
    for (const auto& [name, edge] : AmountsOf(At(limit_, "max")))
      Max(name, edge, Find(requests, name), Find(limits, name), claim);
    for (const auto& [name, edge] : AmountsOf(At(limit_, "maxLimitRequestRatio")))
      Ratio(name, edge, Find(requests, name), Find(limits, name));
  }

 private:
  static const Amount* Find(const Amounts& amounts, const std::string& name) {
    auto it = amounts.find(name);
    return it == amounts.end() ? nullptr : &it->second;
  }
  void Usage(const char* word, const std::string& name, const Amount& edge,
             const std::string& rest) {
    faults_.push_back(
        fmt::format("{} {} usage per {} is {}{}", word, name, type_, edge.ToString(), rest));
  }
  void Min(const std::string& name, const Amount& edge, const Amount* request,
           const Amount* limit) {
    if (request == nullptr) return Usage("minimum", name, edge, ".  No request is specified");
    if (*request < edge)
      return Usage("minimum", name, edge, ", but request is " + request->ToString());
    if (limit != nullptr && *limit < edge)
      Usage("minimum", name, edge, ", but limit is " + limit->ToString());
  }
  void Max(const std::string& name, const Amount& edge, const Amount* request, const Amount* limit,
           bool claim) {
    if (limit == nullptr && !claim) return Usage("maximum", name, edge, ".  No limit is specified");
    if (limit != nullptr && *limit > edge)
      return Usage("maximum", name, edge, ", but limit is " + limit->ToString());
    if (request != nullptr && *request > edge)
      Usage("maximum", name, edge, ", but request is " + request->ToString());
  }
  void Ratio(const std::string& name, const Amount& edge, const Amount* request,
             const Amount* limit) {
    auto fault = [&](const std::string& rest) {
      faults_.push_back(fmt::format("{} max limit to request ratio per {} is {}, but {}", name,
                                    type_, edge.ToString(), rest));
    };
    if (request == nullptr || request->thousandths == 0)
      return fault("no request is specified or request is 0");
    if (limit == nullptr || limit->thousandths == 0)
      return fault("no limit is specified or limit is 0");
    const long double ratio = limit->thousandths / request->thousandths;
    if (ratio * 1000 > edge.thousandths)
      fault(fmt::format("provided ratio is {:.6f}", static_cast<double>(ratio)));
  }

  const std::string type_;
  const Json& limit_;
  std::vector<std::string>& faults_;
};

// A pod's sums; an init container counts where it takes more than all others together.
Amounts PodSums(const Json& pod, const char* side) {
  Amounts sums;
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    for (const auto& [name, amount] : AmountsOf(At(container, {"resources", side})))
      sums[name] += amount;
  }
  for (const Json& container : ListAt(pod, {"spec", "initContainers"})) {
    for (const auto& [name, amount] : AmountsOf(At(container, {"resources", side})))
      sums[name] = amount > sums[name] ? amount : sums[name];
  }
  return sums;
}

void CheckPod(const Json& pod, const Json& limit, std::vector<std::string>* faults) {
  const std::string type = TextAt(limit, "type");
  if (type == "Pod")
    Bounds(type, limit, faults).Check(PodSums(pod, "requests"), PodSums(pod, "limits"), false);
  if (type != "Container") return;
  for (const char* list : {"containers", "initContainers"}) {
    for (const Json& container : ListAt(pod, {"spec", list})) {
      Bounds(type, limit, faults)
          .Check(AmountsOf(At(container, {"resources", "requests"})),
                 AmountsOf(At(container, {"resources", "limits"})), false);
    }
  }
}

}  // namespace

void ApplyLimitDefaults(const Cluster& cluster, const std::string& ns, Json& pod) {
  std::vector<std::string> set;
  EachLimit(cluster, ns, [&](const Json& limit) {
    if (TextAt(limit, "type") != "Container") return;
    for (auto [list, word] :
         {std::pair{"containers", "container"}, std::pair{"initContainers", "init container"}}) {
      if (!At(pod, {"spec", list}).is_array()) continue;
      for (Json& container : pod["spec"][list]) {
        if (!container.is_object()) continue;
        if (!At(container, "resources").is_object()) container["resources"] = Json::object();
        Fill(At(limit, "defaultRequest"), "requests", word, container, &set);
        Fill(At(limit, "default"), "limits", word, container, &set);
      }
    }
  });
  if (set.empty()) return;
  if (!At(pod, {"metadata", "annotations"}).is_object())
    pod["metadata"]["annotations"] = Json::object();
  pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] =
      "LimitRanger plugin set: " + base::Join(set, "; ");
}

MaybeStatus CheckLimits(const Cluster& cluster, const Call& call, const Json& object) {
  const std::string& key = call.type->storage_key;
  if (key != "/pods" && key != "/persistentvolumeclaims") return std::nullopt;
  std::vector<std::string> faults;
  EachLimit(cluster, call.info.ns, [&](const Json& limit) {
    if (key == "/pods") return CheckPod(object, limit, &faults);
    if (TextAt(limit, "type") != "PersistentVolumeClaim") return;
    Bounds("PersistentVolumeClaim", limit, &faults)
        .Check(AmountsOf(At(object, {"spec", "resources", "requests"})), {}, true);
  });
  if (faults.empty()) return std::nullopt;
  const std::string why = faults.size() == 1 ? faults[0] : "[" + base::Join(faults, ", ") + "]";
  return ForbiddenStatus(*call.type, TextAt(object, {"metadata", "name"}), why);
}

}  // namespace opsmesh::kubesim
