// Who is told what happens.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace devkey::ports {

enum class Severity { Info, Notice, Warning, Error };

/// One thing that happened. `name` is stable (kebab case) and the same in the log, in `status` and in `plan`.
struct Event {
    Severity severity = Severity::Info;
    std::string_view name;
    std::string message;                                             ///< for people; never a secret
    std::vector<std::pair<std::string_view, std::string>> fields{};  ///< snake_case names; never a secret
};

class Reporter {
 public:
    virtual ~Reporter() = default;
    /// Never fails, never blocks for long; called from any thread.
    virtual void report(const Event& event) noexcept = 0;
};

}  // namespace devkey::ports
