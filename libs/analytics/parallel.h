// Independent pieces of work on a few threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace opsmesh::analytics {

/// Calls work(i) for each i below `count`, each once, in any order, on at most `threads` threads;
/// ends when all are done. `work` writes its result to a place of its own, so the outcome does not
/// depend on the number of threads.
template <typename Work>
void ForEachIndex(size_t count, size_t threads, Work work) {
  threads = std::min(threads, count);
  if (threads <= 1) {
    for (size_t i = 0; i < count; ++i) work(i);
    return;
  }
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) work(i);
  };
  std::vector<std::thread> others;
  others.reserve(threads - 1);
  for (size_t t = 1; t < threads; ++t) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
}

}  // namespace opsmesh::analytics
