// The lock by which one process of those that share an outbox delivers.
#pragma once

#include <string>

namespace opsmesh::notify {

/// An advisory lock (flock) on a file of its own, held until destruction or the end of the process,
/// however it ends. Not thread-safe.
class DeliveryLock {
 public:
  /// `path` "" = nothing is shared: always held.
  explicit DeliveryLock(std::string path);
  ~DeliveryLock();
  DeliveryLock(const DeliveryLock&) = delete;
  DeliveryLock& operator=(const DeliveryLock&) = delete;

  /// Takes the lock unless it is held already; false when another process has it. Never waits.
  bool Try();

 private:
  const std::string path_;
  int fd_ = -1;
  bool held_ = false;
};

}  // namespace opsmesh::notify
