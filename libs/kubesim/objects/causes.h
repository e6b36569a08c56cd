// The small words of validation: how a real server states a cause. Internal to this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/names.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

using Causes = std::vector<Cause>;

void Required(Causes& causes, std::string field, std::string_view why = "");
/// `value` as Go prints it: quoted when it is text.
void Invalid(Causes& causes, std::string field, const std::string& value, std::string_view why);
void InvalidText(Causes& causes, std::string field, std::string_view value, std::string_view why);
/// One cause for each fault.
void InvalidText(Causes& causes, std::string field, std::string_view value, const Faults& faults);
void InvalidNumber(Causes& causes, std::string field, int64_t value, std::string_view why);
void Forbidden(Causes& causes, std::string field, std::string_view why);
void Duplicate(Causes& causes, std::string field, const std::string& value);
void TooLong(Causes& causes, std::string field, size_t most);
void NotFound(Causes& causes, std::string field, std::string_view value);
void TooMany(Causes& causes, std::string field, size_t actual, size_t most);
/// Faults that each show the whole of a list: the first always, more of them only while they come
/// to no more than a mebibyte, for together they grow as the square of the list.
class WholeListFaults {
 public:
  /// `show` tells the list as Go prints it; it is asked once, and only when there is a fault.
  WholeListFaults(Causes* causes, std::string field, std::function<std::string()> show)
      : causes_(*causes), field_(std::move(field)), show_(std::move(show)) {}
  void Add(std::string_view why);
  /// No more are added: what they would say need not be made.
  bool full() const { return bytes_ > (1u << 20); }

 private:
  Causes& causes_;
  const std::string field_;
  const std::function<std::string()> show_;
  std::string shown_;
  size_t bytes_ = 0;
};
/// Complains unless `value` is one of `allowed` (listed in that order).
void OneOf(Causes& causes, std::string field, std::string_view value,
           std::initializer_list<const char*> allowed);
/// As OneOf(), but a text that is empty is one that is missing.
void OneOfNeeded(Causes& causes, std::string field, std::string_view value,
                 std::initializer_list<const char*> allowed);
/// A number that is there and below 0.
void NonNegative(Causes& causes, const Json& holder, const char* member, const std::string& prefix);
/// A value that may not change; `value` as Go prints it.
void Immutable(Causes& causes, std::string field, const std::string& value);

/// domain/path, where both are needed; complains about the part that is wrong.
void ValidateDomainPath(Causes& causes, const std::string& field, const std::string& text);
/// A name that must be there and can stand in a path.
void NeededSegment(Causes& causes, const std::string& field, const std::string& name,
                   std::string_view why = "");

bool ValidIp(std::string_view text);
bool ValidCidr(std::string_view text);
/// An address that is neither unspecified nor of a loopback or link-local range.
void ValidateUsualIp(Causes& causes, const std::string& ip, const std::string& field);

/// Keys and values of labels; `field` names the map.
void ValidateLabels(Causes& causes, const Json& labels, const std::string& field);
/// A LabelSelector: operators, keys and values of its expressions. False when nothing could be
/// selected with it.
bool ValidateSelectorShape(Causes& causes, const Json& selector, const std::string& field);

/// "a\x00b", as Go quotes a text.
std::string GoQuoted(std::string_view text);
/// []string{"a", "b"}, as Go prints it; `type` is that of the elements.
std::string GoTexts(const Json& list, std::string_view type = "string");
/// map[string]string{"a":"b"}, as Go prints it; map[string]string(nil) when there is none.
std::string GoMap(const Json& map);
/// v1.LabelSelector{...}, as Go prints it.
std::string GoSelector(const Json& selector);
/// intstr.IntOrString{...}, as Go prints it.
std::string GoIntOrText(const Json& value);

/// Keys of annotations, and how much they hold.
void ValidateAnnotationKeys(Causes& causes, const Json& annotations, const std::string& field);
void ValidatePodSpec(Causes& causes, const Json& spec, const std::string& field);
/// A PodTemplateSpec.
void ValidatePodTemplate(Causes& causes, const Json& pod_template, const std::string& field);
void ValidatePod(Causes& causes, const Json& object, const Json& before);
/// Events, old style and new; the newer group is stricter and keeps what was said.
void ValidateEvent(Causes& causes, const ResourceType& type, const Json& object,
                   const Json& before);
/// Deployments, replica sets, stateful sets, daemon sets, replication controllers, jobs, cron jobs,
/// autoscalers, budgets.
bool ValidateWorkloadKind(Causes& causes, const ResourceType& type, const Json& object,
                          const Json& before);
/// Services, endpoints, ingresses, network policies, ingress classes.
bool ValidateNetworkKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before);
/// Config maps, secrets, claims, volumes, quotas, limit ranges, nodes, namespaces, RBAC, storage,
/// scheduling, leases, CRDs.
bool ValidateClusterKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before);

void ValidateJob(Causes& causes, const Json& object, const Json& before);
void ValidateCronJob(Causes& causes, const Json& object, const Json& before);
/// The spec of a HorizontalPodAutoscaler.
void ValidateAutoscaler(Causes& causes, const Json& spec);
void ValidateService(Causes& causes, const Json& object, const Json& before);
/// ResourceQuotas and LimitRanges.
void ValidateQuota(Causes& causes, const Json& object, const Json& before);
void ValidateLimitRange(Causes& causes, const Json& object);

/// Claims, volumes, storage classes, attachments, CSI nodes and drivers.
bool ValidateStorageKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before);
/// Roles and bindings of rbac.authorization.k8s.io.
void ValidateAccessKind(Causes& causes, const ResourceType& type, const Json& object,
                        const Json& before);
/// How to reach a webhook: by URL or by service.
void ValidateWebhookClient(Causes& causes, const Json& config, const std::string& at);
/// Versions of reviews that a webhook understands.
void ValidateReviewVersions(Causes& causes, const Json& versions, const std::string& at,
                            std::string_view why_needed);
/// Webhook configurations.
void ValidateWebhooks(Causes& causes, const Json& object, bool mutating);
/// CustomResourceDefinitions.
void ValidateDefinition(Causes& causes, const Json& object, const Json& before);

/// All of an object but its metadata.
void ValidateContent(Causes& causes, const ResourceType& type, const Json& object,
                     const Json& before);
/// Kinds that few people write by hand; others pass.
void ValidateRareKind(Causes& causes, const ResourceType& type, const Json& object,
                      const Json& before);

}  // namespace opsmesh::kubesim
