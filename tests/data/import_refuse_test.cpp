/* What an import of a table refuses, and what it says. */
#include "tests/support/import_run.h"

using namespace kz_test;

TEST(ImportRefuse, RefusesDatesSeparatorsAndStrayTexts)
{
    const struct {
        const char *values[3], *message;
    } cases[] = {
        {{"2024-01-31", "2024-02-01", "2024-02-02"},
         "t.csv: line 2: column c holds dates or times, such as '2024-01-31'; turn them into numbers (days since a "
         "day, month, "
         "hour), or leave the column out with --drop 'c', or take them as words with --categorical 'c=codes'"},
        {{"31.1.2024", "1.2.2024", "3.2.2024"},
         "t.csv: line 2: column c holds dates or times, such as '31.1.2024'; turn them into numbers (days since a day, "
         "month, "
         "hour), or leave the column out with --drop 'c', or take them as words with --categorical 'c=codes'"},
        {{"10:15", "10:30:05", "2024-01-31T10:15:00Z"},
         "t.csv: line 2: column c holds dates or times, such as '10:15'; turn them into numbers (days since a day, "
         "month, "
         "hour), or leave the column out with --drop 'c', or take them as words with --categorical 'c=codes'"},
        {{"\"1,234\"", "5", "\"6,789.5\""},
         "t.csv: line 2: column c holds '1,234': numbers are written without separators between thousands; remove "
         "them, or "
         "leave the column out with --drop 'c'; if the comma is the decimal one, say --decimal ,"},
        {{"31-Jan-2024", "1 February 24", "unknown"},
         "t.csv: line 2: column c holds dates or times, such as '31-Jan-2024'; turn them into numbers (days since a "
         "day, month, hour), or leave the column out with --drop 'c', or take them as words with --categorical "
         "'c=codes'"},
        {{"\"Jan 31, 2024 10:15\"", "Feb 1 2024", "mar-2024"},
         "t.csv: line 2: column c holds dates or times, such as 'Jan 31, 2024 10:15'; turn them into numbers (days "
         "since a "
         "day, month, hour), or leave the column out with --drop 'c', or take them as words with --categorical "
         "'c=codes'"},
        {{"unknown", "2024-02-01", "2024-02-02"},
         "t.csv: column c holds dates or times, such as '2024-02-01'; turn them into numbers (days since a day, "
         "month, hour), or leave the column out with --drop 'c', or take them as words with --categorical 'c=codes'"},
        {{"\"1,5\"", "\"2,25\"", "3"},
         "t.csv: line 2: column c holds numbers with the decimal point ',', such as '1,5', where '.' is expected; say "
         "--decimal ,, or take them as words with --categorical 'c=codes'"},
        {{"10%", "20 %", "-5.5%"},
         "t.csv: column c holds numbers with a sign of their unit, such as '10%'; remove the sign, or take them as "
         "words with --categorical 'c=codes'"},
        {{"$10", "-$20.5", "\u20ac3"},
         "t.csv: column c holds numbers with a sign of their unit, such as '$10'; remove the sign, or take them as "
         "words with --categorical 'c=codes'"},
        {{"1", "two", "3"},
         "t.csv: line 3: column c holds 'two', which is no number, while most of its values are; correct it, count it "
         "as "
         "missing with --missing 'two', or take all values as words with --categorical 'c=codes'"},
        {{"1", "0x1F", "3"},
         "t.csv: line 3: column c holds '0x1F', which is no number, while most of its values are; correct it, count it "
         "as "
         "missing with --missing '0x1F', or take all values as words with --categorical 'c=codes'"},
        {{"1", "inf", "3"},
         "t.csv: line 3: column c holds 'inf', which is infinite or beyond binary64; such values in the column: 1; "
         "correct "
         "them, or count them as missing with --missing 'inf'"},
        {{"1", "2", "1e999"},
         "t.csv: line 4: column c holds '1e999', which is infinite or beyond binary64; such values in the column: 1; "
         "correct "
         "them, or count them as missing with --missing '1e999'"},
    };
    for (const auto &c : cases) {
        Import i;
        std::string text = "c,y\n";
        for (int k = 0; k < 3; k++) text += std::string(c.values[k]) + (k == 1 ? ",v\n" : ",u\n");
        i.input("t.csv", text).target("y").fails(KZ_E_DATA, c.message);
    }
}

TEST(ImportRefuse, TakesWordsThatOnlyLookLikeDates)
{
    Import i;
    i.input("t.csv", "c,y\nmarch,u\nmay be,v\n2nd,u\n10-20,v\ndecimal 5,u\n").target("y").works();
    EXPECT_EQ(i.r.features, 5);
    Import said;
    said.categorical("c=codes").input("t.csv", "c,y\n31-Jan-2024,u\n10%,v\n").target("y").works();
    EXPECT_EQ(said.numbers("/train/x"), (Doubles{1, 0}));
    Import target;
    target.input("t.csv", "a,y\n1,2024-01-31\n2,2024-02-01\n")
        .target("y")
        .fails(KZ_E_DATA,
               "t.csv: the target y holds dates or times, such as '2024-01-31'; turn them into numbers, or say "
               "--categorical 'y=codes' if each is a class");
    Import classes;
    classes.categorical("y=codes").input("t.csv", "a,y\n1,2024-01-31\n2,2024-02-01\n").target("y").works();
    EXPECT_EQ(classes.texts("class_names"), (Strings{"2024-01-31", "2024-02-01"}));
}

