#include "https.hpp"

#include <openssl/bio.h>
#include <openssl/x509v3.h>
#include <sysexits.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace devkey::benchmark {

namespace {

std::string without_scheme(std::string_view url) {
    constexpr std::string_view scheme = "https://";
    if (!url.starts_with(scheme)) stop("the URL isn't like https://127.0.0.1:9443");
    return std::string(url.substr(scheme.size()));
}

std::size_t length_of_body(std::string_view head) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    return at == std::string_view::npos ? 0 : std::strtoul(head.data() + at + name.size(), nullptr, 10);
}

}  // namespace

void stop(std::string_view message) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
    std::_Exit(EX_SOFTWARE);  // exit() would take away what other threads still use
}

std::string text_field(const std::string& json, std::string_view name) {
    const auto opening = "\"" + std::string(name) + "\":\"";
    const auto at = json.find(opening);
    const auto end = json.find('"', at + opening.size());
    if (at == std::string::npos || end == std::string::npos) stop("the answer has no " + std::string(name));
    return json.substr(at + opening.size(), end - at - opening.size());
}

Context trusting(const std::string& ca_file) {
    Context context{::SSL_CTX_new(::TLS_client_method()), ::SSL_CTX_free};
    if (!context || ::SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1)
        stop(ca_file + ": holds no certificates in PEM");
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

Connection::Connection(SSL_CTX& context, std::string_view url)
    : authority_(without_scheme(url)), stream_(::BIO_new_ssl_connect(&context), ::BIO_free_all) {
    SSL* ssl = nullptr;
    BIO_get_ssl(stream_.get(), &ssl);
    const auto address = authority_.substr(0, authority_.rfind(':'));
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), address.c_str());
    BIO_set_conn_hostname(stream_.get(), authority_.data());
    BIO_set_ssl_mode(stream_.get(), 1);  // a client's
    if (BIO_do_handshake(stream_.get()) != 1) stop("no TLS with " + authority_);
}

void Connection::read_more() {
    std::array<char, 4096> buffer{};
    const int size = ::BIO_read(stream_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (size <= 0) stop(authority_ + " closed the connection");
    read_.append(buffer.data(), static_cast<std::size_t>(size));
}

Answer Connection::send(std::string_view method, std::string_view path, std::string_view bearer,
                        std::string_view body) {
    std::string request;
    request.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ").append(authority_);
    request.append("\r\nUser-Agent: bare\r\nAccept: application/json\r\nConnection: Keep-Alive\r\n");
    if (!bearer.empty()) request.append("Authorization: Bearer ").append(bearer).append("\r\n");
    if (!body.empty()) request.append("Content-Type: application/json\r\n");
    if (method != "GET") request.append("Content-Length: " + std::to_string(body.size()) + "\r\n");
    request.append("\r\n").append(body);
    if (::BIO_write(stream_.get(), request.data(), static_cast<int>(request.size())) <= 0)
        stop(authority_ + " takes no request");

    std::size_t head = 0;
    while ((head = read_.find("\r\n\r\n")) == std::string::npos) read_more();
    const auto whole = head + 4 + length_of_body(read_.substr(0, head));
    while (read_.size() < whole) read_more();
    Answer answer{std::atoi(read_.c_str() + std::string_view("HTTP/1.1 ").size()),
                  read_.substr(head + 4, whole - head - 4)};
    read_.erase(0, whole);
    if (answer.status / 100 != 2)
        stop(std::string(method) + " " + std::string(path) + " was answered with " +
             std::to_string(answer.status) + ": " + answer.body);
    return answer;
}

std::string log_in(Connection& connection, std::string_view app, std::string_view provider,
                   std::string_view body) {
    std::string path{base};
    path.append("/app/").append(app).append("/auth/providers/").append(provider).append("/login");
    return text_field(connection.send("POST", path, "", body).body, "refresh_token");
}

std::string create_key(Connection& connection, std::string_view token, std::string_view name) {
    std::string body = R"({"name":")";
    body.append(name).append("\"}");
    return connection.send("POST", std::string(base) + "/auth/api_keys", token, body).body;
}

void log_out(Connection& connection, std::string_view token) {
    static_cast<void>(connection.send("DELETE", std::string(base) + "/auth/session", token, ""));
}

}  // namespace devkey::benchmark
