/* tests/support/data_hdf5.h — HDF5 files and configs made by hand, for the tests of data/. */
#ifndef KZ_TESTS_DATA_HDF5_H
#define KZ_TESTS_DATA_HDF5_H

#include "kz/data.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace kz_test {

/* A folder of its own, gone with the object. */
class Folder {
  public:
    Folder()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "kaizen-data-XXXXXX").string();
        if (mkdtemp(pattern.data())) path_ = pattern;
    }
    ~Folder()
    {
        std::filesystem::remove_all(path_);
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    std::string operator/(const std::string &name) const
    {
        return path_ + "/" + name;
    }
    const std::string &path() const
    {
        return path_;
    }

  private:
    std::string path_;
};

/* How an array is stored. */
struct Layout {
    std::vector<hsize_t> chunk = {};
    bool gzip = false, fletcher = false;
};

/* A new HDF5 file; groups are made on the way to an array. */
class Hdf5 {
  public:
    explicit Hdf5(const std::string &path, hid_t access = H5P_DEFAULT)
        : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access))
    {
    }
    ~Hdf5()
    {
        H5Fclose(file_);
    }
    Hdf5(const Hdf5 &) = delete;
    Hdf5 &operator=(const Hdf5 &) = delete;
    hid_t id() const
    {
        return file_;
    }

    /* Values converted by HDF5 from `memory` to the stored type. */
    void put_raw(const char *object, hid_t type, const std::vector<hsize_t> &extent, hid_t memory, const void *values,
                 const Layout &layout = {})
    {
        hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
        if (!layout.chunk.empty()) H5Pset_chunk(dcpl, (int)layout.chunk.size(), layout.chunk.data());
        if (layout.gzip) H5Pset_shuffle(dcpl), H5Pset_deflate(dcpl, 6);
        if (layout.fletcher) H5Pset_fletcher32(dcpl);
        put_made(object, type, extent, memory, values, dcpl);
        H5Pclose(dcpl);
    }

    void put_made(const char *object, hid_t type, const std::vector<hsize_t> &extent, hid_t memory, const void *values,
                  hid_t dcpl)
    {
        hid_t links = H5Pcreate(H5P_LINK_CREATE);
        H5Pset_create_intermediate_group(links, 1);
        hid_t space =
            extent.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple((int)extent.size(), extent.data(), nullptr);
        hid_t set = H5Dcreate2(file_, object, type, space, links, dcpl, H5P_DEFAULT);
        EXPECT_GE(set, 0) << object;
        if (values) {
            EXPECT_GE(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0) << object;
        }
        H5Dclose(set);
        H5Sclose(space);
        H5Pclose(links);
    }

    void put(const char *object, hid_t type, const std::vector<hsize_t> &extent, const std::vector<double> &values,
             const Layout &layout = {})
    {
        put_raw(object, type, extent, H5T_NATIVE_DOUBLE, values.data(), layout);
    }

    void text(const char *attribute, const std::vector<const char *> &values, hid_t type)
    {
        hsize_t n = values.size();
        hid_t space = H5Screate_simple(1, &n, nullptr);
        hid_t a = H5Acreate2(file_, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (H5Tis_variable_str(type)) {
            H5Awrite(a, type, values.data());
        } else {
            size_t size = H5Tget_size(type);
            std::string flat(size * n, H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : '\0');
            for (size_t i = 0; i < n; i++) flat.replace(i * size, std::strlen(values[i]), values[i]);
            H5Awrite(a, type, flat.data());
        }
        H5Aclose(a);
        H5Sclose(space);
    }
    void text(const char *attribute, const std::vector<const char *> &values)
    {
        hid_t type = string_type(H5T_VARIABLE, H5T_STR_NULLTERM);
        text(attribute, values, type);
        H5Tclose(type);
    }

    void number(const char *attribute, hid_t type, double value)
    {
        hid_t space = H5Screate(H5S_SCALAR);
        hid_t a = H5Acreate2(file_, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(a, H5T_NATIVE_DOUBLE, &value);
        H5Aclose(a);
        H5Sclose(space);
    }

    static hid_t string_type(size_t size, H5T_str_t padding)
    {
        hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, size);
        H5Tset_strpad(type, padding);
        H5Tset_cset(type, H5T_CSET_UTF8);
        return type;
    }

  private:
    hid_t file_;
};

/* A config as the schema's defaults make it, with no validation and no test rows. */
class Config {
  public:
    explicit Config(const std::string &path)
    {
        cfg.data.path = own(path);
        train("/train/x", "/train/y");
        cfg.data.scale = "none";
        cfg.data.scale_target = "none";
        cfg.data.memory = (int64_t)1 << 33;
        cfg.seed = 1;
    }
    void train(const std::string &x, const std::string &y)
    {
        cfg.data.train = {own(x), own(y), 0, false};
    }
    void valid(const std::string &x, const std::string &y)
    {
        cfg.data.valid = {own(x), own(y), 0, false};
    }
    void test(const std::string &x, const std::string &y)
    {
        cfg.data.test = {own(x), own(y), 0, false};
    }
    /* As a config that names no arrays: the schema's defaults, and the file may say otherwise. */
    void name_nothing()
    {
        train("/train/x", "/train/y");
        test("/test/x", "/test/y");
        cfg.data.train.left_out = cfg.data.valid.left_out = cfg.data.test.left_out = true;
    }
    void file(const std::string &path)
    {
        cfg.file = own(path);
    }
    kz_config cfg = {};

  private:
    char *own(const std::string &s)
    {
        texts_.push_back(std::make_unique<std::string>(s));
        return texts_.back()->data();
    }
    std::vector<std::unique_ptr<std::string>> texts_;
};

struct Destroy {
    void operator()(kz_data *data) const
    {
        kz_data_destroy(&data);
    }
};
using Data = std::unique_ptr<kz_data, Destroy>;

inline Data open(const Config &config)
{
    kz_data *data = nullptr;
    kz_status st = kz_data_open(&data, &config.cfg);
    EXPECT_EQ(st, KZ_OK) << kz_error_message();
    return Data(data);
}

/* Opening must fail with this status and message, and leave nothing behind. */
inline void expect_refused(const Config &config, kz_status wanted, const std::string &message)
{
    kz_data *data = nullptr;
    ssize_t before = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    kz_error_clear();
    EXPECT_EQ(kz_data_open(&data, &config.cfg), wanted);
    EXPECT_EQ(kz_error_message(), message);
    EXPECT_EQ(data, nullptr);
    EXPECT_EQ(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), before);
    kz_data_destroy(&data);
}

inline float feature(const kz_split &s, int64_t i)
{
    return s.element == KZ_U8 ? (float)((const uint8_t *)s.x)[i] : ((const float *)s.x)[i];
}

inline std::vector<int64_t> rows_of(const kz_split &s)
{
    return std::vector<int64_t>(s.index, s.index + s.rows);
}

inline std::string source(const std::string &path)
{
    const char *root = std::getenv("KAIZEN_SOURCE_DIR");
    return (root ? std::string(root) + "/" : std::string()) + path;
}

/* Larger public data sets, where they are: "" if not. */
inline std::string large_data_set(const std::string &name)
{
    const char *folder = std::getenv("KAIZEN_DATASETS");
    std::string path = (folder ? std::string(folder) : source("../shared/datasets")) + "/" + name;
    return std::filesystem::exists(path) ? path : "";
}

} // namespace kz_test

#endif
