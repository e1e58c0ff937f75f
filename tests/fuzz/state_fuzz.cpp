// state.json: what is read is written back the same, and what is written is read back the same.
#include "fuzz.hpp"
#include "storage/state_file.hpp"

namespace devkey::fuzz {
namespace {

void require_same(const core::State& state) {
    const auto again = storage::parse_state(storage::format_state(state).reveal());
    require(again.has_value(), "what is written can be read");
    require(*again == state, "a state reads back the same");
}

std::optional<core::Instant> some_time(Bytes& bytes) {
    return bytes.flag() ? std::optional(bytes.instant()) : std::nullopt;
}

core::Key key_of(Bytes& bytes) {
    return {.id = bytes.ascii(),
            .name = bytes.ascii(),
            .generation = bytes.number(),
            .secret = core::Secret{bytes.ascii()},
            .created_at = bytes.instant(),
            .echo_until = some_time(bytes)};
}

/// Any that the engine could hold, and more.
core::State state_of(Bytes bytes) {
    core::State state;
    state.identity = {bytes.ascii(), bytes.ascii(), bytes.ascii(), bytes.ascii()};
    state.installation = bytes.ascii();
    state.last_generation = bytes.number();
    state.last_seen = bytes.instant();
    if (bytes.flag()) state.twin = bytes.ascii();
    if (bytes.flag())
        state.intent = {.name = bytes.ascii(),
                        .generation = bytes.number(),
                        .stage = static_cast<core::Intent::Stage>(bytes.byte() % 4),
                        .id = bytes.ascii(),
                        .sent_at = bytes.instant()};
    if (bytes.flag())
        state.pending = {.key = key_of(bytes),
                         .stage = static_cast<core::PendingKey::Stage>(bytes.byte() % 3)};
    if (bytes.flag()) {
        state.current = {.key = key_of(bytes), .published_at = some_time(bytes)};
        state.current->standing = static_cast<core::Standing>(bytes.byte() % 5);
        state.current->last_beat = some_time(bytes);
    }
    for (int left = bytes.byte() % 4; left > 0; --left) {
        state.retired.push_back(bytes.ascii());
        state.superseded.push_back(
            {.id = bytes.ascii(), .name = bytes.ascii(), .disabled_at = some_time(bytes)});
        state.others.push_back({.id = bytes.ascii(), .name = bytes.ascii(), .disabled = bytes.flag()});
        state.failures.push_back({.action = bytes.ascii(),
                                  .target = bytes.ascii(),
                                  .reason = bytes.ascii(),
                                  .message = bytes.ascii(),
                                  .count = bytes.number()});
    }
    return state;
}

}  // namespace
}  // namespace devkey::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    const auto state = storage::parse_state(fuzz::text_of(data, size));
    if (state) {
        fuzz::require_same(*state);
    } else {
        fuzz::require_readable(state.error());
        fuzz::require(state.error().kind == core::ErrorKind::Corrupt, "it is the text that is wrong");
    }
    fuzz::require_same(fuzz::state_of({data, size}));
    return 0;
}
