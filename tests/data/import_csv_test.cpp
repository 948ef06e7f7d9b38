/* CSV as it comes: quotes, delimiters, line ends, encodings, headers; and what is refused, with its line. */
#include "tests/support/import_run.h"

using namespace kz_test;

namespace {

const Doubles kX = {1, 2, 3, 4, 5, 6}, kY = {0, 1, 0};

/* Every way of writing these three rows must give the same arrays. */
void expect_abc(Import &i)
{
    i.target("y").works();
    EXPECT_EQ(i.numbers("/train/x"), kX);
    EXPECT_EQ(i.numbers("/train/y"), kY);
    EXPECT_EQ(i.texts("feature_names"), (Strings{"a", "b"}));
    EXPECT_EQ(i.texts("class_names"), (Strings{"no", "yes"}));
}

} // namespace

TEST(ImportCsv, ReadsEveryWayOfWritingATable)
{
    const std::pair<const char *, std::string> ways[] = {
        {"plain", "a,b,y\n1,2,no\n3,4,yes\n5,6,no\n"},
        {"no end of line at the end", "a,b,y\n1,2,no\n3,4,yes\n5,6,no"},
        {"CRLF", "a,b,y\r\n1,2,no\r\n3,4,yes\r\n5,6,no\r\n"},
        {"CR", "a,b,y\r1,2,no\r3,4,yes\r5,6,no\r"},
        {"CR without the last", "a,b,y\r1,2,no\r3,4,yes\r5,6,no"},
        {"semicolons", "a;b;y\n1;2;no\n3;4;yes\n5;6;no\n"},
        {"tabs", "a\tb\ty\n1\t2\tno\n3\t4\tyes\n5\t6\tno\n"},
        {"bars", "a|b|y\n1|2|no\n3|4|yes\n5|6|no\n"},
        {"quotes", "\"a\",\"b\",\"y\"\n\"1\",2,\"no\"\n3,\"4\",yes\n5,6,\"no\"\n"},
        {"spaces behind commas", "a, b, y\n1, 2, no\n 3 , 4 , yes \n5, 6, \"no\"\n"},
        {"empty lines", "\n\na,b,y\n1,2,no\n\n3,4,yes\n   \n5,6,no\n\n"},
        {"byte order mark", "\xef\xbb\xbf"
                            "a,b,y\n1,2,no\n3,4,yes\n5,6,no\n"},
        {"exponents and signs", "a,b,y\n+1,2e0,no\n3.0,0.4e1,yes\n5.,600E-2,no\n"},
    };
    for (const auto &[name, text] : ways) {
        SCOPED_TRACE(name);
        Import i;
        i.input("t.csv", text);
        expect_abc(i);
    }
}

TEST(ImportCsv, ReadsUtf16ByItsMarkAndLatin1WhenTold)
{
    std::string plain = "a,b,y\n1,2,no\n3,4,yes\n5,6,no\n", little = "\xff\xfe", big = "\xfe\xff";
    for (char c : plain) little += {c, '\0'}, big += {'\0', c};
    for (const std::string &text : {little, big, little.substr(2)}) {
        Import i;
        i.input("t.csv", text);
        expect_abc(i);
    }
    Import latin;
    latin.o.encoding = "latin-1";
    latin
        .input("t.csv", "gr\xf6\xdf"
                        "e,y\n1,n\xe4h\n2,fern\n")
        .target("y")
        .works();
    EXPECT_EQ(latin.texts("feature_names"), (Strings{"größe"}));
    EXPECT_EQ(latin.texts("class_names"), (Strings{"fern", "näh"}));
    Import wide; /* beyond the 16 bits of one unit */
    std::string text = "\xff\xfe";
    for (char c : std::string("a,y\n1,")) text += {c, '\0'};
    text += std::string("\x3d\xd8\x00\xde", 4); /* U+1F600 */
    for (char c : std::string("\n2,no\n")) text += {c, '\0'};
    wide.input("t.csv", text).target("y").works();
    EXPECT_EQ(wide.texts("class_names"), (Strings{"no", "😀"}));
}

TEST(ImportCsv, KeepsWhatIsInQuotes)
{
    Import i;
    i.input("t.csv", "a,y\n1,\"x, \"\"y\"\"\"\n2,\"two\nlines\"\n3,\" kept \"\n").target("y").works();
    EXPECT_EQ(i.texts("class_names"), (Strings{" kept ", "two\nlines", "x, \"y\""}));
}

TEST(ImportCsv, CutsPiecesAtRowsAlsoWithinLongTexts)
{
    std::string text = "a,word,y\n";
    for (int k = 0; k < 30000; k++)
        text += std::to_string(k) + ",\"" + (k % 3 ? "line\nbreak, " : "plain \"\"") +
                std::string((size_t)(k % 7), 'x') + "\"," + (k % 2 ? "odd" : "even") + "\n";
    std::string first;
    for (int threads : {1, 2, 3}) {
        Import i;
        i.o.threads = threads;
        i.input("t.csv", text).target("y").categorical("codes").works();
        Doubles x = i.numbers("/train/x");
        ASSERT_EQ(x.size(), 60000u);
        for (size_t k = 0; k < 30000; k++) ASSERT_EQ(x[2 * k], (double)k);
        EXPECT_EQ(i.r.columns ? json_array_size(json_object_get(
                                    json_array_get(json_object_get(i.r.columns, "columns"), 1), "values"))
                              : 0,
                  14u);
        if (first.empty()) first = i.bytes();
        EXPECT_TRUE(i.bytes() == first) << threads << " threads";
    }
}

