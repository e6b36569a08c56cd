// opsmesh-contract DESCRIPTOR_SET: prints the whole contract as text; `./dev fix` writes it to
// api.golden.txt.
#include <cstdio>

#include "tests/contract/contract.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: opsmesh-contract DESCRIPTOR_SET\n");
    return 2;
  }
  const auto contract = opsmesh::contract::Contract::Load(argv[1]);
  if (!contract.ok()) {
    std::fprintf(stderr, "%s\n", std::string(contract.status().message()).c_str());
    return 1;
  }
  const std::string text = opsmesh::contract::Render(**contract);
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
