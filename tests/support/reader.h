/* tests/support/reader.h — a file to read, and what must not be left of the reader process. */
#ifndef KZ_TESTS_READER_H
#define KZ_TESTS_READER_H

#include "data/reader_protocol.h"
#include "tests/support/data_hdf5.h"

#include <cerrno>
#include <dirent.h>
#include <sys/wait.h>

namespace kz_test {

inline const char *const harm =
    "; the file is damaged or made to do harm: fetch it again, from a source that you trust";

/* The hook for as long as it lives. */
class Hook {
  public:
    explicit Hook(bool (*hook)(const kz_request *, kz_answer *))
    {
        kz_reader_hook = hook;
    }
    ~Hook()
    {
        kz_reader_hook = nullptr;
    }
    Hook(const Hook &) = delete;
    Hook &operator=(const Hook &) = delete;
};

/* 1000 x 3 floats, 0 1 2 ..., and their labels. */
inline std::string sound(const Folder &folder)
{
    std::vector<double> x(3000), y(1000);
    for (size_t i = 0; i < x.size(); i++) x[i] = (double)i;
    for (size_t i = 0; i < y.size(); i++) y[i] = (double)(i % 3);
    Hdf5 f(folder / "a.h5");
    f.put("/train/x", H5T_NATIVE_FLOAT, {1000, 3}, x);
    f.put("/train/y", H5T_NATIVE_INT, {1000}, y);
    f.text("class_names", {"a", "b", "c"});
    f.number("classes", H5T_NATIVE_INT, 3);
    return folder / "a.h5";
}

struct Close {
    void operator()(kz_hdf5 *file) const
    {
        kz_hdf5_close(&file);
    }
};
using File = std::unique_ptr<kz_hdf5, Close>;

inline File open_file(const std::string &path)
{
    kz_hdf5 *file = nullptr;
    EXPECT_EQ(kz_hdf5_open(&file, path.c_str()), KZ_OK) << kz_error_message();
    return File(file);
}

inline int descriptors()
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

/* No process of ours is left, running or dead. */
inline void expect_no_child()
{
    errno = 0;
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

} // namespace kz_test

#endif
