// Processor time of the analytics on arrays read from a folder; one line an operation:
// "name<TAB>milliseconds".
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "libs/analytics/changepoint/bocpd.h"
#include "libs/analytics/changepoint/pelt.h"
#include "libs/analytics/correlate/lagged.h"
#include "libs/analytics/detect/dbscan.h"
#include "libs/analytics/detect/ensemble.h"
#include "libs/analytics/detect/isolation_forest.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/detect/stl.h"
#include "libs/analytics/order_statistics.h"

namespace {

using namespace opsmesh::analytics;  // NOLINT(build/namespaces): a benchmark of exactly that

constexpr size_t kSeries = 100, kPoints = 1440;

std::vector<double> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<double> values(static_cast<size_t>(file.tellg()) / sizeof(double));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(double)));
  return values;
}

double CpuMs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return 1e3 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

template <typename Work>
void Time(const char* name, Work work) {
  double best = 1e300;
  for (int round = 0; round < 3; ++round) {
    const double begin = CpuMs();
    work();
    best = std::min(best, CpuMs() - begin);
  }
  std::printf("%s\t%.3f\n", name, best);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  const std::vector<double> series = Read(folder + "/series.bin"),
                            points = Read(folder + "/points.bin"),
                            line = Read(folder + "/line.bin"), wave = Read(folder + "/wave.bin"),
                            many = Read(folder + "/many.bin"), pairs = Read(folder + "/pairs.bin");
  const auto one = [&](size_t k) {
    return std::span<const double>(series.data() + k * kPoints, kPoints);
  };
  double sink = 0;
  Time("isolation forest, 100 series x 1440", [&] {
    for (size_t k = 0; k < kSeries; ++k) sink += IsolationForest(one(k), 1).Score(one(k))[0];
  });
  std::vector<double> transposed(series.size());
  for (size_t k = 0; k < kSeries; ++k) {
    for (size_t i = 0; i < kPoints; ++i) transposed[i * kSeries + k] = series[k * kPoints + i];
  }
  Time("isolation forest, 1440 x 100 features",
       [&] { sink += IsolationForest(transposed, kSeries).Score(transposed)[0]; });
  Time("DBSCAN, 10000 x 4", [&] { sink += Dbscan(points, 4, 0.5, 5)[0]; });
  Time("DBSCAN, 10000 x 1", [&] { sink += Dbscan(line, 1, 0.05, 5)[0]; });
  Time("correlation, lags -10..10, 200 x 200 x 1440",
       [&] { sink += LagTensor(pairs, 200, 10)[0]; });
  Time("robust STL, m=288, 2016 points", [&] { sink += Stl(wave, {.period = 288}).trend[0]; });
  Time("Granger, 5 lags, 1440 points", [&] { sink += GrangerPValue(one(0), one(1), 5); });
  Time("change points, 1440 points",
       [&] { sink += static_cast<double>(Pelt(one(0)).changes.size()); });
  Time("median and quartiles, 100 x 1440", [&] {
    std::vector<double> scratch;
    for (size_t k = 0; k < kSeries; ++k) {
      scratch.assign(one(k).begin(), one(k).end());
      const Quartiles q = QuartilesOf(scratch);
      sink += q.lower + q.median + q.upper;
    }
  });
  Time("BOCPD, 574 x 12", [&] { sink += Bocpd(many, 12).recent_change[0]; });
  std::vector<double> times;
  for (size_t i = 0; i < kPoints; ++i) times.push_back(1.7e9 + 60 * static_cast<double>(i));
  Time("all default detectors, 1440 points", [&] {
    sink += ScoreBatch(times, one(0))[0].score;
    for (const Method method : DefaultMethods()) {
      if (method != Method::kEnsemble) sink += RunMethod(method, times, one(0), {}).scores[0];
    }
  });
  std::fprintf(stderr, "%g\n", sink);  // so that nothing is optimised away
}
