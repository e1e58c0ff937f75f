#include "flags.hpp"

#include <CLI/CLI.hpp>

#include "outcome.hpp"

namespace devkey {

std::variant<Flags, Leave> parse_flags(int argc, char** argv) {
    Flags flags;
    CLI::App app{"Gives this device one API key of its own, and keeps it healthy.", "devkeyd"};
    app.add_option("--config", flags.config, "the settings")->capture_default_str();
    auto* once = app.add_flag("--once", flags.once, "do what is due now, tell what it came to, and end");
    app.add_flag("--check-config", flags.check_config, "tell all that is wrong with the settings, and end")
        ->excludes(once);
    app.add_flag("--json", flags.json, "tell it as one JSON object")->needs(once);
    app.set_version_flag("--version", "devkeyd " DEVKEY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return Leave{app.exit(error) == 0 ? 0 : exit_usage};
    }
    return flags;
}

}  // namespace devkey
