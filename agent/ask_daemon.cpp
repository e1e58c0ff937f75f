#include "ask_daemon.hpp"

#include <poll.h>

#include <chrono>

#include "host/file_watch.hpp"
#include "host/system_clock.hpp"
#include "storage/state_file.hpp"
#include "storage/state_lock.hpp"

namespace devkey {
namespace {

using namespace std::chrono_literals;

constexpr core::Millis longest_wait = 90s;
// The file tells when it is done; only that the daemon is gone has to be found out.
constexpr std::chrono::milliseconds look = 500ms;

Outcome as_outcome(const core::Error& error) {
    return {.exit_code = exit_code_of(error.kind),
            .reason = std::string(core::name_of(error.kind)),
            .detail = error.message};
}

Outcome answer(const core::Settings& settings, core::Request request,
               const std::optional<core::State>& before) {
    const auto after = storage::look_at_state(settings.state_directory);
    if (!after) return as_outcome(after.error());
    return answer_by_state(request, settings.policy, before, *after);
}

}  // namespace

std::optional<Outcome> ask_daemon(storage::FileCalls& calls, const core::Settings& settings,
                                  const core::Asking& asking) {
    const auto& directory = settings.state_directory;
    host::FileWatch watch{storage::requests_path(directory)};
    const auto before = storage::look_at_state(directory).value_or(std::nullopt);
    if (auto saved = storage::save_request(calls, directory, asking); !saved)
        return as_outcome(saved.error());
    const host::SystemClock clock;
    const auto end = clock.boot_now() + longest_wait;
    while (clock.boot_now() < end) {
        pollfd waiting{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
        ::poll(&waiting, 1, static_cast<int>(look.count()));
        static_cast<void>(watch.touched());
        const auto left = storage::load_request(directory);
        if (!left) return as_outcome(left.error());
        if (left->request == core::Request::None) return answer(settings, asking.request, before);
        // Who asks for the same waits for the same.
        if (left->request != asking.request) return replaced_by(left->request);
        if (storage::StateLock::take(directory)) return std::nullopt;
    }
    return Outcome{
        .exit_code = exit_later,
        .reason = "asked",
        .detail = "it is written down, and the devkeyd that runs here goes on with it: see its log"};
}

}  // namespace devkey
