// Lists and watches of an API server: any bytes. The first byte chooses the kind that was asked
// for. Good seeds are recorded exchanges (../shared/data/kube).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "libs/kube/wire_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using opsmesh::kube::FindBuiltin;
  static const char* const kKinds[] = {"pods",  "secrets",  "events",         "deployments",
                                       "nodes", "services", "endpointslices", "hpa"};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  opsmesh::kube::test::JudgeBytes(
      bytes, *FindBuiltin(kKinds[data[0] % 8]), [](std::string_view why) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
        std::abort();
      });
  return 0;
}
