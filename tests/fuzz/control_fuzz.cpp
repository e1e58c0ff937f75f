// A line on the control socket, by whoever may connect: a question that is written back the same, or a
// refusal of one line.
#include "control/protocol.hpp"
#include "fuzz.hpp"
#include "json/fields.hpp"

namespace {

using namespace devkey;

void require_line(std::string_view line) {
    fuzz::require(line.find('\n') == std::string_view::npos, "an answer is one line");
    fuzz::require(json::parse_object(line).object().has("version"), "an answer is JSON with a version");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto question = control::parse_question(fuzz::text_of(data, size));
    if (!question) {
        fuzz::require_readable(question.error());
        fuzz::require(question.error().kind == core::ErrorKind::InvalidInput, "it is the line that is wrong");
        require_line(control::format_refusal(control::Refusal::BadRequest, question.error().message));
        return 0;
    }
    const auto line = control::format_question(*question);
    require_line(line);
    fuzz::require(control::parse_question(line) == *question, "a question reads back the same");
    fuzz::require(question->why.size() <= core::longest_why, "why is short");
    fuzz::require(question->most >= 1 && question->most <= control::most_entries, "entries are counted");
    const auto request = control::request_of(question->verb);
    fuzz::require(!control::only_reads(question->verb) || request == core::Request::None,
                  "what only reads writes nothing down");
    require_line(control::format_accepted({.request = request, .id = "a", .why = question->why}));
    return 0;
}
