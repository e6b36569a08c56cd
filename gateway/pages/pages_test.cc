#include "gateway/pages/pages.h"

#include <string>

#include "gtest/gtest.h"

namespace opsmesh::gateway {
namespace {

TEST(Pages, EveryPartThatAPageNamesIsServed) {
  for (const char* path : {"/", "/docs"}) {
    const auto page = FindPage(path);
    ASSERT_TRUE(page.has_value());
    const std::string html(page->bytes);
    size_t parts = 0;
    for (size_t at = html.find("/pages/"); at != std::string::npos;
         at = html.find("/pages/", at + 1), ++parts) {
      EXPECT_TRUE(FindPage(html.substr(at, html.find('"', at) - at)).has_value());
    }
    EXPECT_EQ(parts, 2u);
  }
}

TEST(Pages, APageHoldsNothingThatTheContentSecurityPolicyForbids) {
  for (const char* path : {"/", "/docs"}) {
    const std::string html(FindPage(path)->bytes);
    EXPECT_EQ(html.find("<style"), std::string::npos);
    EXPECT_EQ(html.find(" style="), std::string::npos);
    EXPECT_EQ(html.find("onclick="), std::string::npos);
    EXPECT_EQ(html.find("://"), std::string::npos) << "a request to another host";
  }
}

TEST(Pages, NothingFromTheServerIsSetAsMarkup) {
  for (const char* path : {"/pages/app.js", "/pages/docs.js"}) {
    const std::string script(FindPage(path)->bytes);
    for (const char* sink :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("}) {
      EXPECT_EQ(script.find(sink), std::string::npos) << path << " uses " << sink;
    }
  }
}

TEST(Pages, OtherPathsAreNotServed) {
  for (const char* path :
       {"", "/pages/", "/pages/index.html", "/pages/../pages.cc", "/index.html"}) {
    EXPECT_FALSE(FindPage(path).has_value()) << path;
  }
}

}  // namespace
}  // namespace opsmesh::gateway
