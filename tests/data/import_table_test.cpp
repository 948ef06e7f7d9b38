/* What becomes of columns: targets, missing values, words, types, splits. */
extern "C" {
#include "data/import_impl.h"
}
#include "tests/support/import_run.h"

#include <algorithm>
#include <cmath>
#include <csignal>

using namespace kz_test;

/* ---- the target ---- */

TEST(ImportTable, WantsATargetAndListsTheColumns)
{
    Import i;
    i.input("t.csv", "a,b,class\n1,2,0\n")
        .fails(KZ_E_USAGE, "--target is missing: which column shall be predicted? t.csv has 3: a, b, "
                           "class; for example --target 'class'");
    Import typo;
    typo.input("t.csv", "a,b,class\n1,2,0\n")
        .target("clas")
        .fails(KZ_E_USAGE, "--target: no column 'clas'; did you mean 'class'?; there are: a, b, class");
}

TEST(ImportTable, InfersTheTaskAndSaysSo)
{
    Import classes;
    classes.input("t.csv", "a,y\n1,3\n2,5\n3,3\n").target("y").works();
    EXPECT_TRUE(classes.r.classification);
    EXPECT_EQ(classes.numbers("/train/y"), (Doubles{0, 1, 0}));
    EXPECT_EQ(classes.texts("class_names"), (Strings{"3", "5"}));
    EXPECT_TRUE(classes.noted("y holds 2 whole numbers: taken as classes"));
    EXPECT_TRUE(classes.noted("classes 3 to 5 are numbered 0 to 1"));
    Import numbers;
    numbers.o.task = "regression";
    numbers.input("t.csv", "a,y\n1,3\n2,5\n3,3\n").target("y").works();
    EXPECT_EQ(numbers.numbers("/train/y"), (Doubles{3, 5, 3}));
    EXPECT_EQ(numbers.texts("task"), (Strings{"regression"}));
    Import fractions;
    fractions.input("t.csv", "a,y\n1,3.5\n2,5\n3,3\n").target("y").works();
    EXPECT_FALSE(fractions.r.classification);
    Import two;
    two.input("t.csv", "a,y,z\n1,3,1\n2,5,2\n").target("y").target("z").works();
    EXPECT_EQ(two.numbers("/train/y"), (Doubles{3, 1, 5, 2}));
    EXPECT_EQ(two.r.targets, 2);
    Import minus; /* -1 and 1 become 0 and 1; numbers are ordered as numbers */
    minus.input("t.csv", "a,y\n1,1\n2,-1\n3,10\n").target("y").works();
    EXPECT_EQ(minus.numbers("/train/y"), (Doubles{1, 0, 2}));
    EXPECT_EQ(minus.texts("class_names"), (Strings{"-1", "1", "10"}));
    Import text;
    text.o.task = "regression";
    text.input("t.csv", "a,y\n1,3\n2,x\n")
        .target("y")
        .fails(KZ_E_DATA, "t.csv: line 3: the target y holds the text 'x'; the targets of a regression are numbers");
}

/* Numbers that binary64 does not hold apart name no classes, however few there are; found by tests/fuzz. */
TEST(ImportTable, TakesHugeTargetsAsNumbers)
{
    for (const char *huge : {"1e34", "-19871205495181338", "2251799813685248.5", "4503599627370495.5"}) {
        Import i;
        i.o.dtype = "float64";
        i.input("t.csv", std::string("a,y\n1,1\n2,0\n3,") + huge + "\n").target("y").works();
        EXPECT_FALSE(i.r.classification) << huge;
        EXPECT_EQ(i.numbers("/train/y"), (Doubles{1, 0, std::strtod(huge, nullptr)}));
        Import said;
        said.o.task = "classification";
        said.input("t.csv", std::string("a,y\n1,1\n2,") + huge + "\n")
            .target("y")
            .fails(KZ_E_DATA, "t.csv: the target y holds numbers that are not whole, or beyond 2^53, so that they are "
                              "no classes; leave out --task, or say --task regression");
    }
    Import most; /* the last one that is exact */
    most.input("t.csv", "a,y\n1,1\n2,9007199254740991\n").target("y").works();
    EXPECT_TRUE(most.r.classification);
    EXPECT_EQ(most.texts("class_names"), (Strings{"1", "9007199254740991"}));
    Import libsvm;
    libsvm.input("t.libsvm", "0 1:1\n1e34 1:2\n2 4:-2\n").works();
    EXPECT_FALSE(libsvm.r.classification);
}

