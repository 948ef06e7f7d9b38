// `kaizen data check` from outside: what it prints, writes and returns.
#include "golden_json.h"
#include "program.h"
#include "tests/support/data_copy.h"

namespace {

using kz_test::Copy;
using kz_test::Hdf5;
using program::Folder;
using program::kaizen;
using program::Result;

std::string wine()
{
    return program::source_path("datasets/wine.h5");
}
std::string iris()
{
    return program::source_path("datasets/iris.h5");
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

std::string entry(const golden::Json &j, const char *key)
{
    const char *text = json_string_value(json_object_get(j.get(), key));
    return text ? text : "";
}

TEST(DataCheckProgram, PrintsOneScreenAndAVerdict)
{
    Result r = kaizen({"data", "check", iris()});
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.err, "");
    EXPECT_TRUE(has(r.out, "120 train, 30 test rows of 4 features; 3 classes\n")) << r.out;
    EXPECT_TRUE(has(r.out, "\nwarning   leakage, test\n")) << r.out;
    EXPECT_TRUE(has(r.out, "row 17 is row 62 of train\n")) << r.out;
    EXPECT_TRUE(has(r.out, "\n1 warning: training on it is possible; read the warnings first.\n")) << r.out;
    EXPECT_LE(program::count(r.out, "\n"), 24);
    EXPECT_TRUE(has(kaizen({"data", "check", wine()}).out, "\nnothing found: training on it is right.\n"));
}

TEST(DataCheckProgram, ExitStatusSaysWhetherTrainingIsRight)
{
    Folder folder;
    Copy c("wine");
    c.train.y[0] = -1;
    c.write(folder.path("bad.h5"));
    Result r = kaizen({"data", "check", folder.path("bad.h5")});
    EXPECT_EQ(r.status, 65);
    EXPECT_EQ(r.err, "kaizen: error: " + folder.path("bad.h5") + ": training on it would be wrong: 1 error\n");
    EXPECT_EQ(kaizen({"data", "check", iris()}).status, 0);
    r = kaizen({"data", "check", iris(), "--strict"});
    EXPECT_EQ(r.status, 65);
    EXPECT_EQ(r.err, "kaizen: error: " + iris() + ": 1 warning, and --strict lets none pass\n");
    EXPECT_EQ(kaizen({"data", "check", iris(), "--strict", "--allow", "leakage"}).status, 0);
    EXPECT_EQ(kaizen({"data", "check", wine(), "--strict"}).status, 0);
    EXPECT_EQ(kaizen({"data", "check", folder.path("none.h5")}).status, 66);
    EXPECT_EQ(kaizen({"data", "check", folder.write("text.h5", "a,b\n1,2\n")}).status, 65);
}

TEST(DataCheckProgram, WrongOptionsAreUsage)
{
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{}, "data check: FILE is missing"},
        {{iris(), "--allow", "leekage"}, "there is no finding 'leekage'\n  did you mean leakage?"},
        {{iris(), "--report", "a.pdf"}, "must end in .html, .md or .json"},
        {{iris(), "--report", "dir.html/a"}, "must end in .html, .md or .json"},
        {{iris(), "--max-psi", "0"}, "must be a number above 0"},
        {{iris(), "--max-psi", "nan"}, "must be a number above 0"},
        {{iris(), "--memory", "lots"}, "must be a size such as 512MiB"},
        {{iris(), "--threads", "-1"}, "must be a whole number from 0"},
        {{iris(), wine()}, "unexpected argument"},
        {{iris(), "--strickt"}, "did you mean --strict?"}};
    for (const auto &[arguments, message] : cases) {
        std::vector<std::string> all = {"data", "check"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        Result r = kaizen(all);
        EXPECT_EQ(r.status, 2) << message;
        EXPECT_TRUE(has(r.err, message)) << r.err;
        EXPECT_EQ(r.out, "");
    }
}

