// One agent's way to the key service: the port, with all that may happen to a request on its way.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ports/key_service.hpp"
#include "sim/disk.hpp"
#include "sim/scene.hpp"

namespace devkey::sim {

class Connection : public ports::KeyService {
 public:
    /// Told of each change before it is sent: the promises are checked there.
    using Guard = std::function<void(std::string_view call, const std::string& subject)>;

    Connection(Scene& scene, Effects& effects, const ports::Clock& clock, Guard guard)
        : scene_(scene), effects_(effects), clock_(clock), guard_(std::move(guard)) {}

    const core::Capabilities& capabilities() const override { return scene_.cloud.can; }
    core::Result<std::string> log_in() override;
    core::Result<std::vector<core::ListedKey>> list() override;
    core::Result<core::ListedKey> get(const std::string& id) override;
    core::Result<ports::CreatedKey> create(const std::string& name) override;
    core::Result<void> enable(const std::string& id) override { return change("enable", id); }
    core::Result<void> disable(const std::string& id) override { return change("disable", id); }
    core::Result<void> remove(const std::string& id) override { return change("remove", id); }
    core::Result<std::string> prove(const core::Secret& key) override;
    void set_floor(core::Instant) override {}
    std::optional<core::ServerDate> server_date() const override { return date_; }
    void rest() noexcept override { session_ = false; }

    /// The time that the service told is not the true one.
    [[nodiscard]] bool is_misled() const;
    /// What a process knew, and its successor doesn't.
    void forget() { session_ = false, date_.reset(); }
    /// The service ends the session.
    void end_session() { session_ = false; }

    unsigned life = 0;         ///< the maker of the keys made from now on
    std::size_t lists = 0;     ///< that were answered
    std::size_t requests = 0;  ///< sent since the last time somebody set it back

 private:
    /// Sends a request: latency, weather, date. `change`: what the guard is told of, if it is one.
    Fate send(std::string_view call, const std::string& subject = {});
    void arrived(std::string_view call, Fate fate);
    [[nodiscard]] core::Error error_of(Fate fate, bool change);
    core::Result<void> change(std::string_view call, const std::string& id);

    Scene& scene_;
    Effects& effects_;
    const ports::Clock& clock_;
    Guard guard_;
    std::optional<core::ServerDate> date_;
    bool session_ = false;
};

}  // namespace devkey::sim
