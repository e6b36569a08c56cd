// Health, models and status of the whole mesh, asked of the other services (decision 9).
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "opsmesh/chat/v1/status.pb.h"
#include "opsmesh/llm/v1/assistant.pb.h"
#include "opsmesh/type/v1/common.pb.h"

namespace opsmesh::chat {

/// What a service said of itself.
struct ServiceReport {
  std::string service;  // "k8s"
  absl::Status status;  // not OK = it did not answer
  double latency_ms = 0;
  std::vector<type::v1::ComponentStatus> components;
};

/// Asks the other services. Thread-safe; every call ends within the configured time.
class MeshProbe {
 public:
  virtual ~MeshProbe() = default;
  /// One report a service, in a fixed order, asked side by side.
  virtual std::vector<ServiceReport> Reports(const base::Context& ctx) = 0;
  virtual absl::StatusOr<llm::v1::ListModelsResponse> Models(const base::Context& ctx) = 0;
};

/// Thread-safe.
class StatusBoard {
 public:
  /// `notices`: sentences an operator should read. Everything referred to must outlive it.
  StatusBoard(MeshProbe& probe, const base::Clock& clock, std::vector<std::string> notices);

  v1::GetRootResponse Root() const;
  v1::GetHealthResponse Health(const base::Context& ctx) const;
  absl::StatusOr<v1::GetModelsResponse> Models(const base::Context& ctx) const;
  v1::GetStatusResponse Status(const base::Context& ctx) const;
  v1::GetSystemStatusResponse SystemStatus(const base::Context& ctx) const;

 private:
  std::string Uptime() const;

  MeshProbe& probe_;
  const base::Clock& clock_;
  const std::vector<std::string> notices_;
  const absl::Duration started_;
};

}  // namespace opsmesh::chat
