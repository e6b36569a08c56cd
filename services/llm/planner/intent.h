// What a clause asks for, typed. Made by interpret.h, bound to live objects by linker.h, carried
// out by planner.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/text/duration.h"

namespace opsmesh::llm {

/// A word of the question that may name an object or a namespace.
struct NameMention {
  std::string text;
  std::string kind;  // Kubernetes kind the words around it suggest; "" = any
  bool may_be_namespace = false;
  bool must_exist = false;  // marked as a name by the grammar: say so when nothing has it
  std::vector<std::string> alternatives =
      {};  // other readings, looked up before linking; "=" in front: only if exactly so
  bool everyday = false;  // a word of everyday language: no name when nothing is called so
  bool resolved = false;  // `text` is the name of a live object
  // How the sentence speaks of it. A word that only stands before a kind ("noisy pods") may be any.
  bool placed = false;   // "in payments", "payments 里": where something is
  bool inside = false;   // the same without an article or another preposition: hardly prose
  bool about = false;    // "wrong with foobar", "status of foobar"
  bool asked = false;    // "why is foobar crashing", "diagnose foobar": nothing else is asked about
  bool topical = false;  // "wrong with payments", "diagnose payments": what the sentence is about
  bool leads = false;    // stands right before another name: "payments web"
  friend bool operator==(const NameMention&, const NameMention&) = default;
};

/// An object a name was linked to, or a row of the last answer that a follow-up may point at.
struct LinkedObject {
  std::string kind;
  std::string group;
  std::string name_space;
  std::string name;
  friend bool operator==(const LinkedObject&, const LinkedObject&) = default;
};

struct Intent {
  /// Concept behind "verb." or "write.": "list", "logs", "scale" ...; "" = the clause names none.
  std::string action;
  bool is_write = false;
  std::string
      kind;  // canonical kind ("Pod"), or Workload, Container, All, Cluster, Image, ...; "" = none
  std::string condition;  // behind "cond.": "failed"
  bool negated = false;   // a negation stood before the condition
  std::string topic;      // behind "topic.": "network"
  std::string metric;     // "cpu", "memory", "restarts"
  std::vector<NameMention> names;
  std::string name_space;  // named by the grammar ("default" from 默认); soft ones are in `names`
  bool all_namespaces = false;
  std::string group_by;  // "namespace", "node", "status"
  std::string selector;  // label selector as typed
  std::string container;
  bool previous = false;
  std::vector<std::string> where;  // "restarts>3", "age<1h": as kubectl_get_resources takes them
  std::string sort_by;             // "-age"
  std::string reason;              // reason of events, "BackOff"
  std::string contains;            // text to look for in a log
  std::vector<int64_t> revisions;  // named revisions of a rollout, in order
  std::string verb;                // "delete" of "who can delete pods"
  std::string resource;            // "Pod" of the same
  std::string subject;             // a user or service account whose rights are asked for
  std::string field_path;          // "spec.strategy"
  std::string field_kind;          // "deployment" of "deployment.spec.strategy"
  bool created = false;            // "created in the last hour": the time window is of creation
  bool between = false;            // two ends of a network path: objects[0] to objects[1]
  bool compares = false;           // "and", "vs": what is asked is asked about each name
  std::optional<int64_t> replicas;
  bool replicas_relative = false;  // "two more"
  std::optional<int64_t> limit;    // lines of a log, first N, top N
  bool from_start = false;         // the first lines of a log, not the last
  std::optional<text::TimeWindow> window;
  std::optional<int64_t> number;  // a number nothing else explains
  bool definite = false;          // begins with "the": one that was spoken of
  bool counts = false;            // asks how many
  bool asks_why = false;
  bool asks_how = false;  // "how do I ..."

  // Follow-ups.
  bool refers_back = false;        // "its logs", "of those"
  bool continues = false;          // "and in payments?"
  bool narrows = false;            // "only the failed ones"
  std::optional<int64_t> ordinal;  // "the second one"; -1 = the last
  bool says_yes = false;
  bool says_no = false;
  bool wants_more = false;

  // Filled by the linker.
  std::vector<LinkedObject> objects;

  bool HasTarget() const { return !names.empty() || !objects.empty(); }
};

}  // namespace opsmesh::llm
