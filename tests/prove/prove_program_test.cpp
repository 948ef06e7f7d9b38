// `kaizen prove`: the verdict, and that it would notice.
#include "golden_json.h"

#include "kz/device.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace {

using program::Folder;
using program::Result;

// With the golden configs of the source tree, unless the words name others.
Result kaizen(std::vector<std::string> words)
{
    if (std::find(words.begin(), words.end(), "--golden") == words.end()) {
        words.push_back("--golden");
        words.push_back(program::source_path("tests/golden"));
    }
    return program::kaizen(words);
}

const char *const kSame = ": the same bits.", *const kDifferent = "DIFFERENT";

// A folder with one golden config, its data named by absolute path, and a digests.json.
void copy_golden(const Folder &folder, const std::string &name, const std::string &digests)
{
    std::string yaml = program::read_file(program::source_path("tests/golden/" + name + ".yaml"));
    const std::string relative = "../../datasets/";
    yaml.replace(yaml.find(relative), relative.size(), program::source_path("datasets/"));
    folder.write(name + ".yaml", yaml);
    if (!digests.empty()) folder.write("digests.json", digests);
}

// digests.json with the iris-deep config alone.
std::string digests()
{
    golden::Json all = golden::load("digests.json");
    json_t *configs = json_object_get(all.get(), "configs");
    golden::Json one(json_pack("{s:O}", "iris-deep", json_object_get(configs, "iris-deep")));
    json_object_set(all.get(), "configs", one.get());
    char *text = json_dumps(all.get(), JSON_INDENT(2));
    std::string copy = text;
    free(text);
    return copy;
}

// The digests with the first digit after `key` of that config changed.
std::string tampered(const std::string &name, const std::string &key)
{
    std::string text = digests();
    size_t at = text.find("sha256:", text.find("\"" + key + "\"", text.find("\"" + name + "\""))) + 7;
    text[at] = text[at] == '0' ? '1' : '0';
    return text;
}

} // namespace

TEST(ProveProgram, SaysTheSame)
{
    Result r = kaizen({"prove", "--quick", "--only", "iris-deep"});
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_NE(r.out.find(kSame), std::string::npos) << r.out;
    EXPECT_NE(r.out.find("iris-deep"), std::string::npos) << r.out;
    EXPECT_EQ(r.out.find("wine-parts"), std::string::npos) << r.out;
}

TEST(ProveProgram, TrainsInEveryWay)
{
    golden::Json j = golden::parse(kaizen({"prove", "--only", "wine-parts", "--only", "iris-deep", "--json"}).out);
    size_t isas = 0;
    while (kz_device_isas()[isas]) isas++;
    EXPECT_EQ(golden::text(j.get(), "schema"), "kaizen.prove/1");
    EXPECT_EQ(golden::text(j.get(), "verdict"), "same");
    EXPECT_EQ(golden::number(j.get(), "runs"), static_cast<double>(2 * 8 * isas));
    EXPECT_EQ(golden::number(j.get(), "different", -1), 0);
    EXPECT_EQ(golden::items(j.get(), "table").size(), 2 * 8 * isas);
    size_t resumed = 0;
    for (const json_t *row : golden::items(j.get(), "table")) resumed += json_is_true(json_object_get(row, "resumed"));
    EXPECT_EQ(resumed, 2 * isas) << "begun by each instruction set, cut, and resumed";
}

