#include "metrics_file.hpp"

#include <unistd.h>

#include <utility>

#include "control/metrics.hpp"
#include "control/protocol.hpp"

namespace devkey {

void MetricsFile::remove() {
    if (path_.empty()) return;
    if (const auto removed = storage::remove_file(files_, path_); !removed)
        reporter_.report(
            {ports::Severity::Warning, "metrics-not-removed",
             "metrics.textfile names another file now; remove the former one: " + removed.error().message});
}

void MetricsFile::write(const std::string& path, const core::Status& status) {
    if (path != path_) remove();
    path_ = path;
    if (path.empty()) return;
    const control::AgentStatus agent{.version = DEVKEY_VERSION, .pid = ::getpid()};
    const auto text = control::format_metrics(control::format_status(status, agent));
    // Others may read it: there is no secret in a status.
    const auto written = text ? storage::write_file(files_, path, *text, {.mode = 0644})
                              : core::Result<void>(std::unexpected(text.error()));
    if (!written && !told_)
        reporter_.report({ports::Severity::Warning, "metrics-not-written",
                          "metrics.textfile: " + written.error().message});
    told_ = !written;
}

}  // namespace devkey
