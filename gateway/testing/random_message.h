// Random messages of any type, for differential tests: the same seed gives the same messages.
#pragma once

#include <random>

namespace google::protobuf {
class Message;
}

namespace opsmesh::gateway {

/// Fills `message` with random values, at most `depth` levels deep. Strings are well-formed UTF-8,
/// Json fields hold JSON, times are in range, so that json_util can print the message too.
void FillRandomly(std::mt19937_64& random, int depth, google::protobuf::Message* message);

}  // namespace opsmesh::gateway
