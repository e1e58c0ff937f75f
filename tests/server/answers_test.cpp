// What every answer looks like on the wire: the manners that two SDK families insist on.
#include "running_server.hpp"

namespace devkey::server {
namespace {

struct Call {
    const char* method;
    std::string path;
    std::string body;
    std::string token;
    int status;
};

class Answer : public RunningServer {
 protected:
    void SetUp() override {
        RunningServer::SetUp();
        ASSERT_TRUE(store->set_provider("app", "anon-user", true, ""));
        ASSERT_TRUE(store->add_key({"id1", "alice", "one"}, "hash"));
        const auto in = connect().call("POST", "/app/app/auth/providers/local-userpass/login",
                                       R"({"username":"alice@x","password":"hunter22"})");
        refresh = field(in, "refresh_token");
        access = field(in, "access_token");
        anonymous =
            field(connect().call("POST", "/app/app/auth/providers/anon-user/login", "{}"), "refresh_token");
    }
    void expect(const Call& call, const std::string& content_type) const {
        const auto answer = connect().call(call.method, call.path, call.body, call.token);
        EXPECT_EQ(status_of(answer), call.status) << call.method << ' ' << call.path;
        const auto head = answer.substr(0, answer.find("\r\n\r\n") + 2);
        const auto at = head.find("Content-Type: ");
        const auto type =
            at == std::string::npos ? "" : head.substr(at + 14, head.find("\r\n", at) - at - 14);
        EXPECT_EQ(type, content_type) << call.method << ' ' << call.path;
        EXPECT_EQ(answer.ends_with("\r\n\r\n"), content_type.empty()) << answer;
        EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos) << head;
    }

    std::string refresh;
    std::string access;
    std::string anonymous;
};

TEST_F(Answer, OfJsonSaysExactlyApplicationJson) {
    const std::string login = "/app/app/auth/providers/local-userpass/login";
    for (const auto& call : std::vector<Call>{
             {"GET", "/app/app/location", "", "", 200},
             {"POST", login, R"({"username":"alice@x","password":"hunter22"})", "", 200},
             {"POST", login, R"({"username":"alice@x","password":"wrong"})", "", 401},
             {"POST", login, "{", "", 400},
             {"GET", "/auth/profile", "", access, 200},
             {"GET", "/auth/profile", "", refresh, 401},
             {"POST", "/auth/session", "", refresh, 201},
             {"POST", "/auth/api_keys", R"({"name":"two"})", refresh, 201},
             {"POST", "/auth/api_keys", R"({"name":"two"})", refresh, 409},
             {"POST", "/auth/api_keys", R"({"name":""})", refresh, 400},
             {"GET", "/auth/api_keys", "", refresh, 200},
             {"GET", "/auth/api_keys", "", "", 401},
             {"GET", "/auth/api_keys/id1", "", refresh, 200},
             {"GET", "/auth/api_keys/other", "", refresh, 404},
             {"PUT", "/auth/api_keys/other/enable", "", refresh, 404},
             {"GET", "/nowhere", "", "", 404},
         })
        expect(call, "application/json");
}

TEST_F(Answer, OfNothingHasNoContentType) {
    for (const auto& call : std::vector<Call>{
             {"POST", "/app/app/auth/providers/local-userpass/register",
              R"({"email":"bob@x","password":"secret1"})", "", 201},
             {"PUT", "/auth/api_keys/id1/disable", "", refresh, 204},
             {"PUT", "/auth/api_keys/id1/enable", "", refresh, 204},
             {"DELETE", "/auth/api_keys/id1", "", refresh, 204},
             {"GET", "/auth/api_keys", "", anonymous, 403},
             {"DELETE", "/auth/session", "", refresh, 204},
             {"POST", "/auth/session", std::string(70000, 'x'), refresh, 413},
         })
        expect(call, "");
}

TEST_F(Answer, To204HasNoLengthEither) {
    const auto answer = connect().call("PUT", "/auth/api_keys/id1/disable", "", refresh);
    EXPECT_EQ(answer.find("Content-Length"), std::string::npos) << answer;  // RFC 9110, section 8.6
}

TEST_F(Answer, ToAHeadIsTheHeadAlone) {
    const auto client = connect();
    client.send("HEAD /api/client/v2.0/app/app/location HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const auto answer = client.read_to_end();
    EXPECT_EQ(status_of(answer), 404);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(Answer, TakesAnEmptyBodyThatSaysItIsJson) {
    for (const std::string method : {"PUT", "DELETE"}) {
        const auto client = connect();
        const std::string end = method == "PUT" ? "/enable" : "";
        client.send(method + " /api/client/v2.0/auth/api_keys/id1" + end +
                    " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 0\r\n" +
                    "Authorization: Bearer " + refresh + "\r\n\r\n");
        EXPECT_EQ(status_of(client.read_answer()), 204) << method;
    }
}

TEST_F(Answer, ToNoTokenAndToAnEmptyOne) {
    const auto with = [this](const std::string& header) {
        const auto client = connect();
        client.send("GET /api/client/v2.0/auth/api_keys HTTP/1.1\r\nHost: h\r\n" + header + "\r\n");
        return client.read_answer();
    };
    EXPECT_EQ(field(with(""), "error"), "must authenticate first");
    const auto empty = with("Authorization: Bearer \r\n");
    EXPECT_EQ(status_of(empty), 401);
    EXPECT_EQ(field(empty, "error"), "expected Authorization header with JWT (Bearer schema)");
    EXPECT_EQ(field(empty, "error_code"), "");
}

}  // namespace
}  // namespace devkey::server
