// The chat service's calls to the rest of the mesh.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/rpc/channel.h"
#include "services/chat/conversation.h"
#include "services/chat/status_board.h"

namespace opsmesh::chat {

/// Turns run by opsmesh.llm.v1.LlmService. `channels` and `ids` must outlive it.
absl::StatusOr<std::unique_ptr<TurnRunner>> MakeTurnRunner(const rpc::ChannelSource& channels,
                                                           base::IdSource& ids);

/// Asks llm, k8s, rca, predict and notify side by side, each for at most `timeout`.
absl::StatusOr<std::unique_ptr<MeshProbe>> MakeMeshProbe(const rpc::ChannelSource& channels,
                                                         base::IdSource& ids,
                                                         const base::Clock& clock,
                                                         absl::Duration timeout);

}  // namespace opsmesh::chat
