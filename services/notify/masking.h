// The one filter between what callers send and what is stored or leaves: secrets are masked, and
// characters that make text look like another are shown as their code points.
#pragma once

#include <string>

#include "libs/redact/redactor.h"
#include "libs/telemetry/metrics.h"
#include "opsmesh/notify/v1/message.pb.h"
#include "opsmesh/type/v1/common.pb.h"

namespace opsmesh::notify {

/// Counts what it masks in opsmesh_redactions_total. Thread-safe.
class Masking {
 public:
  /// Both outlive this.
  Masking(const redact::Redactor& redactor, telemetry::Registry& metrics)
      : redactor_(redactor), metrics_(metrics) {}

  std::string Mask(const std::string& text) const;
  type::v1::Text Mask(const type::v1::Text& text) const;
  v1::Content Mask(const v1::Content& content) const;

 private:
  const redact::Redactor& redactor_;
  telemetry::Registry& metrics_;
};

}  // namespace opsmesh::notify
