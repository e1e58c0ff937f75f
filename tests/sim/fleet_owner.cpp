#include "sim/fleet_owner.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace devkey::sim {

using core::ErrorKind;
using core::fail;

namespace {

constexpr const char* owner_id = "owner-1";

/// As the real ones look: 24 hexadecimal digits.
std::string id_of(std::size_t number) {
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "%024zx", number);
    return {text.data(), static_cast<std::size_t>(length)};
}

/// As long as the real ones: 64 characters.
core::Secret secret_of(const std::string& id) {
    return core::Secret{id + std::string(64 - id.size(), 's')};
}

}  // namespace

Account::Entry* Account::find(const std::string& id) {
    const auto found = std::ranges::find(entries_, id, [](const Entry& entry) { return entry.key.id; });
    return found == entries_.end() ? nullptr : &*found;
}

bool Account::accepts(const core::Secret& secret) const {
    return std::ranges::any_of(entries_, [&](const Entry& entry) {
        return entry.key.enabled && entry.secret.reveal() == secret.reveal();
    });
}

core::Result<ports::CreatedKey> Account::create(const std::string& name) {
    const bool taken =
        std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.key.name == name; });
    if (taken) return fail(ErrorKind::Conflict, "the name is taken");
    if (limit_ != 0 && entries_.size() >= limit_) return fail(ErrorKind::LimitReached, "too many keys");
    const auto id = id_of(++made_);
    entries_.push_back({.key = {.id = id, .name = name, .enabled = true}, .secret = secret_of(id)});
    most_ = std::max(most_, entries_.size());
    return ports::CreatedKey{.id = id, .name = name, .secret = entries_.back().secret};
}

void Account::remove(const std::string& id) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.key.id == id; });
}

std::vector<core::ListedKey> Account::list() const {
    std::vector<core::ListedKey> listed;
    listed.reserve(entries_.size());
    for (const auto& entry : entries_) listed.push_back(entry.key);
    return listed;
}

void FineConnection::send() {
    traffic_.note_request();
    date_ = core::ServerDate{std::chrono::floor<std::chrono::seconds>(clock_.now()), clock_.boot_now()};
}

void FineConnection::find_place() {
    if (!std::exchange(placed_, true)) send();
}

void FineConnection::send_as_owner() {
    static_cast<void>(log_in().has_value());  // here it always succeeds
    send();
}

core::Result<std::string> FineConnection::log_in() {
    if (!std::exchange(session_, true)) {
        find_place();
        send();
    }
    return owner_id;
}

core::Result<std::vector<core::ListedKey>> FineConnection::list() {
    send_as_owner();
    return account_.list();
}

core::Result<core::ListedKey> FineConnection::get(const std::string& id) {
    send_as_owner();
    const auto* entry = account_.find(id);
    if (entry == nullptr) return fail(ErrorKind::NotFound, "no such key");
    return entry->key;
}

core::Result<ports::CreatedKey> FineConnection::create(const std::string& name) {
    send_as_owner();
    return account_.create(name);
}

core::Result<void> FineConnection::set_enabled(const std::string& id, bool enabled) {
    send_as_owner();
    auto* entry = account_.find(id);
    if (entry == nullptr) return fail(ErrorKind::NotFound, "no such key");
    entry->key.enabled = enabled;
    return {};
}

core::Result<void> FineConnection::remove(const std::string& id) {
    send_as_owner();
    account_.remove(id);
    return {};
}

core::Result<std::string> FineConnection::prove(const core::Secret& key) {
    find_place();
    send();
    if (!account_.accepts(key)) return fail(ErrorKind::Unauthenticated, "not accepted");
    send();  // the log-out
    return owner_id;
}

void FineConnection::rest() noexcept {
    if (session_) send();
    session_ = placed_ = false;
}

void FineConnection::forget() {
    session_ = placed_ = false;
    date_.reset();
}

}  // namespace devkey::sim
