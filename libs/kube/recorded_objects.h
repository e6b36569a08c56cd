// For the tests of this room: objects from JSON and from recorded lists.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/kube/object.h"
#include "libs/kube/test_support.h"
#include "libs/kube/wire.h"

namespace opsmesh::kube::test {

inline ObjectPtr Must(std::string_view json) {
  auto object = Object::Parse(json);
  EXPECT_TRUE(object.ok()) << object.status();
  return object.ok() ? *object : nullptr;
}

inline std::vector<ObjectPtr> RecordedList(const std::string& version, const std::string& file,
                                           const char* plural) {
  ListPage page;
  const absl::Status status = ParseList(Recorded(version, file), *FindBuiltin(plural), &page);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(page.unparseable.empty());
  return page.items;
}

}  // namespace opsmesh::kube::test
