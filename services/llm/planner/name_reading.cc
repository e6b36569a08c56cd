#include "services/llm/planner/name_reading.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

using k8s::v1::ObjectCandidate;
using k8s::v1::ResolvedMention;

// Which of several kinds of the same name a person means, when they do not say.
constexpr std::array<std::string_view, 10> kKindPreference = {
    "Deployment", "StatefulSet", "DaemonSet", "CronJob",   "Job",
    "Pod",        "Service",     "Node",      "Namespace", "Ingress"};

bool IsWorkload(std::string_view kind) {
  return kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "Job" ||
         kind == "CronJob" || kind == "ReplicaSet";
}

size_t Preference(std::string_view kind) {
  return static_cast<size_t>(std::find(kKindPreference.begin(), kKindPreference.end(), kind) -
                             kKindPreference.begin());
}

LinkedObject ToLinked(const ObjectCandidate& candidate) {
  const auto& object = candidate.object();
  return {object.kind(), object.group(), object.namespace_(), object.name()};
}

bool IsNear(const ObjectCandidate& candidate) {
  return candidate.match() == ObjectCandidate::MATCH_NEAR;
}

bool FitsWorkload(std::string_view kind) {
  return IsWorkload(kind) || kind == "Service" || kind == "Pod" || kind == "Ingress";
}

// Keeps the objects of the most likely kind.
void Prefer(std::vector<LinkedObject>* objects) {
  size_t best = SIZE_MAX;
  for (const LinkedObject& object : *objects) best = std::min(best, Preference(object.kind));
  std::erase_if(*objects,
                [best](const LinkedObject& object) { return Preference(object.kind) != best; });
}

bool Fits(const std::string& kind, const WantedObject& wanted) {
  return (wanted.kind.empty() || kind == wanted.kind) &&
         (wanted.target != "Workload" || FitsWorkload(kind)) &&
         (wanted.target != "Pod" || kind == "Pod" || kind == "Node") && kind != "Event" &&
         (wanted.kind == "Namespace" || kind != "Namespace");
}

// True when `name` is more likely a word of the sentence than a part of the candidate's name.
bool IsProse(const NameMention& name, const ObjectCandidate& candidate) {
  if (name.must_exist || !name.kind.empty()) return false;
  // A short word of the prose is no beginning of a name: "set" is not settle-accounts.
  const bool begins = candidate.match() == ObjectCandidate::MATCH_PREFIX ||
                      candidate.match() == ObjectCandidate::MATCH_PART;
  // Nor is "work" worker: a part of a name ends where one of its words ends.
  const std::string& whole = candidate.object().name();
  const bool word_ends = whole.size() <= name.text.size() ||
                         whole.find(base::AsciiLower(name.text) + "-") != std::string::npos ||
                         whole.ends_with(base::AsciiLower(name.text));
  return begins && (name.text.size() < 4 || !word_ends);
}

// An exact match scores 1; what the index cannot know for want of rights, half of that.
constexpr double kAssumedScore = 0.5;

void ReadNamespace(const ResolvedMention& as_namespace, NameReading* reading) {
  for (const ObjectCandidate& candidate : as_namespace.candidates()) {
    if (candidate.object().kind() != "Namespace") continue;
    if (candidate.match() == ObjectCandidate::MATCH_EXACT) {
      reading->is_namespace = true;
      reading->namespace_name = candidate.object().name();
      reading->namespace_assumed = candidate.score() == kAssumedScore;
    }
    if (IsNear(candidate) && reading->near_namespace.empty())
      reading->near_namespace = candidate.object().name();
  }
}

}  // namespace

NameReading ReadName(const NameMention& name, const WantedObject& wanted,
                     const ResolvedMention& object, const ResolvedMention& as_namespace) {
  NameReading reading;
  ReadNamespace(as_namespace, &reading);
  int best = 0;
  for (const ObjectCandidate& candidate : object.candidates()) {
    if (!Fits(candidate.object().kind(), wanted)) continue;
    if (IsNear(candidate)) {
      if (reading.near.size() < kMostChoices) reading.near.push_back(ToLinked(candidate));
      continue;
    }
    if (!wanted.needs_name && IsProse(name, candidate)) continue;
    if (best == 0) best = candidate.match();
    if (candidate.match() == best) reading.objects.push_back(ToLinked(candidate));
  }
  reading.exact = best == ObjectCandidate::MATCH_EXACT;
  reading.strong = best != 0 && best != ObjectCandidate::MATCH_PART;
  Prefer(&reading.objects);
  return reading;
}

bool NamesObject(const ResolvedMention& any) {
  return std::any_of(any.candidates().begin(), any.candidates().end(),
                     [](const ObjectCandidate& candidate) {
                       return candidate.object().kind() != "Namespace" &&
                              (candidate.match() == ObjectCandidate::MATCH_EXACT ||
                               candidate.match() == ObjectCandidate::MATCH_WORKLOAD ||
                               candidate.match() == ObjectCandidate::MATCH_LABEL);
                     });
}

std::vector<LinkedObject> NearWorkloads(const ResolvedMention& any) {
  std::vector<LinkedObject> near;
  for (const ObjectCandidate& candidate : any.candidates()) {
    if (IsNear(candidate) && IsWorkload(candidate.object().kind()))
      near.push_back(ToLinked(candidate));
  }
  Prefer(&near);
  return near;
}

}  // namespace opsmesh::llm
