#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/raw_client.h"
#include "libs/http_server/transport.h"

namespace opsmesh::http_server {
namespace {

struct TlsFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using TlsOwned = std::unique_ptr<T, TlsFree>;

std::string PemText(const std::function<void(BIO*)>& write) {
  const TlsOwned<BIO> bio(BIO_new(BIO_s_mem()));
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

/// A key with a certificate, signed by itself or by another identity.
struct Identity {
  Identity(const std::string& name, const std::vector<std::string>& organizations,
           const Identity* issuer)
      : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1 + static_cast<long>(name.size()));
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const auto add = [&](const char* field, const std::string& value) {
      X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.data()),
                                 static_cast<int>(value.size()), -1, 0);
    };
    for (const std::string& organization : organizations) add("O", organization);
    add("CN", name);
    const Identity& signer = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer.certificate.get()));
    if (issuer == nullptr) {
      X509_EXTENSION* ca =
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(certificate.get(), ca, -1);
      X509_EXTENSION_free(ca);
    }
    X509_sign(certificate.get(), signer.key.get(), EVP_sha256());
  }

  std::string CertificatePem() const {
    return PemText([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); });
  }
  std::string KeyPem() const {
    return PemText([&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  TlsOwned<EVP_PKEY> key;
  TlsOwned<X509> certificate;
};

struct TlsWorld {
  Identity ca{"test ca", {}, nullptr};
  Identity server{"127.0.0.1", {}, &ca};
  Identity alice{"alice", {"system:masters", "运维"}, &ca};
  Identity stranger_ca{"stranger ca", {}, nullptr};
  Identity mallory{"mallory", {"system:masters"}, &stranger_ca};

  TlsOptions Options(bool require) const {
    TlsOptions options;
    options.certificate_chain = server.CertificatePem();
    options.private_key = base::Secret(server.KeyPem());
    options.client_ca = ca.CertificatePem();
    options.require_client = require;
    return options;
  }
};

/// A blocking TLS client that checks the server's certificate.
class TlsClient {
 public:
  TlsClient(uint16_t port, const TlsWorld& world, const Identity* identity) : plain_(port) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), world.ca.certificate.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    if (identity != nullptr) {
      SSL_CTX_use_certificate(context_.get(), identity->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), identity->key.get());
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"),
                        12);
    SSL_set_fd(ssl_.get(), plain_.fd());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  bool Send(const std::string& bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  /// Reads until the text ends with `end`, or the connection does.
  std::string ReadUntil(std::string_view end) {
    std::string text;
    char bytes[16384];
    while (!text.ends_with(end)) {
      const int n = SSL_read(ssl_.get(), bytes, sizeof(bytes));
      if (n <= 0) break;
      text.append(bytes, static_cast<size_t>(n));
    }
    return text;
  }
  std::string Protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  RawClient& plain() { return plain_; }

 private:
  RawClient plain_;
  SslContextPtr context_;
  SslPtr ssl_;
  bool connected_ = false;
};

const std::string kTlsGet = "GET /who HTTP/1.1\r\nHost: x\r\n\r\n";

void WhoAmI(std::shared_ptr<Exchange> exchange) {
  const Request& request = exchange->request();
  std::string body = request.tls ? "tls " : "plain ";
  body += request.tls_client_subject.empty() ? "nobody" : request.tls_client_subject;
  for (const std::string& organization : request.tls_client_organizations)
    body += "," + organization;
  exchange->Respond({.status = 200, .headers = {}, .body = body + "."});
}

std::unique_ptr<Server> StartTls(const TlsWorld& world, bool require, Handler handler = WhoAmI,
                                 Options options = {}) {
  options.tls = world.Options(require);
  auto server = Server::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status();
  return std::move(server).value();
}

TEST(HttpTls, AClientCertificateIsOptionalAndNamesItsOwner) {
  const TlsWorld world;
  const auto server = StartTls(world, false);
  TlsClient nobody(server->port(), world, nullptr);
  ASSERT_TRUE(nobody.connected());
  EXPECT_EQ(nobody.Protocol(), "http/1.1");
  ASSERT_TRUE(nobody.Send(kTlsGet));
  EXPECT_THAT(nobody.ReadUntil("."), testing::EndsWith("tls nobody."));
  TlsClient alice(server->port(), world, &world.alice);
  ASSERT_TRUE(alice.Send(kTlsGet + kTlsGet));  // two in one record
  EXPECT_THAT(alice.ReadUntil("."), testing::EndsWith("tls alice,system:masters,运维."));
}

TEST(HttpTls, ACertificateOfAStrangerIsRefusedInTheHandshake) {
  const TlsWorld world;
  const auto server = StartTls(world, false);
  TlsClient mallory(server->port(), world, &world.mallory);
  mallory.Send(kTlsGet);
  EXPECT_EQ(mallory.ReadUntil("."), "");
  EXPECT_EQ(server->counters().requests_total, 0u);
}

TEST(HttpTls, ARequiredCertificateKeepsOutWhoHasNone) {
  const TlsWorld world;
  const auto server = StartTls(world, true);
  TlsClient nobody(server->port(), world, nullptr);
  nobody.Send(kTlsGet);
  EXPECT_EQ(nobody.ReadUntil("."), "");
  TlsClient alice(server->port(), world, &world.alice);
  ASSERT_TRUE(alice.Send(kTlsGet));
  EXPECT_THAT(alice.ReadUntil("."), testing::HasSubstr("tls alice"));
}

TEST(HttpTls, PlainTextOnATlsPortIsClosed) {
  const TlsWorld world;
  const auto server = StartTls(world, false);
  RawClient plain(server->port());
  ASSERT_TRUE(plain.Send(kTlsGet));
  EXPECT_TRUE(plain.ReadToEnd());
  EXPECT_EQ(server->counters().requests_total, 0u);
}

TEST(HttpTls, AHandshakeThatStallsIsClosed) {
  const TlsWorld world;
  Options options;
  options.header_timeout = absl::Milliseconds(50);
  const auto server = StartTls(world, false, WhoAmI, options);
  RawClient silent(server->port());
  EXPECT_TRUE(silent.ReadToEnd());
}

TEST(HttpTls, LargeBodiesGoBothWays) {
  const TlsWorld world;
  const auto server = StartTls(world, false, [](std::shared_ptr<Exchange> exchange) {
    exchange->Respond({.status = 200, .headers = {}, .body = exchange->request().body + "."});
  });
  TlsClient client(server->port(), world, nullptr);
  const std::string body(1 << 20, 'b');
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"));
  ASSERT_TRUE(client.Send(body));
  const std::string answer = client.ReadUntil(".");
  EXPECT_TRUE(answer.ends_with(body + "."));
}

TEST(HttpTls, AStreamWrittenFromAnotherThreadArrives) {
  const TlsWorld world;
  std::promise<void> gone;  // outlives the server, which may still call
  std::promise<std::shared_ptr<Exchange>> given;
  const auto server = StartTls(world, false, [&](std::shared_ptr<Exchange> exchange) {
    given.set_value(std::move(exchange));
  });
  TlsClient client(server->port(), world, nullptr);
  ASSERT_TRUE(client.Send(kTlsGet));
  const auto exchange = given.get_future().get();
  exchange->OnClientGone([&] { gone.set_value(); });
  exchange->Start({});
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), testing::HasSubstr("chunked"));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(exchange->Write("event"));
    ASSERT_EQ(client.ReadUntil("event\r\n"), "5\r\nevent\r\n");
  }
  client.plain().Close();
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST(HttpTls, AnAnswerGivenFromAnotherThreadArrives) {
  const TlsWorld world;
  base::WorkerPool pool({.name = "t", .threads = 2});
  const auto server = StartTls(
      world, false, OnPool(pool, absl::Seconds(10), [](const base::Context&, Exchange& exchange) {
        exchange.Respond({.status = 200, .headers = {}, .body = std::string(100'000, 'y') + "."});
      }));
  TlsClient client(server->port(), world, nullptr);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(kTlsGet));
    EXPECT_THAT(client.ReadUntil("."), testing::SizeIs(testing::Gt(100'000u)));
  }
}

TEST(HttpTls, KeysThatDoNotFitAreErrorsThatNameTheField) {
  const TlsWorld world;
  Options options;
  options.tls = world.Options(false);
  options.tls->private_key = base::Secret(world.alice.KeyPem());
  EXPECT_EQ(base::DetailOf(Server::Start(options, WhoAmI).status()).reason, "TLS_KEY");
  options.tls = world.Options(false);
  options.tls->certificate_chain = "no PEM";
  EXPECT_EQ(base::DetailOf(Server::Start(options, WhoAmI).status()).reason, "TLS_CERTIFICATE");
  options.tls = world.Options(false);
  options.tls->client_ca = "no PEM";
  EXPECT_EQ(base::DetailOf(Server::Start(options, WhoAmI).status()).field, "tls.client_ca");
}

}  // namespace
}  // namespace opsmesh::http_server
