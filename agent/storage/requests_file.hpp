// requests.json: what a person asked for, on disk, until it is done.
#pragma once

#include <string>

#include "core/request.hpp"
#include "storage/atomic_file.hpp"

namespace devkey::storage {

/// `<directory>/requests.json`.
[[nodiscard]] std::string requests_path(const std::string& directory);

/// Long enough that no two who ask ever have the same: 80 bits of ports::Entropy::tag.
inline constexpr std::size_t asking_id_length = 16;

/// None in the file: Request::None. Corrupt, naming what is wrong and the remedy; Insecure (not a regular
/// file of ours); Forbidden; Io.
[[nodiscard]] core::Result<core::Asking> load_request(const std::string& directory);

/// Whether to wait for another process that is just writing there.
enum class Patience { Wait, DontWait };

/// Takes the place of the request that stood there; of two who ask at once, the later one's stands.
/// `asking` has an id. The errors of write_file; Unavailable: another is just writing, and we don't wait.
[[nodiscard]] core::Result<void> save_request(FileCalls& calls, const std::string& directory,
                                              const core::Asking& asking, Patience patience = Patience::Wait);

/// `done` is done: it is removed, unless another has taken its place. The errors of load_request and
/// remove_file; Unavailable: somebody is just about to write another.
[[nodiscard]] core::Result<void> forget_request(FileCalls& calls, const std::string& directory,
                                                const core::Asking& done);

}  // namespace devkey::storage
