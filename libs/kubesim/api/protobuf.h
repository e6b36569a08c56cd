// The protobuf envelope of Kubernetes, decoded as far as kubectl uses it: access reviews, delete
// options and what its typed create commands send (protobuf_messages.txt).
#pragma once

#include <optional>
#include <string_view>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// True when the bytes begin with the envelope's magic.
bool IsProtobufEnvelope(std::string_view bytes);
/// The object as JSON; nothing for a kind that is not decoded or for broken bytes.
std::optional<Json> DecodeProtobuf(std::string_view bytes);

}  // namespace opsmesh::kubesim
