// Certificates of a test's own, made anew each time.
#pragma once

#include <string>

namespace devkey::fakes {

/// Files in PEM.
struct Certificate {
    std::string cert;
    std::string key;
};

/// A certificate authority whose files live in `directory`.
class Authority {
 public:
    /// It, and what it issues, is valid from so many seconds ago.
    explicit Authority(std::string directory, long since = 3600);

    /// For the DNS name or the IP address, valid for `seconds` from now (negative: expired).
    [[nodiscard]] Certificate issue(const std::string& name, long seconds = 3600) const;
    /// Signed by itself: nobody vouches for it.
    [[nodiscard]] Certificate self_signed(const std::string& name) const;
    [[nodiscard]] const std::string& ca_file() const { return ca_.cert; }

 private:
    std::string directory_;
    long since_;
    Certificate ca_;
};

}  // namespace devkey::fakes
