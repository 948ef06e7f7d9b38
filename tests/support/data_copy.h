/* tests/support/data_copy.h — a copy of a small data set in memory, to plant faults into; and checks of it. */
#ifndef KZ_TESTS_DATA_COPY_H
#define KZ_TESTS_DATA_COPY_H

#include "kz/data_check.h"
#include "tests/support/data_hdf5.h"

namespace kz_test {

struct CopySplit {
    std::vector<double> x, y;
    size_t rows = 0;
};

/* Values as doubles, which every small data set's are without loss. */
struct Copy {
    CopySplit train, test;
    size_t features = 0;
    std::vector<hsize_t> shape; /* of one row */
    bool regression = false;
    int classes = 0; /* the attribute; 0: none */
    std::vector<const char *> class_names, feature_names;

    explicit Copy(const std::string &name)
    {
        hid_t file = H5Fopen(source("datasets/" + name + ".h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
        EXPECT_GE(file, 0) << name;
        read(file, "/train", train);
        read(file, "/test", test);
        H5Fclose(file);
    }

    double &at(CopySplit &s, size_t row, size_t feature)
    {
        return s.x[row * features + feature];
    }
    void copy_row(const CopySplit &from, size_t row, CopySplit &to, size_t where)
    {
        for (size_t j = 0; j < features; j++) to.x[where * features + j] = from.x[row * features + j];
    }
    void cut(CopySplit &s, size_t rows)
    {
        s.rows = rows;
        s.x.resize(rows * features);
        s.y.resize(rows);
    }

    /* x of train and of test in these types; labels as int32, targets as float32. */
    void write(const std::string &path, hid_t train_x = H5T_NATIVE_FLOAT, hid_t test_x = H5T_NATIVE_FLOAT,
               hid_t y = H5I_INVALID_HID)
    {
        Hdf5 f(path);
        if (y < 0) y = regression ? H5T_NATIVE_FLOAT : H5T_NATIVE_INT;
        put(f, "/train", train, train_x, y);
        if (test.rows > 0) put(f, "/test", test, test_x, y);
        if (classes > 0) f.number("classes", H5T_NATIVE_INT, classes);
        if (!regression) f.text("task", {"classification"});
        if (!class_names.empty()) f.text("class_names", class_names);
        if (!feature_names.empty()) f.text("feature_names", feature_names);
    }

  private:
    void read(hid_t file, const std::string &group, CopySplit &s)
    {
        hid_t x = H5Dopen2(file, (group + "/x").c_str(), H5P_DEFAULT);
        hid_t y = H5Dopen2(file, (group + "/y").c_str(), H5P_DEFAULT);
        hid_t space = H5Dget_space(x), type = H5Dget_type(y);
        hsize_t extent[8] = {};
        int rank = H5Sget_simple_extent_dims(space, extent, nullptr);
        s.rows = (size_t)extent[0];
        shape.assign(extent + 1, extent + rank);
        features = 1;
        for (hsize_t n : shape) features *= (size_t)n;
        regression = H5Tget_class(type) == H5T_FLOAT;
        s.x.resize(s.rows * features);
        s.y.resize(s.rows);
        H5Dread(x, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, s.x.data());
        H5Dread(y, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, s.y.data());
        H5Tclose(type);
        H5Sclose(space);
        H5Dclose(y);
        H5Dclose(x);
    }
    void put(Hdf5 &f, const std::string &group, const CopySplit &s, hid_t x, hid_t y)
    {
        std::vector<hsize_t> extent = {s.rows};
        extent.insert(extent.end(), shape.begin(), shape.end());
        f.put((group + "/x").c_str(), x, extent, s.x);
        f.put((group + "/y").c_str(), y, {s.y.size()}, s.y);
    }
};

struct DestroyCheck {
    void operator()(kz_data_check *check) const
    {
        kz_data_check_destroy(&check);
    }
};
using Check = std::unique_ptr<kz_data_check, DestroyCheck>;

inline Check run_check(const kz_data_check_options &options)
{
    kz_data_check *check = nullptr;
    EXPECT_EQ(kz_data_check_run(&check, &options), KZ_OK) << kz_error_message();
    return Check(check);
}

inline Check run_check(const std::string &path, const std::string &against = "")
{
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    if (!against.empty()) options.against = against.c_str();
    return run_check(options);
}

/* "warning leakage test 36", line by line. */
inline std::vector<std::string> findings_of(const Check &check)
{
    int64_t n = 0;
    if (!check) return {"no check"};
    const kz_finding *f = kz_data_check_findings(check.get(), &n);
    std::vector<std::string> lines;
    for (int64_t i = 0; i < n; i++)
        lines.push_back(std::string(f[i].allowed ? "allowed" : kz_severity_name(f[i].severity)) + " " + f[i].id + " " +
                        (*f[i].where ? f[i].where : "-") + " " + std::to_string(f[i].count));
    return lines;
}

inline const kz_finding *finding(const Check &check, const std::string &id, const std::string &where)
{
    int64_t n = 0;
    const kz_finding *f = check ? kz_data_check_findings(check.get(), &n) : nullptr;
    for (int64_t i = 0; i < n; i++)
        if (f[i].id == id && f[i].where == where) return &f[i];
    ADD_FAILURE() << "no finding " << id << " of '" << where << "'";
    return nullptr;
}

inline std::string json_of(const Check &check)
{
    json_t *j = nullptr;
    kz_text text = {};
    EXPECT_EQ(kz_data_check_json(&j, check.get()), KZ_OK) << kz_error_message();
    EXPECT_EQ(kz_json_dump(&text, j, true), KZ_OK);
    std::string out = kz_text_str(&text);
    kz_text_free(&text);
    json_decref(j);
    return out;
}

using Lines = std::vector<std::string>;

} // namespace kz_test

#endif
