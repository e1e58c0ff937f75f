#include "settings/policy_yaml.hpp"

#include "settings/section.hpp"

namespace devkey::settings {
namespace {

using namespace std::chrono_literals;

/// `report` is all that this version does about other installations; the others are words of the full policy.
void check_other_installations(Section section) {
    constexpr std::array<std::string_view, 3> actions{"report", "disable", "delete"};
    if (const auto action = section.find("action"))
        if (const auto chosen = action->choice(actions); chosen && *chosen != 0)
            action->wrong("only report is supported by this version; the others are not supported yet");
    section.finish();
}

}  // namespace

core::Policy read_policy_yaml(const Node& root, Problems& problems) {
    core::Policy policy;
    Section top = top_section(root, problems, policy_schema);
    top.require_version();
    Section verify = top.find_section("verify");
    if (const auto patience = verify.find("patience"))
        policy.verify_patience = patience->duration(1s, 10min).value_or(policy.verify_patience);
    verify.finish();
    Section watchdog = top.find_section("watchdog");
    if (const auto watched = watchdog.find("credential_file"))
        policy.watch_credential_file = watched->flag().value_or(policy.watch_credential_file);
    watchdog.finish();
    check_other_installations(top.find_section("other_installations"));
    top.finish();
    return policy;
}

}  // namespace devkey::settings