TEST(ProveProgram, NoticesAnyDifference)
{
    for (const char *key : {"weights", "trajectory"}) {
        Folder folder;
        copy_golden(folder, "iris-deep", tampered("iris-deep", key));
        Result r = kaizen({"prove", "--golden", folder.path(), "--threads", "1"});
        EXPECT_EQ(r.status, 5) << r.err;
        EXPECT_NE(r.out.find(kDifferent), std::string::npos) << r.out;
        EXPECT_EQ(r.out.find(kSame), std::string::npos) << r.out;
        golden::Json j = golden::parse(kaizen({"prove", "--quick", "--golden", folder.path(), "--json"}).out);
        EXPECT_EQ(golden::text(j.get(), "verdict"), "different");
    }
    Folder folder; // another config under the same name
    copy_golden(folder, "iris-deep", digests());
    folder.write("iris-deep.yaml", program::read_file(folder.path("iris-deep.yaml")) + "# the same\n");
    EXPECT_EQ(kaizen({"prove", "--quick", "--golden", folder.path()}).status, 0);
    std::string yaml = program::read_file(folder.path("iris-deep.yaml"));
    folder.write("iris-deep.yaml", yaml.replace(yaml.find("seed: 4"), 7, "seed: 5"));
    EXPECT_EQ(kaizen({"prove", "--quick", "--golden", folder.path()}).status, 5);
}

TEST(ProveProgram, EveryRecordedConfigMustBeThere)
{
    Folder folder;
    copy_golden(folder, "iris-deep", program::read_file(program::source_path("tests/golden/digests.json")));
    Result r = kaizen({"prove", "--quick", "--golden", folder.path()});
    EXPECT_EQ(r.status, 66);
    EXPECT_NE(r.err.find("names cancer-early-stop, but there is no cancer-early-stop.yaml"), std::string::npos)
        << r.err;
    folder.write("digests.json", "{}");
    EXPECT_EQ(kaizen({"prove", "--quick", "--golden", folder.path()}).status, 65);
}

TEST(ProveProgram, WithoutDigestsItRecordsButDoesNotProve)
{
    Folder folder;
    copy_golden(folder, "iris-deep", "");
    Result r = kaizen({"prove", "--quick", "--golden", folder.path()});
    EXPECT_EQ(r.status, 1) << r.out;
    EXPECT_EQ(r.out.find(kSame), std::string::npos) << r.out;
    EXPECT_NE(r.err.find("digests.json"), std::string::npos) << r.err;
    EXPECT_FALSE(program::exists(folder.path("digests.json")));
    EXPECT_EQ(kaizen({"prove", "--quick", "--golden", folder.path(), "--record"}).status, 0);
    EXPECT_EQ(kaizen({"prove", "--quick", "--golden", folder.path()}).status, 0);
    golden::Json ours = golden::parse(program::read_file(folder.path("digests.json"))),
                 all = golden::load("digests.json");
    EXPECT_TRUE(json_equal(json_object_get(json_object_get(ours.get(), "configs"), "iris-deep"),
                           json_object_get(json_object_get(all.get(), "configs"), "iris-deep")));
}

TEST(ProveProgram, WrongWordsHaveTheirStatus)
{
    Folder empty, broken;
    copy_golden(broken, "iris-deep", "{\"configs\": ");
    const struct {
        std::vector<std::string> arguments;
        int status;
        const char *says;
    } cases[] = {
        {{"prove", "--only", "iris-deeper"}, 2, "iris-deeper"},
        {{"prove", "--threads", "0"}, 2, "'0'"},
        {{"prove", "--threads", "1,two"}, 2, "'two'"},
        {{"prove", "--isa", "avx9000"}, 69, "avx9000"},
        {{"prove", "--golden", empty.path("nowhere")}, 66, "nowhere"},
        {{"prove", "--golden", empty.path()}, 66, "no golden configs"},
        {{"prove", "--golden", broken.path()}, 65, "digests.json:1:"},
    };
    for (const auto &c : cases) {
        Result r = kaizen(c.arguments);
        EXPECT_EQ(r.status, c.status) << r.err;
        EXPECT_NE(r.err.find(c.says), std::string::npos) << r.err;
        EXPECT_EQ(r.out, "");
    }
}

TEST(ProveProgram, QuickProvesTheFastestOfThoseAskedFor)
{
    golden::Json j = golden::parse(
        kaizen({"prove", "--quick", "--isa", "plain", "--threads", "1,2", "--only", "iris-deep", "--json"}).out);
    EXPECT_EQ(golden::number(j.get(), "runs"), 3)
        << "plain is the fastest named, so with every number of threads, and resumed";
}
