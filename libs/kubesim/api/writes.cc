#include "libs/kubesim/api/writes.h"

#include <fmt/format.h>

#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {
Reply NotBuilt(const Call& call) {
  return StatusReply({.code = 501, .reason = "NotImplemented",
                      .message = fmt::format("the simulator does not support {} on {} yet", call.info.verb, call.info.resource)});
}
}  // namespace

Reply HandleWrite(const Cluster&, Call& call, TokenTable&) { return NotBuilt(call); }
Reply HandleSubresource(const Cluster&, Call& call, TokenTable&) { return NotBuilt(call); }

}  // namespace opsmesh::kubesim
