/* The reader process: what goes wrong in it is a sentence of ours, what it says is not believed, nothing is left of it. */
#include "tests/support/build.h"
#include "tests/support/reader.h"

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>

using namespace kz_test;

namespace {

bool die(int number)
{
    std::signal(number, SIG_DFL);
    raise(number);
    return false;
}

} // namespace

/* ---- it dies ---- */

TEST(DataReader, ACrashIsASentence)
{
    Folder folder;
    std::string path = sound(folder);
    int before = descriptors();
    const struct {
        bool (*hook)(const kz_request *, kz_answer *);
        std::string message;
    } deaths[] = {
        {[](const kz_request *, kz_answer *) { return die(SIGSEGV); },
         "the HDF5 library failed while opening it (signal 11)"},
        {[](const kz_request *q, kz_answer *) { return q->call == KZ_CALL_ARRAY && die(SIGABRT); },
         "the HDF5 library failed while opening /train/x (signal 6)"},
        {[](const kz_request *q, kz_answer *) { return q->call == KZ_CALL_READ && die(SIGBUS); },
         "the HDF5 library failed while reading /train/x (signal 7)"},
        {[](const kz_request *q, kz_answer *) { return q->call == KZ_CALL_NUMBER && die(SIGFPE); },
         "the HDF5 library failed while reading the attribute classes (signal 8)"},
        {[](const kz_request *q, kz_answer *) {
             if (q->call == KZ_CALL_TEXTS) _exit(3);
             return false;
         },
         "the HDF5 library failed while reading the attribute task (exit status 3)"},
        {[](const kz_request *q, kz_answer *) { return q->call == KZ_CALL_READ && die(SIGKILL); },
         "the HDF5 library was killed while reading /train/x, perhaps because the machine has run out of memory"},
    };
    for (const auto &d : deaths) {
        SCOPED_TRACE(d.message);
        Hook hook(d.hook);
        expect_refused(Config(path), KZ_E_DATA, path + ": " + d.message + harm);
    }
    EXPECT_EQ(descriptors(), before);
    expect_no_child();
    EXPECT_TRUE(open(Config(path))); /* and we go on */
}

TEST(DataReader, AfterItsDeathEveryCallFails)
{
    Folder folder;
    std::string path = sound(folder);
    Hook hook([](const kz_request *q, kz_answer *) { return q->call == KZ_CALL_NUMBER && die(SIGSEGV); });
    File file = open_file(path);
    kz_array a;
    double number;
    bool found;
    ASSERT_EQ(kz_hdf5_array(file.get(), "/train/x", "data.train", &a), KZ_OK);
    EXPECT_EQ(kz_hdf5_number(file.get(), "classes", &number, &found), KZ_E_DATA);
    std::vector<float> x(3000);
    EXPECT_EQ(kz_hdf5_read(file.get(), &a, 0, 1000, x.data()), KZ_E_DATA);
    EXPECT_EQ(kz_error_message(), path + ": cannot be read any more: the HDF5 library failed on it before");
    EXPECT_EQ(kz_hdf5_array(file.get(), "/train/y", "data.train", &a), KZ_E_DATA);
}

/* What the whole of a small file may take: half a second, and three for each MB. */
static std::string few_seconds(const std::string &path)
{
    char text[32];
    double slower = build::sanitized ? 4 : 1, bytes = (double)std::filesystem::file_size(path);
    snprintf(text, sizeof text, "%.1f", slower * (0.5 + 3e-6 * bytes));
    return text;
}

TEST(DataReader, CpuTimeIsLimited)
{
    Folder folder;
    std::string path = sound(folder);
    Hook hook([](const kz_request *q, kz_answer *) {
        for (volatile int i = 0; q->call == KZ_CALL_ARRAY;) i = !i;
        return false;
    });
    kz_data *data = nullptr;
    Config c(path);
    EXPECT_EQ(kz_data_open(&data, &c.cfg), KZ_E_DATA);
    EXPECT_EQ(kz_error_message(), path + ": the HDF5 library took more than " + few_seconds(path) +
                                      " s of CPU time while opening /train/x" + harm);
    expect_no_child();
}

