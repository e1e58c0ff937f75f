// Chance from one seed: the same seed gives the same world.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "core/time.hpp"

namespace devkey::sim {

using core::Millis;

class Dice {
 public:
    explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

    /// 64 random bits (SplitMix64).
    std::uint64_t next() {
        std::uint64_t bits = (state_ += 0x9e3779b97f4a7c15U);
        bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
        bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
        return bits ^ (bits >> 31U);
    }
    /// One of 0 … count-1.
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
    /// True in `permille` of 1,000 cases. One that can't be true draws nothing.
    bool chance(unsigned permille) { return permille != 0 && below(1000) < permille; }
    Millis between(Millis low, Millis high) {
        const auto span = static_cast<std::size_t>((high - low).count()) + 1;
        return low + Millis{static_cast<Millis::rep>(below(span))};
    }
    template <class T>
    T one_of(std::initializer_list<T> choices) {
        return choices.begin()[below(choices.size())];
    }

 private:
    std::uint64_t state_;
};

}  // namespace devkey::sim
