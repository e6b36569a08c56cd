#include "libs/kubesim/api/token_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <array>
#include <mutex>
#include <vector>

#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kPrimeBits = 1024;
constexpr int kExponent = 65537;
constexpr size_t kMaxToken = 64 << 10;

template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_clear_free>>;
using Scratch = std::unique_ptr<BN_CTX, FreeBy<BN_CTX_free>>;
using PublicOrPrivateKey = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;

std::string Base64Url(std::string_view bytes) {
  std::string text = base::Base64Encode(bytes);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return std::string(digest.begin(), digest.end());
}

// A prime of kPrimeBits with both top bits set (so that the product of two has twice as many), from
// a stream of SHA-256 over seed, label and a counter.
Number PrimeFrom(uint64_t seed, const std::string& label, BN_CTX* scratch) {
  std::string bytes;
  for (int block = 0; static_cast<int>(bytes.size()) * 8 < kPrimeBits; ++block)
    bytes += Sha256(label + ":" + std::to_string(seed) + ":" + std::to_string(block));
  Number candidate(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), kPrimeBits / 8, nullptr));
  BN_set_bit(candidate.get(), kPrimeBits - 1);
  BN_set_bit(candidate.get(), kPrimeBits - 2);
  BN_set_bit(candidate.get(), 0);
  for (;;) {
    // The exponent is prime: it has an inverse when it does not divide p - 1.
    if (BN_mod_word(candidate.get(), kExponent) != 1 &&
        BN_check_prime(candidate.get(), scratch, nullptr) == 1)
      return candidate;
    BN_add_word(candidate.get(), 2);
  }
}

PublicOrPrivateKey KeyFrom(uint64_t seed) {
  Scratch scratch(BN_CTX_secure_new());
  Number p = PrimeFrom(seed, "opsmesh service account key p", scratch.get());
  Number q = PrimeFrom(seed, "opsmesh service account key q", scratch.get());
  if (BN_cmp(p.get(), q.get()) < 0) std::swap(p, q);
  Number n(BN_new()), e(BN_new()), d(BN_new()), phi(BN_new()), p1(BN_dup(p.get())),
      q1(BN_dup(q.get())), dp(BN_new()), dq(BN_new()), qinv(BN_new());
  BN_sub_word(p1.get(), 1);
  BN_sub_word(q1.get(), 1);
  BN_set_word(e.get(), kExponent);
  BN_mul(n.get(), p.get(), q.get(), scratch.get());
  BN_mul(phi.get(), p1.get(), q1.get(), scratch.get());
  BN_mod_inverse(d.get(), e.get(), phi.get(), scratch.get());
  BN_mod(dp.get(), d.get(), p1.get(), scratch.get());
  BN_mod(dq.get(), d.get(), q1.get(), scratch.get());
  BN_mod_inverse(qinv.get(), q.get(), p.get(), scratch.get());
  ParameterBuilder builder(OSSL_PARAM_BLD_new());
  const std::pair<const char*, const BIGNUM*> members[] = {
      {OSSL_PKEY_PARAM_RSA_N, n.get()},          {OSSL_PKEY_PARAM_RSA_E, e.get()},
      {OSSL_PKEY_PARAM_RSA_D, d.get()},          {OSSL_PKEY_PARAM_RSA_FACTOR1, p.get()},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, q.get()},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv.get()}};
  for (const auto& [name, number] : members) OSSL_PARAM_BLD_push_BN(builder.get(), name, number);
  Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) != 1)
    return nullptr;
  return PublicOrPrivateKey(key);
}

std::string NumberOf(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return "";
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return bytes;
}

// The three parts of a compact token; empty when they are not three.
std::vector<std::string_view> PartsOf(std::string_view token) {
  if (token.size() > kMaxToken) return {};
  std::vector<std::string_view> parts = base::Split(token, '.');
  if (parts.size() != 3) parts.clear();
  return parts;
}

std::optional<Json> JsonOf(std::string_view part) {
  std::string text;
  if (!base::Base64Decode(part, &text)) return std::nullopt;
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

}  // namespace

struct TokenSigner::Key {
  PublicOrPrivateKey pair;
  std::string id;  // SHA-256 of the public key's DER, as every kube-apiserver names its keys
};

struct TokenSigner::State {
  std::optional<uint64_t> seed;
  std::once_flag made;
  Key key;
};

TokenSigner::TokenSigner(std::optional<uint64_t> seed) : state_(std::make_unique<State>()) {
  state_->seed = seed;
}
TokenSigner::~TokenSigner() = default;

const TokenSigner::Key& TokenSigner::key() const {
  std::call_once(state_->made, [this] {
    Key& key = state_->key;
    key.pair = state_->seed ? KeyFrom(*state_->seed)
                            : PublicOrPrivateKey(EVP_RSA_gen(static_cast<size_t>(2 * kPrimeBits)));
    unsigned char* der = nullptr;
    const int size = key.pair ? i2d_PUBKEY(key.pair.get(), &der) : 0;
    if (size <= 0) return;
    key.id = Base64Url(Sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)}));
    OPENSSL_free(der);
  });
  return state_->key;
}

std::string TokenSigner::Sign(const Json& claims) const {
  const Key& own = key();
  const Json header = {{"alg", "RS256"}, {"kid", own.id}};
  std::string text = Base64Url(header.dump()) + "." +
                     Base64Url(claims.dump(-1, ' ', false, Json::error_handler_t::replace));
  Digest digest(EVP_MD_CTX_new());
  size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  if (!own.pair ||
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, own.pair.get()) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, data, text.size()) != 1)
    return "";
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                     text.size()) != 1)
    return "";
  signature.resize(size);
  return text + "." + Base64Url(signature);
}

std::optional<Json> TokenSigner::Claims(std::string_view token) {
  const auto parts = PartsOf(token);
  if (parts.empty() || !JsonOf(parts[0])) return std::nullopt;
  return JsonOf(parts[1]);
}

bool TokenSigner::Verify(std::string_view token) const {
  const auto parts = PartsOf(token);
  std::string signature;
  if (parts.empty() || !base::Base64Decode(parts[2], &signature)) return false;
  const auto header = JsonOf(parts[0]);
  if (!header || header->value("alg", Json()) != Json("RS256")) return false;
  const Key& own = key();
  const std::string_view text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  Digest digest(EVP_MD_CTX_new());
  return own.pair &&
         EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, own.pair.get()) == 1 &&
         EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

Json TokenSigner::KeySet() const {
  const Key& own = key();
  if (!own.pair) return {{"keys", Json::array()}};
  return {{"keys",
           {{{"use", "sig"},
             {"kty", "RSA"},
             {"kid", own.id},
             {"alg", "RS256"},
             {"n", Base64Url(NumberOf(own.pair.get(), OSSL_PKEY_PARAM_RSA_N))},
             {"e", Base64Url(NumberOf(own.pair.get(), OSSL_PKEY_PARAM_RSA_E))}}}}};
}

}  // namespace opsmesh::kubesim
