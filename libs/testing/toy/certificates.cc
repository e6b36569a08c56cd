#include "libs/testing/toy/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace opsmesh::toy {
namespace {

std::string Pem(int (*write)(BIO*, void*), void* what) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio, what);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}
std::string CertificatePem(X509* certificate) {
  return Pem([](BIO* bio, void* what) { return PEM_write_bio_X509(bio, static_cast<X509*>(what)); },
             certificate);
}
std::string KeyPem(EVP_PKEY* key) {
  return Pem(
      [](BIO* bio, void* what) {
        return PEM_write_bio_PrivateKey(bio, static_cast<EVP_PKEY*>(what), nullptr, nullptr, 0,
                                        nullptr, nullptr);
      },
      key);
}

void Extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(EVP_PKEY* key, const std::string& name, long serial) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct Authority::Impl {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
};

Authority::Authority() : impl_(std::make_unique<Impl>()) {
  impl_->key = EVP_EC_gen("P-256");
  impl_->certificate = NewCertificate(impl_->key, "toy authority", 1);
  X509_set_issuer_name(impl_->certificate, X509_get_subject_name(impl_->certificate));
  Extend(impl_->certificate, impl_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(impl_->certificate, impl_->key, EVP_sha256());
  certificate_ = CertificatePem(impl_->certificate);
}

Authority::~Authority() {
  X509_free(impl_->certificate);
  EVP_PKEY_free(impl_->key);
}

Certificate Authority::Sign(const std::string& dns, const std::string& uri) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = NewCertificate(key, dns, 2);
  X509_set_issuer_name(certificate, X509_get_subject_name(impl_->certificate));
  Extend(certificate, impl_->certificate, NID_subject_alt_name,
         "DNS:" + dns + (uri.empty() ? "" : ",URI:" + uri));
  X509_sign(certificate, impl_->key, EVP_sha256());
  Certificate made{CertificatePem(certificate), KeyPem(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

}  // namespace opsmesh::toy
