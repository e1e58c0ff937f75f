#include "flags.hpp"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "outcome.hpp"

namespace devkey {
namespace {

void add_log(CLI::App& app, Flags& flags) {
    static const std::map<std::string, LogForm> forms{
        {"text", LogForm::Text}, {"json", LogForm::Json}, {"journal", LogForm::Journal}};
    // CLI11's own transformer would take the numbers of the enum, too.
    app.add_option_function<std::string>(
           "--log", [&flags](const std::string& word) { flags.log = forms.at(word); },
           "text or json, on standard error, or journal (default: journal where standard error is the "
           "journal's, or else text)")
        ->check(CLI::IsMember({"text", "json", "journal"}));
}

}  // namespace

std::variant<Flags, Leave> parse_flags(int argc, char** argv) {
    Flags flags;
    CLI::App app{"Gives this device one API key of its own, and keeps it healthy.", "devkeyd"};
    app.add_option("--config", flags.config, "the settings")->capture_default_str();
    auto* jobs = app.add_option_group("instead of the daemon");
    jobs->add_flag("--once", flags.once, "do what is due now, tell what it came to, and end");
    const auto add_request = [&](const char* name, core::Request request, const char* help) {
        jobs->add_flag_callback(name, [&flags, request] { flags.request = request; }, help);
    };
    add_request(
        "--decommission", core::Request::Decommission,
        "take the device out of service: the keys of this installation go, as the policy says, and all "
        "secrets");
    add_request("--recommission", core::Request::Recommission, "take it into service again");
    add_request("--take-over", core::Request::TakeOver,
                "delete the keys of other installations of this device");
    jobs->add_flag("--check-config", flags.check_config, "tell all that is wrong with the settings, and end");
    jobs->require_option(0, 1);
    app.add_flag("--json", flags.json, "tell it as one JSON object");
    add_log(app, flags);
    app.set_version_flag("--version", "devkeyd " DEVKEY_VERSION);
    try {
        app.parse(argc, argv);
        flags.once = flags.once || flags.request != core::Request::None;
        if (flags.json && !flags.once) throw CLI::RequiresError("--json", "--once");
    } catch (const CLI::ParseError& error) {
        return Leave{app.exit(error) == 0 ? 0 : exit_usage};
    }
    return flags;
}

}  // namespace devkey
