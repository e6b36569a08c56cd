#include "cli/mesh_parts.h"

#include <utility>

#include "cli/documented.h"
#ifdef OPSMESH_HAS_CHAT
#include "services/chat/chat.h"
#endif
#ifdef OPSMESH_HAS_LLM
#include "services/llm/llm.h"
#endif
#ifdef OPSMESH_HAS_K8S
#include "services/k8s/k8s.h"
#endif
#ifdef OPSMESH_HAS_GATEWAY
#include "gateway/spec.h"
#endif
#include "services/notify/notify.h"
#include "services/predict/predict.h"
#include "services/rca/rca.h"

namespace opsmesh::cli {

std::vector<server::ServiceSpec> MeshParts([[maybe_unused]] OnListening on_listening) {
  std::vector<server::ServiceSpec> parts = {DocumentedPart()};
#ifdef OPSMESH_HAS_K8S
  parts.push_back(k8s::Spec());
#endif
  parts.push_back(rca::Spec());
  parts.push_back(predict::Spec());
  parts.push_back(notify::Spec());
#ifdef OPSMESH_HAS_LLM
  parts.push_back(llm::Spec());
#endif
#ifdef OPSMESH_HAS_CHAT
  parts.push_back(chat::Spec());
#endif
#ifdef OPSMESH_HAS_GATEWAY
  parts.push_back(gateway::Spec(std::move(on_listening)));
#endif
  return parts;
}

}  // namespace opsmesh::cli
