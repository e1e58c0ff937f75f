// devkeyd.yaml: all that is refused has its problems, and what is taken can be used.
#include "problems.hpp"

namespace devkey::fuzz {
namespace {

bool is_shortest_path(const std::string& path) {
    return path.starts_with('/') && std::filesystem::path{path}.lexically_normal() == path;
}

bool is_one_line(std::string_view text) {
    return std::ranges::all_of(text,
                               [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

void require_usable(const core::Settings& settings) {
    const auto& service = settings.service;
    require(service.url.starts_with("https://") || (service.plain_http && service.url.starts_with("http://")),
            "no plain HTTP unless it was asked for");
    require(!service.app.empty() && is_one_line(service.url) && is_one_line(service.app),
            "service is one line");
    require(service.connect_timeout > core::Millis{0} && service.request_timeout > core::Millis{0},
            "a request ends");
    require(is_shortest_path(settings.state_directory), "state_directory is absolute");
    require(is_shortest_path(settings.credential_file.path), "credential_file.path is absolute");
    require((settings.credential_file.mode & 0002U) == 0, "not everyone may write the credential file");
    require(settings.credential_file.mode <= 0777, "a mode has permission bits only");
    require(!settings.key_prefix.empty() && is_one_line(settings.key_prefix), "a prefix is one line");
    require(settings.control.socket.size() <= 107, "the socket's path fits");
    require(settings.owner.provider != core::OwnerProvider::LocalUserpass || !settings.owner.username.empty(),
            "an account has a name");
}

}  // namespace
}  // namespace devkey::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    const auto text = fuzz::text_of(data, size);
    const auto read = [&](const std::string& path) -> core::Result<std::string> {
        return std::string(path == "/c/devkeyd.yaml" ? text : "version: 1\n");
    };
    const auto loaded = settings::load("/c/devkeyd.yaml", core::Capabilities{}, read);
    if (loaded)
        fuzz::require_usable(*loaded);
    else
        fuzz::require_good(loaded.error(), text);
    return 0;
}
