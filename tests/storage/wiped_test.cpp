// No copy of a secret is left in memory that was given back, but for those that Poco makes.
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <ostream>
#include <string>
#include <string_view>

#include "json/fields.hpp"
#include "storage/credential_file.hpp"
#include "storage/state_file.hpp"

namespace {

constexpr std::string_view value = "a-secret-that-no-other-text-here-holds";
bool watching = false;
int left = 0;  // blocks that were given back with the secret in them

void give_back(void* block) noexcept {
    if (watching && block != nullptr &&
        ::memmem(block, ::malloc_usable_size(block), value.data(), value.size()) != nullptr)
        ++left;
    std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
    if (void* block = std::malloc(size); block != nullptr) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
    give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
    give_back(block);
}

namespace devkey::storage {
namespace {

int left_by(const std::function<void()>& doing) {
    left = 0;
    watching = true;
    doing();
    watching = false;
    return left;
}

core::Key key() {
    return {.id = "id-1",
            .name = "name-1",
            .generation = 1,
            .secret = core::Secret{value},
            .created_at = core::Instant{core::Millis{1767323045678}}};
}

core::Identity identity() {
    return {"https://keys.example", "app-1", "owner", "device"};
}

core::State state() {
    core::State state;
    state.identity = identity();
    state.installation = "abc234";
    state.last_generation = 1;
    state.current.emplace().key = key();
    return state;
}

/// What Poco leaves when it writes a text.
int left_by_poco_writing() {
    const Poco::Dynamic::Var text{std::string(value)};
    std::ostream nowhere{nullptr};
    return left_by([&] { Poco::JSON::Stringifier::stringify(text, nowhere, 2); });
}

/// What Poco leaves when it reads a text into an object.
int left_by_poco_reading() {
    const std::string text = R"({"secret":")" + std::string(value) + R"("})";
    Poco::Dynamic::Var parsed;
    return left_by([&] {
        Poco::JSON::Parser parser;
        parser.parse(text);
        const json::WipedJson wiped{parser.result()};
    });
}

TEST(WipedMemory, IsWatched) {
    EXPECT_EQ(left_by([] { const std::string text{value}; }), 1);
    EXPECT_EQ(left_by([] { const core::Secret secret{value}; }), 0);
}

TEST(WipedMemory, IsAllThatRenderingACredentialLeaves) {
    const auto of = state();
    const core::Credential published{.identity = of.identity, .key = of.current->key};
    EXPECT_EQ(left_by([&] { static_cast<void>(render(published, core::CredentialFormat::Raw)); }), 0);
    EXPECT_EQ(left_by([&] { static_cast<void>(render(published, core::CredentialFormat::Env)); }), 0);
    EXPECT_LE(left_by([&] { static_cast<void>(render(published, core::CredentialFormat::Json)); }),
              left_by_poco_writing());
}

TEST(WipedMemory, IsAllThatAStateLeaves) {
    const auto saved = state();
    EXPECT_LE(left_by([&] { static_cast<void>(format_state(saved)); }), left_by_poco_writing());
    const auto text = format_state(saved);
    EXPECT_LE(left_by([&] { EXPECT_EQ(parse_state(text.reveal()), saved); }), left_by_poco_reading());
}

// It outgrows its memory after the secret was written.
TEST(WipedMemory, IsAllThatALongTextLeaves) {
    auto of = state();
    of.identity.app = value;
    of.identity.device = std::string(50000, 'x');
    const core::Credential published{.identity = of.identity, .key = of.current->key};
    EXPECT_EQ(left_by([&] { static_cast<void>(render(published, core::CredentialFormat::Env)); }), 0);
}

}  // namespace
}  // namespace devkey::storage
