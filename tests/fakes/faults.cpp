#include "fakes/faults.hpp"

#include <algorithm>
#include <utility>

namespace devkey::server {

void fit(Api& api, Seam seam) {
    api.seam_ = std::move(seam);
}

}  // namespace devkey::server

namespace devkey::fakes {

using server::Exchange;
using std::chrono::milliseconds;

namespace {

std::string answer_text(int status, const std::string& body, const std::string& headers) {
    return "HTTP/1.1 " + std::to_string(status) + " Arranged\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

void Gate::open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
}

bool Gate::reached() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes{1}, [this] { return reached_; });
}

bool Gate::wait(std::stop_token stopping, milliseconds at_latest) {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    const auto is_open = [this] { return open_; };
    if (at_latest == milliseconds::max()) return changed_.wait(lock, stopping, is_open);
    return changed_.wait_for(lock, stopping, at_latest, is_open) || !stopping.stop_requested();
}

Fault drop_before() {
    return [](Exchange& exchange) { exchange.close(); };
}

Fault drop_after() {
    return [](Exchange& exchange) {
        exchange.carry_out();
        exchange.close();
    };
}

Fault delay_before(GatePtr gate) {
    return [gate = std::move(gate)](Exchange& exchange) {
        if (!gate->wait(exchange.stopping())) return exchange.close();
        exchange.send(exchange.bytes_of(exchange.carry_out()));
    };
}

Fault delay_after(GatePtr gate) {
    return [gate = std::move(gate)](Exchange& exchange) {
        const auto answer = exchange.carry_out();
        if (!gate->wait(exchange.stopping())) return exchange.close();
        exchange.send(exchange.bytes_of(answer));
    };
}

Fault land_late(GatePtr gate, milliseconds at_latest) {
    return [gate = std::move(gate), at_latest](Exchange& exchange) {
        exchange.close();
        if (gate->wait(exchange.stopping(), at_latest)) exchange.carry_out();
    };
}

Fault cut_off(std::size_t missing) {
    return [missing](Exchange& exchange) {
        const auto bytes = exchange.bytes_of(exchange.carry_out());
        exchange.send(std::string_view(bytes).substr(0, bytes.size() - std::min(missing, bytes.size())));
        exchange.close();
    };
}

Fault trickle(milliseconds pause) {
    return [pause](Exchange& exchange) {
        const auto bytes = exchange.bytes_of(exchange.carry_out());
        Gate never_opened;
        for (const char& byte : bytes)
            if (!never_opened.wait(exchange.stopping(), pause) || !exchange.send({&byte, 1}))
                return exchange.close();
    };
}

Fault corrupt(std::function<std::string(std::string)> edit) {
    return [edit = std::move(edit)](Exchange& exchange) {
        auto answer = exchange.carry_out();
        answer.body = edit(answer.body.value_or(""));
        exchange.send(exchange.bytes_of(answer));
    };
}

Fault answer_with(int status, std::string body, std::string headers) {
    return [text = answer_text(status, body, headers)](Exchange& exchange) { exchange.send(text); };
}

Fault answer_after_with(int status, std::string body, std::string headers) {
    return [text = answer_text(status, body, headers)](Exchange& exchange) {
        exchange.carry_out();
        exchange.send(text);
    };
}

void Faults::at(const std::string& method, const std::string& path_end, Fault fault, int nth) {
    const std::lock_guard lock(mutex_);
    rules_.push_back({.method = method, .path_end = path_end, .fault = std::move(fault), .nth = nth});
}

void Faults::always(const std::string& method, const std::string& path_end, Fault fault) {
    at(method, path_end, std::move(fault), every);
}

void Faults::clear() {
    const std::lock_guard lock(mutex_);
    rules_.clear();
}

void Faults::show_keys(const std::string& user, std::vector<server::StoredKey> keys) {
    const std::lock_guard lock(mutex_);
    stale_ = true;
    stale_user_ = user;
    stale_keys_ = std::move(keys);
}

void Faults::show_truth() {
    const std::lock_guard lock(mutex_);
    stale_ = false;
}

void Faults::set_function(std::function<std::optional<std::string>(const std::string&)> function) {
    const std::lock_guard lock(mutex_);
    function_ = std::move(function);
}

Fault Faults::fault_for(const server::ApiRequest& request) {
    const std::lock_guard lock(mutex_);
    Fault found;
    for (auto& rule : rules_) {
        if (rule.method != request.method || !request.path.ends_with(rule.path_end)) continue;
        ++rule.seen;
        if (!found && (rule.nth == every || rule.nth == rule.seen)) found = rule.fault;
    }
    return found;
}

server::Seam Faults::seam() {
    server::Seam seam;
    seam.exchange = [this](Exchange& exchange) {
        if (const auto fault = fault_for(exchange.request())) return fault(exchange);
        exchange.send(exchange.bytes_of(exchange.carry_out()));
    };
    seam.read_keys = [this](const std::string& user, std::vector<server::StoredKey> keys) {
        const std::lock_guard lock(mutex_);
        return stale_ && user == stale_user_ ? stale_keys_ : std::move(keys);
    };
    seam.custom_function = [this](const std::string& body) -> std::optional<std::string> {
        const std::lock_guard lock(mutex_);
        return function_ ? function_(body) : std::nullopt;
    };
    return seam;
}

}  // namespace devkey::fakes
