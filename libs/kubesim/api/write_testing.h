// A namespace "shop" and a Deployment to write: the fixture of the tests of writes.
#pragma once

#include <string>

#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"

namespace opsmesh::kubesim {

class WriteTest : public testing::Test {
 protected:
  void SetUp() override { door_.AddNamespace("shop"); }
  static Json Deployment(const std::string& name) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "Deployment"},
            {"metadata", {{"name", name}}},
            {"spec",
             {{"selector", {{"matchLabels", {{"app", name}}}}},
              {"template",
               {{"metadata", {{"labels", {{"app", name}}}}},
                {"spec",
                 {{"containers",
                   {{{"name", "c"},
                     {"image", "nginx:1"},
                     {"env", {{{"name", "A"}, {"value", "1"}}}}}}}}}}}}}};
  }
  const std::string deployments_ = "/apis/apps/v1/namespaces/shop/deployments";
  const std::string maps_ = "/api/v1/namespaces/shop/configmaps";
  FakeDoor door_;
};

}  // namespace opsmesh::kubesim
