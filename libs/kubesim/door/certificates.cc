#include "libs/kubesim/door/certificates.h"

#include <arpa/inet.h>
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
  void operator()(X509_REQ* p) const { X509_REQ_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Memory = std::unique_ptr<BIO, Free>;
using SigningRequest = std::unique_ptr<X509_REQ, Free>;

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

// An encrypted text is no request; without this OpenSSL would ask at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

// Nothing when the text holds no request, or one that its own key did not sign.
SigningRequest Parse(const std::string& pem) {
  Memory bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  SigningRequest request(PEM_read_bio_X509_REQ(bio.get(), nullptr, NoPassword, nullptr));
  EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) request.reset();
  ERR_clear_error();
  return request;
}

std::vector<std::string> NamesOf(X509_NAME* name, int id) {
  std::vector<std::string> values;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, id, at)) >= 0;) {
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(text), static_cast<size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

// The alternative names that a request asks for.
void ReadAlternatives(X509_REQ* request, RequestSubject* subject) {
  STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request);
  std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr)));
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) {
      subject->other_names = true;
      continue;
    }
    const ASN1_STRING* value = name->type == GEN_DNS
                                   ? static_cast<const ASN1_STRING*>(name->d.dNSName)
                                   : static_cast<const ASN1_STRING*>(name->d.iPAddress);
    const std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                            static_cast<size_t>(ASN1_STRING_length(value)));
    if (name->type == GEN_DNS) {
      subject->dns_names.push_back(bytes);
    } else {
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
      subject->addresses.emplace_back(text);
    }
  }
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

  absl::StatusOr<std::string> SignRequest(const std::string& pem,
                                          const CertificateUse& use) const override {
    const SigningRequest request = Parse(pem);
    const auto subject = ReadRequest(pem);
    if (!request || !subject)
      return base::InvalidArgument("request", "REQUEST_INVALID",
                                   "The text is no certificate request signed by its own key.");
    Certificate certificate = Blank(X509_REQ_get0_pubkey(request.get()), now_);
    if (!certificate) return CryptoFailed("make a certificate");
    X509_time_adj_ex(X509_getm_notBefore(certificate.get()), 0, -300, nullptr);
    X509_time_adj_ex(X509_getm_notAfter(certificate.get()), 0,
                     static_cast<long>(absl::ToInt64Seconds(use.validity)) - 300, nullptr);
    X509_set_subject_name(certificate.get(), X509_REQ_get_subject_name(request.get()));
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    std::string key_usage = "critical", extended;
    for (const std::string& usage : use.usages) {
      if (usage == "digital signature") key_usage += ",digitalSignature";
      if (usage == "key encipherment") key_usage += ",keyEncipherment";
      if (usage == "client auth")
        extended += std::string(extended.empty() ? "" : ",") + "clientAuth";
      if (usage == "server auth")
        extended += std::string(extended.empty() ? "" : ",") + "serverAuth";
    }
    std::vector<std::string> alternatives;
    for (const std::string& name : subject->dns_names) alternatives.push_back("DNS:" + name);
    for (const std::string& address : subject->addresses) alternatives.push_back("IP:" + address);
    X509* const own = certificate.get();
    bool ok = AddExtension(own, certificate_.get(), NID_basic_constraints, "critical,CA:FALSE") &&
              AddExtension(own, certificate_.get(), NID_authority_key_identifier, "keyid");
    if (ok && key_usage != "critical")
      ok = AddExtension(own, certificate_.get(), NID_key_usage, key_usage);
    if (ok && !extended.empty())
      ok = AddExtension(own, certificate_.get(), NID_ext_key_usage, extended);
    for (const std::string& name : alternatives)  // what could read as OpenSSL's own syntax
      if (name.find_first_of(",;\n=") != std::string::npos) ok = false;
    if (ok && !alternatives.empty())
      ok = AddExtension(own, certificate_.get(), NID_subject_alt_name,
                        base::Join(alternatives, ","));
    if (!ok || X509_sign(own, key_.get(), EVP_sha256()) <= 0)
      return CryptoFailed("sign a certificate");
    return ToPem(own);
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

std::optional<RequestSubject> ReadRequest(const std::string& pem) {
  const SigningRequest request = Parse(pem);
  if (!request) return std::nullopt;
  RequestSubject subject;
  X509_NAME* name = X509_REQ_get_subject_name(request.get());
  const auto common_names = NamesOf(name, NID_commonName);
  if (!common_names.empty()) subject.common_name = common_names.back();
  subject.organizations = NamesOf(name, NID_organizationName);
  ReadAlternatives(request.get(), &subject);
  return subject;
}

absl::StatusOr<std::unique_ptr<CertificateAuthority>> CertificateAuthority::Create(absl::Time now) {
  auto authority = std::make_unique<Authority>();
  OPSMESH_RETURN_IF_ERROR(authority->Init(now));
  return authority;
}

}  // namespace opsmesh::kubesim
