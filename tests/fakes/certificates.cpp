#include "fakes/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace devkey::fakes {
namespace {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using File = std::unique_ptr<std::FILE, Freer<std::fclose>>;

template <class T>
T* need(T* object) {
    if (object == nullptr) throw std::runtime_error("OpenSSL can't make a test's certificate");
    return object;
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = need(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

struct Pair {
    Pkey key;
    X509Ptr certificate;
};

Pair load(const Certificate& files) {
    const File cert{need(std::fopen(files.cert.c_str(), "r"))};
    const File key{need(std::fopen(files.key.c_str(), "r"))};
    return {Pkey{need(PEM_read_PrivateKey(key.get(), nullptr, nullptr, nullptr))},
            X509Ptr{need(PEM_read_X509(cert.get(), nullptr, nullptr, nullptr))}};
}

Certificate save(const Pair& pair, const std::string& base) {
    Certificate files{.cert = base + ".pem", .key = base + ".key"};
    const File cert{need(std::fopen(files.cert.c_str(), "w"))};
    const File key{need(std::fopen(files.key.c_str(), "w"))};
    ::fchmod(::fileno(key.get()), 0600);  // devkey-server serves with no other
    PEM_write_X509(cert.get(), pair.certificate.get());
    PEM_write_PrivateKey(key.get(), pair.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return files;
}

constexpr long ten_years = 10L * 365 * 86400;

/// Valid from `since` seconds ago for `seconds` from now. `issuer` null: signs itself.
Pair make(const std::string& name, bool is_authority, long since, long seconds, const Pair* issuer) {
    static long serial = 1;
    std::string curve = "P-256";
    Pair made{Pkey{need(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.data()))}, X509Ptr{need(X509_new())}};
    X509* certificate = made.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -since);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    extend(certificate, signer, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    const bool is_address = name.find_first_not_of("0123456789.") == std::string::npos;
    if (!is_authority)
        extend(certificate, signer, NID_subject_alt_name, (is_address ? "IP:" : "DNS:") + name);
    X509_sign(certificate, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
    return made;
}

}  // namespace

Authority::Authority(std::string directory, long since) : directory_(std::move(directory)), since_(since) {
    ca_ = save(make("devkeyd test authority", true, since_, ten_years, nullptr), directory_ + "/ca");
}

Certificate Authority::issue(const std::string& name, long seconds) const {
    const auto ca = load(ca_);
    return save(make(name, false, since_, seconds, &ca), directory_ + "/" + name + std::to_string(seconds));
}

Certificate Authority::self_signed(const std::string& name) const {
    return save(make(name, false, since_, 3600, nullptr), directory_ + "/self-" + name);
}

}  // namespace devkey::fakes
