#include "program.h"

#include "build.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sstream>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace program {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipes {
    int in = -1;           // the child's stdin
    int out[2] = {-1, -1}; // read by us, written by the child
    int err[2] = {-1, -1};
};

std::vector<std::string> environment(const Options &options)
{
    std::map<std::string, std::string> all;
    for (char **entry = environ; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals) all[std::string(*entry, static_cast<size_t>(equals - *entry))] = equals + 1;
    }
    for (const char *name : {"NO_COLOR", "COLUMNS", "KAIZEN_DEBUG"}) all.erase(name);
    if (options.columns > 0) all["TERM"] = "xterm";
    for (const auto &[name, value] : options.env) all[name] = value;
    std::vector<std::string> list;
    for (const auto &[name, value] : all) list.push_back(name + "=" + value);
    return list;
}

std::vector<char *> pointers(std::vector<std::string> &list)
{
    std::vector<char *> all;
    for (std::string &s : list) all.push_back(s.data());
    all.push_back(nullptr);
    return all;
}

void close_one(int &fd)
{
    if (fd >= 0) close(fd);
    fd = -1;
}

bool open_pipes(Pipes &p, const Options &options)
{
    p.in = memfd_create("stdin", MFD_CLOEXEC);
    if (p.in < 0 || write(p.in, options.input.data(), options.input.size()) < 0) return false;
    lseek(p.in, 0, SEEK_SET);
    if (options.columns > 0) {
        struct winsize size = {};
        size.ws_col = static_cast<unsigned short>(options.columns);
        size.ws_row = 24;
        if (openpty(&p.out[0], &p.out[1], nullptr, nullptr, &size) != 0) return false;
        p.err[1] = fcntl(p.out[1], F_DUPFD_CLOEXEC, 3);
        fcntl(p.out[0], F_SETFD, FD_CLOEXEC);
        fcntl(p.out[1], F_SETFD, FD_CLOEXEC);
        return true;
    }
    if (pipe2(p.out, O_CLOEXEC) != 0 || pipe2(p.err, O_CLOEXEC) != 0) return false;
    if (!options.out_path.empty()) {
        close_one(p.out[1]);
        p.out[1] = open(options.out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    }
    if (options.out_broken) close_one(p.out[0]);
    return p.out[1] >= 0;
}

// In the child: only calls that are safe after a fork.
[[noreturn]] void become(const Pipes &p, const Options &options, char *const *argv, char *const *envp)
{
    setpgid(0, 0);
    if (dup2(p.in, 0) < 0 || dup2(p.out[1], 1) < 0 || dup2(p.err[1], 2) < 0) _exit(127);
    if (options.out_closed) close(1);
    if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) _exit(127);
    execve(argv[0], argv, envp);
    _exit(127);
}

// Adds what there is to `text`; closes fd at its end.
void drain(int &fd, std::string &text)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n > 0) text.append(bytes, static_cast<size_t>(n));
    else if (n == 0 || errno != EINTR) close_one(fd);
}

void collect(pid_t pid, Pipes &p, const Options &options, Result &r)
{
    const auto deadline = Clock::now() + std::chrono::duration<double>(options.seconds);
    bool running = true, signalled = options.interrupt == 0;
    int status = 0;
    while (running || p.out[0] >= 0 || p.err[0] >= 0) {
        if (Clock::now() > deadline) {
            if (r.timed_out) break; // what still holds the pipes has left the process group
            r.timed_out = true;
        }
        if (r.timed_out) kill(-pid, SIGKILL);
        struct pollfd fds[] = {{p.out[0], POLLIN, 0}, {p.err[0], POLLIN, 0}};
        poll(fds, 2, 10);
        if (p.out[0] >= 0 && fds[0].revents) drain(p.out[0], r.out);
        if (p.err[0] >= 0 && fds[1].revents) drain(p.err[0], r.err);
        if (running && waitpid(pid, &status, WNOHANG) == pid) running = false;
        if (running && !signalled && !(r.out.empty() && r.err.empty())) {
            signalled = true;
            kill(pid, options.interrupt);
        }
    }
    if (running) waitpid(pid, &status, 0);
    r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

Result run(const std::vector<std::string> &argv, const Options &options)
{
    Result r;
    Pipes p;
    std::vector<std::string> words = argv, env = environment(options);
    std::vector<char *> word = pointers(words), entry = pointers(env);
    if (!open_pipes(p, options)) {
        ADD_FAILURE() << "no pipes: " << strerror(errno);
    } else {
        pid_t pid = fork();
        if (pid == 0) become(p, options, word.data(), entry.data());
        close_one(p.out[1]);
        close_one(p.err[1]);
        if (pid > 0) collect(pid, p, options, r);
        else ADD_FAILURE() << "no process: " << strerror(errno);
    }
    for (int *fd : {&p.in, &p.out[0], &p.out[1], &p.err[0], &p.err[1]}) close_one(*fd);
    EXPECT_FALSE(r.timed_out) << argv[0] << ": still running after " << options.seconds << " s\n" << r.err;
    return r;
}

Result kaizen(const std::vector<std::string> &arguments, const Options &options)
{
    std::vector<std::string> argv = {kaizen_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run(argv, options);
}

std::string kaizen_path()
{
    const char *given = getenv("KAIZEN_BIN");
    return given && *given ? given : build::program;
}

std::string source_path(const std::string &name)
{
    const char *given = getenv("KAIZEN_SOURCE_DIR");
    return std::string(given && *given ? given : build::sources) + "/" + name;
}

std::string read_file(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(file.good() || file.eof()) << path << " cannot be read";
    return text.str();
}

bool exists(const std::string &path)
{
    return std::filesystem::exists(path);
}

bool has_program(const std::string &name)
{
    std::stringstream path(getenv("PATH") ? getenv("PATH") : "");
    for (std::string folder; std::getline(path, folder, ':');)
        if (access((folder + "/" + name).c_str(), X_OK) == 0) return true;
    return false;
}

int count(const std::string &text, const std::string &part)
{
    int n = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) n++;
    return n;
}

Folder::Folder()
{
    path_ = (std::filesystem::temp_directory_path() / "kaizen-test-XXXXXX").string();
    if (!mkdtemp(path_.data())) ADD_FAILURE() << path_ << ": " << strerror(errno);
}

Folder::~Folder()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string &name, const std::string &text) const
{
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream file(path(name), std::ios::binary);
    file << text;
    EXPECT_TRUE(file.flush().good()) << path(name) << " cannot be written";
    return path(name);
}

} // namespace program
