// A disk that is full, read-only or forbidden, under the real devkeyd: it says so by its exit code, leaves no
// key that nobody knows, and goes on by itself when the disk does.
#include <sched.h>
#include <sys/mount.h>

#include <fstream>

#include "e2e/story.hpp"

namespace devkey::e2e {
namespace {

using Words = std::vector<std::string>;

// ---- every write of the first run refused ----

/// Words that let devkeyd's calls whose name begins with `call` on its own files fail from the nth on, as
/// those on a full disk do; 0: none fails. Each that is made becomes a line in the file `record`.
Words strace(const Device& device, const std::string& call, int nth, const std::string& record) {
    Words words{"strace", "-f",  "-qqq", "-e", "signal=none", "-E", "ASAN_OPTIONS=detect_leaks=0",
                "-o",     record};
    const auto credentials = device.directory.path;
    for (const auto& [folder, name] : {std::pair{device.state_directory(), std::string{"state.json"}},
                                       std::pair{credentials, std::string{"credential.json"}}}) {
        const auto temporary = "." + name + ".devkeyd-new";
        for (const auto& path : {temporary, folder + "/" + temporary})
            words.insert(words.end(), {"-P", path});
        // A directory is what a finished file is brought to disk with; other calls on it are no writes.
        if (call == "fsync") words.insert(words.end(), {"-P", folder});
    }
    words.insert(words.end(), {"-e", "trace=/^" + call});
    if (nth > 0)
        words.insert(words.end(),
                     {"-e", "inject=/^" + call + ":error=ENOSPC:when=" + std::to_string(nth) + "+"});
    // Who isn't root may not look into a process that isn't dumpable, unless it is root in a world of its
    // own.
    if (::geteuid() != 0) words.insert(words.begin(), {"unshare", "--user", "--map-root-user"});
    return words;
}

int count_lines(const std::string& path) {
    std::ifstream in(path);
    int lines = 0;
    for (std::string line; std::getline(in, line);) ++lines;
    return lines;
}

int calls_of_a_first_run(Scene& scene, const std::string& call) {
    const auto record = scene.device.directory.file("record");
    const auto run = scene.device.once(strace(scene.device, call, 0, record));
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return count_lines(record);
}

void expect_a_full_disk_is_survived(Scene& scene, const std::string& call, int nth) {
    SCOPED_TRACE(call + " " + std::to_string(nth));
    scene.start_over();
    const auto record = scene.device.directory.file("record");
    auto run = scene.device.once(strace(scene.device, call, nth, record));
    EXPECT_EQ(run.exit_code, 74) << run.err << run.out;
    EXPECT_EQ(run.reason, "disk-refuses") << run.err;
    EXPECT_NE(run.err.find("free some space there"), std::string::npos) << run.err;
    EXPECT_GE(count_lines(record), nth);
    scene.expect_no_key_unknown();

    run = scene.device.once();
    if (run.reason == "new-key-refused") {
        // The state with the new key was in its place when its directory could not be brought to disk: not
        // saved, so the key was removed. Now it doesn't log in, and is dropped.
        EXPECT_EQ(call, "fsync");
        EXPECT_EQ(run.exit_code, 75);
        EXPECT_TRUE(scene.service.key_names().empty());
        run = scene.device.once();
    }
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    scene.expect_only_the_published_key();
}

struct FullDisk : testing::TestWithParam<const char*> {};

TEST_P(FullDisk, IsSurvivedAtEveryWriteOfTheFirstRun) {
    const std::string call = GetParam();
    Scene scene;
    scene.set_patience("1s");
    const int calls = calls_of_a_first_run(scene, call);
    ASSERT_GE(calls, 5) << "the state's saves, and the credential file";
    for (int nth = 1; nth <= calls; ++nth) expect_a_full_disk_is_survived(scene, call, nth);
}

INSTANTIATE_TEST_SUITE_P(E2e, FullDisk, testing::Values("write", "fsync", "rename"));

// ---- real disks, where the test may mount one ----

/// A disk of 16 pages on a directory, for this process and its children.
class SmallDisk {
 public:
    explicit SmallDisk(std::string path) : path_(std::move(path)) {
        mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount("none", path_.c_str(), "tmpfs", 0, "size=64k,mode=700") == 0;
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    [[nodiscard]] bool mounted() const { return mounted_; }

    void fill_up_to(std::uintmax_t pages_free) const {
        fakes::put(filler(), std::string(1U << 20U, 'x'));
        std::filesystem::resize_file(filler(), std::filesystem::file_size(filler()) - pages_free * 4096);
    }
    void free() const { std::filesystem::remove(filler()); }
    [[nodiscard]] bool make_read_only(bool read_only) const {
        const unsigned long flags = read_only ? MS_REMOUNT | MS_RDONLY : MS_REMOUNT;
        return ::mount("none", path_.c_str(), nullptr, flags, nullptr) == 0;
    }

 private:
    [[nodiscard]] std::string filler() const { return path_ + "/filler"; }

    std::string path_;
    bool mounted_ = false;
};

struct RealDisk : Story {
    SmallDisk disk{device.state_directory()};

