// requests.json: what a person asked for, on disk, until it is done.
#pragma once

#include <string>

#include "core/planner.hpp"
#include "storage/atomic_file.hpp"

namespace devkey::storage {

/// `<directory>/requests.json`.
[[nodiscard]] std::string requests_path(const std::string& directory);

/// None in the file: Request::None. Corrupt, naming what is wrong and the remedy; Insecure (not a regular
/// file of ours); Forbidden; Io.
[[nodiscard]] core::Result<core::Request> load_request(const std::string& directory);

/// Takes the place of the request that stood there. The errors of write_file.
[[nodiscard]] core::Result<void> save_request(FileCalls& calls, const std::string& directory,
                                              core::Request request);

/// It is done. The errors of remove_file.
[[nodiscard]] core::Result<void> forget_request(FileCalls& calls, const std::string& directory);

}  // namespace devkey::storage
