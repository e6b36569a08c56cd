// What a person may want to read: kinds and their fields, and how to look for the cause of common
// faults. Our own words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/k8s/answer.h"

namespace opsmesh::k8s {

struct FieldGuide {
  std::string path;  // "spec.replicas"
  std::string type;  // "integer"
  Text what;
};
struct KindGuide {
  std::string plural;
  Text what;
  std::vector<FieldGuide> fields;
};
/// The guide of a kind by plural, or null.
const KindGuide* GuideOf(std::string_view plural);

struct Topic {
  std::string name;  // "crash-loop"
  Text title;
  std::vector<Text> steps;
};
const std::vector<Topic>& Topics();

}  // namespace opsmesh::k8s
