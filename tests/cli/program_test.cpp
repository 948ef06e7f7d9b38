// The real program from outside: what it prints where, and how it ends.
#include "kz/base.h"
#include "program.h"

#include <gtest/gtest.h>
#include <memory>

namespace {

using program::kaizen;
using program::Options;
using program::Result;

struct JsonDeleter {
    void operator()(json_t *j) const
    {
        json_decref(j);
    }
};
using Json = std::unique_ptr<json_t, JsonDeleter>;

Json parse(const std::string &text)
{
    json_error_t error;
    Json j(json_loads(text.c_str(), 0, &error)); // one document and nothing behind it
    EXPECT_TRUE(j) << error.text << "\n" << text;
    return j;
}

std::string text_at(const json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text ? text : "";
}

std::string first_line(const std::string &text)
{
    return text.substr(0, text.find('\n'));
}

TEST(Program, WithoutArgumentsShowsTheOverviewAsAnError)
{
    Result r = kaizen({});
    EXPECT_EQ(r.status, 2);
    EXPECT_EQ(r.out, "");
    EXPECT_NE(r.err.find("Usage: kaizen COMMAND"), std::string::npos);
}

TEST(Program, HelpGoesToStdout)
{
    std::string overview = kaizen({"--help"}).out, train = kaizen({"train", "--help"}).out;
    EXPECT_NE(overview.find("Usage: kaizen COMMAND"), std::string::npos);
    EXPECT_NE(train.find("--config FILE"), std::string::npos);
    for (const std::vector<std::string> &same : {std::vector<std::string>{"-h"}, {"help"}}) {
        Result r = kaizen(same);
        EXPECT_EQ(r.status, 0);
        EXPECT_EQ(r.out, overview);
        EXPECT_EQ(r.err, "");
    }
    for (const std::vector<std::string> &same :
         {std::vector<std::string>{"help", "train"}, {"--help", "train"}, {"train", "-h"}, {"train", "-c", "x", "-h"}})
        EXPECT_EQ(kaizen(same).out, train);
    EXPECT_EQ(text_at(parse(kaizen({"help", "train", "--json"}).out).get(), "text"), train);
}

TEST(Program, AGroupAloneShowsItsCommandsAsAnError)
{
    Result r = kaizen({"data"});
    EXPECT_EQ(r.status, 2);
    EXPECT_EQ(r.out, "");
    EXPECT_NE(r.err.find("Usage: kaizen data COMMAND"), std::string::npos);
    std::string help = r.err;
    for (const std::vector<std::string> &same :
         {std::vector<std::string>{"data", "--help"}, {"data", "-h"}, {"help", "data"}, {"--help", "data"}}) {
        r = kaizen(same);
        EXPECT_EQ(r.status, 0);
        EXPECT_EQ(r.out, help);
        EXPECT_EQ(r.err, "");
    }
    EXPECT_EQ(text_at(parse(kaizen({"data", "--help", "--json"}).out).get(), "text"), help);
    std::string inspect = kaizen({"data", "inspect", "--help"}).out;
    EXPECT_EQ(inspect.find("kaizen data inspect - "), 0u) << inspect;
    EXPECT_EQ(kaizen({"help", "data", "inspect"}).out, inspect);
}

TEST(Program, HelpFitsTheTerminalAndIsPlainElsewhere)
{
    Options narrow;
    narrow.columns = 50;
    std::string help = kaizen({"train", "--help"}, narrow).out;
    EXPECT_NE(help.find("\033[1mUsage:\033[0m kaizen train"), std::string::npos) << help;
    EXPECT_NE(help.find("\033[1mOptions:\033[0m"), std::string::npos);
    narrow.env = {{"NO_COLOR", "1"}};
    std::string plain = kaizen({"train", "--help"}, narrow).out;
    EXPECT_EQ(plain.find('\033'), std::string::npos);
    EXPECT_NE(plain.find("bits on every\r\n"), std::string::npos) << "not wrapped at 50 columns:\n" << plain;
    narrow.env = {{"TERM", "dumb"}};
    EXPECT_EQ(kaizen({"train", "--help"}, narrow).out, plain);
    EXPECT_EQ(kaizen({"train", "--help"}).out.find('\033'), std::string::npos);
}

TEST(Program, VersionNamesCommitAndCompiler)
{
    Result r = kaizen({"--version"});
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.out.find("kaizen 0."), 0u) << r.out;
    EXPECT_EQ(program::count(r.out, "\n"), 1);
    EXPECT_EQ(r.out, kaizen({"version"}).out);
    Json build = parse(kaizen({"version", "--json"}).out);
    EXPECT_EQ(r.out.find("kaizen " + text_at(build.get(), "version") + " ("), 0u);
    EXPECT_NE(r.out.find(text_at(build.get(), "compiler")), std::string::npos);
}

