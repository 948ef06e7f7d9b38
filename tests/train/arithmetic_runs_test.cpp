// The whole trainings of tests/golden/arithmetic_vectors.json: digests and metrics that another implementation of
// docs/arithmetic.md has computed.
#include "data_hdf5.h"
#include "vector_file.h"

#include "kz/train.h"

using namespace vectors;

namespace {

hid_t type_named(const std::string &name)
{
    if (name == "uint8") return H5T_STD_U8LE;
    if (name == "int32") return H5T_STD_I32LE;
    return name == "float32" ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

void write_data(const std::string &path, const json_t *run)
{
    kz_test::Hdf5 hdf5(path);
    const char *role;
    json_t *array;
    json_object_foreach(const_cast<json_t *>(field(run, "data")), role, array)
    {
        std::vector<hsize_t> extents;
        std::vector<double> values;
        for (int64_t n : integers(array, "extents")) extents.push_back((hsize_t)n);
        std::istringstream in(text(array, "values"));
        for (double x; in >> x;) values.push_back(x);
        hdf5.put(("/" + std::string(role)).c_str(), type_named(text(array, "type")), extents, values);
    }
}

kz_config *parse(const json_t *run, const std::string &path)
{
    kz_config *cfg = nullptr;
    kz_text report = {};
    std::string set = "data.path=" + path;
    const char *sets[] = {set.c_str()};
    char *written = json_dumps(field(run, "config"), JSON_INDENT(1));
    EXPECT_EQ(KZ_OK, kz_config_parse(&cfg, "run", written, sets, 1, &report)) << kz_text_str(&report);
    kz_text_free(&report);
    free(written);
    return cfg;
}

std::string at(const json_t *root, const char *first, const char *second)
{
    const char *s = json_string_value(json_object_get(json_object_get(root, first), second));
    return s ? s : "";
}

void expect_metrics(const json_t *wanted, const json_t *got)
{
    const char *split, *key;
    json_t *values, *value;
    json_object_foreach(const_cast<json_t *>(wanted), split, values)
    {
        json_object_foreach(values, key, value)
        {
            if (key[0] == '~') continue;
            double number = json_real_value(json_object_get(json_object_get(got, split), key));
            expect_same({number}, f64s(values, key), std::string(split) + "." + key);
        }
    }
}

void expect_result(const json_t *wanted, const json_t *got)
{
    for (const char *digest : {"config", "data", "weights", "trajectory"})
        EXPECT_EQ(text(wanted, digest), at(got, "digests", digest)) << digest;
    for (const char *count : {"epochs", "steps"}) EXPECT_EQ(integer(wanted, count), integer(got, count)) << count;
    EXPECT_EQ(integer(wanted, "best_epoch"), json_integer_value(json_object_get(got, "best_epoch")));
    EXPECT_EQ(text(wanted, "stopped_by"), text(got, "stopped_by"));
    const json_t *diverged = json_object_get(got, "diverged");
    EXPECT_EQ(integer(wanted, "diverged_step"), json_is_object(diverged) ? integer(diverged, "step") : -1);
    expect_metrics(field(wanted, "metrics"), json_object_get(got, "metrics"));
}

void train(const json_t *run, const char *isa, int threads)
{
    kz_test::Folder folder;
    write_data(folder / "run.h5", run);
    kz_config *cfg = parse(run, folder / "run.h5");
    ASSERT_TRUE(cfg);
    kz_train_options options = {};
    kz_train_result result = {};
    std::string directory = folder / "run";
    options.directory = directory.c_str();
    options.isa = isa;
    cfg->device.threads = threads;
    EXPECT_EQ(KZ_OK, kz_config_set_string(&cfg->device.kind, "cpu"));
    const json_t *wanted = field(run, "result");
    kz_status st = kz_train(cfg, &options, &result);
    EXPECT_EQ(integer(wanted, "diverged_step") < 0 ? KZ_OK : KZ_E_DIVERGED, st) << kz_error_message();
    EXPECT_TRUE(result.json);
    if (result.json) expect_result(wanted, result.json);
    kz_train_result_free(&result);
    kz_config_destroy(&cfg);
}

} // namespace

TEST(ArithmeticVectors, TrainingsHaveTheDigestsComputedFromThePage)
{
    const json_t *runs = json_object_get(file(), "runs");
    ASSERT_GT(json_array_size(runs), 0u);
    for (size_t i = 0; i < json_array_size(runs); i++)
        for (const char *const *isa = kz_device_isas(); *isa; isa++)
            for (int threads : {1, 3}) {
                const json_t *run = json_array_get(runs, i);
                SCOPED_TRACE(text(run, "about") + "; " + *isa + " x" + std::to_string(threads));
                train(run, *isa, threads);
            }
}

TEST(ArithmeticVectors, FileIsWhatItsProgramMakes)
{
    if (!program::has_program("python3")) GTEST_SKIP() << "python3 is not here";
    program::Result r = program::run(
        {"/usr/bin/env", "python3", program::source_path("tests/golden/make_arithmetic_vectors.py"), "--check"});
    EXPECT_EQ(0, r.status) << r.out << r.err;
}
