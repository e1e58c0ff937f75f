#include "services/fingerprint.hpp"

#include <gtest/gtest.h>

namespace devkey::services {
namespace {

// printf abc | sha256sum; FIPS 180-2, B.1
TEST(Fingerprint, IsWhatSha256sumSays) {
    EXPECT_EQ(fingerprint(core::Secret{"abc"}), "sha256:ba7816bf8f01cfea");
    EXPECT_EQ(fingerprint(core::Secret{}), "sha256:e3b0c44298fc1c14");
}

}  // namespace
}  // namespace devkey::services
