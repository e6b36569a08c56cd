#include "services/notify/delivery_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <utility>

namespace opsmesh::notify {

DeliveryLock::DeliveryLock(std::string path) : path_(std::move(path)) {}

DeliveryLock::~DeliveryLock() {
  if (fd_ >= 0) close(fd_);
}

bool DeliveryLock::Try() {
  if (held_ || path_.empty()) return true;
  if (fd_ < 0) fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  held_ = fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0;
  return held_;
}

}  // namespace opsmesh::notify
