// policy.yaml: all that is refused has its problems, and what is taken neither contradicts itself nor asks
// for too much.
#include "problems.hpp"

namespace devkey::fuzz {
namespace {

void require_kept(const core::Policy& policy) {
    constexpr core::Millis none{0};
    require(core::problems_of(policy, core::Capabilities{}).empty(), "what is taken can be kept");
    require(policy.rotate.jitter_percent <= 100 && policy.watchdog.jitter_percent <= 100,
            "jitter is a share");
    if (policy.rotate.after) {
        require(core::earliest_rotation(policy.rotate) > none, "a key lives for a while");
        require(core::quota_look(policy.rotate) > none, "a slot isn't looked for all the time");
    }
    require(policy.verify_patience > none, "a new key gets time to log in");
    require(policy.superseded.keep_enabled >= none && policy.superseded.delete_after >= none,
            "no time is negative");
    require(!policy.watchdog.key_login || *policy.watchdog.key_login > none, "a watchdog pauses");
    require(!policy.watchdog.key_listed || *policy.watchdog.key_listed > none, "a watchdog pauses");
    if (const auto& heartbeat = policy.watchdog.heartbeat)
        require(heartbeat->file.starts_with('/') && heartbeat->stale_after > none, "a heartbeat is a file");
}

}  // namespace
}  // namespace devkey::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    const auto text = fuzz::text_of(data, size);
    const auto read = [&](const std::string&) -> core::Result<std::string> { return std::string(text); };
    const auto loaded = settings::load_policy("/c/policy.yaml", core::Capabilities{}, read);
    if (loaded)
        fuzz::require_kept(*loaded);
    else
        fuzz::require_good(loaded.error(), text);
    return 0;
}
