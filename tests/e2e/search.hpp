// A search for secrets, in whole or in part.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/temporary_directory.hpp"

namespace devkey::e2e {

/// Something to be found nowhere. `name` says in a test's message what it is.
struct Wanted {
    std::string name;
    std::string value;
};

/// One text that was looked through. `name` says where it comes from.
struct Place {
    std::string name;
    std::string text;
};

/// Where a secret is, as "NAME in PLACE". Twelve characters in a row are enough: of a longer one any such
/// part counts, also the last; a shorter one counts as a whole.
inline std::vector<std::string> finds(const std::vector<Wanted>& secrets, const std::vector<Place>& places) {
    constexpr std::size_t part = 12;
    std::vector<std::string> found;
    for (const auto& place : places) {
        for (const auto& secret : secrets) {
            const std::string_view value = secret.value;
            const std::size_t last = value.size() < part ? 0 : value.size() - part;
            for (std::size_t at = 0; at <= last; ++at) {
                if (value.empty() || !place.text.contains(value.substr(at, part))) continue;
                found.push_back(secret.name + " in " + place.name);
                break;
            }
        }
    }
    return found;
}

/// Every regular file below the directory, but those of these names.
inline std::vector<Place> files_below(const std::string& directory, const std::vector<std::string>& but) {
    std::vector<Place> places;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        const bool wanted = std::ranges::find(but, entry.path().filename().string()) == but.end();
        // A link's target is looked at where it is.
        if (wanted && entry.is_regular_file() && !entry.is_symlink())
            places.push_back({entry.path().string(), fakes::content_of(entry.path().string())});
    }
    return places;
}

/// What anybody may see of a process, and its environment, which its user may.
inline std::vector<Place> sights_of(pid_t id, const std::string& name) {
    std::vector<Place> places;
    for (const char* file : {"cmdline", "environ", "comm", "status"})
        places.push_back(
            {name + "'s " + file, fakes::content_of("/proc/" + std::to_string(id) + "/" + file)});
    return places;
}

}  // namespace devkey::e2e
