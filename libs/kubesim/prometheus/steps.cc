#include "libs/kubesim/prometheus/steps.h"

#include <numbers>

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr double kDay = 86400;
constexpr double kEpoch = 1.7e9;  // phases count from here, so that they do not lose digits

}  // namespace

double Chance(std::string_view text, uint64_t salt) {
  uint64_t hash = 0xcbf29ce484222325 ^ (salt * 0x9e3779b97f4a7c15);  // FNV-1a, then a mix
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((hash ^ (hash >> 31)) >> 11) * 0x1p-53;
}

Wave::Wave(std::string_view who, uint64_t seed, double daily, double noise) {
  const double turn = 2 * std::numbers::pi;
  // Busiest in the afternoon (14:30 UTC), and less so at weekends (the epoch was a Thursday).
  const double peak = 14.5 * 3600 - std::fmod(kEpoch, kDay);
  parts_.push_back({daily, turn / kDay, turn / 4 - turn * peak / kDay});
  parts_.push_back({daily * 0.25, 2 * turn / kDay, turn * Chance(who, seed + 1)});
  const double midweek = 5.5 * kDay - std::fmod(kEpoch, 7 * kDay);
  parts_.push_back({daily * 0.2, turn / (7 * kDay), turn / 4 - turn * midweek / (7 * kDay)});
  constexpr double kPeriods[] = {131,  307,  743,
                                 1901, 4999, 13007};  // no two have a small common multiple
  for (size_t i = 0; i < std::size(kPeriods); ++i) {
    const double share = noise * (0.5 + Chance(who, seed + 10 + i)) / 3.5;
    parts_.push_back({share, turn / (kPeriods[i] * (0.9 + 0.2 * Chance(who, seed + 20 + i))),
                      turn * Chance(who, seed + 30 + i)});
  }
  double sum = 0;
  for (const Part& part : parts_) sum += part.amplitude;
  if (sum <= 0.9) return;
  for (Part& part : parts_) part.amplitude *= 0.9 / sum;
}

double Wave::At(double t) const {
  double value = 1;
  for (const Part& part : parts_)
    value += part.amplitude * std::sin(part.omega * (t - kEpoch) + part.phase);
  return value;
}

double Wave::Primitive(double t) const {
  double value = t - kEpoch;
  for (const Part& part : parts_)
    value -= part.amplitude / part.omega * std::cos(part.omega * (t - kEpoch) + part.phase);
  return value;
}

double Wave::Integral(double a, double b) const { return Primitive(b) - Primitive(a); }

void Flow::Add(double from, double to, double factor) {
  if (to <= from) return;
  double before = 0;
  if (!pieces_.empty()) {
    const Piece& last = pieces_.back();
    before = last.before + last.factor * wave_.Integral(last.from, last.to);
  }
  pieces_.push_back({from, to, factor, before});
}

double Flow::Total(double t) const {
  const auto next = std::upper_bound(pieces_.begin(), pieces_.end(), t,
                                     [](double time, const Piece& p) { return time < p.from; });
  if (next == pieces_.begin()) return 0;
  const Piece& piece = *std::prev(next);
  if (piece.factor == 0) return piece.before;
  return piece.before + piece.factor * wave_.Integral(piece.from, std::min(t, piece.to));
}

}  // namespace opsmesh::kubesim::prometheus
