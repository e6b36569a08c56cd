// What the tests of this folder share: the contract of this build, and the source tree.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/contract/contract.h"

namespace opsmesh::contract {

/// Value of an environment variable that ctest sets; fails the test loudly when it is missing.
inline std::string Env(const char* name) {
  const char* value = std::getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set: run this test through ctest";
  return value == nullptr ? "" : value;
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << "cannot read " << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The contract of this build, read once.
inline const Contract& TheContract() {
  static const auto* contract =
      new absl::StatusOr<std::unique_ptr<Contract>>(Contract::Load(Env("OPSMESH_DESCRIPTOR_SET")));
  if (!contract->ok()) {
    ADD_FAILURE() << contract->status().message();
    std::abort();
  }
  return ***contract;
}

}  // namespace opsmesh::contract
