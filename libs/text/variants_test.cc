#include "libs/text/variants.h"

#include "gtest/gtest.h"

namespace opsmesh::text {
namespace {

TEST(ToTraditional, UsesTheOperationsVocabularyNotOnlyCharacters) {
  EXPECT_EQ(ToTraditional("默认命名空间中有 12 个 Pod 正在运行"),
            "預設命名空間中有 12 個 Pod 正在執行");
  EXPECT_EQ(ToTraditional("集群内存和网络"), "叢集記憶體和網路");
}

TEST(ToTraditional, LeavesQuotedClusterTextAlone) {
  EXPECT_EQ(ToTraditional("日志：`默认`\n```\n集群启动\n```\n结束"),
            "日誌：`默认`\n```\n集群启动\n```\n結束");
  EXPECT_EQ(ToTraditional("没有闭合 `默认"), "沒有閉合 `默认");
}

TEST(ToTraditional, IsIdempotent) {
  const std::string once = ToTraditional("重启次数最多的容器，原因是内存不足");
  EXPECT_EQ(ToTraditional(once), once);
}

TEST(ToSimplified, FoldsCharacterByCharacter) {
  EXPECT_EQ(ToSimplified("預設命名空間 pod 執行 記憶體"), "预设命名空间 pod 执行 记忆体");
  EXPECT_TRUE(IsTraditionalOnly(U'個'));
  EXPECT_TRUE(IsSimplifiedOnly(U'个'));
  EXPECT_FALSE(IsTraditionalOnly(U'中'));
}

}  // namespace
}  // namespace opsmesh::text
