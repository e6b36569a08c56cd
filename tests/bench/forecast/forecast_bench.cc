// Scores the forecaster on the labelled series, as the shared scorer does: rolling origins over
// load traces (h1: 24 steps of an hour from 28 days; m5: 288 steps of 5 minutes from 14 days) and
// the official test of M4 hourly (48 h).
//
//   opsmesh_bench_forecast DATA_FOLDER [h1|m5|m4 ...] [--models | --model=NAME]
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "libs/analytics/forecast/forecaster.h"

namespace {

using opsmesh::analytics::CombinedForecast;
using opsmesh::analytics::ForecastCombined;
using opsmesh::analytics::ForecastOptions;
using opsmesh::analytics::Series;

std::vector<std::string> kModels = {""};

double CpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

Series ReadTrace(const std::filesystem::path& path, int per_hour_group, bool mean) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  Series all;
  while (std::getline(file, line)) {
    const size_t comma = line.find(',');
    all.times.push_back(std::stod(line.substr(0, comma)));
    all.values.push_back(std::stod(line.substr(comma + 1)));
  }
  if (per_hour_group == 1) return all;
  Series hours;
  const auto group = static_cast<size_t>(per_hour_group);
  for (size_t i = 0; i + group <= all.values.size(); i += group) {
    double sum = 0;
    for (size_t k = 0; k < group; ++k) sum += all.values[i + k];
    hours.times.push_back(all.times[i]);
    hours.values.push_back(mean ? sum / static_cast<double>(group) : sum);
  }
  return hours;
}

struct Score {
  std::vector<double> mase;
  double smape = 0, coverage = 0, msis = 0, ms = 0, most_ms = 0, count = 0;
  std::map<std::string, double> weights;

  void Add(const CombinedForecast& f, const std::vector<double>& actual, double scale, double cpu) {
    const auto& band = f.bands.back();
    double error = 0, symmetric = 0, inside = 0, interval = 0;
    for (size_t h = 0; h < actual.size(); ++h) {
      const double y = actual[h];
      error += std::abs(y - f.mean[h]);
      symmetric +=
          200 * std::abs(y - f.mean[h]) / std::max(std::abs(y) + std::abs(f.mean[h]), 1e-9);
      inside += y >= band.lower[h] && y <= band.upper[h];
      interval += band.upper[h] - band.lower[h] + 40 * std::max(0.0, band.lower[h] - y) +
                  40 * std::max(0.0, y - band.upper[h]);
    }
    const auto n = static_cast<double>(actual.size());
    mase.push_back(error / n / scale);
    smape += symmetric / n;
    coverage += inside / n;
    msis += interval / n / scale;
    ms += cpu;
    most_ms = std::max(most_ms, cpu);
    for (const auto& model : f.models) weights[model.name] += model.weight;
    ++count;
  }
  void Print(const std::string& name) const {
    double sum = 0;
    for (const double m : mase) sum += m;
    std::vector<double> sorted = mase;
    std::sort(sorted.begin(), sorted.end());
    std::printf(
        "%-18s n %4.0f MASE %.3f median %.3f sMAPE %.2f cov95 %.3f MSIS %.2f CPU ms %.1f (most "
        "%.1f)\n",
        name.c_str(), count, sum / count, sorted[sorted.size() / 2], smape / count,
        coverage / count, msis / count, ms / count, most_ms);
    std::printf("   ");
    for (const auto& [model, weight] : weights)
      std::printf(" %s %.2f", model.c_str(), weight / count);
    std::printf("\n");
  }
};

void Run(Score& score, const Series& history, const std::vector<double>& actual, size_t season,
         double step, const std::string& model) {
  double scale = 0;
  for (size_t i = season; i < history.values.size(); ++i)
    scale += std::abs(history.values[i] - history.values[i - season]);
  scale = scale / static_cast<double>(history.values.size() - season) + 1e-12;
  if (scale < 1e-9) return;
  ForecastOptions options{
      .step_seconds = step, .horizon = actual.size(), .levels = {0.95}, .model = model};
  const double before = CpuMs();
  const auto forecast = ForecastCombined(history, options);
  const double cpu = CpuMs() - before;
  if (!forecast.ok()) {
    std::printf("failed: %s\n", std::string(forecast.status().message()).c_str());
    return;
  }
  score.Add(*forecast, actual, scale, cpu);
}