TEST(ImportTable, TakesAndLeavesColumnsByNameAndNumber)
{
    Import i;
    i.input("t.csv", "id,a,b,\"c,d\",y\n9,1,2,3,x\n8,4,5,6,z\n").target("-1").drop("id,3").works();
    EXPECT_EQ(i.texts("feature_names"), (Strings{"a", "c,d"}));
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 3, 4, 6}));
    Import chosen;
    chosen.input("t.csv", "id,a,b,\"c,d\",y\n9,1,2,3,x\n8,4,5,6,z\n").target("y").columns("c,d").works();
    EXPECT_EQ(chosen.numbers("/train/x"), (Doubles{3, 6}));
    Import twice;
    twice.input("t.csv", "a,a,y\n1,2,x\n")
        .target("y")
        .drop("a")
        .fails(KZ_E_USAGE, "--drop: columns 1 and 2 are both named 'a'; say its number");
    Import both;
    both.input("t.csv", "a,y\n1,x\n")
        .target("y")
        .drop("y")
        .fails(KZ_E_USAGE,
               "--drop: column 'y' has two uses; name it once among --target, --columns, --drop and --split-column");
}

/* ---- missing values ---- */

TEST(ImportTable, RefusesMissingValuesWithTheirCounts)
{
    Import i;
    i.input("t.csv", "a,b,y\n1,NA,x\n,?,z\n3,4,x\n")
        .target("y")
        .fails(
            KZ_E_DATA,
            "t.csv: values are missing, of 3 rows: a 1, b 2; say what to do with --missing-action drop, mean, median, "
            "mode or category, or for one column --missing-action 'COLUMN=drop'");
    Import target;
    target.input("t.csv", "a,y\n1,x\n2,\n3,z\n")
        .target("y")
        .fill("mean")
        .fails(KZ_E_DATA, "t.csv: the target y is missing in 1 rows and is never filled in; leave these rows out with "
                          "--missing-action 'y=drop'");
}

TEST(ImportTable, DropsAndFillsIn)
{
    const char *table = "a,b,c,y\n1,1,red,u\n,5,blue,v\n3,,red,u\n8,7,,v\n-999,5,red,u\n";
    Import drop;
    drop.input("t.csv", std::string(table) + "9,9,red,v\n").target("y").missing("-999").fill("drop").works();
    EXPECT_EQ(drop.numbers("/train/x"), (Doubles{1, 1, 0, 1, 9, 9, 0, 1}));
    EXPECT_EQ(drop.r.dropped, 4);
    Import i;
    i.input("t.csv", table).target("y").missing("-999").fill("mean").fill("b=median").fill("c=mode").works();
    EXPECT_EQ(i.texts("feature_names"), (Strings{"a", "b", "c=blue", "c=red"}));
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 1, 0, 1, 4, 5, 1, 0, 3, 5, 0, 1, 8, 7, 0, 1, 4, 5, 0, 1}));
    EXPECT_EQ(i.r.filled, 4);
    Import category;
    category.input("t.csv", "c,y\nred,u\nNA,v\nblue,u\n").target("y").fill("category").works();
    EXPECT_EQ(category.texts("feature_names"), (Strings{"c=blue", "c=red", "c=(missing)"}));
    EXPECT_EQ(category.numbers("/train/x"), (Doubles{0, 1, 0, 0, 0, 1, 1, 0, 0}));
    Import text;
    text.input("t.csv", table)
        .target("y")
        .missing("-999")
        .fill("mean")
        .fails(
            KZ_E_DATA,
            "t.csv: column c holds text, which has no mean or median, and is missing in 1 rows; say --missing-action "
            "'c=mode', or category, or drop");
}

