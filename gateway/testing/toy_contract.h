// The descriptor set of toy.proto, for tests.
#pragma once

#include <string_view>

namespace opsmesh::gateway {

std::string_view ToyDescriptorSet();

}  // namespace opsmesh::gateway
