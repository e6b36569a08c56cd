// Forty Secrets of a simulated cluster in a process of its own, and the memory of ours.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "libs/kube/secret_memory.h"

namespace opsmesh::kube {
namespace {

/// A simulated cluster with the objects of a folder, ended with this.
class Simulator {
 public:
  Simulator() {
    char name[] = "/tmp/opsmesh-secret-test-XXXXXX";
    folder_ = mkdtemp(name);
    std::filesystem::create_directory(folder_ + "/objects");
  }
  ~Simulator() {
    if (process_ != nullptr) pclose(process_);  // ends with its standard input
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string objects() const { return folder_ + "/objects"; }
  std::string kubeconfig() const { return folder_ + "/kubeconfig"; }
  bool Start() {
    const std::string ready = folder_ + "/ready";
    if (mkfifo(ready.c_str(), 0600) != 0) return false;
    process_ = popen((std::string(std::getenv("OPSMESH_BIN_DIR")) + "/opsmesh_kubesim --tls" +
                      " --folder " + objects() + " --kubeconfig " + kubeconfig() + " > " + ready)
                         .c_str(),
                     "w");
    std::ifstream said(ready);  // waits for the other end
    std::string line;
    return process_ != nullptr && std::getline(said, line) && !line.empty();
  }

 private:
  std::string folder_;
  FILE* process_ = nullptr;
};

TEST(SecretMemoryTest, NoValueOfASecretStaysAnywhereInTheProcess) {
  Simulator simulator;
  test::RotatedValue value;
  // Large ones too: buffers grow, answers come in many pieces.
  ASSERT_TRUE(value.Read(test::Shell(
      std::string(test::kMakeValue) +
      "for i in $(seq 40); do printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: canary-%s, "
      "namespace: default}\\ndata: {filler: %s, password: %s}\\n---\\n' $i "
      "\"$(head -c 9000 /dev/urandom | base64 -w0)\" \"$e\"; done > " +
      simulator.objects() + "/secrets.yaml; " + test::kSayRotated)));
  ASSERT_TRUE(simulator.Start());
  test::ExpectNoValueStays(simulator.kubeconfig(), "canary-17", value);
}

}  // namespace
}  // namespace opsmesh::kube
