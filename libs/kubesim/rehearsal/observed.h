// What can be seen of how containers behave, carried over into a copy of a real cluster.
#pragma once

#include <string>
#include <vector>

namespace opsmesh::kubesim {

class Faults;
class Store;

/// A copy knows images by name only and takes those it does not know to start and serve. What the
/// objects say against that goes on: a container that crashes, crashes in the copy with its last
/// exit code, after as long a run (fault "crash"); one that runs and is not ready fails its
/// readiness probe (fault "probe-failure"). Both hold as long as the image stays, so that a fix by
/// another image can be tried; a pod that fails alone, while others of its image are well, keeps it
/// for itself. Returns a line each, in the order of the pods: "crash of image/shop/checkout:2.4.1
/// (exit code 1)". The engine of `faults` has not begun to run.
std::vector<std::string> KeepFailing(const Store& store, Faults& faults);

}  // namespace opsmesh::kubesim