void Traces(const std::string& data, double step, int days, size_t horizon, int origins,
            const std::string& tag, const std::string& model) {
  const auto season = static_cast<size_t>(86400 / step);
  Score score;
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/load/series")) {
    if (entry.path().filename().string().find("_5m.csv") != std::string::npos)
      files.insert(entry.path());
  }
  for (const auto& file : files) {
    const bool crane = file.filename().string().find("crane") != std::string::npos;
    const Series all = ReadTrace(file, step == 3600 ? 12 : 1, crane);
    const auto count = static_cast<double>(all.values.size());
    const auto h = static_cast<double>(horizon), m = static_cast<double>(season);
    const double first = std::min(
        count - h, std::max(7 * m + 1, count - h - (origins - 1) * (h + std::floor(m / 3)) * 2));
    std::set<size_t> at;
    for (int i = 0; i < origins; ++i)
      at.insert(static_cast<size_t>(first + (count - h - first) * i / std::max(1, origins - 1)));
    Score own;
    for (const size_t origin : at) {
      const size_t from = origin > static_cast<size_t>(days) * season
                              ? origin - static_cast<size_t>(days) * season
                              : 0;
      const auto begin = static_cast<ptrdiff_t>(from), end = static_cast<ptrdiff_t>(origin);
      Series history{"",
                     {all.times.begin() + begin, all.times.begin() + end},
                     {all.values.begin() + begin, all.values.begin() + end}};
      const std::vector<double> actual(all.values.begin() + end,
                                       all.values.begin() + end + static_cast<ptrdiff_t>(horizon));
      Run(score, history, actual, season, step, model);
      if (model.empty()) Run(own, history, actual, season, step, model);
    }
    if (model.empty() && own.count > 0) own.Print("  " + file.filename().string());
  }
  score.Print(tag + " " + (model.empty() ? "combination" : model));
}

void M4(const std::string& data, const std::string& model) {
  std::ifstream train(data + "/load/m4-hourly/Train/Hourly-train.csv"),
      test(data + "/load/m4-hourly/Test/Hourly-test.csv");
  std::string line, line2;
  std::getline(train, line);
  std::getline(test, line2);
  const auto row = [](const std::string& text) {
    std::vector<double> values;
    std::istringstream in(text);
    std::string cell;
    std::getline(in, cell, ',');
    while (std::getline(in, cell, ',')) {
      cell.erase(
          std::remove_if(cell.begin(), cell.end(), [](char c) { return c == '"' || c == '\r'; }),
          cell.end());
      if (!cell.empty()) values.push_back(std::stod(cell));
    }
    return values;
  };
  Score score;
  while (std::getline(train, line) && std::getline(test, line2)) {
    Series history{"", {}, row(line)};
    for (size_t i = 0; i < history.values.size(); ++i)
      history.times.push_back(3600.0 * static_cast<double>(i));
    std::vector<double> actual = row(line2);
    actual.resize(48);
    Run(score, history, actual, 24, 3600, model);
  }
  score.Print("m4 " + (model.empty() ? std::string("combination") : model));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DATA_FOLDER [h1|m5|m4 ...] [--models | --model=NAME]\n",
                 argv[0]);
    return 2;
  }
  std::set<std::string> which;
  for (int i = 2; i < argc; ++i) which.insert(argv[i]);
  if (which.erase("--models")) {
    kModels = {"last_season", "mean_season", "last_week",     "season_profile", "week_profile",
               "harmonics",   "smoothing",   "direct_linear", "direct_trees",   ""};
  }
  for (const std::string& argument : std::set<std::string>(which)) {
    if (argument.rfind("--model=", 0) != 0) continue;
    kModels = {argument.substr(8)};
    which.erase(argument);
  }
  for (const std::string& model : kModels) {
    if (which.empty() || which.contains("h1")) Traces(argv[1], 3600, 28, 24, 6, "h1", model);
    if (which.empty() || which.contains("m5")) Traces(argv[1], 300, 14, 288, 4, "m5", model);
    if (which.empty() || which.contains("m4")) M4(argv[1], model);
  }
}
