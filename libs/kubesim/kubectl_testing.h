// kubectl against a simulated cluster: a HOME of its own, both streams, exit code, and which
// version it is.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <string>

#include "gtest/gtest.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::kubesim {

class KubectlSession {
 public:
  struct Answer {
    int code = -1;
    std::string text;  // both streams
  };

  static bool Found() { return std::system("command -v kubectl >/dev/null 2>&1") == 0; }

  explicit KubectlSession(SimulatorOptions options) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "kubesim-kubectl-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return;
    home_ = pattern;
    auto made = Simulator::Create(std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    simulator_ = *std::move(made);
    EXPECT_TRUE(simulator_->Start({}).ok());
    std::ofstream(home_ / "config") << *simulator_->Kubeconfig();
    const std::string version = Run("version --client").text;
    std::smatch found;
    if (std::regex_search(version, found, std::regex("v1\\.([0-9]+)\\.")))
      minor_ = std::stoi(found[1]);
    std::printf("kubectl 1.%d judges\n", minor_);
  }
  ~KubectlSession() {
    simulator_.reset();
    if (!home_.empty()) std::filesystem::remove_all(home_);
  }

  /// `input`: a file in the session's folder, or any other.
  Answer Run(const std::string& arguments, const std::string& environment = "",
             const std::string& input = "/dev/null") const {
    const std::string command = "cd " + home_.string() + " && HOME=" + home_.string() +
                                " KUBECONFIG=" + (home_ / "config").string() + " " + environment +
                                " timeout 180 kubectl " + arguments + " 2>&1 <" + input;
    FILE* pipe = popen(command.c_str(), "r");
    Answer answer;
    char buffer[4096];
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), pipe)) > 0) answer.text.append(buffer, got);
    answer.code = WEXITSTATUS(pclose(pipe));
    return answer;
  }
  /// Asks again until the answer matches, at most 150 s and its own time; the last answer.
  Answer Until(const std::string& arguments, const std::string& regex) const {
    const std::regex wanted(regex);
    Answer answer;
    for (int i = 0; i < 600; ++i) {
      answer = Run(arguments);
      if (std::regex_search(answer.text, wanted)) break;
      struct timespec pause = {0, 250'000'000};
      nanosleep(&pause, nullptr);
    }
    return answer;
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(home_ / name) << text;
  }
  /// 20 for 1.20.
  int minor() const { return minor_; }
  Simulator& simulator() { return *simulator_; }

 private:
  std::filesystem::path home_;
  std::unique_ptr<Simulator> simulator_;
  int minor_ = 0;
};

}  // namespace opsmesh::kubesim
