// Processor time of pieces of work, one line each on standard output:
// "name<TAB>milliseconds<TAB>figure", where the figure says how good the result was (empty = none).
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::bench {

/// User and system time of the process since its start, all threads together.
inline double CpuMs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return 1e3 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

/// Runs what the filter names and prints it. Not thread-safe.
class Clock {
 public:
  explicit Clock(std::string filter) : filter_(std::move(filter)) {}

  bool Wanted(std::string_view name) const { return name.find(filter_) != std::string_view::npos; }

  /// Best of three rounds of `work`, divided by `threads`. `work` returns the figure to print.
  template <typename Work>
  void Best(const char* name, Work work, double threads = 1) const {
    if (!Wanted(name)) return;
    double best = 1e300, figure = 0;
    for (int round = 0; round < 3; ++round) {
      const double begin = CpuMs();
      figure = work();
      best = std::min(best, CpuMs() - begin);
    }
    std::printf("%s\t%.3f\t%.10g\n", name, best / threads, figure);
    std::fflush(stdout);
  }

  /// The given quantile over `count` items, each the best of three rounds of work(item).
  template <typename Work>
  void Quantile(const char* name, double p, size_t count, Work work) const {
    if (!Wanted(name)) return;
    std::vector<double> best(count, 1e300);
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < count; ++i) {
        const double begin = CpuMs();
        work(i);
        best[i] = std::min(best[i], CpuMs() - begin);
      }
    }
    std::sort(best.begin(), best.end());
    const auto rank = static_cast<size_t>(p * static_cast<double>(count - 1) + 0.5);
    std::printf("%s\t%.3f\t\n", name, best[rank]);
    std::fflush(stdout);
  }

 private:
  const std::string filter_;
};

}  // namespace opsmesh::bench
