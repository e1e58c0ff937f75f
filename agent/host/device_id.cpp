#include "host/device_id.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <variant>

#include "host/machine_id.hpp"
#include "host/read_file.hpp"
#include "host/run_command.hpp"
#include "host/system_error.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;
using core::fail;
using core::Result;

// Random, made once for this program (systemd-id128 new). Never change them: every device's id would change.
constexpr ApplicationId device_application{0xb8, 0xb1, 0x8b, 0xdf, 0x38, 0x67, 0x44, 0xf0,
                                           0xaf, 0xc5, 0x80, 0xbe, 0xf7, 0x2e, 0x97, 0xb1};
constexpr ApplicationId machine_application{0xb2, 0xdb, 0xa3, 0xbb, 0xfb, 0x4e, 0x41, 0xc0,
                                            0xad, 0x4e, 0x0b, 0xad, 0x92, 0xfd, 0xd9, 0xaa};

constexpr std::size_t longest_id = 255;

Result<std::string> host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return system_error("the host name", errno);
    const std::string_view text{name.data()};
    const std::string_view host = text.substr(0, text.find('.'));
    if (host.empty() || host == "localhost" || host == "(none)")
        return fail(
            ErrorKind::InvalidInput,
            fmt::format("the host name '{}' would be the same on every device; set one (hostnamectl), or "
                        "choose another source",
                        text));
    return std::string(host);
}

// Without what files and programs put around an id: blanks, line ends, and the zero byte that ends a device
// tree's serial number.
std::string trimmed(std::string_view text) {
    constexpr std::string_view around{" \t\r\n\0", 5};
    const auto first = text.find_first_not_of(around);
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(around) - first + 1));
}

Result<std::string> as_text(const Result<core::Secret>& read) {
    if (!read) return std::unexpected(read.error());
    return trimmed(read->reveal());
}

struct Read {
    int stop;
    Result<std::string> operator()(const core::FromLiteral& literal) const { return literal.value; }
    Result<std::string> operator()(const core::FromMachineId&) const {
        return hashed_machine_id(device_application);
    }
    Result<std::string> operator()(const core::FromHostname&) const { return host_name(); }
    Result<std::string> operator()(const core::FromFile& file) const {
        return as_text(read_file(file.path, Privacy::Public));
    }
    Result<std::string> operator()(const core::FromCommand& command) const {
        return as_text(run_command(command, stop));
    }
};

Result<void> validate(std::string_view id) {
    if (id.empty() || id.size() > longest_id)
        return fail(ErrorKind::InvalidInput,
                    fmt::format("has {} characters; 1 to {} are allowed", id.size(), longest_id));
    const bool printable = std::ranges::all_of(id, [](char c) { return c >= ' ' && c <= '~'; });
    if (!printable || id.front() == ' ' || id.back() == ' ')
        return fail(ErrorKind::InvalidInput,
                    "may hold printable ASCII characters only, in one line, and no space at its ends");
    return {};
}

}  // namespace

Result<std::string> read_device_id(const core::DeviceIdSource& source, int stop) {
    auto id = std::visit(Read{stop}, source);
    if (!id) return std::unexpected(core::with_context("the device id", std::move(id.error())));
    if (const auto valid = validate(*id); !valid)
        return std::unexpected(core::with_context("the device id", valid.error()));
    return id;
}

Result<void> check_device_id(const core::DeviceIdSource& source) {
    if (std::holds_alternative<core::FromCommand>(source)) return {};
    const auto id = read_device_id(source, -1);
    if (id) return {};
    const bool file = std::holds_alternative<core::FromFile>(source);
    return std::unexpected(core::with_context(file ? "device.id.file" : "device.id", id.error()));
}

std::string machine_tag() {
    return hashed_machine_id(machine_application).value_or("");
}

}  // namespace devkey::host
