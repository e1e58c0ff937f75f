#include "fleet/fleet.hpp"

#include <algorithm>

#include "core/key_name.hpp"
#include "e2e/real_service.hpp"

namespace devkey::fleet {
namespace {

Object::Ptr parse(const std::string& text) {
    return Poco::JSON::Parser().parse(text).extract<Object::Ptr>();
}

bool lead_group() {
    return ::setpgid(0, 0) == 0;
}

bool has_ended(int pid) {
    return ::kill(pid, 0) != 0 ||
           fakes::content_of("/proc/" + std::to_string(pid) + "/stat").contains(") Z ");
}

}  // namespace

Object::Ptr Told::json() const {
    return parse(out);
}

Told Script::finish() {
    for (int minute = 0; minute < 7 && is_running(); ++minute)
        fakes::wait_until([this] { return !is_running(); });
    const int exit_code = wait();
    return {exit_code, output(), errors()};
}

Fleet::Fleet() : service_(std::make_unique<e2e::RealService>()) {
    password = service_->password;
    const auto bin = directory.file("bin");
    std::filesystem::create_directory(bin);
    std::filesystem::create_directory(devices());
    std::filesystem::create_directory(temporary());
    std::filesystem::create_symlink(DEVKEYD, bin + "/devkeyd");
    std::filesystem::create_symlink(DEVKEYCTL, bin + "/devkeyctl");
    // For the scripts and the devices: they shall find ours.
    const char* path = ::getenv("PATH");
    ::setenv("PATH", (bin + ":" + (path == nullptr ? "/usr/bin:/bin" : path)).c_str(), 1);
    // The shortest grace, and a slot for the next key when it is over.
    directory.write("policy.yaml", "version: 1\nsuperseded: {keep_enabled: 5s, then: delete}\n");
}

Fleet::~Fleet() {
    for (const auto& name : names) end_agent(name, SIGKILL);
}

void Fleet::make(int count, int owner_count) {
    for (int at = 0; at < owner_count; ++at) add_owner();
    std::string lines = "# DEVICE TARGET SETTINGS\n\n";
    for (int at = 0; at < count; ++at)
        lines += add_device(owners[static_cast<std::size_t>(at % owner_count)]);
    fakes::put(inventory(), lines);
}

void Fleet::add_owner() {
    const auto owner = service_->add_owner();
    owners.push_back(owner);
    directory.write(owner + ".secret", password);
    directory.write(owner + ".yaml", settings(owner, devices() + "/@DEVICE@/etc/owner-secret"));
    // For the workstation itself.
    directory.write(owner + "-here.yaml", settings(owner, directory.file(owner + ".secret")));
}

std::string Fleet::add_device(const std::string& owner) {
    const auto number = names.size() + 1;
    const auto name = "press-" + std::string(number < 10 ? "0" : "") + std::to_string(number);
    names.push_back(name);
    std::filesystem::create_directory(folder(name));
    return name + " " + name + " " + owner + ".yaml policy=policy.yaml secret=" + owner +
           ".secret dir=" + folder(name) + "/etc socket=" + folder(name) + "/control.sock owner=" + owner +
           "-here.yaml\n";
}

std::string Fleet::settings(const std::string& owner, const std::string& secret) const {
    const auto at = devices() + "/@DEVICE@";
    return "version: 1\nservice: {kind: app-services, url: '" + service_->url() +
           "', app: devices, ca_file: " + service_->authority.ca_file() +
           "}\nowner:\n  provider: local-userpass\n  username: " + owner + "\n  secret: {file: '" + secret +
           "'}\ndevice: {id: {literal: '@DEVICE@'}}\ncredential_file: {path: '" + at +
           "/credential.json'}\nstate_directory: '" + at + "/state'\ncontrol: {socket: '" + at +
           "/control.sock'}\npolicy: policy.yaml\n";
}

std::unique_ptr<Script> Fleet::begin(Words words) {
    words.front() = DEVKEY_SOURCE_DIR "/tools/fleet/" + words.front();
    return std::make_unique<Script>(
        std::move(words), directory.file("run-" + std::to_string(++runs_)),
        Words{"FLEET_SSH=" DEVKEY_SOURCE_DIR "/tests/fleet/on_this_machine", "FLEET_DEVICES=" + devices(),
              "FLEET_INVENTORY=" + inventory(), "TMPDIR=" + temporary()},
        lead_group);
}

Words Fleet::provisioning(const Words& more) const {
    Words words{"provision", inventory(), "--user",  "",
                "--timeout", "150s",      "--start", DEVKEY_SOURCE_DIR "/tests/fleet/start_here"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

void Fleet::provision() {
    const auto told = run(provisioning());
    ASSERT_EQ(told.exit_code, 0) << told.out << told.err;
}

Words Fleet::keys() const {
    Words all;
    for (const auto& owner : owners)
        for (const auto& key : service_->keys(owner))
            if (const auto name = core::parse_key_name(key.name))
                all.push_back(name->device + " " + std::to_string(name->generation));
    std::ranges::sort(all);
    return all;
}

Words Fleet::each(int generation) const {
    Words all;
    for (const auto& name : names) all.push_back(name + " " + std::to_string(generation));
    return all;
}

std::size_t Fleet::enabled_keys() const {
    std::size_t count = 0;
    for (const auto& owner : owners)
        for (const auto& key : service_->keys(owner)) count += key.enabled ? 1U : 0U;
    return count;
}

std::string Fleet::log() const {
    return service_->log();
}

Object::Ptr Fleet::result(const std::string& name) const {
    return parse(fakes::content_of(results() + "/" + name + ".json"));
}

std::size_t Fleet::result_count() const {
    std::size_t count = 0;
    if (!std::filesystem::exists(results())) return 0;
    for (const auto& entry : std::filesystem::directory_iterator(results()))
        count += entry.path().filename().string().starts_with("press-") ? 1U : 0U;
    return count;
}

void Fleet::end_agent(const std::string& name, int signal) const {
    const auto file = folder(name) + "/pid";
    if (!std::filesystem::exists(file)) return;
    const auto pid = std::stoi("0" + fakes::content_of(file));
    if (pid <= 1) return;
    ::kill(pid, signal);
    fakes::wait_until([&] { return has_ended(pid); });
    std::filesystem::remove(file);
}

}  // namespace devkey::fleet
