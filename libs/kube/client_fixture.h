// For the tests of kube::Client: its fixture, and pods as JSON.
#pragma once

#include <gtest/gtest.h>

#include "libs/kube/test_support.h"

namespace opsmesh::kube::test {

inline const ResourceType& Pods() { return *FindBuiltin("pods"); }

inline std::string PodJson(const std::string& name, const std::string& ns = "shop") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":")" + ns + R"(","uid":"u-)" + name +
         R"(","resourceVersion":"1"}})";
}

inline std::string PodList(const std::vector<std::string>& items, const std::string& more = "") {
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7")" + more +
         R"(},"items":[)" + base::Join(items, ",") + "]}";
}

class ClientTest : public testing::Test {
 protected:
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
};

}  // namespace opsmesh::kube::test
