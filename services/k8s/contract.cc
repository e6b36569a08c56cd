#include "services/k8s/contract.h"

#include "libs/base/strings.h"

namespace opsmesh::k8s {
namespace {

// Names and messages come from the cluster: a proto3 string must be well-formed UTF-8.
std::string Utf8(const std::string& text) {
  return base::IsValidUtf8(text) ? text : base::SanitizeUtf8(text);
}

void FillEntry(const LedgerEntry& from, type::v1::LedgerEntry* to) {
  to->set_source(Utf8(from.source));
  to->set_subject(Utf8(from.subject));
  if (!from.reason.empty()) to->set_reason(Utf8(from.reason));
  if (from.age_seconds) to->set_age_seconds(*from.age_seconds);
  if (from.shown_count) to->set_shown_count(*from.shown_count);
  if (from.total_count) to->set_total_count(*from.total_count);
}

}  // namespace

void Fill(const Text& from, type::v1::Text* to) {
  to->set_zh(Utf8(from.zh));
  to->set_en(Utf8(from.en));
}

void Fill(const Ledger& from, type::v1::Ledger* to) {
  for (const LedgerEntry& entry : from.checked) FillEntry(entry, to->add_checked());
  for (const LedgerEntry& entry : from.not_checked) FillEntry(entry, to->add_not_checked());
  for (const LedgerEntry& entry : from.failed) FillEntry(entry, to->add_failed());
}

void Fill(const ObjectRef& from, std::string_view cluster, type::v1::ObjectRef* to) {
  to->set_cluster(std::string(cluster));
  to->set_kind(Utf8(from.kind));
  to->set_group(Utf8(from.group));
  to->set_namespace_(Utf8(from.name_space));
  to->set_name(Utf8(from.name));
  if (!from.resource_version.empty()) to->set_resource_version(Utf8(from.resource_version));
  if (!from.field_path.empty()) to->set_field_path(Utf8(from.field_path));
}

void Fill(const Fact& from, std::string_view cluster, type::v1::Fact* to) {
  to->set_key(Utf8(from.key));
  to->set_value(Utf8(from.value));
  if (from.object) Fill(*from.object, cluster, to->mutable_object());
}

void Fill(const Finding& from, std::string_view cluster, v1::Finding* to) {
  to->set_code(from.code);
  to->set_severity(static_cast<v1::Finding::Severity>(from.severity));
  Fill(from.object, cluster, to->mutable_object());
  Fill(from.summary, to->mutable_summary());
  Fill(from.cause, to->mutable_cause());
  Fill(from.next_step, to->mutable_next_step());
  for (const Fact& fact : from.evidence) Fill(fact, cluster, to->add_evidence());
}

void Fill(const Tool& from, v1::Tool* to) {
  to->set_name(from.name);
  for (const std::string& alias : from.aliases) to->add_aliases(alias);
  to->set_group(from.group);
  Fill(from.description, to->mutable_description());
  to->mutable_parameters()->set_raw(SchemaOf(from.params));
  to->set_risk(static_cast<v1::RiskClass>(from.risk));
  to->set_available(from.available);
}

}  // namespace opsmesh::k8s
