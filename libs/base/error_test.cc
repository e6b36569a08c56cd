#include "libs/base/error.h"

#include "gtest/gtest.h"

namespace opsmesh::base {
namespace {

TEST(Error, CarriesReasonHintFieldMetadataAndDelayThroughAStatus) {
  const absl::Status status =
      Error(absl::StatusCode::kNotFound, "POD_NOT_FOUND", "There is no pod 'a'.")
          .Hint("List the pods.")
          .Field("name")
          .With("namespace", "shop")
          .RetryAfter(absl::Seconds(2));
  const ErrorDetail detail = DetailOf(status);
  EXPECT_EQ(detail.reason, "POD_NOT_FOUND");
  EXPECT_EQ(detail.hint, "List the pods.");
  EXPECT_EQ(detail.field, "name");
  EXPECT_EQ(detail.metadata.at("namespace"), "shop");
  EXPECT_EQ(detail.retry_after, absl::Seconds(2));
}

TEST(Error, AForeignStatusYieldsItsCodeAsReason) {
  EXPECT_EQ(DetailOf(absl::UnavailableError("x")).reason, "UNAVAILABLE");
}

TEST(Error, AnnotateKeepsCodeAndDetail) {
  const absl::Status inner = NotFound("POD_NOT_FOUND", "gone");
  const absl::Status outer = Annotate(inner, "reading logs");
  EXPECT_EQ(outer.message(), "reading logs: gone");
  EXPECT_EQ(DetailOf(outer).reason, "POD_NOT_FOUND");
}

}  // namespace
}  // namespace opsmesh::base
