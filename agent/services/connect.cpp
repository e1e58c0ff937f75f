#include "services/connect.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace devkey::services {

using core::ErrorKind;
using core::fail;
using core::Result;
using Poco::Net::Context;
using Poco::Net::SocketAddress;
using Poco::Net::StreamSocket;

namespace {

/// What a look-up that nobody may be waiting for any more leaves behind.
struct LookUp {
    std::mutex mutex;
    std::condition_variable_any done;
    bool finished = false;
    int error = 0;
    std::vector<SocketAddress> addresses;
};

void look_up(const std::shared_ptr<LookUp>& result, const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    const std::lock_guard lock(result->mutex);
    for (const addrinfo* entry = found; error == 0 && entry != nullptr; entry = entry->ai_next)
        if (entry->ai_family == AF_INET || entry->ai_family == AF_INET6)
            result->addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
    if (error == 0) ::freeaddrinfo(found);
    result->error = error;
    result->finished = true;
    result->done.notify_all();
}

/// getaddrinfo can't be cancelled: it runs on a thread of its own, which is left behind when time is over.
Result<std::vector<SocketAddress>> resolve(const Origin& origin, const Interrupter& interrupter,
                                           Interrupter::Time deadline) {
    if (Poco::Net::IPAddress address; Poco::Net::IPAddress::tryParse(origin.host, address))
        return std::vector{SocketAddress{address, origin.port}};
    const auto result = std::make_shared<LookUp>();
    try {
        std::thread(look_up, result, origin.host, origin.port).detach();
    } catch (const std::system_error& error) {
        return fail(ErrorKind::Unavailable,
                    "no thread for the name look-up of " + origin.host + ": " + error.code().message());
    }
    std::unique_lock lock(result->mutex);
    result->done.wait_until(lock, interrupter.token(), deadline, [&] { return result->finished; });
    if (!result->finished)
        return fail(ErrorKind::Unavailable,
                    "the name look-up of " + origin.host +
                        (interrupter.aborted() ? " was ended, because devkeyd stops" : " took too long"));
    if (result->error != 0)
        return fail(ErrorKind::Unavailable,
                    "the name " + origin.host + " can't be looked up: " + ::gai_strerror(result->error));
    return result->addresses;
}

/// Remembers, in the context's app data, why the first certificate was refused: Poco only says that one was.
int note_verification(int accepted, X509_STORE_CTX* store) {
    if (accepted == 1) return 1;
    const auto* ssl =
        static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* reason = static_cast<std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (reason->empty()) *reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    return 0;
}

/// Whom to trust; null: the system's certificates.
using Authorities = std::unique_ptr<X509_STORE, decltype(&::X509_STORE_free)>;

Context::Ptr make_context(const Origin& origin, X509_STORE* authorities, core::Instant now,
                          std::string& refusal) {
    Poco::Net::initializeSSL();
    Context::Params params;
    params.loadDefaultCAs = authorities == nullptr;
    params.verificationMode = Context::VERIFY_STRICT;
    params.verificationDepth = 9;
    // OpenSSL's own order. Poco's begins with X448, which takes eight times X25519's time.
    params.ecdhCurve = "X25519:P-256:X448:P-521:P-384";
    Context::Ptr context = new Context(Context::TLS_CLIENT_USE, params);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    SSL_CTX* openssl = context->sslContext();
    if (authorities != nullptr) SSL_CTX_set1_cert_store(openssl, authorities);
    SSL_CTX_set_app_data(openssl, &refusal);
    SSL_CTX_set_verify(openssl, SSL_VERIFY_PEER, note_verification);
    // Poco 1.11 skips the host name for loopback peers in some of its modes: OpenSSL checks it itself.
    X509_VERIFY_PARAM* param = SSL_CTX_get0_param(openssl);
    Poco::Net::IPAddress address;
    const bool is_address = Poco::Net::IPAddress::tryParse(origin.host, address);
    const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, origin.host.c_str())
                               : X509_VERIFY_PARAM_set1_host(param, origin.host.c_str(), 0);
    X509_VERIFY_PARAM_set_time(param, std::chrono::system_clock::to_time_t(now));
    if (set != 1) throw Poco::Net::SSLException("the host name can't be checked");
    return context;
}

Poco::Timespan time_left(Interrupter::Time deadline) {
    using namespace std::chrono;
    const auto left = duration_cast<microseconds>(deadline - steady_clock::now());
    return {std::max<Poco::Timespan::TimeDiff>(left.count(), 1)};
}

