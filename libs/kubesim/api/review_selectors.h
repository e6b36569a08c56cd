// The selectors that a review of access may ask about: "may ann list pods with spec.nodeName=n1".
// Pure functions over `spec.resourceAttributes`; what is no object has no selectors.
#pragma once

#include <string>

#include "libs/kubesim/objects/causes.h"

namespace opsmesh::kubesim {

/// What is wrong with the form of both selectors, as causes of a refusal. Operators that nobody
/// knows are let be: a newer client may know them.
void CheckSelectors(Causes& causes, const Json& resource);
/// What of the selectors has a form but no meaning and was left out of the question, as
/// status.evaluationError says it; "" when all was understood.
std::string SelectorsIgnored(const Json& resource);
/// The field selector as the query of a list would say it: "a=b,c!=d"; what cannot be said so is
/// left out.
std::string AskedFields(const Json& resource);

}  // namespace opsmesh::kubesim