/* What each question may take adds up: a file of a few bytes costs less than five seconds, however they are spread. */
TEST(DataReader, CpuTimeOfASmallFileIsOneSum)
{
    Folder folder;
    std::string path = sound(folder);
    Hook hook([](const kz_request *q, kz_answer *) {
        double burn = build::sanitized ? 0.8 : 0.2;
        timespec t{};
        do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < burn * q->serial);
        return false;
    });
    rusage before{}, after{};
    getrusage(RUSAGE_CHILDREN, &before);
    kz_data *data = nullptr;
    Config c(path);
    EXPECT_EQ(kz_data_open(&data, &c.cfg), KZ_E_DATA);
    std::string message = kz_error_message();
    EXPECT_NE(message.find("the HDF5 library took more than " + few_seconds(path) + " s of CPU time while "),
              std::string::npos)
        << message;
    getrusage(RUSAGE_CHILDREN, &after);
    double user = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                  1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec);
    double kernel = (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                    1e-6 * (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    EXPECT_TRUE(user + kernel < (build::sanitized ? 20 : 4.6)) << user << " " << kernel;
    expect_no_child();
}

TEST(DataReader, MemoryIsLimited)
{
    if (build::sanitized) GTEST_SKIP() << "sanitizers reserve more addresses than any limit";
    Folder folder;
    std::string path = sound(folder);
    Hook hook([](const kz_request *q, kz_answer *a) {
        if (q->call != KZ_CALL_ARRAY) return false;
        const size_t most = (size_t)KZ_READER_MEMORY;
        bool small = std::malloc(most / 2) != nullptr, large = std::malloc(most) != nullptr;
        a->status = KZ_E_DATA;
        snprintf(a->message, sizeof a->message, "half %d whole %d", small, large);
        return true;
    });
    expect_refused(Config(path), KZ_E_DATA, "half 1 whole 0");
}

/* A group whose heap claims to be larger than any memory. */
TEST(DataReader, MemoryThatAFileAsksForIsRefused)
{
    if (build::sanitized) GTEST_SKIP() << "sanitizers reserve more addresses than any limit";
    Folder folder;
    std::string path = folder / "a.h5";
    {
        Hdf5 f(path);
        hsize_t extent[] = {4, 2}, chunk[] = {4, 1 << 27};
        hsize_t most[] = {4, H5S_UNLIMITED};
        hid_t made = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, extent, most);
        H5Pset_chunk(made, 2, chunk);
        H5Pset_deflate(made, 1);
        H5Dclose(H5Dcreate2(f.id(), "x", H5T_NATIVE_UINT8, space, H5P_DEFAULT, made, H5P_DEFAULT));
        H5Sclose(space);
        H5Pclose(made);
    }
    kz_hdf5 *raw = nullptr;
    kz_hdf5_options options = {(int64_t)1 << 20, false, false};
    ASSERT_EQ(kz_hdf5_open_with(&raw, path.c_str(), &options), KZ_OK) << kz_error_message();
    File file(raw);
    kz_array a;
    uint8_t row[8];
    ASSERT_EQ(kz_hdf5_array(raw, "/x", "data.train", &a), KZ_OK) << kz_error_message();
    EXPECT_EQ(kz_hdf5_read(raw, &a, 0, 4, row), KZ_E_DATA);
    EXPECT_EQ(kz_error_message(),
              path + ": reading /x needs more memory than the 259.0 MiB that it may take; the file is damaged or made "
                     "to do harm, or its chunks are too large: h5repack -l CHUNK=... can write it with smaller ones");
}

/* ---- its walls ---- */

namespace {

/* Each that succeeded, by a letter. */
bool break_out(const kz_request *, kz_answer *a)
{
    std::string out;
    auto note = [&out](bool done, char letter) {
        if (done) out += letter;
    };
    struct sockaddr_in far = {};
    far.sin_family = AF_INET;
    note(::open("/etc/passwd", O_RDONLY) >= 0, 'o');
    note(::open("/tmp/kaizen-reader-test", O_CREAT | O_WRONLY, 0600) >= 0, 'w');
    note(socket(AF_INET, SOCK_STREAM, 0) >= 0, 's');
    note(dup(3) >= 0, 'd');
    note(pwrite(5, "x", 1, 0) >= 0, 'f');
#ifdef KZ_HAVE_SECCOMP
    char *const program[] = {const_cast<char *>("/bin/true"), nullptr};
    note(kill(getppid(), 0) == 0, 'k');
    note(unlink("/etc/kaizen-no-such-file") == 0 || errno != EPERM, 'u');
    note(fork() >= 0, 'p');
    note(connect(3, (struct sockaddr *)&far, sizeof far) == 0 || errno != EPERM, 'c');
    note(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, 'm');
    execv(program[0], program);
    note(errno != EPERM, 'e');
#endif
    a->status = KZ_E_DATA;
    snprintf(a->message, sizeof a->message, "broke out by: %s", out.c_str());
    return true;
}

} // namespace