TEST(ImportTable, FillsInFromTheRowsOfTrainAlone)
{
    Import i;
    i.o.split_column = "part";
    i.input("t.csv", "a,b,part,y\n1,1,train,u\n,,test,v\n4,2,train,v\n1000,900,test,u\n7,9,train,u\n")
        .target("y")
        .fill("mean");
    i.fill("b=median").works();
    EXPECT_EQ(i.numbers("/test/x"), (Doubles{4, 2, 1000, 900}));
}

static void check_medians(int rows)
{
    std::string text = "a,b,y\n";
    std::vector<double> a;
    for (int k = 0; k < rows; k++) {
        double v = std::sin(k) * std::pow(10, k % 7 - 3);
        char line[64];
        if (k % 2) v = -v;
        std::snprintf(line, sizeof line, "%.17g,%d,%c\n", v, k % 3, k % 2 ? 'u' : 'v');
        text += line;
        a.push_back(v);
    }
    text += ",1,u\n";
    std::sort(a.begin(), a.end());
    double low = a[(a.size() - 1) / 2], high = a[a.size() / 2], middle = low == high ? low : low / 2 + high / 2;
    for (const char *memory : {"fits", "does not"}) {
        Import i;
        i.o.dtype = "float64";
        if (*memory == 'd') i.o.memory = 64 << 20; /* read again for each pass */
        i.input("t.csv", text).target("y").fill("median").works();
        EXPECT_EQ(i.numbers("/train/x")[2 * a.size()], middle) << memory << " " << rows;
    }
}

/* Few rows are counted by smaller digits than many. */
TEST(ImportTable, MediansAreThoseOfSorting)
{
    for (int rows : {2, 5, 4094, 4095, 4096, 20001}) check_medians(rows);
}

/* ---- words ---- */

TEST(ImportTable, MakesWordsCodesOrColumns)
{
    const char *table = "c,n,y\nb,1,u\na,2,v\nb,3,u\n";
    Import onehot;
    onehot.input("t.csv", table).target("y").works();
    EXPECT_EQ(onehot.numbers("/train/x"), (Doubles{0, 1, 1, 1, 0, 2, 0, 1, 3}));
    Import codes;
    codes.input("t.csv", table).target("y").categorical("error").categorical("c=codes").works();
    EXPECT_EQ(codes.numbers("/train/x"), (Doubles{1, 1, 0, 2, 1, 3}));
    json_t *column = json_array_get(json_object_get(codes.r.columns, "columns"), 0);
    EXPECT_STREQ(json_string_value(json_array_get(json_object_get(column, "values"), 1)), "b");
    Import refused;
    refused.input("t.csv", table)
        .target("y")
        .categorical("error")
        .fails(
            KZ_E_DATA,
            "t.csv: line 2: column c holds text, such as 'b', and --categorical says error; correct it, or leave the "
            "column out with --drop 'c'");
}

TEST(ImportTable, FindsATextFarBehindTheNumbers)
{
    std::string late = "c,y\n";
    for (int k = 0; k < 600000; k++) late += "1,u\n";
    Import i;
    i.input("t.csv", late + "x,v\n")
        .target("y")
        .fails(KZ_E_DATA,
               "t.csv: line 600002: column c holds 'x', which is no number, while most of its values are; correct it, "
               "count it as missing with --missing 'x', or take all values as words with --categorical 'c=codes'");
    i.categorical("c=codes").works();
    EXPECT_EQ(i.r.rows[0], 600001);
}

/* ---- types ---- */

