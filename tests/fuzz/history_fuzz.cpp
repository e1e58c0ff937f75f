// history.jsonl: whatever a power cut or a person left there, each line that is told is JSON, and the next
// one is kept.
#include "control/protocol.hpp"
#include "fuzz.hpp"
#include "json/fields.hpp"
#include "storage/history_file.hpp"

namespace {

using namespace devkey;

/// As the daemon answers it.
void require_answer(const std::vector<std::string>& lines) {
    const auto answer = control::format_history(lines);
    fuzz::require(answer.find('\n') == std::string::npos, "an answer is one line");
    fuzz::require(json::parse_object(answer).object().isArray("entries"), "an answer is JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Folder folder;
    folder.write("history.jsonl", fuzz::text_of(data, size));
    storage::HistoryFile history{folder.path};
    const auto before = history.latest(5);
    fuzz::require(before.size() <= 5, "no more than were asked for");
    require_answer(before);

    fuzz::Bytes bytes{data, size};
    const auto message = bytes.text().substr(0, 500);
    const auto kept = history.append(bytes.instant(), {.name = "key-published", .message = message});
    fuzz::require(kept.has_value(), "an event is written");
    const auto after = history.latest(1);
    fuzz::require(after.size() == 1, "an event is kept");
    const auto last = json::parse_object(after.front());
    fuzz::require(last.object().getValue<std::string>("event") == "key-published", "an event is kept whole");
    require_answer(after);
    return 0;
}
