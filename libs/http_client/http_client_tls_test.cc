#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <mutex>
#include <string>

#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::http_client {
namespace {

std::string ToPem(const std::function<void(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

/// A certificate and its key, signed by `issuer` or by itself. `san` as OpenSSL writes it
/// ("DNS:cluster.test").
struct TestIdentity {
  TestIdentity(const std::string& name, const char* san, const TestIdentity* issuer)
      : key(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate(X509_new(), X509_free) {
    X509* cert = certificate.get();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7 + static_cast<long>(name.size()));
    X509_set_version(cert, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
    X509_set_pubkey(cert, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.data()),
                               static_cast<int>(name.size()), -1, 0);
    const TestIdentity& signer = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(cert, X509_get_subject_name(signer.certificate.get()));
    if (issuer == nullptr) Extend(NID_basic_constraints, "critical,CA:TRUE");
    if (san != nullptr) Extend(NID_subject_alt_name, san);
    X509_sign(cert, signer.key.get(), EVP_sha256());
  }
  void Extend(int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  std::string cert_pem() const {
    return ToPem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); });
  }
  std::string key_pem() const {
    return ToPem([&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key;
  std::unique_ptr<X509, decltype(&X509_free)> certificate;
};

class TlsTest : public testing::Test {
 protected:
  void Serve(bool require_client) {
    http_server::Options options;
    options.tls = http_server::TlsOptions{server_.cert_pem(), base::Secret(server_.key_pem()),
                                          ca_.cert_pem(), require_client};
    auto server = http_server::Server::Start(
        options, [this](std::shared_ptr<http_server::Exchange> exchange) {
          http_server::Response response;
          response.body = exchange->request().tls_client_subject + "|" +
                          std::string(exchange->request().headers.Get("Host"));
          exchange->Respond(response);
        });
    ASSERT_TRUE(server.ok()) << server.status();
    http_server_ = *std::move(server);
    authority_ = "127.0.0.1:" + std::to_string(http_server_->port());
  }
  void TearDown() override { http_server_->Stop(absl::ZeroDuration()); }

  absl::StatusOr<Response> Get(Connection connection) {
    Request request;
    request.url = "https://" + authority_ + "/x?y=z";
    request.connection = std::make_shared<Connection>(std::move(connection));
    return client_->Fetch(base::Context::Background().WithTimeout(absl::Seconds(20)), request);
  }
  static std::string Reason(const absl::StatusOr<Response>& response) {
    return base::DetailOf(response.status()).reason;
  }

  TestIdentity ca_{"test ca", nullptr, nullptr};
  TestIdentity other_ca_{"another ca", nullptr, nullptr};
  TestIdentity server_{"server", "DNS:cluster.test", &ca_};
  TestIdentity alice_{"alice", nullptr, &ca_};
  std::unique_ptr<http_server::Server> http_server_;
  std::unique_ptr<Client> client_ = Client::Create();
  std::string authority_;
};

TEST_F(TlsTest, AServerIsTrustedByItsAuthorityAndItsNameOnly) {
  Serve(false);
  EXPECT_EQ(Reason(Get({})), "TLS_FAILED");  // the system does not know this authority
  Connection wrong_ca;
  wrong_ca.ca_pem = other_ca_.cert_pem();
  wrong_ca.tls_server_name = "cluster.test";
  EXPECT_EQ(Reason(Get(wrong_ca)), "TLS_FAILED");
  Connection right;
  right.ca_pem = ca_.cert_pem();
  EXPECT_EQ(Reason(Get(right)), "TLS_FAILED");  // made out to cluster.test, not to 127.0.0.1
  right.tls_server_name = "cluster.test";
  const auto named = Get(right);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->body, "|" + authority_);
  Connection insecure;
  insecure.insecure_skip_tls_verify = true;
  EXPECT_TRUE(Get(insecure).ok());
  EXPECT_EQ(Reason(Get({})),
            "TLS_FAILED");  // the trusting connection that is kept is not for others
}

TEST_F(TlsTest, AClientCertificateIsShownFromMemory) {
  Serve(true);
  Connection connection;
  connection.ca_pem = ca_.cert_pem();
  connection.tls_server_name = "cluster.test";
  EXPECT_FALSE(Get(connection).ok());
  connection.client_cert_pem = alice_.cert_pem();
  connection.client_key_pem = base::Secret(alice_.key_pem());
  const auto known = Get(connection);
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->body, "alice|" + authority_);
  client_ = Client::Create();  // libcurl keeps connections by certificate, not by key
  connection.client_key_pem = base::Secret(server_.key_pem());
  EXPECT_EQ(Reason(Get(connection)), "TLS_FAILED");
  connection.client_key_pem = base::Secret("not a key");
  const auto broken = Get(connection);
  EXPECT_EQ(Reason(broken), "TLS_FAILED");
  EXPECT_EQ(std::string(broken.status().message()).find("not a key"), std::string::npos);
}

}  // namespace
}  // namespace opsmesh::http_client