TEST(ImportCsv, TakesOtherDelimitersCommentsAndDecimalCommas)
{
    Import colon;
    colon.o.delimiter = ":";
    colon.input("t.txt", "a:b:y\n1:2:no\n3:4:yes\n5:6:no\n");
    expect_abc(colon);
    Import comment;
    comment.o.comment = "#";
    comment.input("t.csv", "# made by \"hand\na,b,y\n1,2,no\n#3,3,no\n3,4,yes\n5,6,no\n");
    expect_abc(comment);
    Import decimal;
    decimal.o.decimal = ",";
    decimal.input("t.csv", "a;b;y\n1,0;2;no\n3;4,00;yes\n5;6;no\n");
    expect_abc(decimal);
}

TEST(ImportCsv, NamesColumnsWhereThereIsNoHeader)
{
    Import i;
    i.o.header = -1;
    i.input("t.csv", "1,2,no\n3,4,yes\n").target("-1").works();
    EXPECT_EQ(i.texts("feature_names"), (Strings{"c1", "c2"}));
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 2, 3, 4}));
    Import numbers;
    numbers.input("t.csv", "1,2,0\n3,4,1\n")
        .target("3")
        .fails(KZ_E_DATA,
               "t.csv: line 1 holds numbers where the names of the columns belong; say --no-header if it is the first "
               "row, or --header if these are names");
    numbers.o.header = 1;
    EXPECT_EQ(numbers.run(), KZ_E_DATA); /* one row is left, so one class */
}

TEST(ImportCsv, ReadsSeveralFilesOfOneTable)
{
    Import i;
    i.input("a.csv", "a,b,y\n1,2,no\n").input("b.csv", "a,b,y\n3,4,yes\n").input("c.csv", "a,b,y\n5,6,no");
    expect_abc(i);
    Import other;
    other.input("a.csv", "a,b,y\n1,2,no\n")
        .input("b.csv", "a,c,y\n3,4,yes\n")
        .target("y")
        .fails(KZ_E_DATA, "b.csv: column 2 is 'c', but 'b' in a.csv; the files must have the same columns");
}

TEST(ImportCsv, RefusesWhatIsBrokenWithItsLine)
{
    const struct {
        std::string text;
        const char *message;
    } cases[] = {
        {"a,b,y\n1,2,no\n3,yes\n", "t.csv: line 3: has 2 fields where the header has 3; correct the line"},
        {"a,b,y\n1,2,no\n3,4,5,yes\n",
         "t.csv: line 3: has 4 fields where the header has 3; correct the line, or put texts "
         "that hold the delimiter in quotes"},
        {"a,b,y\n1,2,no\n\"3,4,yes\n",
         "t.csv: line 3: a text in quotes is not closed before the end of the file; close it, "
         "or double quotes that are meant as they stand"},
        {"a,b,y\n1,2,no\n3,\"4\"4,yes\n",
         "t.csv: line 3: there is text behind a closing quote; quotes inside a text in "
         "quotes are doubled"},
        {"a,b,y\n1,2,\"n\no\"\n3,4,y\xff\n",
         "t.csv: line 4: holds the byte 0xff, which is not UTF-8; say --encoding latin-1 "
         "if it is that, or convert the file with iconv"},
        {std::string("a,b,y\n1,2,no\n3,4,") + std::string(5000, 'x') + std::string(1, '\0') + "\n",
         "t.csv: line 3: holds a zero byte; is it a text file? UTF-16 is read with --encoding utf-16"},
        {"", "t.csv: is empty; write it again or fetch it again"},
        {"\n\n  \n", "t.csv: holds no line with text; is it the right file?"},
        {"a,b,y\n", "t.csv: holds no rows below its header"},
        {"a,b,y\n1,2,no\n3,4,x\x01z\n", "t.csv: line 3: holds the control character 0x01; is it a text file?"},
    };
    for (const auto &c : cases) {
        Import i;
        i.input("t.csv", c.text).target("y").fails(KZ_E_DATA, c.message);
    }
}

TEST(ImportCsv, SaysInWhichLineOfALongFile)
{
    std::string text = "a,y\n";
    for (int k = 2; k < 50000; k++) text += "1,\"b\nc\"\n";
    size_t before = text.size();
    text += "1,2,3\n";
    for (int k = 0; k < 50000; k++) text += "1,x\n";
    ASSERT_GT(before, (size_t)256 << 10);
    Import i;
    i.o.threads = 3;
    i.input("t.csv", text)
        .target("y")
        .fails(KZ_E_DATA, "t.csv: line 99998: has 3 fields where the header has 2; correct the "
                          "line, or put texts that hold the delimiter in quotes");
}

TEST(ImportCsv, RefusesFilesThatAreNone)
{
    Import missing;
    missing.path("/nowhere/t.csv")
        .target("y")
        .fails(KZ_E_INPUT, "/nowhere/t.csv: cannot be opened: No such file or directory");
    Import folder;
    folder.path("/tmp").target("y").fails(KZ_E_INPUT, "/tmp: is a folder; name the files in it");
    Import device;
    device.path("/dev/null")
        .target("y")
        .fails(KZ_E_INPUT, "/dev/null: is not a regular file; it is read more than once: copy the data into one");
    Import hdf5;
    hdf5.input("t.dat", "\x89HDF\r\n\x1a\n")
        .target("y")
        .fails(KZ_E_DATA, "t.dat: is an HDF5 file already; name it in data.path");
}
