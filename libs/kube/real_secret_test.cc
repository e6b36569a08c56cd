// A real API server's Secret, and the memory of the process that has read it.
#include <cstdlib>

#include "libs/kube/secret_memory.h"

namespace opsmesh::kube {
namespace {

TEST(RealSecretTest, NoValueOfASecretStaysAnywhereInTheProcess) {
  const char* dir = std::getenv("KUBE_REAL_DIR");
  const std::string kubeconfig = dir == nullptr ? "" : std::string(dir) + "/admin.kubeconfig";
  if (kubeconfig.empty() || !std::ifstream(kubeconfig))
    GTEST_SKIP() << "*** NOT TESTED: no real API server runs (KUBE_REAL_DIR) ***";
  const std::string kubectl = "kubectl --kubeconfig " + kubeconfig + " ";
  test::RotatedValue value;
  ASSERT_TRUE(value.Read(
      test::Shell(test::kMakeValue + kubectl +
                  "delete secret real-canary --ignore-not-found >/dev/null 2>&1; " + kubectl +
                  "create secret generic real-canary --from-literal=password=$v >/dev/null && " +
                  kubectl + "annotate secret real-canary note=$e >/dev/null && " + kubectl +
                  "annotate secret real-canary note- >/dev/null && " + test::kSayRotated)));
  test::ExpectNoValueStays(kubeconfig, "real-canary", value);
  test::Shell(kubectl + "delete secret real-canary 2>&1");
}

}  // namespace
}  // namespace opsmesh::kube
