// What the server promises of its disk, its processors and its memory, and whom it lets look.
#include <dlfcn.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "fakes/certificates.hpp"
#include "program.hpp"
#include "server/crypto.hpp"
#include "server/store.hpp"

namespace devkey::server {
namespace {

/// Who is in OpenSSL's scrypt; `watched`: a run waits for others, to be sure to meet them.
struct Scrypts {
    std::atomic<bool> watched = false;
    std::atomic<int> entered = 0;
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
};
Scrypts scrypts;

int cores() {
    return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void meet_others() {
    const int now = ++scrypts.running;
    for (int most = scrypts.most; most < now && !scrypts.most.compare_exchange_weak(most, now);) {
    }
    if (!scrypts.watched) return;
    // The first must find one another; then there is time for one too many to come.
    const bool first = ++scrypts.entered <= cores();
    EXPECT_TRUE(!first || fakes::wait_until([] { return scrypts.most >= cores(); }));
    for (int i = 0; i < 20 && scrypts.most <= cores(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

}  // namespace
}  // namespace devkey::server

/// In OpenSSL's place, for the whole test program: the linker finds this one first.
extern "C" int EVP_PBE_scrypt(const char* pass, std::size_t passlen, const unsigned char* salt,
                              std::size_t saltlen, std::uint64_t n, std::uint64_t r, std::uint64_t p,
                              std::uint64_t maxmem, unsigned char* key, std::size_t keylen) {
    static const auto real =
        reinterpret_cast<decltype(&EVP_PBE_scrypt)>(::dlsym(RTLD_NEXT, "EVP_PBE_scrypt"));
    devkey::server::meet_others();
    const int done = real(pass, passlen, salt, saltlen, n, r, p, maxmem, key, keylen);
    --devkey::server::scrypts.running;
    return done;
}

namespace devkey::server {
namespace {

TEST(Passwords, AreHashedByAsManyAtOnceAsThereAreCores) {
    scrypts.most = 0;
    scrypts.entered = 0;
    scrypts.watched = true;
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < cores() + 3; ++i)
            crowd.emplace_back([i] {
                const core::Secret password{"hunter22"};
                EXPECT_TRUE(i % 2 == 0 ? !check_password(password, "") : !hash_password(password).empty());
            });
    }
    scrypts.watched = false;
    EXPECT_EQ(scrypts.most, cores());
    EXPECT_EQ(scrypts.entered, cores() + 3);
}

TEST(StoreFile, IsWrittenThroughBeforeAnythingIsAcknowledged) {
    const fakes::TemporaryDirectory directory;
    for (const bool exists : {false, true}) {
        const auto store = Store::open(directory.file("db"), exists).value();
        EXPECT_EQ(store->durability().value(),
                  "wal 2");  // 2: FULL, in sqlite.org/pragma.html#pragma_synchronous
    }
}

class Care : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(Store::open(db, false)); }
    static void set_mode(const std::string& file, unsigned mode) {
        std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
    }

    fakes::TemporaryDirectory directory;
    std::string db = directory.file("db");
    fakes::Authority authority{directory.path};
    fakes::Certificate certificate = authority.issue("127.0.0.1");
    std::vector<std::string> serving{"serve",          "--listen",  "127.0.0.1:0",  "--tls-cert",
                                     certificate.cert, "--tls-key", certificate.key};
};

TEST_F(Care, ServesNoDatabaseOrKeyThatOthersCanReach) {
    for (const auto& file : {db, certificate.key}) {
        for (const unsigned mode : {0604U, 0602U, 0620U}) {
            set_mode(file, mode);
            Program program(db, serving);
            ASSERT_EQ(program.port(), 0) << file << ' ' << std::oct << mode;
            EXPECT_EQ(program.wait(), EX_NOPERM);
            EXPECT_NE(program.errors().find("chmod 0600 " + file), std::string::npos) << program.errors();
        }
        set_mode(file, 0640);  // of a group, as Debian's ssl-cert
        EXPECT_NE(Program(db, serving).port(), 0);
    }
    set_mode(db, 0604);
    EXPECT_EQ(Program(db, {"app", "create", "app"}).wait(), 0);  // a revocation must not wait for a chmod
    fakes::put(db + "-wal", "");
    set_mode(db, 0600);
    set_mode(db + "-wal", 0644);
    EXPECT_EQ(Program(db, serving).wait(), EX_NOPERM);
}

bool want_core_dumps() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_CORE, &limit) != 0) return false;
    limit.rlim_cur = limit.rlim_max;
    return ::setrlimit(RLIMIT_CORE, &limit) == 0;
}

TEST_F(Care, LeavesNoCoreDump) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_CORE, &limit), 0);
    if (limit.rlim_max == 0) GTEST_SKIP() << "this machine forbids core dumps itself (ulimit -Hc is 0)";
    // The sanitizers forbid them as well, unless told.
    const char* tsan = std::getenv("TSAN_OPTIONS");
    auto words = serving;
    words.insert(words.begin(), {DEVKEY_SERVER, "--db", db});
    const fakes::Process program(words, directory.file("serving"),
                                 {"ASAN_OPTIONS=disable_coredump=0",
                                  std::string("TSAN_OPTIONS=disable_coredump=0:") + (tsan ? tsan : "")},
                                 want_core_dumps);
    ASSERT_TRUE(fakes::wait_until([&] { return program.output().contains('\n'); })) << program.errors();
    const auto limits = fakes::content_of("/proc/" + std::to_string(program.pid()) + "/limits");
    const std::string name = "Max core file size";
    std::istringstream numbers(limits.substr(limits.find(name) + name.size()));
    std::string soft;
    std::string hard;
    numbers >> soft >> hard;
    EXPECT_EQ(soft + " " + hard, "0 0") << limits;
}

}  // namespace
}  // namespace devkey::server
