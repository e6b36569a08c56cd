// What `kubectl get` shows of a cluster, and what differs between two such pictures: how a
// rehearsal says what came of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

/// One object as a row: the columns shown without `-o wide`, name and ages left out, for they
/// change by themselves.
struct PictureRow {
  std::string uid;
  std::vector<std::pair<std::string, std::string>> cells;  // column, text
};

/// One event: how often it was seen so far.
struct PictureEvent {
  std::string type, reason, object, message;  // object: "Pod shop/cart-7d9f"
  int64_t count = 0;
  absl::Time last = absl::InfinitePast();
};

/// A picture of one moment. Value type.
class Picture {
 public:
  /// Nodes, claims, workloads, autoscalers, budgets, pods and events of the store as it is.
  static Picture Of(const Store& store, absl::Time now);

  /// (plural, namespace, name), in the order of `Plurals()`, then by name.
  using Key = std::tuple<size_t, std::string, std::string>;
  const std::map<Key, PictureRow>& rows() const { return rows_; }
  const std::map<std::string, PictureEvent>& events() const { return events_; }  // by uid
  /// Kind of the rows with this place in their key, for instance "Deployment".
  static std::string_view KindOf(size_t place);

 private:
  std::map<Key, PictureRow> rows_;
  std::map<std::string, PictureEvent> events_;
};

/// One row that came, went or changed. Another object under an old name counts as changed.
struct RowChange {
  std::string_view kind;
  std::string ns, name;
  bool added = false, removed = false;
  /// Cells that differ; of an added or removed object all that say something, once.
  struct Cell {
    std::string column, before, after;
  };
  std::vector<Cell> cells;
};

/// What happened between two pictures of the same cluster.
struct PictureDifference {
  std::vector<RowChange> rows;  // by kind, namespace, name
  std::vector<PictureEvent>
      events;  // new or repeated ones with how often since; by time, then text
};

PictureDifference Compare(const Picture& before, const Picture& after);

}  // namespace opsmesh::kubesim
