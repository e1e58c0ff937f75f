// A server on loopback that answers each request with the next bytes of its script, whatever was asked.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace devkey::services {

struct Answer {
    std::string bytes;
    bool close = false;    ///< afterwards
    bool trickle = false;  ///< the last byte again and again, until the client has had enough
};

inline std::string http_answer(int status, const std::string& body, const std::string& headers = {}) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class ScriptedServer {
 public:
    explicit ScriptedServer(const std::vector<Answer>& script)
        : ScriptedServer([&](const std::string&) { return script; }) {}
    /// For a script that names the server's own url().
    explicit ScriptedServer(const std::function<std::vector<Answer>(const std::string& url)>& script) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("can\'t bind");
        ::listen(listener_, 8);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        script_ = script(url());
        thread_ = std::thread([this] { serve(); });
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    [[nodiscard]] int connections() const { return connections_; }

 private:
    void serve() {
        while (!stopping_ && next_ < script_.size()) {
            const int client = ::accept(listener_, nullptr, nullptr);
            if (client < 0) return;
            ++connections_;
            while (next_ < script_.size() && answer(client)) {
            }
            ::close(client);
        }
    }

    bool answer(int client) {
        std::string request;
        if (!read_request(client, request)) return false;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request.substr(0, request.find("\r\n")));
        }
        const Answer& answer = script_[next_++];
        bool alive = ::send(client, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL) >= 0;
        while (answer.trickle && alive && !stopping_) {
            alive = ::send(client, &answer.bytes.back(), 1, MSG_NOSIGNAL) == 1;
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
        return alive && !answer.close;
    }

    static bool read_request(int client, std::string& request) {
        char c = 0;
        while (request.find("\r\n\r\n") == std::string::npos) {
            if (::recv(client, &c, 1, 0) != 1) return false;
            request += c;
        }
        const auto at = request.find("Content-Length: ");
        const auto length = at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
        std::string body(length, '\0');
        return length == 0 ||
               ::recv(client, body.data(), length, MSG_WAITALL) == static_cast<ssize_t>(length);
    }

    std::vector<Answer> script_;
    std::size_t next_ = 0;
    int listener_ = -1;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::atomic<int> connections_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace devkey::services
