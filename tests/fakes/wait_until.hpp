#pragma once

#include <chrono>
#include <thread>

namespace devkey::fakes {

/// For what another process or thread brings about; false: it didn't within a minute.
template <class Condition>
bool wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace devkey::fakes
