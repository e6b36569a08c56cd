// The log of a pod as a stream of messages: lines that were read, or lines that come.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/context.h"
#include "libs/kube/client.h"
#include "libs/rpc/stream.h"
#include "opsmesh/k8s/v1/tool.pb.h"
#include "services/k8s/cluster.h"

namespace opsmesh::k8s {

/// Thousands of followed logs are open at a time and say nothing: none of them holds a thread. A
/// reader that falls behind stops the apiserver's stream (its socket fills), so that a loud
/// container costs no memory here.
class PodLogStream final : public rpc::StreamSource<v1::StreamPodLogsResponse> {
 public:
  PodLogStream();
  /// Ends a transfer under way.
  ~PodLogStream() override;

  /// Lines that are all there is. Once, before Start.
  void Give(std::vector<std::string> lines);
  /// Lines as they come. Once, before Start. Errors of the request; later ones end the stream.
  absl::Status Follow(const base::Context& ctx, Cluster& cluster, std::string_view ns,
                      std::string_view pod, const kube::LogOptions& options);

  void Start(std::function<void()> wake) override;
  rpc::Polled<v1::StreamPodLogsResponse> Poll() override;

 private:
  struct State;
  const std::shared_ptr<State> state_;  // the transfer's callbacks hold it too
};

}  // namespace opsmesh::k8s
