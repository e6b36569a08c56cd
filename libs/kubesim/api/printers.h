// kubectl's columns: what an apiserver answers to Accept: ...;as=Table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

struct Column {
  std::string name;
  std::string type = "string";  // string, integer, date ...
  std::string format;           // "name" for the name column
  int priority = 0;             // > 0: shown by -o wide
  std::string description{};    // of a custom column; "" for those that are described by us
};

/// The columns of a type. Types without a printer of their own show Name and Age (Created At).
std::vector<Column> ColumnsOf(const ResourceType& type);

/// One row: cells in the order of ColumnsOf(). Wrong and missing members print as a real server
/// prints empty ones.
std::vector<Json> CellsOf(const ResourceType& type, const Json& object, absl::Time now);
/// The same for stored bytes, which need not become values for each kind.
std::vector<Json> CellsOf(const ResourceType& type, const Object& object, absl::Time now);

/// "45s", "3m10s", "5h", "12d": ages as kubectl shows them. "<unknown>" for the infinite past.
std::string HumanDuration(absl::Duration duration);

}  // namespace opsmesh::kubesim
