// A real API server's Secret, and the memory of the process that has cached it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"

namespace opsmesh::kube {
namespace {

base::Context Minute() { return base::Context::Background().WithTimeout(absl::Seconds(60)); }

std::string Shell(const std::string& command) {
  std::string out;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[512];
  while (const size_t got = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, got);
  pclose(pipe);
  return out;
}

char Rot13(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<char>('a' + (c - 'a' + 13) % 26);
  if (c >= 'A' && c <= 'Z') return static_cast<char>('A' + (c - 'A' + 13) % 26);
  return c;
}

/// How often the text whose rot13 is given stands in the writable memory of this process. The text
/// itself is never made.
size_t TimesInMemory(const std::string& rotated) {
  static char window[1 << 20];
  size_t found = 0;
  std::ifstream maps("/proc/self/maps");
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::vector<std::pair<uintptr_t, uintptr_t>> regions;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from = 0;
    uintptr_t to = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, rights) == 3 && rights[1] == 'w')
      regions.emplace_back(from, to);
  }
  const auto own = reinterpret_cast<uintptr_t>(window);
  for (const auto& [from, to] : regions) {
    for (uintptr_t at = from; at < to; at += sizeof window - rotated.size()) {
      const size_t size = std::min<size_t>(sizeof window, to - at);
      const ssize_t got = pread(memory, window, size, static_cast<off_t>(at));
      for (ssize_t i = 0; i + static_cast<ssize_t>(rotated.size()) <= got; ++i) {
        const uintptr_t place = at + static_cast<uintptr_t>(i);
        if (place >= own && place < own + sizeof window) continue;
        size_t same = 0;
        while (same < rotated.size() &&
               window[i + static_cast<ssize_t>(same)] == Rot13(rotated[same]))
          ++same;
        found += same == rotated.size() ? 1 : 0;
      }
      explicit_bzero(window, sizeof window);
    }
  }
  close(memory);
  return found;
}

TEST(RealSecretTest, NoValueOfASecretIsInWhatIsCachedNorAnywhereInClear) {
  const char* dir = std::getenv("KUBE_REAL_DIR");
  const std::string kubeconfig = dir == nullptr ? "" : std::string(dir) + "/admin.kubeconfig";
  if (kubeconfig.empty() || !std::ifstream(kubeconfig))
    GTEST_SKIP() << "*** NOT TESTED: no real API server runs (KUBE_REAL_DIR) ***";
  const std::string kubectl = "kubectl --kubeconfig " + kubeconfig + " ";
  // The shell alone knows the value; what comes here is rotated.
  const std::string said =
      Shell("v=$(head -c 60 /dev/urandom | base64 -w0 | tr -d '+/=0-9' | head -c 32); " + kubectl +
            "delete secret real-canary --ignore-not-found >/dev/null 2>&1; " + kubectl +
            "create secret generic real-canary --from-literal=password=$v >/dev/null && "
            "printf '%s %s' \"$v\" \"$(printf %s \"$v\" | base64 -w0)\" | tr A-Za-z N-ZA-Mn-za-m");
  const size_t space = said.find(' ');
  ASSERT_NE(space, std::string::npos) << said;
  const std::string plain = said.substr(0, space);
  const std::string encoded = said.substr(space + 1);
  ASSERT_GE(plain.size(), 20u);

  const auto config = LoadCluster({.kubeconfig_flag = kubeconfig});
  ASSERT_TRUE(config.ok()) << config.status();
  auto http = http_client::Client::Create();
  auto client = test::MakeClient(*http, *config);
  Cache::Options options;
  options.kinds = {"secrets"};
  auto cache = *Cache::Start(*client, options);
  ASSERT_TRUE(cache->WaitForSync(Minute()).ok());
  const ObjectPtr listed = cache->Get("secrets")->Find("default", "real-canary");
  ASSERT_NE(listed, nullptr);
  EXPECT_EQ(listed->root()["data"]["password"].String(), "***");
  EXPECT_EQ(listed->As<Secret>()->keys, std::vector<Str>{"password"});
  Shell(kubectl + "annotate secret real-canary seen=1 2>&1");
  bool changed = false;
  for (int i = 0; i < 200 && !changed; ++i) {
    changed = cache->Get("secrets")->Find("default", "real-canary")->Annotation("seen") == "1";
    if (!changed) (void)Minute().Sleep(absl::Milliseconds(50));
  }
  EXPECT_TRUE(changed);
  EXPECT_TRUE(client->Get(Minute(), *FindBuiltin("secrets"), "default", "real-canary").ok());
  std::cerr << "open: encoded " << TimesInMemory(encoded) << " times in memory\n";
  EXPECT_EQ(TimesInMemory(plain), 0u);
  // As the API server encodes it, it still stands in buffers that TLS and HTTP have given back and
  // nobody has written over yet: said, not judged.
  const auto kept = cache->Get("secrets");
  cache.reset();
  client.reset();
  http.reset();
  EXPECT_EQ(kept->Find("default", "real-canary")->root()["data"]["password"].String(), "***");
  const size_t left = TimesInMemory(encoded);
  std::cerr << "closed: encoded " << left << " times in freed memory\n";
  EXPECT_EQ(TimesInMemory(plain), 0u);
  Shell(kubectl + "delete secret real-canary 2>&1");
}

}  // namespace
}  // namespace opsmesh::kube
