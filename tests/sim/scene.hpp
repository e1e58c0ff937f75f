// What everything in one simulated world shares.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/decision.hpp"
#include "fakes/world.hpp"
#include "sim/cloud.hpp"
#include "sim/coverage.hpp"
#include "sim/dice.hpp"
#include "sim/story.hpp"

namespace devkey::sim {

struct Scene {
    Timeline& timeline;
    Dice& dice;
    Story& story;
    Coverage& coverage;
    Cloud& cloud;
    unsigned crashes = 0;     ///< in a thousand, before and after each effect
    bool real_files = false;  ///< machines write real files, and lose in a power cut what isn't on disk
};

/// The effects of one machine's agent: each passes just before it happens and just after, and the process may
/// die (fakes::Crash) at either.
class Effects {
 public:
    Effects(Scene& scene, std::string who) : scene_(scene), who_(std::move(who)) {}

    const engine::Reconciler* agent = nullptr;  ///< whose effects they are; knows what it is at

    void pass(std::string_view effect, When when) {
        auto& seen = scene_.coverage.effects[{agent->latest().action, effect}];
        if (when == When::Before) ++seen.passed;
        if (!scene_.dice.chance(scene_.crashes)) return;
        ++(when == When::Before ? seen.crashed_before : seen.crashed_after);
        scene_.story.tell(who_, "the process dies ", when == When::Before ? "before " : "after ", effect);
        throw fakes::Crash{};
    }
    /// In the middle of an effect: at one of its system calls.
    void pass_within(std::string_view call) {
        if (!scene_.dice.chance(scene_.crashes / 5)) return;
        ++scene_.coverage.faults["died-in-a-write"];
        scene_.story.tell(who_, "the process dies at ", call);
        throw fakes::Crash{};
    }
    [[nodiscard]] const std::string& who() const { return who_; }

 private:
    Scene& scene_;
    std::string who_;
};

}  // namespace devkey::sim
