/* Labels that number the rows: `kaizen data check` warns, and training notes it. */
#include "tests/support/data_copy.h"

using namespace kz_test;

TEST(DataCheck, RowNumbersAreNoClasses)
{
    Folder folder;
    auto write = [&](const std::string &name, int every) {
        std::vector<double> x(61), y(61);
        for (int i = 0; i < 61; i++) {
            x[(size_t)i] = i * 37 % 61;
            y[(size_t)i] = i / every;
        }
        Hdf5 f(folder / name);
        f.put("/train/x", H5T_NATIVE_FLOAT, {61, 1}, x);
        f.put("/train/y", H5T_NATIVE_INT, {61}, y);
        return folder / name;
    };
    std::string numbers = write("numbers.h5", 1), threes = write("threes.h5", 3);
    EXPECT_EQ(findings_of(run_check(numbers)), (Lines{"warning lonely-classes train 61", "note no-test - 1"}));
    EXPECT_EQ(findings_of(run_check(threes)), (Lines{"note no-test - 1"}));
    auto note = [](const std::string &path) {
        Config config(path);
        kz_data *data = nullptr;
        EXPECT_EQ(kz_data_open(&data, &config.cfg), KZ_OK) << kz_error_message();
        std::string text = data ? data->note : "";
        kz_data_destroy(&data);
        return text;
    };
    EXPECT_NE(note(numbers).find("61 classes in 61 rows of train; if y is measured, set"), std::string::npos);
    EXPECT_EQ(note(threes).find("classes in"), std::string::npos) << "twenty classes of three rows, and one of one";
}
