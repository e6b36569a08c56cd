// Between timestamps of the contract and the epoch seconds of the figures.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "google/protobuf/timestamp.pb.h"

namespace opsmesh::rca {

/// Figures put together by hand may bear any stamp; one that a timestamp cannot hold is cut to the
/// years 1 to 9999.
inline google::protobuf::Timestamp ToProto(double epoch_seconds) {
  google::protobuf::Timestamp t;
  const double bounded = std::clamp(epoch_seconds, -62135596800.0, 253402300799.0);
  t.set_seconds(static_cast<int64_t>(std::floor(bounded)));
  t.set_nanos(static_cast<int32_t>((bounded - std::floor(bounded)) * 1e9));
  return t;
}

inline double EpochSeconds(const google::protobuf::Timestamp& t) {
  return static_cast<double>(t.seconds()) + 1e-9 * t.nanos();
}

}  // namespace opsmesh::rca
