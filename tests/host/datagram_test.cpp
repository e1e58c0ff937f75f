#include "host/datagram.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "host/datagram_socket.hpp"

namespace devkey::host {
namespace {

TEST(Datagram, ReachesAPath) {
    const fakes::TemporaryDirectory directory;
    const DatagramSocket socket{directory.file("socket")};
    EXPECT_EQ(send_datagram(directory.file("socket"), "one\ntwo"), 0);
    EXPECT_EQ(send_datagram(directory.file("socket"), std::string_view{"\0", 1}), 0);
    EXPECT_EQ(socket.told(), "one\ntwo");
    EXPECT_EQ(socket.told(), std::string(1, '\0'));
    EXPECT_EQ(socket.told(), "");
}

TEST(Datagram, ReachesANameInTheAbstractNamespace) {
    const std::string name = "@devkeyd-test-" + std::to_string(::getpid());
    const DatagramSocket socket{name};
    EXPECT_EQ(send_datagram(name, "one"), 0);
    EXPECT_EQ(socket.told(), "one");
    EXPECT_EQ(send_datagram(name + "x", "two"), ECONNREFUSED);
}

TEST(Datagram, SaysWhyItDoesNotArrive) {
    const fakes::TemporaryDirectory directory;
    const auto path = directory.file("socket");
    EXPECT_EQ(send_datagram(path, "a"), ENOENT);
    EXPECT_EQ(send_datagram(path + std::string(108, 'x'), "a"), ENAMETOOLONG);
    EXPECT_NE(send_datagram("", "a"), 0);
    {
        const DatagramSocket socket{path};
        EXPECT_EQ(send_datagram(path, std::string(8'000'000, 'x')), EMSGSIZE);
        EXPECT_EQ(socket.told(), "");
    }
    EXPECT_EQ(send_datagram(path, "a"), ECONNREFUSED);
}

// Would not end if it waited for ever.
TEST(Datagram, DoesNotWaitForEverForWhoDoesNotRead) {
    const fakes::TemporaryDirectory directory;
    const auto path = directory.file("socket");
    const DatagramSocket socket{path};
    int error = 0;
    while (error == 0) error = send_datagram(path, "a");
    EXPECT_EQ(error, EAGAIN);
    EXPECT_EQ(socket.told(), "a");
    EXPECT_EQ(send_datagram(path, "b"), 0);
}

}  // namespace
}  // namespace devkey::host
