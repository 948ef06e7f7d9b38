/* tests/support/import_run.h — imports of texts and bytes, and what came of them. */
#ifndef KZ_TESTS_IMPORT_RUN_H
#define KZ_TESTS_IMPORT_RUN_H

#include "kz/data_import.h"
#include "tests/support/data_hdf5.h"

#include <deque>
#include <fstream>
#include <sstream>

namespace kz_test {

/* One import: options are set by name, files are written into a folder of its own. */
class Import {
  public:
    Import()
    {
        o = kz_import_defaults();
        out = folder / "out.h5";
        o.out = out.c_str();
        o.threads = 1;
    }
    ~Import()
    {
        kz_import_result_free(&r);
    }
    Import(const Import &) = delete;
    Import &operator=(const Import &) = delete;

    std::string file(const std::string &name, const std::string &bytes)
    {
        std::string path = folder / name;
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }
    Import &input(const std::string &name, const std::string &bytes)
    {
        return list(inputs, file(name, bytes));
    }
    Import &path(const std::string &path)
    {
        return list(inputs, path);
    }
    Import &target(const std::string &s)
    {
        return list(targets, s);
    }
    Import &drop(const std::string &s)
    {
        return list(drops, s);
    }
    Import &columns(const std::string &s)
    {
        return list(chosen, s);
    }
    Import &missing(const std::string &s)
    {
        return list(missing_texts, s);
    }
    Import &fill(const std::string &s)
    {
        return list(fills, s);
    }
    Import &categorical(const std::string &s)
    {
        return list(categories, s);
    }

    kz_status run()
    {
        o.inputs = given(inputs);
        o.target = given(targets);
        o.drop = given(drops);
        o.columns = given(chosen);
        o.missing = given(missing_texts);
        o.fill = given(fills);
        o.categories = given(categories);
        kz_import_result_free(&r);
        kz_error_clear();
        kz_status st = kz_data_import(&r, &o);
        message = kz_error_message();
        for (size_t at; (at = message.find(folder.path() + "/")) != std::string::npos;)
            message.erase(at, folder.path().size() + 1);
        return st;
    }
    /* It must work. */
    void works()
    {
        ASSERT_EQ(run(), KZ_OK) << message;
    }
    /* It must fail with this message, and leave no file. */
    void fails(kz_status wanted, const std::string &text)
    {
        EXPECT_EQ(run(), wanted) << message;
        EXPECT_EQ(message, text);
        int files = 0;
        for (const auto &entry : std::filesystem::directory_iterator(folder.path()))
            files += entry.path().string().find("out.h5") != std::string::npos;
        EXPECT_EQ(files, 0) << "something was left behind";
    }
    bool noted(const std::string &part) const
    {
        for (int64_t i = 0; i < r.n_notes; i++)
            if (std::string(r.notes[i]).find(part) != std::string::npos) return true;
        return false;
    }

    std::vector<double> numbers(const char *object) const
    {
        hid_t f = H5Fopen(out.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(f, object, H5P_DEFAULT);
        std::vector<double> v;
        if (set >= 0) {
            hid_t space = H5Dget_space(set);
            v.resize((size_t)H5Sget_simple_extent_npoints(space));
            H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v.data());
            H5Sclose(space);
            H5Dclose(set);
        }
        H5Fclose(f);
        return v;
    }
    std::vector<std::string> texts(const char *attribute) const
    {
        std::vector<std::string> all;
        hid_t f = H5Fopen(out.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
        if (H5Aexists(f, attribute) > 0) {
            hid_t a = H5Aopen(f, attribute, H5P_DEFAULT), type = H5Aget_type(a), space = H5Aget_space(a);
            size_t size = H5Tget_size(type), n = (size_t)H5Sget_simple_extent_npoints(space);
            std::string flat(size * n, '\0');
            H5Aread(a, type, flat.data());
            for (size_t i = 0; i < n; i++) all.push_back(std::string(flat.substr(i * size, size).c_str()));
            H5Sclose(space);
            H5Tclose(type);
            H5Aclose(a);
        }
        H5Fclose(f);
        return all;
    }
    std::string bytes() const
    {
        std::ifstream in(out, std::ios::binary);
        std::stringstream all;
        all << in.rdbuf();
        return all.str();
    }

    Folder folder;
    std::string out, message;
    kz_import_options o = {};
    kz_import_result r = {};

  private:
    using List = std::deque<std::string>;
    Import &list(List &to, const std::string &s)
    {
        to.push_back(s);
        return *this;
    }
    kz_words_given given(const List &from)
    {
        pointers_.emplace_back();
        for (const std::string &s : from) pointers_.back().push_back(s.c_str());
        return {pointers_.back().data(), (int64_t)from.size()};
    }
    List inputs, targets, drops, chosen, missing_texts, fills, categories;
    std::deque<std::vector<const char *>> pointers_;
};

using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;

} // namespace kz_test

#endif