TEST(DataCheckProgram, JsonIsTheWholeResult)
{
    Result r = kaizen({"data", "check", iris(), "--json"});
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.err, "");
    golden::Json j = golden::parse(r.out);
    EXPECT_EQ(entry(j, "schema"), "kaizen.datacheck/1");
    EXPECT_EQ(entry(j, "verdict"), "warnings");
    EXPECT_EQ(entry(j, "file"), iris());
    const json_t *f = json_array_get(json_object_get(j.get(), "findings"), 0);
    EXPECT_STREQ(json_string_value(json_object_get(f, "id")), "leakage");
    EXPECT_EQ(json_array_size(json_object_get(j.get(), "feature_list")), 4u);
    Folder folder;
    Copy c("wine");
    c.train.y[0] = -1;
    c.write(folder.path("bad.h5"));
    r = kaizen({"data", "check", folder.path("bad.h5"), "--json"}); // one document on stdout, also with exit 65
    EXPECT_EQ(r.status, 65);
    EXPECT_EQ(entry(golden::parse(r.out), "verdict"), "errors");
}

TEST(DataCheckProgram, ReadsTheArraysOfAConfig)
{
    Folder folder;
    {
        Hdf5 f(folder.path("odd.h5"));
        f.put("/images", H5T_NATIVE_FLOAT, {4, 1}, {1, 2, 3, 4});
        f.put("/numbers", H5T_NATIVE_INT, {4}, {0, 1, 0, 1});
    }
    std::string config =
        folder.write("run.yaml", "name: odd\nseed: 1\n"
                                 "data: {path: odd.h5, train: {x: /images, y: /numbers}, test: none}\n"
                                 "model: {layers: [{type: dense}]}\noptimizer: {name: sgd, lr: 0.1}\n");
    Result r = kaizen({"data", "check", "--config", config});
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_TRUE(has(r.out, "4 train rows of 1 feature; 2 classes")) << r.out;
    EXPECT_EQ(kaizen({"data", "check", "--config", folder.write("bad.yaml", "name: odd\n")}).status, 78);
    EXPECT_EQ(kaizen({"data", "check", folder.path("odd.h5")}).status, 65);
}

TEST(DataCheckProgram, ReportsAreTheSameBytesEachTime)
{
    Folder folder;
    for (const char *name : {"a", "b"}) {
        std::string base = folder.path(name);
        Result r = kaizen({"data", "check", iris(), "--against", wine(), "--report", base + ".html", "--report",
                           base + ".md", "--report", base + ".json", "--threads", *name == 'a' ? "1" : "3"});
        EXPECT_EQ(r.status, 65); // another data set is no older version
    }
    for (const char *kind : {".html", ".md", ".json"}) {
        std::string a = program::read_file(folder.path(std::string("a") + kind));
        EXPECT_GT(a.size(), 500u) << kind;
        EXPECT_EQ(a, program::read_file(folder.path(std::string("b") + kind))) << kind;
        EXPECT_TRUE(has(a, "leakage")) << kind;
        EXPECT_TRUE(has(a, "version-shape")) << kind;
    }
    EXPECT_EQ(entry(golden::parse(program::read_file(folder.path("a.json"))), "schema"), "kaizen.datacheck/1");
    Result r = kaizen({"data", "check", iris(), "--report", folder.path("no/such/folder.md")});
    EXPECT_EQ(r.status, 73);
    EXPECT_TRUE(has(r.err, "folder.md")) << r.err;
}

TEST(DataCheckProgram, HtmlLoadsNothingAndHasPicturesWithTexts)
{
    Folder folder;
    kaizen({"data", "check", iris(), "--report", folder.path("a.html")});
    std::string page = program::read_file(folder.path("a.html"));
    EXPECT_TRUE(has(page, "default-src 'none'"));
    EXPECT_TRUE(has(page, "prefers-color-scheme:dark"));
    EXPECT_FALSE(has(page, "<script"));
    EXPECT_FALSE(has(page, "http://"));
    EXPECT_FALSE(has(page, "https://"));
    EXPECT_FALSE(has(page, "url("));
    EXPECT_EQ(program::count(page, "<svg role=\"img\""), 10); // two of classes, eight of features
    EXPECT_EQ(program::count(page, "<svg"), program::count(page, "<title>") - 1);
    for (const char *element : {"html", "head", "body", "main", "table", "article", "svg", "ul", "tr", "td", "th"})
        EXPECT_EQ(program::count(page, std::string("<") + element + ">") +
                      program::count(page, std::string("<") + element + " "),
                  program::count(page, std::string("</") + element + ">"))
            << element;
}

