// Certificates for tests: an authority and what it signs, made in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace opsmesh::toy {

struct Certificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

/// A certificate authority that lives as long as the test.
class Authority {
 public:
  Authority();
  ~Authority();
  const std::string& certificate() const { return certificate_; }
  /// Signed for `dns` and, unless empty, the URI name `uri`; valid for a day.
  Certificate Sign(const std::string& dns, const std::string& uri) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string certificate_;
};

}  // namespace opsmesh::toy
