// Direct models: one regression for all steps ahead, learnt from pairs (origin, steps ahead) of the
// history.
#include <algorithm>
#include <cmath>

#include "libs/analytics/forecast/boosted_trees.h"
#include "libs/analytics/forecast/lag_features.h"
#include "libs/analytics/forecast/linear.h"
#include "libs/analytics/forecast/model.h"

namespace opsmesh::analytics::forecast {
namespace {

constexpr size_t kLinear =
    9;  // the features that are differences, a constant and two that fade with the steps ahead

std::array<double, kLinear> LinearRow(const LagFeatures::Row& row) {
  const double fade = std::exp(-4 * row[8]);
  return {1, row[0], row[1], row[2], row[6], row[4], row[5], row[7], row[11] * fade};
}

double Dot(const std::array<double, kLinear>& row, const std::vector<double>& beta) {
  double sum = 0;
  for (size_t i = 0; i < kLinear; ++i) sum += row[i] * beta[i];
  return sum;
}

bool CanLearn(const Problem& problem) {
  return problem.season >= 4 && problem.values.size() >= 4 * problem.season;
}

BoostedTrees FitTrees(const Problem& problem, const LagFeatures& features, size_t end) {
  std::vector<double> rows, targets;
  for (const auto& [origin, ahead] : features.TrainingPairs(end, 3600)) {
    const LagFeatures::Row row = features.At(origin, ahead);
    rows.insert(rows.end(), row.begin(), row.end());
    targets.push_back(problem.values[origin - 1 + ahead] - features.Base(origin, ahead));
  }
  return BoostedTrees::Fit(rows, LagFeatures::kCount, targets, {});
}

void PredictTrees(const Problem& problem, const LagFeatures& features, const BoostedTrees& trees,
                  size_t origin, std::vector<double>& path) {
  for (size_t ahead = 1; ahead <= problem.horizon; ++ahead) {
    path.push_back(features.Base(origin, ahead) + trees.Predict(features.At(origin, ahead)));
  }
}

}  // namespace

Paths DirectLinear(const Problem& problem) {
  Paths paths(problem.origins.size());
  if (!CanLearn(problem)) return paths;
  const LagFeatures features(problem);
  std::vector<LagFeatures::Pair> pairs = features.TrainingPairs(problem.values.size(), 6000);
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
    return a.origin + a.ahead < b.origin + b.ahead;
  });
  Ridge ridge(kLinear, 1e-2);
  size_t known = 0;
  for (size_t i = 0; i < paths.size(); ++i) {
    const size_t origin = problem.origins[i];
    for (; known < pairs.size() && pairs[known].origin + pairs[known].ahead <= origin; ++known) {
      const auto [from, ahead] = pairs[known];
      ridge.Add(LinearRow(features.At(from, ahead)),
                problem.values[from - 1 + ahead] - features.Base(from, ahead));
    }
    if (origin < 4 * problem.season) continue;
    const std::vector<double> beta = ridge.Solve();
    if (beta.empty()) continue;
    for (size_t ahead = 1; ahead <= problem.horizon; ++ahead) {
      paths[i].push_back(features.Base(origin, ahead) +
                         Dot(LinearRow(features.At(origin, ahead)), beta));
    }
  }
  return paths;
}

// The trees of the back-test are learnt once, from what was known at its first origin; those of the
// forecast from all.
Paths DirectTrees(const Problem& problem) {
  Paths paths(problem.origins.size());
  if (!CanLearn(problem)) return paths;
  const LagFeatures features(problem);
  const auto first = std::find_if(problem.origins.begin(), problem.origins.end(),
                                  [&](size_t origin) { return origin >= 4 * problem.season; });
  if (first == problem.origins.end()) return paths;
  const size_t start = static_cast<size_t>(first - problem.origins.begin());
  if (start + 1 < paths.size()) {
    const BoostedTrees past = FitTrees(problem, features, problem.origins[start]);
    for (size_t i = start; i + 1 < paths.size(); ++i)
      PredictTrees(problem, features, past, problem.origins[i], paths[i]);
  }
  const BoostedTrees now = FitTrees(problem, features, problem.values.size());
  PredictTrees(problem, features, now, problem.values.size(), paths.back());
  return paths;
}

}  // namespace opsmesh::analytics::forecast
