// A device: its directory, its settings, and the real devkeyd on it.
#pragma once

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fakes/process.hpp"
#include "fakes/temporary_directory.hpp"

namespace devkey::e2e {

/// What a run with --once --json came to.
struct Run {
    int exit_code = 0;
    std::string result;
    std::string reason;
    bool changed = false;
    std::string out;
    std::string err;
};

/// The file's name is `credential.json`, whatever its format.
class Device {
 public:
    Device(std::string url, std::string ca) : ca_file(std::move(ca)), url_(std::move(url)) {
        std::filesystem::create_directory(state_directory());
        ::chmod(state_directory().c_str(), 0700);
    }

    /// Before a run that should see them: the fields below as settings, and the owner's secret.
    void write_settings() const {
        fakes::put(directory.file("devkeyd.yaml"),
                   "version: 1\nservice:\n  kind: app-services\n  url: " + url_ +
                       "\n  app: devices\n  ca_file: " + ca_file + "\n" + service_lines + "owner:\n" +
                       owner_lines + "  secret:\n" + secret_lines() + "device:\n  id: " + device_id +
                       "\ncredential_file:\n  path: " + credential_file() + "\n" + credential_file_lines +
                       "state_directory: " + state_directory() + "\ncontrol:\n  socket: " + control_socket() +
                       "\n" + control_lines + more_lines);
        give_secret(secret);
    }
    /// Replaces the file that holds it, as an administrator's tool would: by a rename.
    void give_secret(const std::string& value) const {
        const auto fresh = directory.file("owner-secret.new");
        fakes::put(fresh, value);
        ::chmod(fresh.c_str(), 0600);
        std::filesystem::rename(fresh, directory.file("owner-secret"));
    }

    /// The words of a run, for those who put others before them (strace, say).
    [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& more) const {
        std::vector<std::string> all{DEVKEYD, "--config", directory.file("devkeyd.yaml")};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    /// `devkeyd --once --json`, to its end. `before`: words before the program's.
    Run once(std::vector<std::string> before = {}) { return run("--once", std::move(before)); }
    /// The same of another flag than --once.
    Run run(const std::string& flag, std::vector<std::string> before = {}) {
        const auto own = words({flag, "--json"});
        before.insert(before.end(), own.begin(), own.end());
        fakes::Process process(std::move(before), next_output());
        Run run{.exit_code = process.wait(),
                .result = {},
                .reason = {},
                .changed = false,
                .out = process.output(),
                .err = process.errors()};
        if (run.out.empty()) return run;
        const auto told = Poco::JSON::Parser().parse(run.out).extract<Poco::JSON::Object::Ptr>();
        run.result = told->getValue<std::string>("result");
        run.reason = told->getValue<std::string>("reason");
        run.changed = told->getValue<bool>("changed");
        return run;
    }
    [[nodiscard]] std::string next_output() { return directory.file("run-" + std::to_string(++runs_)); }

    [[nodiscard]] std::string control_socket() const { return directory.file("control.sock"); }
    [[nodiscard]] std::string state_directory() const { return directory.file("state"); }
    [[nodiscard]] std::string credential_file() const { return directory.file("credential.json"); }
    [[nodiscard]] bool has_credential() const { return std::filesystem::exists(credential_file()); }
    [[nodiscard]] std::string credential(const std::string& field) const {
        return field_of(credential_file(), field);
    }
    [[nodiscard]] std::string state_text() const {
        return fakes::content_of(state_directory() + "/state.json");
    }
    [[nodiscard]] static std::string field_of(const std::string& path, const std::string& field) {
        return Poco::JSON::Parser()
            .parse(fakes::content_of(path))
            .extract<Poco::JSON::Object::Ptr>()
            ->getValue<std::string>(field);
    }

    fakes::TemporaryDirectory directory;
    std::string ca_file;
    std::string device_id = "{literal: bench-1}";
    std::string owner_lines = "  provider: local-userpass\n  username: site-7@example.com\n";
    std::string secret = "correct horse 7";
    std::string secret_source;  ///< the line below `secret:`; empty: a file that holds `secret`
    std::string service_lines;
    std::string credential_file_lines;
    std::string control_lines;
    std::string more_lines;

 private:
    [[nodiscard]] std::string secret_lines() const {
        return "    " + (secret_source.empty() ? "file: " + directory.file("owner-secret") : secret_source) +
               "\n";
    }

    std::string url_;
    int runs_ = 0;
};

/// devkeyd as a service, told on a socket where systemd would listen.
class Daemon {
 public:
    /// `before`: words before the program's. `prepare`: as fakes::Process calls it.
    explicit Daemon(Device& device, std::vector<std::string> before = {}, bool (*prepare)() = nullptr)
        : socket_path_(device.directory.file("notify")),
          socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket_path_.c_str(), sizeof address.sun_path - 1);
        std::filesystem::remove(socket_path_);
        if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("no notify socket");
        const auto own = device.words({});
        before.insert(before.end(), own.begin(), own.end());
        process_ = std::make_unique<fakes::Process>(std::move(before), device.next_output(),
                                                    std::vector<std::string>{"NOTIFY_SOCKET=" + socket_path_},
                                                    prepare);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon() {
        listener_ = {};
        ::close(socket_);
    }

    /// Waits until it has told something that contains `text` since the last such wait; false: it ended, or a
    /// minute went by.
    [[nodiscard]] bool tells(const std::string& text) {
        return fakes::wait_until([&] {
                   const bool running = process_->is_running();
                   return told().find(text, heard_) != std::string::npos || !running;
               }) &&
               hear(text);
    }
    /// All that it has told so far, line by line.
    [[nodiscard]] std::string told() {
        listen();
        const std::lock_guard lock(mutex_);
        return told_;
    }
    [[nodiscard]] fakes::Process& process() { return *process_; }

 private:
    void listen() {
        const std::lock_guard lock(mutex_);
        std::array<char, 4096> buffer{};
        for (ssize_t size = 0; (size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
            told_ += std::string(buffer.data(), static_cast<std::size_t>(size)) + "\n";
    }
    bool hear(const std::string& text) {
        const auto at = told().find(text, heard_);
        if (at == std::string::npos) return false;
        heard_ = at + text.size();
        return true;
    }

    std::string socket_path_;
    int socket_;
    std::unique_ptr<fakes::Process> process_;
    std::mutex mutex_;
    std::string told_;
    std::size_t heard_ = 0;  ///< what tells() has gone past
    // Whoever tells more than a few things that nobody takes would have to wait, as for a systemd that hangs.
    std::jthread listener_{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
            if (::poll(&wait, 1, 50) > 0) listen();
        }
    }};
};

}  // namespace devkey::e2e
