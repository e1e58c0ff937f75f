// What the service answers, and what is sent to it: whatever it is, it is understood or it is an error.
#include <algorithm>

#include "fuzz.hpp"
#include "services/url.hpp"
#include "services/wire.hpp"

namespace devkey::fuzz {
namespace {

/// As a header's value, or a line of the credential file, can hold it.
bool is_one_line(std::string_view text) {
    return std::ranges::none_of(text,
                                [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

template <class T>
bool is_there(const core::Result<T>& parsed) {
    if (!parsed) {
        require_readable(parsed.error());
        require(parsed.error().kind == core::ErrorKind::Unavailable, "no answer changes what is known");
    }
    return parsed.has_value();
}

void parse_answers(std::string_view body) {
    if (const auto location = services::parse_location(body); is_there(location)) {
        const auto origin = services::parse_origin(*location);
        if (!origin) require_readable(origin.error());
        if (origin)
            require(services::parse_origin(origin->url()) == *origin, "an origin reads back the same");
    }
    if (const auto session = services::parse_session(body); is_there(session))
        require(services::is_id(session->user_id) && is_one_line(session->refresh_token.reveal()) &&
                    !session->refresh_token.empty(),
                "a session has an id and a token for a header");
    if (const auto key = services::parse_created_key(body); is_there(key))
        require(services::is_id(key->id) && !key->secret.empty() && is_one_line(key->secret.reveal()),
                "a key has an id and a secret of one line");
    if (const auto key = services::parse_key(body); is_there(key))
        require(services::is_id(key->id) && !key->name.empty(), "a key has an id and a name");
    if (const auto keys = services::parse_keys(body); is_there(keys))
        for (const auto& key : *keys) require(services::is_id(key.id), "a listed key has an id");
    const auto error = services::parse_error(body);
    require(error.text == services::clean(error.text), "a quote is clean");
    require(error.code.empty() || services::is_id(error.code), "a code is one");
}

void write_requests(std::string_view text) {
    const core::Secret secret{text};
    for (const auto provider : {core::OwnerProvider::LocalUserpass, core::OwnerProvider::CustomToken,
                                core::OwnerProvider::CustomFunction}) {
        const auto body =
            services::log_in_body({.provider = provider, .username = "u", .secret = {}}, secret);
        if (!body) require_readable(body.error());
    }
    require(!services::api_key_body(secret).empty(), "a body is written");
    // What is written is JSON that holds the same: read as an error's body, whose texts are cleaned.
    const auto quoted = services::create_body(std::string(text));
    const auto swapped = "{\"error\"" + std::string(quoted.reveal().substr(quoted.reveal().find(':')));
    const bool ascii = std::ranges::all_of(text, [](char c) { return c > 0; });
    if (ascii)
        require(services::parse_error(swapped).text == services::clean(std::string(text)),
                "a body holds what it was made of");
}

}  // namespace
}  // namespace devkey::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = devkey::fuzz::text_of(data, size);
    devkey::fuzz::parse_answers(text);
    devkey::fuzz::write_requests(text);
    return 0;
}
