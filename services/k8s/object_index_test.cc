// Words of a sentence linked to the objects of the small cluster.
#include "services/k8s/object_index.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/testing/fake_clock.h"
#include "services/k8s/fake_cluster.h"

namespace opsmesh::k8s {
namespace {

class ObjectIndexTest : public ::testing::Test {
 protected:
  Resolution Of(const std::string& text, const std::string& kind = "", const std::string& ns = "") {
    return index_.Resolve({text, kind, ns}, 8);
  }
  std::string First(const std::string& text, const std::string& kind = "",
                    const std::string& ns = "") {
    const Resolution r = Of(text, kind, ns);
    if (r.candidates.empty()) return "";
    return Display(r.candidates[0].object);
  }
  Match MatchOf(const std::string& text) { return Of(text).candidates.at(0).match; }

  std::unique_ptr<FakeCluster> cluster_ = FakeCluster::FromFile("small_cluster.json");
  ObjectIndex index_{cluster_->Picture(base::Context::Background())};
};

TEST_F(ObjectIndexTest, FindsTheExactNameFirstWhateverItsCase) {
  EXPECT_EQ(First("cart"), "Deployment shop/cart");
  EXPECT_EQ(First("CART"), "Deployment shop/cart");
  EXPECT_EQ(First("n1"), "Node n1");
  EXPECT_EQ(First("payments"), "Namespace payments");
  EXPECT_EQ(MatchOf("cart"), Match::kExact);
}

TEST_F(ObjectIndexTest, NarrowsByKindByNamespaceAndByWhatStandsBeforeASlash) {
  EXPECT_EQ(First("cart", "Service"), "Service shop/cart");
  EXPECT_EQ(First("svc/cart"), "Service shop/cart");
  EXPECT_EQ(First("shop/web"), "Deployment shop/web");
  EXPECT_EQ(First("cart", "Pod"), "Pod shop/cart-5d4f-a");
  EXPECT_EQ(Of("cart", "Pod").candidates[0].match, Match::kWorkload);
}

TEST_F(ObjectIndexTest, FindsTheWorkloadOfAPodThatIsGone) {
  EXPECT_EQ(First("ledger-xxx"), "Deployment payments/ledger");
  EXPECT_EQ(First("ledger-77cc-zzzzz"), "Deployment payments/ledger");
}

TEST_F(ObjectIndexTest, FindsByBeginningAndByPart) {
  EXPECT_EQ(MatchOf("ledg"), Match::kPrefix);
  EXPECT_EQ(First("ledg"), "Deployment payments/ledger");
  EXPECT_EQ(First("config", "ConfigMap"), "ConfigMap shop/web-config");
  EXPECT_EQ(MatchOf("secret"), Match::kPart);
}

TEST_F(ObjectIndexTest, SuggestsNearMissesAndNothingForNonsense) {
  EXPECT_EQ(First("legder"), "Deployment payments/ledger");
  EXPECT_EQ(MatchOf("legder"), Match::kNear);
  EXPECT_TRUE(Of("xyzzy-does-not-exist").candidates.empty());
  EXPECT_TRUE(Of("").candidates.empty());
  EXPECT_TRUE(Of("有什么问题").candidates.empty());
}

TEST_F(ObjectIndexTest, CountsAllAndKeepsTheBestWithAStableOrder) {
  const Resolution few = index_.Resolve({"web", "", ""}, 2);
  EXPECT_EQ(few.candidates.size(), 2u);
  EXPECT_GT(few.total, 2);
  const Resolution again = index_.Resolve({"web", "", ""}, 2);
  EXPECT_EQ(few.candidates[1].object, again.candidates[1].object);
  for (size_t i = 1; i < few.candidates.size(); ++i)
    EXPECT_GE(few.candidates[i - 1].score, few.candidates[i].score);
}

TEST_F(ObjectIndexTest, IsRebuiltOnlyWhenTheClusterChangedAndAtMostOnceASecond) {
  testing::FakeClock clock;
  IndexCache cache(clock);
  const auto snapshot = cluster_->Picture(base::Context::Background());
  const auto first = cache.Get(snapshot, 1);
  EXPECT_EQ(cache.Get(snapshot, 1), first);
  EXPECT_EQ(cache.Get(snapshot, 2), first);
  clock.Advance(absl::Seconds(2));
  EXPECT_NE(cache.Get(snapshot, 2), first);
}

}  // namespace
}  // namespace opsmesh::k8s
