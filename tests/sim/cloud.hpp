// The key service as it truly is: every key of one owner, what is still on its way, and the weather.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/service_view.hpp"
#include "ports/key_service.hpp"
#include "sim/dice.hpp"
#include "sim/story.hpp"

namespace devkey::sim {

struct CloudKey {
    std::string id;
    std::string name;
    std::string secret;
    bool enabled = true;
    bool enabled_before = true;  ///< until `changed_at`: what a read that lags may still see
    Instant created_at{};
    Instant changed_at{};
    std::optional<Instant> removed_at{};
    unsigned maker = 0;              ///< the life that asked for it (see Machine::life); 0: a stranger
    bool by_person = false;          ///< a person disabled or removed it
    bool off_by_person = false;      ///< it was a person who disabled it while it was enabled
    bool enabled_by_person = false;  ///< a person enabled it again
    bool proven = false;             ///< it has logged in
    bool landed_late = false;        ///< nobody waited for it any more: its secret reached nobody
    bool shared = false;             ///< two states hold it: by one the other's key may be taken away
};

/// What the network and the service do to requests. Chances are in a thousand.
struct Weather {
    std::string_view name = "fine";
    unsigned trouble = 0;  ///< of any fault at all
    bool down = false;
    bool owner_refused = false;
    bool forbidden = false;
    bool provider_off = false;    ///< for log-ins with a key
    bool logins_refused = false;  ///< log-ins with a key answer 401, whatever the key
    bool rate_limited = false;
    bool tells_date = true;
};

/// What becomes of one request.
enum class Fate {
    Answered,
    RequestLost,   ///< nothing happens, no answer
    AnswerLost,    ///< it happens, no answer
    LandsLate,     ///< no answer, and it happens later
    ServerError,   ///< nothing happens, 503
    Rubbish,       ///< it happens, and the answer can't be read
    RateLimited,   ///< 429
    Forbidden,     ///< 403
    Refused,       ///< 401
    NameRefused,   ///< 409, though no key has that name
    NotConnected,  ///< nothing was sent
    ProviderOff,   ///< 404 at a log-in
};

[[nodiscard]] std::string_view name_of(Fate fate);

/// A change that is still on its way.
struct Late {
    Instant at{};
    std::string call;
    std::string subject;  ///< the name at a create, else the id
    unsigned maker = 0;
};

class Cloud {
 public:
    Cloud(Timeline& timeline, Dice& dice, Story& story) : timeline_(timeline), dice_(dice), story_(story) {}

    /// What the weather does to a request of this call.
    [[nodiscard]] Fate fate_of(std::string_view call);
    /// Lets land what was on its way until now.
    void settle();
    /// When the next change lands that is on its way.
    [[nodiscard]] std::optional<Instant> next_landing() const;
    void send_late(std::string_view call, const std::string& subject, unsigned maker, Millis delay);

    // What requests do, when they are carried out
    core::Result<ports::CreatedKey> create(const std::string& name, unsigned maker);
    core::Result<void> set_enabled(const std::string& id, bool enabled);
    void remove(const std::string& id);
    [[nodiscard]] std::vector<core::ListedKey> list();
    [[nodiscard]] core::Result<core::ListedKey> get(const std::string& id);
    [[nodiscard]] bool prove(std::string_view secret);

    /// The key as it is or was; none: there has never been one of that id.
    [[nodiscard]] CloudKey* find(std::string_view id);
    [[nodiscard]] const std::vector<CloudKey>& keys() const { return keys_; }
    /// Two states hold the keys of that installation from now on, and what becomes of creates that are open.
    void share(std::string_view installation, std::vector<std::string> open_names);
    [[nodiscard]] std::size_t ever_made() const { return made_; }
    /// Tells the keys that one installation makes from all others.
    [[nodiscard]] unsigned new_life() { return ++lives_; }

    core::Capabilities can;
    Weather weather;
    unsigned climate = 0;      ///< trouble in fine weather, in a thousand
    Millis lag{};              ///< how long a read may miss a finished write
    Millis longest_delay{};    ///< how late a change may land
    bool limit_first = false;  ///< refuses at the limit before it looks at the name
    Millis date_wrong_by{};    ///< how far the service's clock is ahead of the truth
    std::string owner = "owner-1";

 private:
    [[nodiscard]] bool shows(const CloudKey& key, Instant at) const;
    [[nodiscard]] Instant read_at();
    void land(const Late& late);

    Timeline& timeline_;
    Dice& dice_;
    Story& story_;
    std::vector<CloudKey> keys_;  // those that are there
    std::vector<CloudKey> gone_;  // those that were
    std::vector<Late> late_;
    std::vector<std::string> shared_names_;  // of keys that may yet be made
    std::size_t made_ = 0;
    unsigned lives_ = 0;
};

}  // namespace devkey::sim