TEST(DataReader, TheWallsHold)
{
    Folder folder;
    std::string path = sound(folder);
    Hook hook(break_out);
    kz_hdf5 *file = nullptr;
    EXPECT_EQ(kz_hdf5_open(&file, path.c_str()), KZ_E_DATA);
    EXPECT_STREQ(kz_error_message(), "broke out by: ");
}

/* ---- nothing is left of it ---- */

TEST(DataReader, ManyOpeningsLeaveNothing)
{
    Folder folder;
    std::string path = sound(folder);
    int before = descriptors();
    for (int i = 0; i < 100; i++) ASSERT_TRUE(open_file(path));
    EXPECT_EQ(descriptors(), before);
    expect_no_child();
}

/* Also while it is in an endless loop, which no closed socket ends. */
TEST(DataReader, ItGoesWithUs)
{
    Folder folder;
    std::string path = sound(folder);
    Hook hook([](const kz_request *q, kz_answer *) {
        for (volatile int i = 0; q->call == KZ_CALL_ARRAY;) i = !i;
        return false;
    });
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) { /* a program that is killed while it reads */
        close(ends[0]);
        kz_hdf5 *file = nullptr;
        kz_array a;
        char ready = kz_hdf5_open(&file, path.c_str()) == KZ_OK ? 'y' : 'n';
        if (write(ends[1], &ready, 1) == 1 && ready == 'y') kz_hdf5_array(file, "/train/x", "data.train", &a);
        _exit(0);
    }
    close(ends[1]);
    char ready = 0;
    ASSERT_EQ(read(ends[0], &ready, 1), 1);
    EXPECT_EQ(ready, 'y');
    usleep(50000);
    std::string children = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
    int reader = 0;
    FILE *f = fopen(children.c_str(), "r");
    if (f) {
        if (fscanf(f, "%d", &reader) != 1) reader = 0;
        fclose(f);
    }
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(ends[0]);
    if (reader == 0) GTEST_SKIP() << "this kernel does not tell the children of a process";
    std::string state;
    for (int i = 0; i < 500; i++) { /* gone, or dead with nobody to wait for it */
        char line[512] = "";
        f = fopen(("/proc/" + std::to_string(reader) + "/stat").c_str(), "r");
        size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f) fclose(f);
        line[n] = '\0';
        const char *end = std::strrchr(line, ')');
        state = end ? std::string(1, end[2]) : "";
        if (state.empty() || state == "Z" || state == "X") break;
        usleep(10000);
    }
    EXPECT_TRUE(state.empty() || state == "Z" || state == "X") << state;
}

/* The name makes it run under the thread sanitizer as well. */
TEST(DataReader, OpenedFromSeveralThreads)
{
    Folder folder;
    std::string path = sound(folder);
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 10; i++) {
                kz_hdf5 *file = nullptr;
                kz_array a;
                std::vector<float> x(3000);
                if (kz_hdf5_open(&file, path.c_str()) == KZ_OK &&
                    kz_hdf5_array(file, "/train/x", "data.train", &a) == KZ_OK &&
                    kz_hdf5_read(file, &a, 0, 1000, x.data()) == KZ_OK && x[2999] == 2999)
                    good++;
                kz_hdf5_close(&file);
            }
        });
    for (auto &t : threads) t.join();
    EXPECT_EQ(good, 40);
    expect_no_child();
}

/* A file opened in a thread outlives it. */
TEST(DataReader, OutlivesTheThreadThatOpened)
{
    Folder folder;
    std::string path = sound(folder);
    kz_hdf5 *file = nullptr;
    std::thread([&] { EXPECT_EQ(kz_hdf5_open(&file, path.c_str()), KZ_OK); }).join();
    usleep(20000);
    kz_array a;
    EXPECT_EQ(kz_hdf5_array(file, "/train/x", "data.train", &a), KZ_OK) << kz_error_message();
    kz_hdf5_close(&file);
}

/* ---- rows, in any order ---- */