TEST(Program, MistypedWordsGetASuggestionAndStatus2)
{
    struct Case {
        std::vector<std::string> words;
        const char *err;
    };
    const Case cases[] = {
        {{"trian"}, "kaizen: error: no command 'trian'\n  did you mean kaizen train?\n"},
        {{"xyzzy"}, "kaizen: error: no command 'xyzzy'\n  kaizen --help lists the commands\n"},
        {{"help", "infos"}, "kaizen: error: no command 'infos'\n  did you mean kaizen info?\n"},
        {{"man", "prov"}, "kaizen: error: no command 'prov'\n  did you mean kaizen prove?\n"},
        {{"data", "inspct"}, "kaizen: error: no command 'data inspct'\n  did you mean kaizen data inspect?\n"},
        {{"data", "xyzzy"}, "kaizen: error: no command 'data xyzzy'\n  kaizen data --help lists the commands\n"},
        {{"inspect", "a.h5"}, "kaizen: error: no command 'inspect'\n  did you mean kaizen data inspect?\n"},
        {{"dta"}, "kaizen: error: no command 'dta'\n  did you mean kaizen data?\n"},
        {{"data", "--hepl"}, "kaizen: error: data: unknown option '--hepl'\n  did you mean --help?\n"},
        {{"data", "--object", "x"},
         "kaizen: error: data: unknown option '--object'\n"
         "  options follow the command: kaizen data COMMAND [OPTION]...; kaizen data --help lists the commands\n"},
        {{"help", "data", "inspct"}, "kaizen: error: no command 'data inspct'\n  did you mean kaizen data inspect?\n"},
        {{"help", "train", "prove"},
         "kaizen: error: help: unexpected argument 'prove'\n  usage: kaizen help [COMMAND]\n"},
        {{"--verison"}, "kaizen: error: unknown option '--verison'\n  did you mean --version?\n"},
        {{"--config", "a"},
         "kaizen: error: unknown option '--config'\n"
         "  options follow the command: kaizen COMMAND [OPTION]...; kaizen --help lists the commands\n"},
        {{"train", "--confg", "a"}, "kaizen: error: train: unknown option '--confg'\n  did you mean --config?\n"},
        {{"completion", "zhs"}, "kaizen: error: completion: no SHELL 'zhs'\n  did you mean zsh?\n"},
    };
    for (const Case &c : cases) {
        Result r = kaizen(c.words);
        EXPECT_EQ(r.status, 2);
        EXPECT_EQ(r.out, "");
        EXPECT_EQ(r.err, c.err);
    }
}

TEST(Program, ErrorsAsJson)
{
    Result r = kaizen({"train", "--confg", "a", "--json"});
    EXPECT_EQ(r.status, 2);
    EXPECT_EQ(r.err, "kaizen: error: train: unknown option '--confg'\n  did you mean --config?\n");
    Json document = parse(r.out);
    const json_t *error = json_object_get(document.get(), "error");
    EXPECT_EQ(text_at(error, "code"), "KZ_E_USAGE");
    EXPECT_EQ(text_at(error, "message"), "train: unknown option '--confg'");
    EXPECT_EQ(text_at(error, "hint"), "did you mean --config?");
    EXPECT_EQ(json_integer_value(json_object_get(error, "exit")), 2);
    EXPECT_EQ(json_object_size(error), 4u);
    EXPECT_EQ(text_at(json_object_get(parse(kaizen({"trian", "--json"}).out).get(), "error"), "message"),
              "no command 'trian'");
}

TEST(Program, TheTrailIsShownOnlyForDebugging)
{
    Options debug;
    debug.env = {{"KAIZEN_DEBUG", "1"}};
    EXPECT_EQ(kaizen({"train"}).err.find("trail:"), std::string::npos);
    EXPECT_NE(kaizen({"train"}, debug).err.find("  trail: options.c:"), std::string::npos);
}

TEST(Program, NamedTrainItIsKaizenTrain)
{
    program::Folder folder;
    std::string train = folder.path("train");
    ASSERT_EQ(symlink(program::kaizen_path().c_str(), train.c_str()), 0);
    EXPECT_EQ(program::run({train, "--help"}).out, kaizen({"train", "--help"}).out);
    Result r = program::run({train});
    EXPECT_EQ(r.status, 2);
    EXPECT_EQ(first_line(r.err), "kaizen: error: train: --config FILE is missing");
}

