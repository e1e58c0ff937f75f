// Addresses and words, read and shown.
#include "server/input.hpp"

#include <gtest/gtest.h>
#include <sysexits.h>

#include "program.hpp"
#include "server/store.hpp"

namespace devkey::server {
namespace {

TEST(Input, ReadsAnAddressToItsEnd) {
    for (const char* text : {"127.0.0.1:0", "keys.example:65535", "[::1]:9443", "[2001:db8::1]:1"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(to_text(*address), text);
    }
    EXPECT_EQ(parse_address("[::1]:9443")->host, "::1");
    for (const char* text :
         {"", "h", ":1", "h:", "h:65536", "h:1x", "h:-1", "::1:1", "[h]:1", "[]:1", "[::1:1"})
        EXPECT_FALSE(parse_address(text)) << text;
}

TEST(Input, ListensOnAnIpv6Address) {
    const fakes::TemporaryDirectory directory;
    ASSERT_TRUE(Store::open(directory.file("db"), false));
    const Program program(directory.file("db"), {"serve", "--plain-http", "--listen", "[::1]:0"});
    const bool listens = program.port() != 0;
    // A machine without IPv6 has understood it, too.
    EXPECT_TRUE(listens ? program.output().starts_with("listening on http://[::1]:")
                        : program.errors().contains("can't listen on [::1]:0"))
        << program.output() << program.errors();
}

TEST(Input, RefusesToServeAtAnAddressThatItOnlyHalfUnderstands) {
    const fakes::TemporaryDirectory directory;
    ASSERT_TRUE(Store::open(directory.file("db"), false));
    for (const char* listen : {"127.0.0.1:094433", "127.0.0.1:0x", ":0x", "::1:0"})
        ASSERT_EQ(Program(directory.file("db"), {"serve", "--plain-http", "--listen", listen}).wait(),
                  EX_USAGE)
            << listen;
}

}  // namespace
}  // namespace devkey::server
