// Inside of fields.cc: one function a family of kinds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "services/k8s/fields.h"

namespace opsmesh::k8s {

std::vector<Field> IdentityFields();  // namespace, name
Field AgeField();

void AddPodFields(std::map<std::string, std::vector<Field>, std::less<>>& tables);
void AddWorkloadFields(std::map<std::string, std::vector<Field>, std::less<>>& tables);
void AddNetworkFields(std::map<std::string, std::vector<Field>, std::less<>>& tables);
void AddClusterFields(std::map<std::string, std::vector<Field>, std::less<>>& tables);

/// A field that reads the typed view; absent when the object does not decode as one.
template <typename View, typename Get>
Field ViewField(std::string name, std::string header, Unit unit, Get get) {
  return {std::move(name), std::move(header), unit,
          [get](const kube::Object& object, Picture& picture) {
            const View* view = object.As<View>();
            return view ? get(object, *view, picture) : FieldValue::None();
          }};
}

/// Short forms for getters that only need the view.
template <typename View, typename Get>
Field TextField(std::string name, std::string header, Get get) {
  return ViewField<View>(
      std::move(name), std::move(header), Unit::kText,
      [get](const kube::Object&, const View& v, Picture&) { return FieldValue::Text(get(v)); });
}
template <typename View, typename Get>
Field CountField(std::string name, std::string header, Get get) {
  return ViewField<View>(std::move(name), std::move(header), Unit::kCount,
                         [get](const kube::Object&, const View& v, Picture&) {
                           return FieldValue::Number(static_cast<double>(get(v)));
                         });
}
template <typename View, typename Get>
Field BoolField(std::string name, std::string header, Get get) {
  return ViewField<View>(std::move(name), std::move(header), Unit::kBool,
                         [get](const kube::Object&, const View& v, Picture&) {
                           return FieldValue::Number(get(v) ? 1 : 0);
                         });
}
/// Seconds since a time; absent when the time is.
template <typename View, typename Get>
Field SinceField(std::string name, std::string header, Get get) {
  return ViewField<View>(std::move(name), std::move(header), Unit::kSeconds,
                         [get](const kube::Object&, const View& v, Picture& p) {
                           const absl::Time at = get(v);
                           if (at == absl::InfinitePast()) return FieldValue::None();
                           return FieldValue::Number(static_cast<double>(
                               absl::ToInt64Seconds(std::max(absl::ZeroDuration(), p.now() - at))));
                         });
}

}  // namespace opsmesh::k8s
