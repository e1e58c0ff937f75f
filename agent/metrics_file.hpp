// The status in a file that node_exporter's textfile collector reads.
#pragma once

#include <string>

#include "core/status.hpp"
#include "ports/reporter.hpp"
#include "storage/atomic_file.hpp"

namespace devkey {

/// Used by the worker alone. A file that can't be written is no failure of the agent: it is told once, and
/// tried again with the next status.
class MetricsFile {
 public:
    /// Both outlive it.
    MetricsFile(storage::FileCalls& files, ports::Reporter& reporter) : files_(files), reporter_(reporter) {}

    /// To `path`; empty: to none. The file that an earlier path named is removed: what stood there would
    /// look true for ever.
    void write(const std::string& path, const core::Status& status);

 private:
    void remove();

    storage::FileCalls& files_;
    ports::Reporter& reporter_;
    std::string path_;
    bool told_ = false;
};

}  // namespace devkey
