#include "server/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/ThreadPool.h>

#include <chrono>
#include <thread>

#include "server/handler.hpp"

namespace devkey::server {

using core::ErrorKind;
using core::fail;
using Poco::Net::Context;
using std::chrono::steady_clock;

namespace {

constexpr int most_threads = 32;
constexpr int most_queued = 256;
constexpr auto patience_for_one_read = 10;  // seconds
constexpr auto patience_at_the_end = std::chrono::seconds{5};

Poco::Net::ServerSocket make_socket(const Listen& listen, const Poco::Net::SocketAddress& address) {
    if (listen.tls_cert.empty()) return Poco::Net::ServerSocket(address, most_queued);
    Poco::Net::initializeSSL();
    Context::Params params;
    params.privateKeyFile = listen.tls_key;
    params.certificateFile = listen.tls_cert;
    params.verificationMode = Context::VERIFY_NONE;  // of clients: they show a token
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, params);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    // A Poco socket is a handle: what it can do is in what it points to.
    return Poco::Net::SecureServerSocket(address, most_queued, context);  // NOLINT(cppcoreguidelines-slicing)
}

Poco::Net::HTTPServerParams::Ptr make_params() {
    Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
    params->setMaxThreads(most_threads);
    params->setMaxQueued(most_queued);
    params->setTimeout(Poco::Timespan(patience_for_one_read, 0));
    params->setKeepAliveTimeout(Poco::Timespan(15, 0));
    params->setSoftwareVersion("devkey-server/" DEVKEY_VERSION);
    return params;
}

}  // namespace

struct Server::Running {
    std::stop_source stopping;
    Poco::ThreadPool pool{2, most_threads};
    Poco::Net::HTTPServer http;
    std::uint16_t port;

    Running(Service service, const Poco::Net::ServerSocket& socket)
        : http(make_handlers(with_stop(std::move(service))), pool, socket, make_params()),
          port(socket.address().port()) {}

    Service with_stop(Service service) const {
        service.stopping = stopping.get_token();
        return service;
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
        const auto socket = make_socket(listen, address);
        auto running =
            std::make_unique<Running>(Service{api, listen.public_url, tls, std::move(served), {}}, socket);
        running->http.start();
        return std::unique_ptr<Server>(new Server(std::move(running)));
    } catch (const Poco::Exception& error) {
        return fail(ErrorKind::Io, "can't listen on " + listen.host + ":" + std::to_string(listen.port) +
                                       ": " + error.displayText());
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
    auto& http = running_->http;
    running_->stopping.request_stop();
    http.stop();
    const auto deadline = steady_clock::now() + patience_at_the_end;
    while (http.currentConnections() > 0 && steady_clock::now() < deadline) {
        http.stopAll(false);
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    http.stopAll(true);
    running_->pool.joinAll();
}

}  // namespace devkey::server