// Names come from strangers: markup, control characters, mentions, cut characters.
TEST(DataCheckProgram, HostileNamesAreText)
{
    Folder folder;
    Copy c("wine");
    std::string wide(60, 'x');
    for (int i = 0; i < 40; i++) wide += "\xc3\xa9";
    std::vector<std::string> names = {"<script>alert(1)</script>",
                                      "a|b](http://evil.example)",
                                      "@everyone `x`",
                                      "\x1b[31mred",
                                      "\"quoted\" & 'more'",
                                      wide,
                                      "%s%n%d",
                                      "![i](x)",
                                      "www.evil.example",
                                      "# head",
                                      "*bold* _it_",
                                      "\xff\xfe",
                                      "$x$"};
    for (const std::string &name : names) c.feature_names.push_back(name.c_str());
    for (hsize_t j = 0; j < 13; j++)
        if (j != 2)
            for (size_t i = 0; i < c.train.rows; i++) c.at(c.train, i, j) = 1; // findings that name them
    for (size_t i = 0; i < c.train.rows; i++) c.at(c.train, i, 2) += 100;
    c.class_names = {"<b>", "|", "&amp;"};
    c.write(folder.path("a.h5"));
    Result r = kaizen({"data", "check", folder.path("a.h5"), "--report", folder.path("r.html"), "--report",
                       folder.path("r.md"), "--report", folder.path("r.json")});
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_TRUE(has(r.out, "constant-features"));
    std::string html = program::read_file(folder.path("r.html")), markdown = program::read_file(folder.path("r.md"));
    golden::Json j = golden::parse(program::read_file(folder.path("r.json"))); // valid UTF-8 throughout
    EXPECT_EQ(json_array_size(json_object_get(j.get(), "feature_list")), 13u);
    EXPECT_FALSE(has(html, "<script"));
    EXPECT_FALSE(has(html, "<b>\xc2"));
    EXPECT_TRUE(has(html, "&#60;script&#62;alert(1)&#60;/script&#62;")) << html.substr(0, 3000);
    EXPECT_TRUE(has(html, "&#34;quoted&#34; &#38; &#39;more&#39;"));
    EXPECT_FALSE(has(markdown, "<script"));
    EXPECT_FALSE(has(markdown, "](http"));
    EXPECT_FALSE(has(markdown, "@everyone"));
    EXPECT_FALSE(has(markdown, "![i]"));
    EXPECT_FALSE(has(markdown, "www.evil"));
    EXPECT_TRUE(has(markdown, "%s%n%d"));
    for (const std::string &text : {r.out, html, markdown}) {
        EXPECT_FALSE(has(text, "\x1b"));
        EXPECT_FALSE(has(text, "\xff"));
    }
}

TEST(DataCheckProgram, AgainstTellsWhatChanged)
{
    Folder folder;
    Copy c("wine");
    c.write(folder.path("old.h5"));
    c.cut(c.train, c.train.rows - 2);
    c.write(folder.path("new.h5"));
    Result r = kaizen({"data", "check", folder.path("new.h5"), "--against", folder.path("old.h5")});
    EXPECT_EQ(r.status, 0);
    EXPECT_TRUE(has(r.out, "train: 140 rows unchanged, 0 added, 2 removed, 0 with another target\n")) << r.out;
    EXPECT_TRUE(has(r.out, "note      version-rows, train\n")) << r.out;
    EXPECT_EQ(program::count(r.out, "sha256:"), 2);
    EXPECT_EQ(kaizen({"data", "check", folder.path("new.h5"), "--against", folder.path("none.h5")}).status, 66);
}

// The page explains every finding, and no other.
TEST(DataCheckProgram, DocumentationHasEveryFinding)
{
    std::string page = program::read_file(program::source_path("docs/data-check.md"));
    size_t begin = page.find("## Findings"), end = page.find("## How things");
    ASSERT_LT(begin, end);
    page = page.substr(begin, end - begin);
    int n = 0;
    for (const char *const *id = kz_data_check_ids(); *id; id++, n++)
        EXPECT_EQ(program::count(page, std::string("\n| `") + *id + "` |"), 1) << *id;
    EXPECT_EQ(program::count(page, "\n| `"), n);
}

} // namespace
