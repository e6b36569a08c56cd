// Processor time of the analytics on arrays read from a folder, which run.py shares with Python's
// libraries.
//
//   opsmesh_bench_analytics FOLDER [PART_OF_A_NAME]
#include <cmath>
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
#include "libs/analytics/forecast/boosted_trees.h"
#include "libs/analytics/forecast/exponential_smoothing.h"
#include "libs/analytics/forecast/forecast_memo.h"
#include "libs/analytics/forecast/forecaster.h"
#include "libs/analytics/order_statistics.h"
#include "tests/bench/analytics/request_bench.h"
#include "tests/bench/analytics/timing.h"

namespace {

using namespace opsmesh::analytics;  // NOLINT(build/namespaces): a benchmark of exactly that
using opsmesh::bench::Clock;

constexpr size_t kSeries = 100, kPoints = 1440;

std::vector<double> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  std::vector<double> values(static_cast<size_t>(file.tellg()) / sizeof(double));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(double)));
  return values;
}

void TimeDetectors(const Clock& clock, const std::string& folder,
                   const std::vector<double>& series) {
  const std::vector<double> points = Read(folder + "/points.bin"),
                            line = Read(folder + "/line.bin"), wave = Read(folder + "/wave.bin");
  const auto one = [&](size_t k) {
    return std::span<const double>(series.data() + k * kPoints, kPoints);
  };
  clock.Best("isolation forest, 100 series x 1440", [&] {
    double sink = 0;
    for (size_t k = 0; k < kSeries; ++k) sink += IsolationForest(one(k), 1).Score(one(k))[0];
    return sink / kSeries;
  });
  std::vector<double> transposed(series.size());
  for (size_t k = 0; k < kSeries; ++k) {
    for (size_t i = 0; i < kPoints; ++i) transposed[i * kSeries + k] = series[k * kPoints + i];
  }
  clock.Best("isolation forest, 1440 x 100 features",
             [&] { return IsolationForest(transposed, kSeries).Score(transposed)[0]; });
  const auto noise = [](const std::vector<int>& labels) {
    return static_cast<double>(std::count(labels.begin(), labels.end(), -1));
  };
  clock.Best("DBSCAN, 10000 x 4", [&] { return noise(Dbscan(points, 4, 0.5, 5)); });
  clock.Best("DBSCAN, 10000 x 1", [&] { return noise(Dbscan(line, 1, 0.05, 5)); });
  clock.Best("robust STL, m=288, 2016 points",
             [&] { return Stl(wave, {.period = 288}).trend[1008]; });
  clock.Best("median and quartiles, 100 x 1440", [&] {
    std::vector<double> scratch;
    double sink = 0;
    for (size_t k = 0; k < kSeries; ++k) {
      scratch.assign(one(k).begin(), one(k).end());
      const Quartiles q = QuartilesOf(scratch);
      sink += q.lower + q.median + q.upper;
    }
    return sink;
  });
  std::vector<double> times;
  for (size_t i = 0; i < kPoints; ++i) times.push_back(1.7e9 + 60 * static_cast<double>(i));
  for (const bool streaming : {false, true}) {
    clock.Quantile(streaming ? "all default detectors, 1440 points, streaming, p50"
                             : "all default detectors, 1440 points, batch, p50",
                   0.5, kSeries, [&](size_t k) {
                     if (streaming) {
                       ScoreStreaming(times, one(k));
                     } else {
                       ScoreBatch(times, one(k));
                     }
                     for (const Method method : DefaultMethods()) {
                       if (method != Method::kEnsemble)
                         RunMethod(method, times, one(k), {.streaming = streaming});
                     }
                   });
  }
  for (const Method method : AllMethods()) {
    for (const bool streaming : {false, true}) {
      clock.Best(("one method, " + std::string(MethodName(method)) +
                  (streaming ? ", streaming" : ", batch"))
                     .c_str(),
                 [&] {
                   if (method == Method::kEnsemble)
                     return streaming ? ScoreStreaming(times, one(0))[0].score
                                      : ScoreBatch(times, one(0))[0].score;
                   return RunMethod(method, times, one(0), {.streaming = streaming}).scores[0];
                 });
    }
  }
}