Result<StreamSocket> with_tls(StreamSocket& plain, const Origin& origin, X509_STORE* authorities,
                              core::Instant now, Interrupter& interrupter, Interrupter::Time deadline) {
    std::string refusal;
    try {
        const auto context = make_context(origin, authorities, now, refusal);
        const Interrupter::Watch watch(interrupter, plain.impl()->sockfd(), deadline);
        auto socket = Poco::Net::SecureStreamSocket::attach(plain, origin.host, context);
        socket.completeHandshake();
        SSL_CTX_set_app_data(context->sslContext(), nullptr);
        return socket;
    } catch (const Poco::Exception& error) {
        if (!refusal.empty())
            return fail(ErrorKind::Insecure, "the certificate of " + origin.authority() +
                                                 " is not accepted: " + refusal +
                                                 "; check service.url, service.ca_file and the clock");
        // A restarting server cuts handshakes off: that is no question of trust.
        return fail(ErrorKind::Unavailable, "no TLS with " + origin.authority() + ": " + error.displayText());
    }
}

/// Connected, or throws what Poco throws. The watch begins once the connect is under way: only from then on a
/// shutdown ends it.
StreamSocket connect_one(const SocketAddress& address, Interrupter& interrupter, Interrupter::Time deadline) {
    StreamSocket socket;
    socket.connectNB(address);
    const Interrupter::Watch watch(interrupter, socket.impl()->sockfd(), deadline);
    if (!socket.poll(time_left(deadline), Poco::Net::Socket::SELECT_WRITE))
        throw Poco::TimeoutException("no answer in time");
    if (interrupter.aborted()) throw Poco::IOException("ended, because devkeyd stops");
    if (const int error = socket.impl()->socketError(); error != 0)
        throw Poco::Net::NetException(std::generic_category().message(error));
    socket.setBlocking(true);
    socket.setNoDelay(true);
    socket.setReceiveTimeout(time_left(deadline));
    socket.setSendTimeout(time_left(deadline));
    return socket;
}

Result<StreamSocket> connect_tcp(const std::vector<SocketAddress>& addresses, const Origin& origin,
                                 Interrupter& interrupter, Interrupter::Time deadline) {
    std::string last = "no address";
    for (const auto& address : addresses) {
        if (!origin.tls && !address.host().isLoopback())
            return fail(ErrorKind::Insecure,
                        "http:// to " + address.toString() +
                            ", which is not a loopback address; use https:// in service.url");
        try {
            return connect_one(address, interrupter, deadline);
        } catch (const Poco::Exception& error) {
            last = address.toString() + ": " + error.displayText();
        }
    }
    return fail(ErrorKind::Unavailable, "can't connect to " + origin.authority() + ": " + last +
                                            "; check service.url and the network");
}

/// The certificates in `service.ca_file`; null where that is empty. Opening a pipe would block: only a
/// regular file is read.
Result<Authorities> load_authorities(const std::string& path) {
    Authorities none{nullptr, ::X509_STORE_free};
    if (path.empty()) return none;
    const auto refuse = [&](const std::string& fault) {
        return fail(ErrorKind::InvalidInput,
                    "service.ca_file: " + path + ": " + fault +
                        "; name the PEM file of the authority that signed the service's certificate");
    };
    if (::access(path.c_str(), R_OK) != 0)
        return refuse("can't be read: " + std::generic_category().message(errno));
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return refuse("is not a regular file");
    Authorities store{::X509_STORE_new(), ::X509_STORE_free};
    const bool loaded = store && ::X509_STORE_load_file(store.get(), path.c_str()) == 1;
    ::ERR_clear_error();  // or the next call of this thread would be blamed
    if (!loaded) return refuse("holds no certificates in PEM");
    return store;
}

}  // namespace

Result<void> check_ca_file(const std::string& path) {
    const auto loaded = load_authorities(path);
    if (!loaded) return std::unexpected(loaded.error());
    return {};
}

Result<std::vector<std::string>> addresses_of(const Origin& origin, const Interrupter& interrupter,
                                              Interrupter::Time deadline) {
    const auto found = resolve(origin, interrupter, deadline);
    if (!found) return std::unexpected(found.error());
    std::vector<std::string> addresses;
    for (const auto& address : *found) addresses.push_back(address.host().toString());
    return addresses;
}

Result<StreamSocket> connect_to(const Origin& origin, const core::ServiceSettings& settings,
                                core::Instant now, Interrupter& interrupter, Interrupter::Time deadline) {
    if (!origin.tls && !settings.plain_http)
        return fail(ErrorKind::Insecure, "http:// needs service.plain_http: true (and a loopback address)");
    const auto authorities = load_authorities(origin.tls ? settings.ca_file : "");
    if (!authorities) return std::unexpected(authorities.error());
    const auto addresses = resolve(origin, interrupter, deadline);
    if (!addresses) return std::unexpected(addresses.error());
    auto socket = connect_tcp(*addresses, origin, interrupter, deadline);
    if (!socket || !origin.tls) return socket;
    return with_tls(*socket, origin, authorities->get(), now, interrupter, deadline);
}

}  // namespace devkey::services