TEST(Program, AnOutputThatTakesNothingIsStatus73)
{
    Options full, closed, broken;
    full.out_path = "/dev/full";
    closed.out_closed = true;
    broken.out_broken = true;
    for (const std::vector<std::string> &words : {std::vector<std::string>{"--help"}, {"man"}, {"info", "--json"}}) {
        Result r = kaizen(words, full);
        EXPECT_EQ(r.status, 73);
        EXPECT_EQ(r.err, "kaizen: error: cannot write to standard output: No space left on device\n");
        r = kaizen(words, closed);
        EXPECT_EQ(r.status, 73);
        EXPECT_EQ(r.err, "kaizen: error: cannot write to standard output: Bad file descriptor\n");
        r = kaizen(words, broken);
        EXPECT_EQ(r.status, 73);
        EXPECT_EQ(r.err, ""); // a reader that left wants to hear nothing
    }
    EXPECT_EQ(kaizen({"trian", "--json"}, full).status, 2); // the first failure counts
}

TEST(Program, InfoSaysWhatThereIsAndWhyTheRestIsNot)
{
    Result text = kaizen({"info"}), r = kaizen({"info", "--json"});
    EXPECT_EQ(text.status, 0);
    EXPECT_EQ(text.err, "");
    for (const char *section : {"Machine\n", "\nDevices\n", "\nEnergy meters\n",
                                "\nLimits of the process that reads HDF5 files\n", "\nBuild\n", "\nFiles\n"})
        EXPECT_NE(text.out.find(section), std::string::npos) << section;
    Json info = parse(r.out);
    EXPECT_EQ(text_at(info.get(), "schema"), "kaizen.info/1");
    const json_t *devices = json_object_get(info.get(), "devices"), *cpu = json_array_get(devices, 0);
    EXPECT_EQ(text_at(cpu, "name"), "cpu");
    EXPECT_TRUE(json_is_true(json_object_get(cpu, "available")));
    EXPECT_STREQ(json_string_value(json_array_get(json_object_get(cpu, "instruction_sets"), 0)), "plain");
    EXPECT_GE(json_integer_value(json_object_get(cpu, "threads")), 1);
    size_t i;
    const json_t *device;
    json_array_foreach(devices, i, device)
    {
        bool available = json_is_true(json_object_get(device, "available"));
        EXPECT_TRUE(available || !text_at(device, "reason").empty());
        EXPECT_NE(text.out.find("\n  " + text_at(device, "name") + " "), std::string::npos);
    }
}

TEST(Program, InfoReportsAnInstructionSetThatIsNotThere)
{
    Options options;
    options.env = {{"KAIZEN_ISA", "abacus"}};
    Result r = kaizen({"info"}, options);
    EXPECT_EQ(r.status, 0); // it is a result
    EXPECT_NE(r.out.find("'abacus'"), std::string::npos) << r.out;
    options.env = {{"KAIZEN_ISA", "plain"}};
    EXPECT_NE(kaizen({"info"}, options).out.find("instruction set plain"), std::string::npos);
}

TEST(ManPage, IsFreeOfWarnings)
{
    bool man = program::has_program("man") && program::has_program("groff"), mandoc = program::has_program("mandoc");
    if (!man && !mandoc) GTEST_SKIP() << "neither man with groff nor mandoc is installed";
    std::vector<std::vector<std::string>> pages = {{},       {"train"},      {"prove"}, {"data"}, {"data", "inspect"},
                                                   {"info"}, {"completion"}, {"man"},   {"help"}, {"version"}};
    for (const std::vector<std::string> &words : pages) {
        Options roff;
        std::vector<std::string> command = {"man"};
        command.insert(command.end(), words.begin(), words.end());
        std::string page = ::testing::PrintToString(words);
        Result made = kaizen(command);
        ASSERT_EQ(made.status, 0);
        roff.input = made.out;
        roff.env = {{"LC_ALL", "C.UTF-8"}, {"MANWIDTH", "80"}, {"MANROFFSEQ", ""}};
        Result shown = program::run(
            {"/bin/sh", "-c",
             man ? "man --warnings -E UTF-8 -l - | cat" : "mandoc -Tlint -Wwarning | grep -v 'missing date'"},
            roff);
        EXPECT_EQ(shown.err, "") << page;
        EXPECT_EQ(shown.out.find("EXAMPLES") != std::string::npos, man) << page << shown.out;
    }
}

