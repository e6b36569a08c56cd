#include "libs/kube/store_history.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include "libs/base/error.h"

namespace opsmesh::kube {
namespace {

std::optional<uint64_t> Number(std::string_view version) {
  uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(version.data(), version.data() + version.size(), number);
  if (version.empty() || error != std::errc() || end != version.data() + version.size())
    return std::nullopt;
  return number;
}

}  // namespace

bool IsBefore(std::string_view a, std::string_view b) {
  const auto left = Number(a);
  const auto right = Number(b);
  return left && right && *left < *right;
}

absl::StatusOr<bool> SameHistory(const base::Context& ctx, Client& client, const ResourceType& type,
                                 std::string_view ns, const KindStore& store) {
  ListOptions options;
  options.page_size = 1;
  options.max_objects = 1;
  options.patient = true;
  const base::Context bounded = ctx.WithTimeout(absl::Minutes(2));
  OPSMESH_ASSIGN_OR_RETURN(const ListResult first, client.List(bounded, type, ns, options));
  const std::string version = store.resource_version(ns);
  if (IsBefore(first.resource_version, version)) return false;
  const KindSnapshotPtr picture = store.Get();
  const size_t known = ns.empty() ? picture->objects().size() : picture->InNamespace(ns).size();
  const auto more = static_cast<size_t>(first.remaining.value_or(0));
  if (first.items.size() + first.unparseable.size() + more != known + store.unparseable(ns))
    return false;
  for (const ObjectPtr& object : first.items) {
    const ObjectPtr ours = picture->Find(object->ns(), object->name());
    if (ours != nullptr && ours->meta().uid != object->meta().uid) return false;
    // What has not changed since must be in the picture as it is.
    const bool changed = IsBefore(version, object->meta().resource_version);
    if (!changed &&
        (ours == nullptr || ours->meta().resource_version != object->meta().resource_version))
      return false;
  }
  return true;
}

}  // namespace opsmesh::kube
