#include "cli/cluster_choice.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::cli {
namespace {

namespace fs = std::filesystem;

class ClusterChoiceTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  kube::Environment Environment() {
    kube::Environment environment;
    environment.variable = [this](const std::string& name) { return variables_[name]; };
    environment.service_account_dir = dir_ + "/no-service-account";
    return environment;
  }
  std::string Kubeconfig() {
    const std::string path = dir_ + "/kubeconfig";
    std::ofstream(path) << "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: "
                           "prod, cluster: {server: 'http://127.0.0.1:1'}}]\n"
                           "contexts: [{name: c, context: {cluster: prod, user: u}}]\nusers: "
                           "[{name: u, user: {}}]\n";
    return path;
  }
  absl::StatusOr<ClusterChoice> Choose(const ClusterFlags& flags) {
    return ChooseCluster(flags, Environment(), dir_ + "/data");
  }

  const std::string dir_ = testing::TempDir() + "/cluster_choice";
  std::map<std::string, std::string> variables_ = {
      {"HOME", testing::TempDir() + "/cluster_choice/home"}};
};

TEST_F(ClusterChoiceTest, SimulatesWhenNoKubeconfigIsToBeFound) {
  const auto choice = Choose({});
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  ASSERT_NE(choice->simulator, nullptr);
  EXPECT_NE(choice->description.find("simulated"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat(choice->kubeconfig.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ClusterChoiceTest, TakesTheKubeconfigOfTheFlagOrOfTheEnvironment) {
  const auto by_flag = Choose({.kubeconfig = Kubeconfig()});
  ASSERT_TRUE(by_flag.ok()) << by_flag.status().message();
  EXPECT_EQ(by_flag->simulator, nullptr);
  EXPECT_NE(by_flag->description.find("prod"), std::string::npos) << by_flag->description;
  variables_["KUBECONFIG"] = Kubeconfig();
  const auto by_environment = Choose({});
  ASSERT_TRUE(by_environment.ok()) << by_environment.status().message();
  EXPECT_EQ(by_environment->simulator, nullptr);
}

TEST_F(ClusterChoiceTest, TakesTheClustersOfTheConfigurationBeforeItSimulates) {
  config::SourceOptions sources;
  sources.flags["k8s.kubeconfig"] = Kubeconfig();
  ClusterFlags flags;
  ReadClusterSettings(sources, &flags);
  const auto one = Choose(flags);
  ASSERT_TRUE(one.ok()) << one.status().message();
  EXPECT_EQ(one->simulator, nullptr);
  EXPECT_NE(one->description.find("prod"), std::string::npos) << one->description;
  EXPECT_EQ(one->kubeconfig, "");  // the configuration stands

  sources.flags.clear();
  sources.default_file = dir_ + "/two.yaml";
  std::ofstream(sources.default_file) << "k8s: {clusters: [{id: a, kubeconfig: '" << Kubeconfig()
                                      << "'}, {id: b, kubeconfig: '/not/there'}]}\n";
  ClusterFlags two;
  ReadClusterSettings(sources, &two);
  const auto several = Choose(two);
  ASSERT_TRUE(several.ok()) << several.status().message();
  EXPECT_EQ(several->simulator, nullptr);
  EXPECT_NE(several->description.find("a, b"), std::string::npos) << several->description;

  two.cluster = "sim";  // a flag wins
  const auto simulated = Choose(two);
  ASSERT_TRUE(simulated.ok()) << simulated.status().message();
  EXPECT_NE(simulated->simulator, nullptr);
}

TEST_F(ClusterChoiceTest, RefusesAKubeconfigItCannotReadInsteadOfSimulating) {
  const auto choice = Choose({.kubeconfig = dir_ + "/not-there"});
  ASSERT_FALSE(choice.ok());
  EXPECT_NE(choice.status().message().find("not-there"), absl::string_view::npos)
      << choice.status().message();
}

TEST_F(ClusterChoiceTest, PrefersTheSimulatedClusterWhenItIsAskedForByName) {
  variables_["KUBECONFIG"] = Kubeconfig();
  for (const ClusterFlags& flags : {ClusterFlags{.cluster = "sim"}, ClusterFlags{.live = true}}) {
    const auto choice = Choose(flags);
    ASSERT_TRUE(choice.ok()) << choice.status().message();
    ASSERT_NE(choice->simulator, nullptr);
    EXPECT_EQ(choice->simulator->faults() != nullptr, flags.live);
  }
}

TEST_F(ClusterChoiceTest, RefusesFlagsThatContradictEachOther) {
  EXPECT_EQ(base::DetailOf(Choose({.kubeconfig = "a", .cluster = "sim"}).status()).reason,
            "CLUSTER_FLAGS");
  EXPECT_EQ(base::DetailOf(Choose({.kubeconfig = "a", .sim_kubeconfig = "b"}).status()).reason,
            "CLUSTER_FLAGS");
  EXPECT_EQ(base::DetailOf(Choose({.kubeconfig = "a", .live = true}).status()).reason,
            "CLUSTER_FLAGS");
}

TEST_F(ClusterChoiceTest, NamesTheFolderThatHoldsNoManifests) {
  const auto choice = Choose({.cluster = dir_ + "/nowhere"});
  ASSERT_FALSE(choice.ok());
  EXPECT_NE(choice.status().message().find("nowhere"), absl::string_view::npos)
      << choice.status().message();
}

TEST_F(ClusterChoiceTest, WritesPrivateFilesWholeOrNotAtAll) {
  const std::string path = dir_ + "/deep/er/file";
  ASSERT_TRUE(WritePrivateFile(path, "first").ok());
  ASSERT_TRUE(WritePrivateFile(path, "second").ok());
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "second");
  const absl::Status status = WritePrivateFile(dir_, "a folder is in the way");
  EXPECT_EQ(base::DetailOf(status).reason, "FILE");
}

}  // namespace
}  // namespace opsmesh::cli