TEST(ManPage, CoversEveryCommandAndEscapesWhatRoffWouldTake)
{
    std::string page = kaizen({"man"}).out;
    for (const char *part : {".TH kaizen 1", ".SS kaizen train\n", ".SS kaizen prove\n", ".SS kaizen data inspect\n",
                             "\\fB\\-\\-dry\\-run\\fR", ".SH EXIT STATUS", "KAIZEN_ISA"})
        EXPECT_NE(page.find(part), std::string::npos) << part;
    EXPECT_EQ(kaizen({"man"}).out, page);
    EXPECT_EQ(kaizen({"man", "data", "inspect"}).out.find(".TH kaizen-data-inspect 1 "), 0u);
}

// What bash would offer for the words of a line, the last of them unfinished.
std::string offered(const std::string &words, int index)
{
    std::string script = "source <(\"$KAIZEN\" completion bash); COMP_WORDS=(" + words +
                         "); COMP_CWORD=" + std::to_string(index) + "; _kaizen; echo \"${COMPREPLY[*]}\"";
    Options options;
    options.env = {{"KAIZEN", program::kaizen_path()}};
    Result r = program::run({"/bin/bash", "--norc", "-c", script}, options);
    EXPECT_EQ(r.err, "") << words;
    return first_line(r.out);
}

TEST(BashCompletion, OffersCommandsOptionsAndValues)
{
    program::Folder folder;
    if (!program::exists("/bin/bash")) GTEST_SKIP() << "bash is not installed";
    std::string file = folder.write("bash", kaizen({"completion", "bash"}).out);
    EXPECT_EQ(program::run({"/bin/bash", "-n", file}).status, 0);
    EXPECT_EQ(offered("kaizen ''", 1), "train prove data info completion man help version --help --version");
    EXPECT_EQ(offered("kaizen data ins", 2), "inspect");
    EXPECT_EQ(offered("kaizen data inspect --js", 3), "--json");
    EXPECT_EQ(offered("kaizen help data ins", 3), "inspect");
    EXPECT_EQ(offered("kaizen man da", 2), "data");
    EXPECT_EQ(offered("kaizen help train --", 3), "--json --quiet --help");
    EXPECT_EQ(offered("kaizen tr", 1), "train");
    EXPECT_EQ(offered("kaizen train --de", 2), "--device");
    EXPECT_EQ(offered("kaizen train --device c", 3), "cpu cuda");
    EXPECT_EQ(offered("kaizen train --device = c", 4), "cpu cuda");
    EXPECT_EQ(offered("kaizen train --device =", 3), "auto cpu cuda");
    EXPECT_EQ(offered("kaizen train --seed 1", 3), "");
    EXPECT_EQ(offered("kaizen completion f", 2), "fish");
    EXPECT_EQ(offered("kaizen man i", 2), "info");
    EXPECT_EQ(offered("train --print-c", 1), "--print-config");
    EXPECT_EQ(offered("train -c " + folder.path("ba"), 2), file);
    EXPECT_EQ(offered("kaizen data inspect " + folder.path("ba"), 3), file);
}

TEST(ZshCompletion, Parses)
{
    if (!program::exists("/bin/zsh") && !program::exists("/usr/bin/zsh")) GTEST_SKIP() << "zsh is not installed";
    Options options;
    options.env = {{"KAIZEN", program::kaizen_path()}};
    Result r = program::run({"/bin/sh", "-c", "\"$KAIZEN\" completion zsh | zsh -n /dev/stdin"}, options);
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.err, "");
}

TEST(FishCompletion, OffersCommandsOptionsAndValues)
{
    if (!program::has_program("fish")) GTEST_SKIP() << "fish is not installed";
    program::Folder home;
    Options options;
    options.env = {{"KAIZEN", program::kaizen_path()}, {"HOME", home.path()}};
    Result r = program::run({"/bin/sh", "-c",
                             "fish -c '\"$KAIZEN\" completion fish | source; complete -C \"kaizen tr\"; "
                             "complete -C \"kaizen data in\"; complete -C \"kaizen data inspect --js\"; "
                             "complete -C \"kaizen train --device c\"; complete -C \"train --dry\"'"},
                            options);
    for (const char *word : {"train\t", "inspect\t", "--json\t", "cpu", "cuda", "--dry-run\t"})
        EXPECT_NE(r.out.find(word), std::string::npos) << word << "\n" << r.out << r.err;
}

} // namespace
