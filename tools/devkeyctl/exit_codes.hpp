// How devkeyctl ends: after sysexits.h where that has a word for it.
#pragma once

namespace devkey::ctl {

inline constexpr int exit_done = 0;
inline constexpr int exit_degraded = 1;      ///< status only
inline constexpr int exit_failed_check = 1;  ///< check only: something is wrong
inline constexpr int exit_failing = 2;       ///< status only: no key that works, or out of service
inline constexpr int exit_nothing_to_do = 10;
inline constexpr int exit_usage = 64;
inline constexpr int exit_not_running = 69;
inline constexpr int exit_not_done = 70;  ///< it was tried, and can't be done
inline constexpr int exit_io = 74;
inline constexpr int exit_later = 75;
inline constexpr int exit_protocol = 76;
inline constexpr int exit_refused = 77;
inline constexpr int exit_settings = 78;

}  // namespace devkey::ctl