void TimeRelations(const Clock& clock, const std::string& folder) {
  const std::vector<double> many = Read(folder + "/many.bin"), pairs = Read(folder + "/pairs.bin");
  const std::span<const double> first(pairs.data(), kPoints), second(&pairs[kPoints], kPoints);
  clock.Best("correlation, lags -10..10, 200 x 200 x 1440",
             [&] { return LagTensor(pairs, 200, 10)[1]; });
  clock.Best(
      "Granger, 5 lags, 1440 points",
      [&] {
        double p = 0;
        for (int k = 0; k < 20; ++k) p = GrangerPValue(second, first, 5);
        return p;
      },
      20);
  clock.Best("change points, 1440 points", [&] {
    return static_cast<double>(Pelt(std::span<const double>(pairs.data(), kPoints)).changes.size());
  });
  clock.Best("BOCPD, 574 x 12", [&] {
    const std::vector<size_t> changes = Bocpd(many, 12).change_points;
    return changes.empty() ? 0 : static_cast<double>(changes[0]);
  });
}

// Two weeks of a daily and weekly load in steps of five minutes.
Series Load(const std::vector<double>& noise, size_t k) {
  Series load;
  for (size_t i = 0; i < 14 * 288; ++i) {
    const double day = 2 * M_PI * static_cast<double>(i) / 288;
    const bool weekend = i / 288 % 7 >= 5;
    load.times.push_back(1.7e9 + 300 * static_cast<double>(i));
    load.values.push_back(std::max(0.0, 200 + 80 * std::sin(day + static_cast<double>(k)) +
                                            30 * std::sin(2 * day) - (weekend ? 40 : 0) +
                                            3 * (noise[(k * 997 + i) % noise.size()] - 100)));
  }
  return load;
}

void TimeForecasts(const Clock& clock, const std::string& folder,
                   const std::vector<double>& series) {
  const std::vector<double> wave = Read(folder + "/wave.bin");
  using forecast::TrendForm;
  const auto smoothing = [&](size_t period, TrendForm trend) {
    const auto fit = forecast::FitSmoothing(wave, {.period = period, .trend = trend});
    return fit ? fit->squared_error : -1;
  };
  clock.Best("Holt-Winters, m=288, 2016 points",
             [&] { return smoothing(288, TrendForm::kAdditive); });
  clock.Best("Holt-Winters, m=24, 2016 points",
             [&] { return smoothing(24, TrendForm::kAdditive); });
  clock.Best("ETS(A,N,A), m=24, 2016 points", [&] { return smoothing(24, TrendForm::kNone); });
  const std::vector<double> rows = Read(folder + "/rows.bin"),
                            targets = Read(folder + "/targets.bin");
  clock.Best("gradient boosting, 150 trees, 2000 x 11, predict 288", [&] {
    const std::span<const double> known(rows.data(), 2000 * 11);
    const auto trees =
        forecast::BoostedTrees::Fit(known, 11, {targets.data(), 2000}, {.trees = 150, .rate = 0.1});
    double squares = 0;
    for (size_t i = 2000; i < 2288; ++i) {
      const double error = trees.Predict({rows.data() + i * 11, 11}) - targets[i];
      squares += error * error;
    }
    return std::sqrt(squares / 288);
  });
  std::vector<Series> loads;
  const bool wanted = clock.Wanted("forecast, 24 h at 5 min from 14 d, whole pool, p99");
  for (size_t k = 0; wanted && k < 100; ++k) loads.push_back(Load(series, k));
  clock.Quantile("forecast, 24 h at 5 min from 14 d, whole pool, p99", 0.99, loads.size(),
                 [&](size_t k) {
                   if (!ForecastCombined(loads[k], {.horizon = 288}).ok()) std::exit(3);
                 });
  const bool warm = clock.Wanted("forecast, the same again (kept), p99");
  ForecastMemo memo;
  if (warm && loads.empty()) loads.push_back(Load(series, 0));
  for (const Series& load : loads) (void)memo.Forecast(load, {.horizon = 288});
  clock.Quantile("forecast, the same again (kept), p99", 0.99, loads.size(), [&](size_t k) {
    if (!memo.Forecast(loads[k], {.horizon = 288}).ok()) std::exit(3);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1];
  const Clock clock(argc > 2 ? argv[2] : "");
  const std::vector<double> series = Read(folder + "/series.bin");
  if (series.size() != kSeries * kPoints) return 2;
  TimeDetectors(clock, folder, series);
  TimeRelations(clock, folder);
  TimeForecasts(clock, folder, series);
  opsmesh::bench::TimeRequests(clock);
}
