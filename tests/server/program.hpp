// The real devkey-server as a process, and clients that speak TLS to it.
#pragma once

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/StreamCopier.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fakes/process.hpp"
#include "fakes/temporary_directory.hpp"

namespace devkey::server {

/// `devkey-server --db DB ARGUMENTS…`. What it writes goes to DB.N.out and DB.N.err.
class Program : public fakes::Process {
 public:
    Program(const std::string& db, const std::vector<std::string>& arguments)
        : Process(words(db, arguments), db + "." + std::to_string(++count)) {}

    /// As its first line says; 0 when it ends first, or says nothing for a minute.
    [[nodiscard]] std::uint16_t port() const {
        fakes::wait_until([this] { return output().contains('\n') || !is_running(); });
        const auto said = output();
        if (!said.contains('\n')) return 0;
        return static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
    }

 private:
    static std::vector<std::string> words(const std::string& db, const std::vector<std::string>& arguments) {
        std::vector<std::string> all{DEVKEY_SERVER, "--db", db};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return all;
    }
    static inline int count = 0;
};

struct TlsAnswer {
    int status = 0;
    std::string body;
    Poco::Net::HTTPResponse head;
    [[nodiscard]] std::string field(const std::string& name) const {
        return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>()->optValue<std::string>(
            name, "");
    }
};

/// One connection. Throws Poco's exceptions when the server goes.
class TlsClient {
 public:
    TlsClient(std::uint16_t port, const std::string& ca_file)
        : session_("127.0.0.1", port,
                   new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, ca_file,
                                          Poco::Net::Context::VERIFY_STRICT)) {
        session_.setKeepAlive(true);
        session_.setTimeout(Poco::Timespan(60, 0));
    }
    void send(const std::string& method, const std::string& path, const std::string& body = {},
              const std::string& token = {}) {
        Poco::Net::HTTPRequest request(method, "/api/client/v2.0" + path, "HTTP/1.1");
        request.setKeepAlive(true);
        request.setContentLength64(static_cast<Poco::Int64>(body.size()));
        if (!token.empty()) request.set("Authorization", "Bearer " + token);
        session_.sendRequest(request) << body << std::flush;
    }
    TlsAnswer receive() {
        TlsAnswer answer;
        Poco::StreamCopier::copyToString(session_.receiveResponse(answer.head), answer.body);
        answer.status = answer.head.getStatus();
        return answer;
    }
    TlsAnswer call(const std::string& method, const std::string& path, const std::string& body = {},
                   const std::string& token = {}) {
        send(method, path, body, token);
        return receive();
    }
    std::string log_in(const std::string& user) {
        return call("POST", "/app/app/auth/providers/local-userpass/login",
                    R"({"username":")" + user + R"(","password":"hunter22"})")
            .field("refresh_token");
    }
    TlsAnswer create(const std::string& name, const std::string& token) {
        return call("POST", "/auth/api_keys", R"({"name":")" + name + R"("})", token);
    }

 private:
    Poco::Net::HTTPSClientSession session_;
};

}  // namespace devkey::server