TEST(ImportTable, ChoosesTheNarrowestTypeThatIsExact)
{
    const struct {
        const char *a, *b, *type;
    } cases[] = {{"0", "255", "uint8"},         {"-1", "127", "int8"},    {"0", "256", "uint16"},
                 {"-1", "128", "int16"},        {"0", "70000", "uint32"}, {"-1", "70000", "int32"},
                 {"-1", "5000000000", "int64"}, {"0", "0.5", "float32"},  {"0", "1e30", "float64"}};
    for (const auto &c : cases) {
        Import i;
        i.input("t.csv", std::string("a,y\n") + c.a + ",u\n" + c.b + ",v\n").target("y").works();
        EXPECT_STREQ(i.r.dtype, c.type);
        EXPECT_EQ(i.numbers("/train/x"), (Doubles{std::strtod(c.a, nullptr), std::strtod(c.b, nullptr)}));
    }
    Import narrow;
    narrow.o.dtype = "uint8";
    narrow.input("t.csv", "a,y\n1,u\n300,v\n")
        .target("y")
        .fails(KZ_E_DATA, "t.csv: column a holds numbers from 1 to 300; --dtype uint8 cannot keep them: say auto");
    Import digits;
    digits.input("t.csv", "a,y\n0.123456789,u\n0.5,v\n").target("y").works();
    EXPECT_TRUE(digits.noted("float32 keeps about 7 digits; 1 column has more, such as a with 10"));
    Import identifiers;
    identifiers.input("t.csv", "a,y\n9007199254740993,u\n1,v\n").target("y").works();
    EXPECT_TRUE(identifiers.noted("a holds whole numbers beyond 2^53, whose last digits are lost"));
}

/* ---- splits ---- */

TEST(ImportTable, DrawsRowsForTestBySeed)
{
    std::string text = "a,y\n";
    for (int k = 0; k < 1000; k++) text += std::to_string(k) + (k % 10 ? ",u\n" : ",v\n");
    Import i;
    i.o.test = 0.2;
    i.input("t.csv", text).target("y").works();
    Doubles train = i.numbers("/train/x"), test = i.numbers("/test/x"), all;
    ASSERT_EQ(test.size(), 200u);
    EXPECT_TRUE(std::is_sorted(train.begin(), train.end()));
    EXPECT_TRUE(std::is_sorted(test.begin(), test.end()));
    std::merge(train.begin(), train.end(), test.begin(), test.end(), std::back_inserter(all));
    for (size_t k = 0; k < 1000; k++) ASSERT_EQ(all[k], (double)k);
    Import again, other, strata;
    again.o.test = other.o.test = strata.o.test = 0.2;
    again.o.threads = 3;
    again.o.memory = 64 << 20;
    again.input("t.csv", text).target("y").works();
    EXPECT_TRUE(again.bytes() == i.bytes());
    other.o.seed = 2;
    other.input("t.csv", text).target("y").works();
    EXPECT_NE(other.numbers("/test/x"), test);
    strata.o.stratify = true;
    strata.input("t.csv", text).target("y").works();
    EXPECT_EQ(strata.r.class_rows[2][1], 20);
    EXPECT_EQ(strata.r.class_rows[2][0], 180);
    Import none;
    none.o.test = 0.001;
    none.input("t.csv", "a,y\n1,u\n2,v\n")
        .target("y")
        .fails(KZ_E_DATA, "t.csv: --test 0.001 of 2 rows are 0, which leaves none to test with");
}

TEST(ImportTable, EveryChoiceOfRowsIsEquallyLikely)
{
    int times[5] = {0};
    const int draws = 20000;
    for (int seed = 0; seed < draws; seed++) {
        int64_t left = 5, wanted = 2;
        for (int row = 0; row < 5; row++) {
            if (kz_draw((uint64_t)seed, row, left--, wanted)) wanted--, times[row]++;
        }
        ASSERT_EQ(wanted, 0);
    }
    for (int row = 0; row < 5; row++)
        EXPECT_LE(std::fabs(times[row] - 0.4 * draws), 6 * std::sqrt(draws * 0.24)) << row;
}

TEST(ImportTable, SplitsByColumnAndByFile)
{
    Import i;
    i.o.split_column = "part";
    i.input("t.csv", "a,part,y\n1,train,u\n2,val,v\n3,TEST,u\n4,train,v\n").target("y").works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 4}));
    EXPECT_EQ(i.numbers("/valid/x"), (Doubles{2}));
    EXPECT_EQ(i.numbers("/test/x"), (Doubles{3}));
    Import bad;
    bad.o.split_column = "part";
    bad.input("t.csv", "a,part,y\n1,train,u\n2,fold1,v\n")
        .target("y")
        .fails(KZ_E_DATA, "t.csv: the split column part holds 'fold1'; it must say train, valid or test");
    Import file;
    std::string test = file.file("test.csv", "a,y\n9,v\n");
    file.o.test_file = test.c_str();
    file.input("t.csv", "a,y\n1,u\n2,v\n").target("y").works();
    EXPECT_EQ(file.numbers("/test/x"), (Doubles{9}));
    EXPECT_EQ(file.numbers("/test/y"), (Doubles{1}));
}

