#include "libs/kubesim/door/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Memory = std::unique_ptr<BIO, Free>;

absl::Status CryptoFailed(std::string_view what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  return base::Internal("CRYPTO_FAILED",
                        std::string("OpenSSL could not ") + std::string(what) + ": " + text);
}

std::string Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string ToPem(X509* certificate) {
  Memory bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return Drain(bio.get());
}

base::Secret ToPem(EVP_PKEY* key) {
  Memory bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return base::Secret(Drain(bio.get()));
}

void AddName(X509_NAME* name, const char* field, std::string_view value) {
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(value.data()),
                             static_cast<int>(value.size()), -1, 0);
}

bool AddExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A certificate of version 3 with a random serial, valid from an hour before `now` for ten years.
Certificate Blank(EVP_PKEY* key, absl::Time now) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof(serial)) != 1) return nullptr;
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_time_adj_ex(X509_getm_notBefore(certificate.get()), 0, -3600, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), 3650, 0, nullptr);
  (void)now;  // TLS peers check against the machine's clock, not the cluster's
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

class Authority final : public CertificateAuthority {
 public:
  absl::Status Init(absl::Time now) {
    now_ = now;
    key_.reset(EVP_EC_gen("P-256"));
    if (!key_) return CryptoFailed("make a key");
    certificate_ = Blank(key_.get(), now);
    if (!certificate_) return CryptoFailed("make a certificate");
    X509_NAME* name = X509_get_subject_name(certificate_.get());
    AddName(name, "CN", "opsmesh-simulator-ca");
    X509_set_issuer_name(certificate_.get(), name);
    const bool ok =
        AddExtension(certificate_.get(), certificate_.get(), NID_basic_constraints,
                     "critical,CA:TRUE") &&
        AddExtension(certificate_.get(), certificate_.get(), NID_key_usage,
                     "critical,digitalSignature,keyCertSign") &&
        AddExtension(certificate_.get(), certificate_.get(), NID_subject_key_identifier, "hash") &&
        X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0;
    return ok ? absl::OkStatus() : CryptoFailed("sign the authority's certificate");
  }

  std::string certificate() const override { return ToPem(certificate_.get()); }

  absl::StatusOr<KeyPair> IssueServer(const std::vector<std::string>& names) const override {
    return Issue("kube-apiserver", {}, "serverAuth", base::Join(names, ","));
  }
  absl::StatusOr<KeyPair> IssueClient(std::string_view user,
                                      const std::vector<std::string>& groups) const override {
    return Issue(user, groups, "clientAuth", "");
  }

 private:
  absl::StatusOr<KeyPair> Issue(std::string_view common_name,
                                const std::vector<std::string>& organizations,
                                const std::string& usage,
                                const std::string& alternative_names) const {
    Key key(EVP_EC_gen("P-256"));
    if (!key) return CryptoFailed("make a key");
    Certificate certificate = Blank(key.get(), now_);
    if (!certificate) return CryptoFailed("make a certificate");
    X509_NAME* name = X509_get_subject_name(certificate.get());
    for (const std::string& organization : organizations) AddName(name, "O", organization);
    AddName(name, "CN", common_name);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    bool ok = AddExtension(certificate.get(), certificate_.get(), NID_basic_constraints,
                           "critical,CA:FALSE") &&
              AddExtension(certificate.get(), certificate_.get(), NID_key_usage,
                           "critical,digitalSignature") &&
              AddExtension(certificate.get(), certificate_.get(), NID_authority_key_identifier,
                           "keyid") &&
              AddExtension(certificate.get(), certificate_.get(), NID_ext_key_usage, usage);
    if (ok && !alternative_names.empty()) {
      ok = AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name,
                        alternative_names);
    }
    if (!ok || X509_sign(certificate.get(), key_.get(), EVP_sha256()) <= 0)
      return CryptoFailed("sign a certificate");
    return KeyPair{ToPem(certificate.get()), ToPem(key.get())};
  }

  absl::Time now_;
  Key key_;
  Certificate certificate_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateAuthority>> CertificateAuthority::Create(absl::Time now) {
  auto authority = std::make_unique<Authority>();
  OPSMESH_RETURN_IF_ERROR(authority->Init(now));
  return authority;
}

}  // namespace opsmesh::kubesim
