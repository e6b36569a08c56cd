#include "services/k8s/answer.h"

#include <algorithm>
#include <utility>

namespace opsmesh::k8s {
namespace {

LedgerEntry Entry(std::string source, std::string subject, std::string reason) {
  LedgerEntry entry;
  entry.source = std::move(source);
  entry.subject = std::move(subject);
  entry.reason = std::move(reason);
  return entry;
}

}  // namespace

void Text::TrimNewlines() {
  for (std::string* text : {&zh, &en}) {
    while (text->ends_with('\n')) text->pop_back();
  }
}

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

void Ledger::Checked(std::string source, std::string subject) {
  Checked(Entry(std::move(source), std::move(subject), {}));
}

void Ledger::NotChecked(std::string source, std::string subject, std::string reason) {
  NotChecked(Entry(std::move(source), std::move(subject), std::move(reason)));
}

void Ledger::Failed(std::string source, std::string subject, std::string reason) {
  Failed(Entry(std::move(source), std::move(subject), std::move(reason)));
}

void Ledger::Merge(const Ledger& other) {
  for (const LedgerEntry& entry : other.checked) AddOnce(checked, entry);
  for (const LedgerEntry& entry : other.not_checked) AddOnce(not_checked, entry);
  for (const LedgerEntry& entry : other.failed) AddOnce(failed, entry);
  read_there |= other.read_there;
  if (refused_there.ok()) refused_there = other.refused_there;
}

}  // namespace opsmesh::k8s