/* ---- the file ---- */

TEST(ImportTable, KeepsLongNamesWeightsAndAttributes)
{
    std::string head, row;
    for (int k = 0; k < 2000; k++) {
        head += "a_rather_long_name_of_a_column_number_" + std::to_string(k) + ",";
        row += "1,";
    }
    Import i;
    i.o.class_weights = "balanced";
    i.o.license = "CC0";
    i.o.source = "a test";
    i.input("long.csv", head + "y\n" + row + "u\n" + row + "v\n" + row + "v\n" + row + "v\n").target("y").works();
    EXPECT_EQ(i.texts("feature_names").size(), 2000u);
    EXPECT_EQ(i.texts("feature_names")[1999], "a_rather_long_name_of_a_column_number_1999");
    EXPECT_EQ(i.texts("license"), (Strings{"CC0"}));
    EXPECT_EQ(i.texts("source"), (Strings{"a test"}));
    EXPECT_EQ(i.texts("name"), (Strings{"long"}));
    EXPECT_EQ(i.r.class_weights[0], 2);
    EXPECT_EQ(i.r.class_weights[1], 4.0 / 6);
    Config c(i.out);
    Data d = open(c);
    ASSERT_TRUE(d);
    ASSERT_NE(d->columns, nullptr);
    json_t *stored = json_loads(d->columns, 0, nullptr);
    EXPECT_TRUE(json_equal(stored, i.r.columns));
    json_decref(stored);
}

TEST(ImportTable, GzipHoldsTheSameValues)
{
    std::string text = "a,b,y\n";
    for (int k = 0; k < 100000; k++) text += std::to_string(k) + ",0.5," + (k % 2 ? "u\n" : "v\n");
    Import plain, packed;
    packed.o.compress = "gzip";
    plain.input("t.csv", text).target("y").works();
    packed.input("t.csv", text).target("y").works();
    EXPECT_EQ(plain.numbers("/train/x"), packed.numbers("/train/x"));
    EXPECT_LT(packed.r.bytes * 3, plain.r.bytes);
}

TEST(ImportTable, NeitherReplacesNorLeavesFiles)
{
    Import i;
    std::ofstream(i.out) << "precious";
    i.input("t.csv", "a,y\n1,u\n2,v\n").target("y");
    EXPECT_EQ(i.run(), KZ_E_OUTPUT);
    EXPECT_EQ(i.message, "out.h5: exists already; --force replaces it, or name another with --out");
    EXPECT_EQ(i.bytes(), "precious");
    i.o.force = true;
    i.works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 2}));
    Import dry;
    dry.o.dry_run = true;
    dry.input("t.csv", "a,y\n1,u\n2,v\n").target("y").works();
    EXPECT_FALSE(std::filesystem::exists(dry.out));
    EXPECT_EQ(dry.r.rows[0], 2);
    Import stopped;
    volatile sig_atomic_t stop = SIGTERM;
    stopped.o.stop = &stop;
    stopped.input("t.csv", "a,y\n1,u\n2,v\n")
        .target("y")
        .fails(KZ_E_SIGTERM, "import: stopped by a signal; nothing was written");
}

TEST(ImportTable, EveryAllocationMayFail)
{
    Import i;
    i.o.test = 0.5;
    i.o.force = true;
    i.input("t.csv", "a,b,c,y\n1,,red,u\n2,3,blue,v\n,4,red,u\n5,6,\"b\"\"l\",v\n")
        .target("y")
        .fill("mean")
        .fill("b=median");
    i.works();
    int64_t calls = (kz_calloc_fail_at(0), i.run(), kz_calloc_fail_at(0));
    ASSERT_GT(calls, 50);
    for (int64_t n = 1; n <= calls; n++) {
        kz_calloc_fail_at(n);
        kz_status st = i.run();
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_E_MEM || st == KZ_OK) << n << " of " << calls << ": " << i.message;
    }
}