TEST(DataReader, RowsInAnyOrder)
{
    Folder folder;
    File file = open_file(sound(folder));
    kz_array x, y;
    ASSERT_EQ(kz_hdf5_array(file.get(), "/train/x", "data.train", &x), KZ_OK);
    ASSERT_EQ(kz_hdf5_array(file.get(), "/train/y", "data.train", &y), KZ_OK);
    const int64_t order[][2] = {{0, 100},  {100, 100}, {200, 50}, {250, 50}, {0, 10},   {990, 10},
                                {10, 990}, {5, 1},     {6, 1},    {7, 2},    {0, 1000}, {0, 1}};
    std::vector<float> rows(3000);
    std::vector<int32_t> labels(1000);
    for (int other = 0; other < 2; other++)
        for (const auto &[first, n] : order) {
            ASSERT_EQ(kz_hdf5_read(file.get(), &x, first, n, rows.data()), KZ_OK) << kz_error_message();
            for (int64_t i = 0; i < 3 * n; i++) ASSERT_EQ(rows[(size_t)i], (float)(3 * first + i)) << first;
            if (!other) continue; /* another array in between */
            ASSERT_EQ(kz_hdf5_read(file.get(), &y, first, n, labels.data()), KZ_OK) << kz_error_message();
            for (int64_t i = 0; i < n; i++) ASSERT_EQ(labels[(size_t)i], (first + i) % 3) << first;
        }
    const int64_t wrong[][2] = {{-1, 1}, {0, 0}, {0, 1001}, {1000, 1}, {1, INT64_MAX}, {0, -1}};
    for (const auto &[first, n] : wrong) EXPECT_EQ(kz_hdf5_read(file.get(), &x, first, n, rows.data()), KZ_E_ARG);
}

/* More rows at once than a slot holds. */
TEST(DataReader, RowsInPieces)
{
    Folder folder;
    std::string path = folder / "a.h5";
    std::vector<uint8_t> v(20 << 20);
    for (size_t i = 0; i < v.size(); i++) v[i] = (uint8_t)(i * 131 >> 7);
    {
        Hdf5 f(path);
        for (const char *name : {"/plain", "/packed"})
            f.put_raw(
                name, H5T_NATIVE_UINT8, {20 << 10, 1 << 10}, H5T_NATIVE_UINT8, v.data(),
                {std::strcmp(name, "/plain") ? std::vector<hsize_t>{1000, 300} : std::vector<hsize_t>{}, false, false});
    }
    kz_hdf5 *raw = nullptr;
    kz_hdf5_options options = {1, false, false}; /* slots of 8 MiB */
    ASSERT_EQ(kz_hdf5_open_with(&raw, path.c_str(), &options), KZ_OK) << kz_error_message();
    File file(raw);
    for (const char *name : {"/plain", "/packed"}) {
        std::vector<uint8_t> got(v.size());
        kz_array a;
        ASSERT_EQ(kz_hdf5_array(raw, name, "data.train", &a), KZ_OK) << kz_error_message();
        ASSERT_EQ(kz_hdf5_read(raw, &a, 0, 20 << 10, got.data()), KZ_OK) << kz_error_message();
        EXPECT_TRUE(got == v) << name;
    }
}

/* ---- plug-in filters ---- */

TEST(DataReader, FiltersThatAreAskedFor)
{
    Folder folder;
    std::string path = folder / "a.h5";
    H5PLset_loading_state(H5PL_FILTER_PLUGIN);
    if (H5Zfilter_avail(307) <= 0) GTEST_SKIP() << "HDF5's plug-in for bzip2 is not here: hdf5-filter-plugin";
    {
        Hdf5 f(path);
        std::vector<double> x(240), y(40);
        for (size_t i = 0; i < x.size(); i++) x[i] = (double)(i % 17);
        for (size_t i = 0; i < y.size(); i++) y[i] = (double)(i % 3);
        hid_t made = H5Pcreate(H5P_DATASET_CREATE);
        const hsize_t chunk[] = {7, 6};
        const unsigned level = 9;
        H5Pset_chunk(made, 2, chunk);
        ASSERT_GE(H5Pset_filter(made, 307, H5Z_FLAG_MANDATORY, 1, &level), 0);
        f.put_made("/train/x", H5T_NATIVE_FLOAT, {40, 6}, H5T_NATIVE_DOUBLE, x.data(), made);
        f.put("/train/y", H5T_NATIVE_INT, {40}, y);
        H5Pclose(made);
    }
    H5Zunregister(307); /* what is loaded here would be there in the process as well */
    H5PLset_loading_state(0);
    Config c(path);
    expect_refused(c, KZ_E_DATA,
                   path + ": /train/x is packed by filter 307 (bzip2), which is not built in; if you trust the file, "
                          "read it with --allow-filters and HDF5's plug-in (Debian's hdf5-filter-plugin), or repack it "
                          "where it can be read: h5repack -f SHUF -f GZIP=1 OLD.h5 NEW.h5");
    c.cfg.data.allow_filters = true;
    Data d = open(c);
    ASSERT_TRUE(d);
    for (int64_t i = 0; i < 240; i++) ASSERT_EQ(feature(d->train, i), (float)(i % 17)) << i;
}
