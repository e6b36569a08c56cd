// Recorded answers of real API servers, damaged at random (the same damage every time): whatever
// comes, nothing is read beyond its end, no value of a Secret comes through, and what is accepted
// is whole. OPSMESH_MUTATIONS = rounds a file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "libs/kube/test_support.h"
#include "libs/kube/wire_oracle.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kLargest = 200 << 10;

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);  // splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t Below(size_t end) { return end == 0 ? 0 : Next() % end; }

  std::string Mutate(std::string text, const std::string& other) {
    for (size_t i = 0, count = 1 + Below(4); i < count && !text.empty(); ++i)
      MutateOnce(&text, other);
    return text;
  }

 private:
  void MutateOnce(std::string* text, const std::string& other) {
    static const std::vector<std::string> words = {"null",
                                                   "true",
                                                   "-1",
                                                   "1e999",
                                                   "0.5",
                                                   "\"\"",
                                                   "{}",
                                                   "[]",
                                                   "\"\\ud800\"",
                                                   "\"\\u0000\"",
                                                   "\xff",
                                                   "\n",
                                                   "{\"a\":",
                                                   "[[[[[[[[",
                                                   "]]]]",
                                                   "}}}}",
                                                   "\"",
                                                   "\\",
                                                   ",",
                                                   ":",
                                                   "\"***\"",
                                                   "\"metadata\":",
                                                   "\"data\":{\"k\":\"djE=\"},",
                                                   "\"kind\":\"Secret\",",
                                                   "99999999999999999999",
                                                   "\"9999-12-31T23:59:59Z\"",
                                                   "\"12Ei\""};
    const size_t at = Below(text->size());
    const size_t length = 1 + Below(std::min<size_t>(text->size() - at, 200));
    switch (Below(7)) {
      case 0:
        (*text)[at] = static_cast<char>(Next());
        break;
      case 1:
        text->erase(at, length);
        break;
      case 2:
        text->insert(Below(text->size()), text->substr(at, length));
        break;
      case 3:
        text->insert(at, words[Below(words.size())]);
        break;
      case 4:
        text->replace(at, std::min<size_t>(length, 8), words[Below(words.size())]);
        break;
      case 5:
        text->resize(at);
        break;
      default:
        *text = text->substr(0, at) + other.substr(Below(other.size()));
        break;
    }
  }
  uint64_t state_;
};

std::vector<std::string> Exchanges() {
  std::vector<std::string> texts;
  for (const char* version : {"1.20", "1.32"}) {
    std::vector<std::string> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(test::SharedDir() + "/data/kube/recorded-" + version))
      paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
      std::string text;
      if (path.find("openapi") == std::string::npos && test::ReadFile(path, &text) &&
          !text.empty() && text.size() < kLargest)
        texts.push_back(std::move(text));
    }
  }
  return texts;
}

TEST(Mutations, DamagedAnswersOfRealServersAreReadSafelyAndGiveNoSecretAway) {
  if (!test::HaveShared("data/kube/recorded-1.32")) GTEST_SKIP();
  const std::vector<std::string> texts = Exchanges();
  ASSERT_GT(texts.size(), 300u);
  const char* wanted = std::getenv("OPSMESH_MUTATIONS");
  const int rounds = wanted == nullptr ? 2 : std::atoi(wanted);
  Mutator mutator(20261121);
  const char* kinds[] = {"pods",     "secrets",        "events", "deployments", "nodes",
                         "services", "endpointslices", "hpa",    "jobs",        "ingresses"};
  size_t judged = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& text : texts) {
      const std::string bytes =
          round == 0 ? text : mutator.Mutate(text, texts[mutator.Below(texts.size())]);
      test::JudgeBytes(bytes, *FindBuiltin(kinds[mutator.Below(std::size(kinds))]),
                       [&](std::string_view why) {
                         ADD_FAILURE() << why << ", input " << judged << ": "
                                       << base::SanitizeUtf8(bytes.substr(0, 2000));
                       });
      ++judged;
      if (testing::Test::HasFailure()) return;
    }
  }
  std::cerr << judged << " inputs judged\n";
}

}  // namespace
}  // namespace opsmesh::kube