TEST(ImportRefuse, NeverReplacesWhatItReads)
{
    for (int k = 0; k < 3; k++) {
        Import i;
        std::string text = "a,y\n1,u\n2,v\n", other = i.file("other.csv", text), csv = i.file("t.csv", text);
        i.o.force = true;
        i.out = k == 0 ? csv : k == 1 ? i.folder / "./t.csv" : other;
        i.o.out = i.out.c_str();
        if (k == 2) i.o.test_file = other.c_str();
        i.path(csv).target("y");
        EXPECT_EQ(i.run(), KZ_E_OUTPUT);
        EXPECT_NE(i.message.find("is one of the inputs, which is not replaced; name another file with --out"),
                  std::string::npos)
            << i.message;
        EXPECT_EQ(i.bytes(), text);
    }
}

TEST(ImportRefuse, NeverTakesTwoLabelsForOne)
{
    Import i;
    i.input("t.csv", "a,y\n1,9007199254740993\n2,9007199254740992\n3,1\n")
        .target("y")
        .fails(
            KZ_E_DATA,
            "t.csv: the target y holds whole numbers up to 9007199254740992, of which binary64 cannot tell neighbours "
            "apart from 2^53 on, so that classes would become one; write them as texts, or number them from 0");
    Import j;
    j.input("t.libsvm", "9007199254740993 1:2\n9007199254740992 2:3\n1 1:1\n");
    EXPECT_EQ(j.run(), KZ_E_DATA);
    Import most;
    most.input("t.csv", "a,y\n1,9007199254740991\n2,-9007199254740991\n").target("y").works();
    EXPECT_EQ(most.texts("class_names"), (Strings{"-9007199254740991", "9007199254740991"}));
}

TEST(ImportRefuse, PassesOverNoOptionOfAnotherFormat)
{
    const std::string csv = "a,y\n1,u\n2,v\n", libsvm = "1 1:2\n0 2:3\n";
    Import features, zero, header, missing, comment;
    features.o.features = 3;
    features.input("t.csv", csv)
        .target("y")
        .fails(KZ_E_USAGE, "--features: is for LIBSVM; the input is read as csv, --format libsvm forces it");
    zero.o.zero_based = true;
    zero.input("t.csv", csv)
        .target("y")
        .fails(KZ_E_USAGE, "--zero-based: is for LIBSVM; the input is read as csv, --format libsvm forces it");
    header.o.header = -1;
    header.input("t.libsvm", libsvm).fails(KZ_E_USAGE, "--no-header: is for CSV and TSV; the input is read as libsvm");
    missing.missing("2")
        .input("t.libsvm", libsvm)
        .fails(KZ_E_USAGE, "--missing: is for CSV and TSV; the input is read as libsvm");
    comment.o.encoding = "latin-1";
    comment.input("x.npy", "\x93NUMPY").fails(KZ_E_USAGE, "--encoding: is for text; the input is read as npy");
}

TEST(ImportRefuse, KeepsAccountsWithinItsMemory)
{
    std::string head, row;
    for (int k = 0; k < 20000; k++) head += "c" + std::to_string(k) + ",", row += "1,";
    Import wide;
    wide.o.memory = 64 << 20;
    wide.input("t.csv", head + "y\n" + row + "u\n" + row + "v\n")
        .target("y")
        .fails(KZ_E_DATA,
               "t.csv: has 20001 columns, of which this --memory can keep account of 16384; raise it, or check "
               "the delimiter");
    std::string words = "a,b,y\n", text(20000, 'x');
    for (int k = 0; k < 2000; k++)
        words += text + std::to_string(k) + "," + std::to_string(k) + (k % 2 ? ",u\n" : ",v\n");
    Import long_words;
    long_words.o.memory = 64 << 20;
    long_words.input("t.csv", words).target("y").categorical("codes");
    EXPECT_EQ(long_words.run(), KZ_E_DATA);
    EXPECT_NE(long_words.message.find("the different texts of all columns take more than --memory leaves room for, and "
                                      "column a has more of them; leave such columns out with --drop 'a'"),
              std::string::npos)
        << long_words.message;
    Import free_text;
    free_text.o.memory = 64 << 20;
    free_text.drop("a").input("t.csv", words).target("y").works();
}

TEST(ImportRefuse, SeveralTargetsAreNotTakenForMany)
{
    Import i;
    i.input("t.csv", "a,b,c\n1,2,3\n4,5,6\n").target("b").target("c").works();
    EXPECT_FALSE(i.noted("more than 20")) << "they are not";
    EXPECT_EQ(i.numbers("/train/y"), (Doubles{2, 3, 5, 6}));
}

TEST(ImportRefuse, RefusesTooManyWords)
{
    std::string some = "name,y\n", many = "name,y\n";
    for (int k = 0; k < 200; k++) some += "n" + std::to_string(k) + (k % 2 ? ",u\n" : ",v\n");
    for (int k = 0; k < 12000; k++) many += "n" + std::to_string(k) + (k % 2 ? ",u\n" : ",v\n");
    Import i;
    i.input("t.csv", some)
        .target("y")
        .fails(KZ_E_DATA,
               "t.csv: column name holds 200 distinct texts, such as 'n0'; each would become a feature of its own, for "
               "which 100 are the most; say --categorical 'name=codes', or leave it out with --drop 'name'");
    i.categorical("name=codes").works();
    EXPECT_EQ(i.r.features, 1);
    Import more;
    more.input("t.csv", many)
        .target("y")
        .categorical("codes")
        .fails(KZ_E_DATA, "t.csv: column name holds text with over 10000 distinct values, the first 'n0' in line 2; "
                          "leave it out with "
                          "--drop 'name'");
}