    void SetUp() override {
        if (!disk.mounted()) GTEST_SKIP() << "no disk can be mounted here; the injected errors stand in";
    }
};

TEST_F(RealDisk, ThatIsFullTakesNoKeyAndOneThatHasSpaceAgainDoes) {
    disk.fill_up_to(0);
    expect_run(74, "disk-refuses");
    EXPECT_TRUE(service.key_names().empty());
    disk.free();
    expect_settled_by_a_run();
}

TEST_F(RealDisk, ThatFillsUpAfterTheIntentWasSavedKeepsNoKey) {
    disk.fill_up_to(1);
    expect_run(74, "disk-refuses");
    EXPECT_EQ(service.count_of("POST api_keys 201"), 1U);
    EXPECT_TRUE(service.key_names().empty()) << "its secret could not be saved: it was removed at once";
    disk.free();
    expect_settled_by_a_run();
}

TEST_F(RealDisk, ThatIsFullHarmsNoKeyThatIsThere) {
    expect_settled_by_a_run();
    const auto asked = service.served().size();
    disk.fill_up_to(0);
    expect_settled_by_a_run();
    EXPECT_EQ(service.served().size(), asked);
}

TEST_F(RealDisk, ThatIsReadOnlyIsRefusedBeforeAnyRequest) {
    ASSERT_TRUE(disk.make_read_only(true));
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 74) << run.err;
    EXPECT_NE(run.err.find("mount it writable"), std::string::npos) << run.err;
    EXPECT_TRUE(service.served().empty());
    ASSERT_TRUE(disk.make_read_only(false));
    expect_settled_by_a_run();
}

// ---- directories that devkeyd may not write to, or that aren't there ----

/// Root writes wherever it wants: these words take that away from it.
Words as_one_whom_modes_bind() {
    if (::geteuid() != 0) return {};
    return {"setpriv", "--bounding-set=-dac_override,-dac_read_search"};
}

using Forbidden = Story;

TEST_F(Forbidden, StateDirectoryIsRefusedBeforeAnyRequest) {
    ASSERT_EQ(::chmod(device.state_directory().c_str(), 0500), 0);
    const auto run = device.once(as_one_whom_modes_bind());
    EXPECT_EQ(run.exit_code, 77) << run.err << run.out;
    EXPECT_EQ(run.reason, "forbidden");
    EXPECT_NE(run.err.find(device.state_directory() + "/lock"), std::string::npos) << run.err;
    EXPECT_NE(run.err.find("check the owner and mode"), std::string::npos) << run.err;
    EXPECT_TRUE(service.served().empty());
    ASSERT_EQ(::chmod(device.state_directory().c_str(), 0700), 0);
    expect_settled_by_a_run();
}

TEST_F(Forbidden, StateDirectoryHarmsNoKeyThatIsThere) {
    expect_settled_by_a_run();
    ASSERT_EQ(::chmod(device.state_directory().c_str(), 0500), 0);
    const auto run = device.once(as_one_whom_modes_bind());
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_FALSE(run.changed);
    ASSERT_EQ(::chmod(device.state_directory().c_str(), 0700), 0);  // so that it can be removed
}

TEST_F(Forbidden, StateDirectoryThatOthersMayWriteToIsRefused) {
    ASSERT_EQ(::chmod(device.state_directory().c_str(), 0777), 0);
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 77) << run.err;
    EXPECT_NE(run.err.find("chmod it to 0711"), std::string::npos) << run.err;
    EXPECT_TRUE(service.served().empty());
}

/// The credential file in a folder of its own, which the test makes, forbids or leaves out.
struct CredentialFolder : Story {
    std::string folder = device.directory.file("programs");
    std::string file = folder + "/credential.json";

    void SetUp() override { change_settings(device.credential_file(), file); }

    /// The key was made, and waits for its folder.
    void expect_kept_until_the_folder_is_right(int exit_code, const std::string& reason,
                                               const Words& before) {
        const auto run = device.once(before);
        EXPECT_EQ(run.exit_code, exit_code) << run.err << run.out;
        EXPECT_EQ(run.reason, reason) << run.err << run.out;
        EXPECT_NE(run.err.find(file), std::string::npos) << run.err;
        EXPECT_EQ(service.key_names().size(), 1U);
        expect_no_key_unknown();
        EXPECT_FALSE(std::filesystem::exists(file));
        const auto asked = service.served().size();

        std::filesystem::create_directory(folder);
        ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
        const auto next = device.once(before);
        EXPECT_EQ(next.exit_code, 0) << next.err;
        EXPECT_EQ(service.key_names(), std::vector{Device::field_of(file, "key_name")});
        EXPECT_TRUE(service.takes(Device::field_of(file, "key")));
        EXPECT_EQ(service.served().size(), asked) << "the key was there: only the file was missing";
    }
};

TEST_F(CredentialFolder, ThatIsMissingIsWaitedFor) {
    expect_kept_until_the_folder_is_right(74, "disk-refuses", {});
}

TEST_F(CredentialFolder, ThatIsForbiddenIsWaitedFor) {
    std::filesystem::create_directory(folder);
    ASSERT_EQ(::chmod(folder.c_str(), 0500), 0);
    expect_kept_until_the_folder_is_right(77, "not-permitted", as_one_whom_modes_bind());
}

TEST_F(CredentialFolder, ThatEveryoneMayWriteToGetsNoSecret) {
    std::filesystem::create_directory(folder);
    ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
    expect_kept_until_the_folder_is_right(77, "not-permitted", {});
}

}  // namespace
}  // namespace devkey::e2e
