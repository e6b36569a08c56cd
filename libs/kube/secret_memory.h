// For tests: does a value that an API server keeps in a Secret stay anywhere in this process?
//
// The value is made by a shell and comes here with its letters rotated by 13, so that the tests
// themselves never hold it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string.h>  // explicit_bzero
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"

namespace opsmesh::kube::test {

inline std::string Shell(const std::string& command) {
  std::string out;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[512];
  while (const size_t got = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, got);
  pclose(pipe);
  return out;
}

/// A shell's words that make a new value $v, as a Secret has it $e, and the end of a command that
/// prints both rotated.
inline constexpr char kMakeValue[] =
    "v=$(head -c 90 /dev/urandom | base64 -w0 | tr -d '+/=0-9' | head -c 32); "
    "e=$(printf %s \"$v\" | base64 -w0); ";
inline constexpr char kSayRotated[] = "printf '%s %s' \"$v\" \"$e\" | tr A-Za-z N-ZA-Mn-za-m";

inline char Rot13(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<char>('a' + (c - 'a' + 13) % 26);
  if (c >= 'A' && c <= 'Z') return static_cast<char>('A' + (c - 'A' + 13) % 26);
  return c;
}

/// How often the text whose rot13 is given stands in the writable memory of this process.
inline size_t TimesInMemory(const std::string& rotated) {
  static char window[1 << 20];
  constexpr uintptr_t kShadow = uintptr_t{4} << 30;  // a sanitizer's, not ours
  size_t found = 0;
  std::ifstream maps("/proc/self/maps");
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::vector<std::pair<uintptr_t, uintptr_t>> regions;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from = 0;
    uintptr_t to = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, rights) == 3 && rights[1] == 'w' &&
        to - from < kShadow)
      regions.emplace_back(from, to);
  }
  const auto own = reinterpret_cast<uintptr_t>(window);
  for (const auto& [from, to] : regions) {
    for (uintptr_t at = from; at < to; at += sizeof window - rotated.size()) {
      const size_t size = std::min<size_t>(sizeof window, to - at);
      const ssize_t got = pread(memory, window, size, static_cast<off_t>(at));
      const char first = Rot13(rotated[0]);
      for (ssize_t i = 0; i + static_cast<ssize_t>(rotated.size()) <= got; ++i) {
        const void* const next = memchr(window + i, first, static_cast<size_t>(got - i));
        if (next == nullptr) break;
        i = static_cast<const char*>(next) - window;
        if (i + static_cast<ssize_t>(rotated.size()) > got) break;
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

/// A value, rotated: in clear, and a part of it as the API server writes it.
struct RotatedValue {
  std::string plain;
  std::string encoded;
  /// False when the shell did not say what it should.
  bool Read(const std::string& said) {
    const size_t space = said.find(' ');
    if (space == std::string::npos || space < 20 || said.size() - space < 40) return false;
    plain = said.substr(0, space);
    encoded = said.substr(space + 9, 24);  // also where a buffer ends in the middle of it
    return true;
  }
};

inline void ExpectNowhere(const RotatedValue& value, const std::string& when) {
  EXPECT_EQ(TimesInMemory(value.plain), 0u) << when << ": in clear";
  EXPECT_EQ(TimesInMemory(value.encoded), 0u) << when << ": encoded";
}

/// Lists, watches, gets and changes the Secret default/`name` of the cluster every way there is.
inline void ExpectNoValueStays(const std::string& kubeconfig, const std::string& name,
                               const RotatedValue& value) {
  const ResourceType& secrets = *FindBuiltin("secrets");
  const auto config = LoadCluster({.kubeconfig_flag = kubeconfig});
  ASSERT_TRUE(config.ok()) << config.status();
  auto http = http_client::Client::Create();
  auto client = MakeClient(*http, *config, true);
  Cache::Options options;
  options.kinds = {"secrets"};
  auto cache = *Cache::Start(*client, options);
  ASSERT_TRUE(cache->WaitForSync(Soon()).ok());
  const ObjectPtr listed = cache->Get("secrets")->Find("default", name);
  ASSERT_NE(listed, nullptr);
  EXPECT_EQ(listed->root()["data"]["password"].String(), "***");
  const std::vector<Str>& keys = listed->As<Secret>()->keys;
  EXPECT_TRUE(std::find(keys.begin(), keys.end(), "password") != keys.end());
  ExpectNowhere(value, "listed");

  ASSERT_TRUE(client
                  ->Patch(Soon(), secrets, "default", name, PatchType::kMerge,
                          R"({"metadata":{"annotations":{"seen":"1"}}})")
                  .ok());
  bool changed = false;
  for (int i = 0; i < 1200 && !changed; ++i) {
    changed = cache->Get("secrets")->Find("default", name)->Annotation("seen") == "1";
    if (!changed) (void)Soon().Sleep(absl::Milliseconds(50));
  }
  EXPECT_TRUE(changed) << "the watch did not bring the change";
  ExpectNowhere(value, "watched");

  EXPECT_TRUE(client->Get(Soon(), secrets, "default", name).ok());
  ListOptions pages;
  pages.page_size = 7;
  EXPECT_TRUE(client->List(Soon(), secrets, "", pages).ok());
  EXPECT_TRUE(client
                  ->Watch(Soon(), secrets, "", {.resource_version = "0"},
                          [&](const WatchEvent& event) {
                            return event.object == nullptr || event.object->name() != name;
                          })
                  .ok());
  ExpectNowhere(value, "read");

  const auto kept = cache->Get("secrets");
  cache.reset();
  client.reset();
  http.reset();
  EXPECT_EQ(kept->Find("default", name)->root()["data"]["password"].String(), "***");
  ExpectNowhere(value, "closed");
}

}  // namespace opsmesh::kube::test
