#include "gateway/testing/toy_contract.h"

#include "embed/opsmesh_gateway_toy.h"

namespace opsmesh::gateway {

std::string_view ToyDescriptorSet() { return toy_embedded::EmbeddedFile("toy.binpb"); }

}  // namespace opsmesh::gateway
