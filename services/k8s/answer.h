// What a tool answers: data for programs, facts and words in two languages, and what all of it
// rests on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace opsmesh::k8s {

/// The same sentence in Simplified Chinese and English, made from the same facts.
struct Text {
  std::string zh;
  std::string en;

  friend Text operator+(Text a, const Text& b) { return a += b; }
  Text& operator+=(const Text& other) {
    zh += other.zh;
    en += other.en;
    return *this;
  }
  /// Adds `both` to both languages: for tables, names and numbers.
  void AppendBoth(std::string_view both) {
    zh += both;
    en += both;
  }
  /// Drops the line breaks at the end: an answer ends with its last word.
  void TrimNewlines();
  friend bool operator==(const Text&, const Text&) = default;
};

/// Names one object of a cluster. `group` is the API group, empty for core.
struct ObjectRef {
  std::string kind;
  std::string group;
  std::string name_space;  // empty for cluster-scoped kinds
  std::string name;
  std::string resource_version;
  std::string field_path;  // "status.containerStatuses[0].state"

  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
};

/// "Pod shop/cart-1", "Node n1".
std::string Display(const ObjectRef& object);

/// A number or a name that an answer may quote.
struct Fact {
  std::string key;    // stable: "pods.total"
  std::string value;  // "12", "shop/cart-1"
  std::optional<ObjectRef> object;
};

/// One thing that was consulted, or should have been.
struct LedgerEntry {
  std::string source;   // "watch cache", "apiserver", "pod log"
  std::string subject;  // "pods in shop"
  std::string reason;   // why not, or how it failed; empty on what was checked
  std::optional<double> age_seconds;
  std::optional<int64_t> shown_count;
  std::optional<int64_t> total_count;

  friend bool operator==(const LedgerEntry&, const LedgerEntry&) = default;
};

/// What an answer rests on. Entries are unique and in the order they were consulted.
struct Ledger {
  std::vector<LedgerEntry> checked;
  std::vector<LedgerEntry> not_checked;
  std::vector<LedgerEntry> failed;
  /// Of the kinds that were wanted in the namespace in question: true when one could be read, and
  /// why the first one could not that is forbidden. An answer that rests on none is none.
  bool read_there = false;
  absl::Status refused_there;

  void Checked(LedgerEntry entry) { AddOnce(checked, std::move(entry)); }
  void Checked(std::string source, std::string subject);
  void NotChecked(LedgerEntry entry) { AddOnce(not_checked, std::move(entry)); }
  void NotChecked(std::string source, std::string subject, std::string reason);
  void Failed(LedgerEntry entry) { AddOnce(failed, std::move(entry)); }
  void Failed(std::string source, std::string subject, std::string reason);
  void Merge(const Ledger& other);

 private:
  static void AddOnce(std::vector<LedgerEntry>& list, LedgerEntry entry);
};

/// A tool's answer (decision 6).
struct ToolResult {
  std::string json = "{}";  // one RFC 8259 document
  std::vector<Fact> facts;
  Text text;
  Ledger ledger;
  bool untrusted = false;   // words from outside OpsMesh are in it: logs, events, annotations
  bool truncated = false;   // there is more than was returned; the text says how much
  std::string next_cursor;  // argument `cursor` of the next call, where the tool pages

  void AddFact(std::string key, std::string value) {
    facts.push_back({std::move(key), std::move(value), {}});
  }
  void AddFact(std::string key, int64_t value) { AddFact(std::move(key), std::to_string(value)); }
};

}  // namespace opsmesh::k8s
