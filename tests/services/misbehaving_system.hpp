// The operating system, as a test wants it: a name look-up that hangs, a machine that has no thread left, a
// count of the connections taken.
#pragma once

namespace devkey::services {

/// A look-up of this name waits as long as a HungLookUps lives.
inline constexpr const char* hanging_name = "hangs.example";

/// One at a time.
class HungLookUps {
 public:
    HungLookUps();
    /// Lets the look-ups go on, and waits until they have.
    ~HungLookUps();
    HungLookUps(const HungLookUps&) = delete;
    HungLookUps& operator=(const HungLookUps&) = delete;
    /// Waits until one hangs.
    static void wait_for_one();
};

/// As long as one lives, the thread that made it can't start another.
class NoThreadLeft {
 public:
    NoThreadLeft();
    ~NoThreadLeft();
    NoThreadLeft(const NoThreadLeft&) = delete;
    NoThreadLeft& operator=(const NoThreadLeft&) = delete;
};

/// How many connections the servers of this process have taken so far.
[[nodiscard]] int accepted_connections();

}  // namespace devkey::services
