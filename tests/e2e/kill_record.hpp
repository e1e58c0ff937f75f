// What strace wrote down of a run, as the kill loop needs it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace devkey::e2e {

/// One system call, as `strace -f -y -s 0` prints it: no content of any buffer, only names of files.
struct Call {
    int thread = 0;
    std::string name;
    std::string arguments;
    std::string result;  ///< what it returned; empty: it never did
    /// The paths among its arguments, as strace's -P compares them: a path argument literally, and what a
    /// descriptor is open on. Every socket is `socket`; the device's directory is `{device}`.
    std::vector<std::string> paths;

    [[nodiscard]] bool returned() const { return !result.empty(); }
    /// It is about a file below the device's directory, or about a socket.
    [[nodiscard]] bool is_about_the_world() const;
    /// The world may be another after it than before. A call that failed, one that only looks, and a close
    /// (which a kill does too) change nothing; one this doesn't know counts as a change. Waiting for an
    /// answer is a change, too: it is the service that changes the world meanwhile.
    [[nodiscard]] bool changes_the_world() const;
    /// `write {device}/state/state.json`: for people, and to tell calls of one name apart.
    [[nodiscard]] std::string what() const;
};

/// A path out of a record, as it is called on this device.
[[nodiscard]] std::string path_on(std::string path, const std::string& device);

/// The calls of all threads in the order in which they were entered. `device` is the device's directory.
[[nodiscard]] std::vector<Call> parse_record(std::string_view text, const std::string& device);

}  // namespace devkey::e2e
