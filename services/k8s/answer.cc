#include "services/k8s/answer.h"

#include <algorithm>

namespace opsmesh::k8s {

std::string Display(const ObjectRef& object) {
  std::string out = object.kind;
  out += ' ';
  if (!object.name_space.empty()) out += object.name_space + "/";
  return out + object.name;
}

void Ledger::AddOnce(std::vector<LedgerEntry>& list, LedgerEntry entry) {
  const bool known = std::any_of(list.begin(), list.end(), [&](const LedgerEntry& e) {
    return e.source == entry.source && e.subject == entry.subject && e.reason == entry.reason;
  });
  if (!known) list.push_back(std::move(entry));
}

void Ledger::Merge(const Ledger& other) {
  for (const LedgerEntry& entry : other.checked) AddOnce(checked, entry);
  for (const LedgerEntry& entry : other.not_checked) AddOnce(not_checked, entry);
  for (const LedgerEntry& entry : other.failed) AddOnce(failed, entry);
}

}  // namespace opsmesh::k8s
