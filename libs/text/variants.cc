#include "libs/text/variants.h"

#include <unicode/translit.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "libs/text/unicode.h"

namespace opsmesh::text {
namespace {

constexpr char32_t kFirst = 0x3400;
constexpr char32_t kLast = 0x9FFF;
constexpr size_t kCount = kLast - kFirst + 1;

// Terms that differ beyond their characters. Longest first where one begins another.
constexpr std::pair<std::string_view, std::string_view> kVocabulary[] = {
    {"命名空间", "命名空間"}, {"默认", "預設"},     {"日志", "日誌"},     {"正在运行", "正在執行"},
    {"运行中", "執行中"},     {"运行", "執行"},     {"集群", "叢集"},     {"内存", "記憶體"},
    {"网络", "網路"},         {"服务器", "伺服器"}, {"信息", "資訊"},     {"配置", "設定"},
    {"存储", "儲存"},         {"磁盘", "磁碟"},     {"数据", "資料"},     {"镜像", "映像檔"},
    {"文件", "檔案"},         {"程序", "程式"},     {"接口", "介面"},     {"用户", "使用者"},
    {"重启", "重新啟動"},     {"扩容", "擴充"},     {"缩容", "縮減"},     {"查看", "檢視"},
    {"支持", "支援"},         {"通过", "透過"},     {"变更", "變更"},     {"视图", "檢視"},
    {"字节", "位元組"},       {"缓存", "快取"},     {"进程", "處理程序"}, {"线程", "執行緒"},
    {"域名", "網域名稱"},     {"回滚", "回復"},     {"加载", "載入"},     {"创建", "建立"},
    {"调度", "排程"},         {"标签", "標籤"},     {"卷", "磁碟區"},     {"端口", "連接埠"},
    {"优先级", "優先順序"},   {"界面", "介面"},     {"打印", "列印"},     {"响应", "回應"},
    {"只读", "唯讀"},         {"访问", "存取"},     {"发送", "傳送"},     {"占用", "佔用"},
    {"为什么", "為什麼"},     {"什么", "什麼"},     {"这里", "這裡"},     {"异步", "非同步"},
};

struct Tables {
  std::array<char32_t, kCount> simplified;
  std::array<bool, kCount> has_traditional;
  std::unique_ptr<icu::Transliterator> to_traditional;
};

std::unique_ptr<icu::Transliterator> Make(const char* id) {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<icu::Transliterator> made(
      icu::Transliterator::createInstance(id, UTRANS_FORWARD, error));
  if (U_FAILURE(error)) made.reset();  // ICU without its data: text stays as it is
  return made;
}

char32_t Convert(const icu::Transliterator* transliterator, char32_t c) {
  if (transliterator == nullptr) return c;
  icu::UnicodeString text(static_cast<UChar32>(c));
  transliterator->transliterate(text);
  return text.countChar32() == 1 ? static_cast<char32_t>(text.char32At(0)) : c;
}

// Built at first use, some 30 ms; never destroyed, since threads may outlive main's statics.
const Tables& GetTables() {
  static const Tables* const tables = [] {
    auto* made = new Tables;
    made->to_traditional = Make("Simplified-Traditional");
    const auto to_simplified = Make("Traditional-Simplified");
    for (size_t i = 0; i < kCount; ++i) {
      const char32_t c = kFirst + static_cast<char32_t>(i);
      made->simplified[i] = Convert(to_simplified.get(), c);
      made->has_traditional[i] = Convert(made->to_traditional.get(), c) != c;
    }
    return made;
  }();
  return *tables;
}

std::string ConvertProse(std::string_view prose) {
  // Vocabulary first, its results kept apart by position so that the character pass cannot touch
  // them twice: the pass is idempotent on Traditional characters, so plain replacement is enough.
  std::string text;
  text.reserve(prose.size());
  for (size_t i = 0; i < prose.size();) {
    bool replaced = false;
    if (static_cast<unsigned char>(prose[i]) >= 0xE3) {
      for (const auto& [simplified, traditional] : kVocabulary) {
        if (prose.substr(i, simplified.size()) == simplified) {
          text.append(traditional);
          i += simplified.size();
          replaced = true;
          break;
        }
      }
    }
    if (!replaced) text.push_back(prose[i++]);
  }
  const auto* transliterator = GetTables().to_traditional.get();
  if (transliterator == nullptr) return text;
  icu::UnicodeString unicode = icu::UnicodeString::fromUTF8(text);
  transliterator->transliterate(unicode);
  std::string out;
  unicode.toUTF8String(out);
  return out;
}

}  // namespace

char32_t SimplifiedOf(char32_t c) {
  return c >= kFirst && c <= kLast ? GetTables().simplified[c - kFirst] : c;
}

bool IsTraditionalOnly(char32_t c) {
  return c >= kFirst && c <= kLast && SimplifiedOf(c) != c &&
         !GetTables().has_traditional[c - kFirst];
}

bool IsSimplifiedOnly(char32_t c) {
  return c >= kFirst && c <= kLast && GetTables().has_traditional[c - kFirst] &&
         SimplifiedOf(c) == c;
}

std::string ToSimplified(std::string_view utf8) {
  std::u32string points = DecodeUtf8(utf8);
  for (char32_t& c : points) c = SimplifiedOf(c);
  return EncodeUtf8(points);
}

std::string ToTraditional(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    const size_t open = utf8.find('`');
    out += ConvertProse(utf8.substr(0, open));
    if (open == std::string_view::npos) break;
    utf8.remove_prefix(open);
    const size_t ticks = std::min(utf8.find_first_not_of('`'), utf8.size());
    const size_t close = utf8.find(utf8.substr(0, ticks), ticks);
    const size_t end = close == std::string_view::npos ? utf8.size() : close + ticks;
    out += utf8.substr(0, end);
    utf8.remove_prefix(end);
  }
  return out;
}

}  // namespace opsmesh::text
