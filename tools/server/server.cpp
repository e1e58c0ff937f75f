#include "server/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/ThreadPool.h>
#include <openssl/ssl.h>

#include "server/handler.hpp"
#include "server/input.hpp"

namespace devkey::server {

using core::ErrorKind;
using core::fail;
using Poco::Net::Context;

namespace {

constexpr int most_pending = 256;
constexpr auto patience_at_the_end = std::chrono::seconds{5};

Poco::Net::ServerSocket make_socket(const Listen& listen, const Poco::Net::SocketAddress& address) {
    if (listen.tls_cert.empty()) return Poco::Net::ServerSocket(address, most_pending);
    Poco::Net::initializeSSL();
    Context::Params params;
    params.privateKeyFile = listen.tls_key;
    params.certificateFile = listen.tls_cert;
    params.verificationMode = Context::VERIFY_NONE;  // of clients: they show a token
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, params);
    if (SSL_CTX_check_private_key(context->sslContext()) != 1)
        throw Poco::InvalidArgumentException(listen.tls_key + " is not the key of " + listen.tls_cert);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    // A Poco socket is a handle: what it can do is in what it points to.
    Poco::Net::SecureServerSocket socket(address, most_pending, context);
    return socket;  // NOLINT(cppcoreguidelines-slicing)
}

Poco::Net::HTTPServerParams::Ptr make_params(const Limits& limits) {
    Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
    params->setMaxThreads(limits.connections);
    params->setMaxQueued(2 * limits.connections);
    // For one read or write. What bounds a whole request is Connections.
    const Poco::Timespan patience(limits.patience.count() * Poco::Timespan::MILLISECONDS);
    params->setTimeout(patience);
    params->setKeepAliveTimeout(patience);
    // Poco may miss the stop for as long, when a thread has just found nothing to do.
    params->setThreadIdleTime(Poco::Timespan(1, 0));
    params->setSoftwareVersion("devkey-server/" DEVKEY_VERSION);
    return params;
}

/// Poco's, with a place among the connections.
class Connection : public Poco::Net::HTTPServerConnection {
 public:
    Connection(const Poco::Net::StreamSocket& socket, const Poco::Net::HTTPServerParams::Ptr& params,
               const Service& service, std::unique_ptr<Connections::Place> place)
        : HTTPServerConnection(socket, params, make_handlers(service, *place)), place_(std::move(place)) {}
    void run() override {
        if (place_->taken()) HTTPServerConnection::run();
    }

 private:
    std::unique_ptr<Connections::Place> place_;
};

class ConnectionFactory : public Poco::Net::TCPServerConnectionFactory {
 public:
    ConnectionFactory(Service service, Connections& connections, Poco::Net::HTTPServerParams::Ptr params)
        : service_(std::move(service)), connections_(connections), params_(std::move(params)) {}
    Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
        auto place = std::make_unique<Connections::Place>(connections_, socket.impl()->sockfd(),
                                                          client_of(socket.peerAddress().host()));
        return new Connection(socket, params_, service_, std::move(place));
    }

 private:
    Service service_;
    Connections& connections_;
    Poco::Net::HTTPServerParams::Ptr params_;
};

}  // namespace

struct Server::Running {
    std::stop_source stopping;
    Connections connections;
    Poco::ThreadPool pool;
    Poco::Net::TCPServer tcp;
    std::uint16_t port;

    Running(Service service, const Poco::Net::ServerSocket& socket, const Limits& limits)
        : connections(limits.patience, limits.of_one),
          pool(2, limits.connections),
          tcp(make_factory(std::move(service), limits), pool, socket, make_params(limits)),
          port(socket.address().port()) {}

    Poco::Net::TCPServerConnectionFactory::Ptr make_factory(Service service, const Limits& limits) {
        service.stopping = stopping.get_token();
        return new ConnectionFactory(std::move(service), connections, make_params(limits));
    }
};

core::Result<std::unique_ptr<Server>> Server::start(const Listen& listen, Api& api,
                                                    std::function<void(const Served&)> served) {
    try {
        const Poco::Net::SocketAddress address(listen.host, listen.port);
        const bool tls = !listen.tls_cert.empty();
        if (!tls && !address.host().isLoopback())
            return fail(ErrorKind::InvalidInput,
                        "plain HTTP is served on loopback only; give --tls-cert and --tls-key");
        if (!listen.public_url.empty() && !is_origin(listen.public_url))
            return fail(ErrorKind::InvalidInput,
                        "--public-url '" + listen.public_url + "' is not like https://keys.example:9443");
        const auto socket = make_socket(listen, address);
        auto running = std::make_unique<Running>(Service{api, listen.public_url, tls, std::move(served), {}},
                                                 socket, listen.limits);
        running->tcp.start();
        return std::unique_ptr<Server>(new Server(std::move(running)));
    } catch (const Poco::Exception& error) {
        return fail(ErrorKind::Io,
                    "can't listen on " + to_text({listen.host, listen.port}) + ": " + error.displayText());
    }
}

Server::Server(std::unique_ptr<Running> running) : running_(std::move(running)) {}

Server::~Server() {
    stop();
}

std::uint16_t Server::port() const {
    return running_->port;
}

void Server::stop() {
    running_->stopping.request_stop();
    running_->tcp.stop();
    running_->connections.stop(patience_at_the_end);
    running_->pool.joinAll();
}

}  // namespace devkey::server
