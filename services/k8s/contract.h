// Our values as messages of the contract.
#pragma once

#include "opsmesh/k8s/v1/tool.pb.h"
#include "opsmesh/type/v1/common.pb.h"
#include "services/k8s/answer.h"
#include "services/k8s/finding.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

void Fill(const Text& from, type::v1::Text* to);
void Fill(const Ledger& from, type::v1::Ledger* to);
void Fill(const ObjectRef& from, std::string_view cluster, type::v1::ObjectRef* to);
void Fill(const Fact& from, std::string_view cluster, type::v1::Fact* to);
void Fill(const Finding& from, std::string_view cluster, v1::Finding* to);
void Fill(const Tool& from, v1::Tool* to);

}  // namespace opsmesh::k8s
