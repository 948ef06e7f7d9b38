// The option parser and what is generated from the option tables.
#include "cli/cli.h"
#include "program.h"

#include <gtest/gtest.h>
#include <memory>

namespace {

// A parsed command line that lives as long as its words.
class Line {
  public:
    Line(const char *command, std::vector<std::string> words) : words_(std::move(words))
    {
        for (std::string &word : words_) argv_.push_back(word.data());
        status = kz_cli_parse(&cli, kz_command_find(command), static_cast<int>(argv_.size()), argv_.data());
        if (status != KZ_OK) message = kz_error_message();
        hint = kz_text_str(&cli.hint);
    }
    ~Line()
    {
        kz_cli_free(&cli);
    }
    Line(const Line &) = delete;
    Line &operator=(const Line &) = delete;

    kz_cli cli;
    kz_status status;
    std::string message, hint;

  private:
    std::vector<std::string> words_;
    std::vector<char *> argv_;
};

std::vector<std::string> values(const Line &line, const char *option)
{
    int64_t n = 0;
    const char *const *first = kz_cli_values(&line.cli, option, &n);
    return std::vector<std::string>(first, first + n);
}

struct Bad {
    const char *command;
    std::vector<std::string> words;
    const char *message, *hint;
};

const Bad bad_lines[] = {
    {"train", {"--confg", "a"}, "train: unknown option '--confg'", "did you mean --config?"},
    {"train", {"--confg=a"}, "train: unknown option '--confg'", "did you mean --config?"},
    {"train", {"--conf", "a"}, "train: unknown option '--conf'", "did you mean --config?"},
    {"train", {"--zzzzzz"}, "train: unknown option '--zzzzzz'", "kaizen train --help lists the options"},
    {"train", {"-x"}, "train: unknown option '-x'", "kaizen train --help lists the options"},
    {"train", {"-cFILE"}, "train: unknown option '-cFILE'", "a short option's value stands apart: -c FILE"},
    {"train", {"-c=FILE"}, "train: unknown option '-c=FILE'", "a short option's value stands apart: -c FILE"},
    {"train", {"-nq"}, "train: unknown option '-nq'", "short options stand apart: -n -q"},
    {"train", {"--config"}, "train: --config needs a value: --config FILE", ""},
    {"train", {"-c"}, "train: --config needs a value: --config FILE", ""},
    {"train", {"--config="}, "train: --config needs a value: --config FILE", ""},
    {"train", {"--config", ""}, "train: --config needs a value: --config FILE", ""},
    {"train",
     {"--config", "--seed", "1"},
     "train: --config needs a value: --config FILE",
     "a value that begins with -- is written --config=--seed"},
    {"train", {"-c", "a", "--config", "b"}, "train: --config was given twice", ""},
    {"train", {"--dry-run=yes"}, "train: --dry-run takes no value, but was given 'yes'", ""},
    {"train", {"--dry-run="}, "train: --dry-run takes no value, but was given ''", ""},
    {"train", {}, "train: --config FILE is missing", "for example: kaizen train --config run.yaml"},
    {"train", {"--print-config"}, "train: --config FILE is missing", "for example: kaizen train --config run.yaml"},
    {"train", {"run.yaml"}, "train: unexpected argument 'run.yaml'", "did you mean --config run.yaml?"},
    {"train", {"-c", "a", "--", "-n"}, "train: unexpected argument '-n'", "did you mean --config -n?"},
    {"train", {"-c", "a", "-"}, "train: unexpected argument '-'", "did you mean --config -?"},
    {"info", {"cpu"}, "info: unexpected argument 'cpu'", "usage: kaizen info [OPTION]..."},
    {"help", {"data", "inspect", "x"}, "help: unexpected argument 'x'", "usage: kaizen help [COMMAND]"},
    {"data inspect", {}, "data inspect: FILE is missing", "for example: kaizen data inspect digits.h5"},
    {"data inspect", {"--josn"}, "data inspect: unknown option '--josn'", "did you mean --json?"},
    {"data inspect",
     {"a.h5", "b.h5"},
     "data inspect: unexpected argument 'b.h5'",
     "usage: kaizen data inspect FILE [OPTION]..."},
    {"completion", {}, "completion: SHELL is missing", "for example: source <(kaizen completion bash)"},
    {"completion", {"bahs"}, "completion: no SHELL 'bahs'", "did you mean bash?"},
    {"completion", {"powershell"}, "completion: no SHELL 'powershell'", "there are: bash zsh fish"},
};

TEST(Options, EveryErrorSaysWhatIsWrongAndWhatToDo)
{
    for (const Bad &bad : bad_lines) {
        Line line(bad.command, bad.words);
        EXPECT_EQ(line.status, KZ_E_USAGE) << bad.message;
        EXPECT_EQ(line.message, bad.message);
        EXPECT_EQ(line.hint, bad.hint) << bad.message;
    }
}

TEST(Options, ValuesStandApartOrBehindAnEqualsSign)
{
    for (const std::vector<std::string> &words :
         {std::vector<std::string>{"--config", "a=b"}, {"--config=a=b"}, {"-c", "a=b"}}) {
        Line line("train", words);
        ASSERT_EQ(line.status, KZ_OK) << line.message;
        EXPECT_STREQ(kz_cli_value(&line.cli, "--config"), "a=b");
    }
    Line dashes("train", {"--config=--odd", "--seed", "-1"});
    ASSERT_EQ(dashes.status, KZ_OK) << dashes.message;
    EXPECT_STREQ(kz_cli_value(&dashes.cli, "--config"), "--odd");
    EXPECT_STREQ(kz_cli_value(&dashes.cli, "--seed"), "-1");
}

TEST(Options, RepeatedOnesKeepTheirOrder)
{
    Line line("train", {"--set", "a=1", "-c", "x", "--set=b=2", "--seed", "3", "--set", "a=4"});
    ASSERT_EQ(line.status, KZ_OK) << line.message;
    EXPECT_EQ(values(line, "--set"), (std::vector<std::string>{"a=1", "b=2", "a=4"}));
    EXPECT_EQ(values(line, "--config"), std::vector<std::string>{"x"});
    EXPECT_TRUE(values(line, "--out").empty());
}

TEST(Options, FlagsAndWhatIsLeftOut)
{
    Line line("train", {"-n", "--config", "x", "-q", "-n"});
    ASSERT_EQ(line.status, KZ_OK) << line.message;
    EXPECT_TRUE(kz_cli_has(&line.cli, "--dry-run"));
    EXPECT_FALSE(kz_cli_has(&line.cli, "--print-config"));
    EXPECT_EQ(kz_cli_value(&line.cli, "--out"), nullptr);
    EXPECT_TRUE(line.cli.quiet);
    EXPECT_FALSE(line.cli.json);
    EXPECT_FALSE(line.cli.help);
}

TEST(Options, AFlagThatStandsAloneNeedsNoRequiredOption)
{
    EXPECT_EQ(Line("train", {"--print-schema"}).status, KZ_OK);
    Line help("train", {"-h"});
    EXPECT_EQ(help.status, KZ_OK);
    EXPECT_TRUE(help.cli.help);
    EXPECT_EQ(Line("completion", {"--help"}).status, KZ_OK);
}

TEST(Options, OperandsKeepTheirOrderAmongOptions)
{
    Line line("help", {"data", "-q", "inspect"});
    ASSERT_EQ(line.status, KZ_OK) << line.message;
    EXPECT_EQ(std::vector<std::string>(line.cli.operands, line.cli.operands + line.cli.n_operands),
              (std::vector<std::string>{"data", "inspect"}));
    EXPECT_STREQ(line.cli.operand, "data");
    Line dashes("data inspect", {"--", "--json"});
    ASSERT_EQ(dashes.status, KZ_OK) << dashes.message;
    EXPECT_STREQ(dashes.cli.operand, "--json");
    EXPECT_EQ(Line("help", {}).cli.n_operands, 0);
}

TEST(Options, JsonIsKnownEvenWhereParsingFails)
{
    EXPECT_TRUE(Line("train", {"--confg", "a", "--json"}).cli.json);
    EXPECT_FALSE(Line("train", {"--confg", "a", "--", "--json"}).cli.json);
}

TEST(Options, WholeNumbersInRangeOrAnError)
{
    int64_t threads = -7;
    Line none("train", {"-c", "x"});
    EXPECT_EQ(kz_cli_int(&none.cli, "--threads", 0, 64, &threads), KZ_OK);
    EXPECT_EQ(threads, -7);
    Line good("train", {"-c", "x", "--threads", "64"});
    EXPECT_EQ(kz_cli_int(&good.cli, "--threads", 0, 64, &threads), KZ_OK);
    EXPECT_EQ(threads, 64);
    for (const char *text : {"65", "-1", "1.5", "4x", " 4", "99999999999999999999"}) {
        Line bad("train", {"-c", "x", "--threads", text});
        EXPECT_EQ(kz_cli_int(&bad.cli, "--threads", 0, 64, &threads), KZ_E_USAGE);
        EXPECT_EQ(kz_error_message(),
                  "train: --threads is '" + std::string(text) + "', must be a whole number from 0 to 64");
    }
    EXPECT_EQ(threads, 64);
}

TEST(Options, EveryAllocationMayFail)
{
    std::vector<std::string> words = {"--config", "x", "--set", "a=1"};
    std::vector<char *> argv;
    for (std::string &word : words) argv.push_back(word.data());
    kz_status st = KZ_E_MEM;
    for (int64_t at = 1; st != KZ_OK; at++) {
        ASSERT_LT(at, 100);
        kz_cli cli;
        kz_calloc_fail_at(at);
        st = kz_cli_parse(&cli, kz_command_find("train"), static_cast<int>(argv.size()), argv.data());
        kz_calloc_fail_at(0);
        EXPECT_TRUE(st == KZ_OK || st == KZ_E_MEM);
        kz_cli_free(&cli);
    }
}

// ---- the tables ----

TEST(CommandTables, AreSound)
{
    for (const kz_command *const *c = kz_commands; *c; c++) {
        const kz_command *command = *c;
        std::map<std::string, int> names;
        std::map<char, int> letters;
        int n = 0;
        for (const kz_option *o; (o = kz_command_option(command, n)); n++) {
            EXPECT_EQ(std::string(o->name).substr(0, 2), "--");
            EXPECT_TRUE(o->help && *o->help) << o->name;
            EXPECT_EQ(names[o->name]++, 0) << command->name << " " << o->name;
            if (o->letter) {
                EXPECT_EQ(letters[o->letter]++, 0) << command->name << " -" << o->letter;
            }
        }
        EXPECT_LE(n, KZ_CLI_OPTIONS) << command->name;
        EXPECT_EQ(kz_command_find(command->name), command);
        EXPECT_TRUE(command->run && command->usage && command->description && command->examples->line);
        kz_exit exits[KZ_EXITS];
        int n_exits = kz_command_exits(command, exits);
        for (int i = 1; i < n_exits; i++) EXPECT_LT(exits[i - 1].status, exits[i].status);
    }
}

TEST(CommandTables, EveryGroupHasItsCommandsTogether)
{
    for (const kz_command *const *c = kz_commands; *c; c++) {
        const kz_group *group = kz_group_of(*c);
        std::string name = (*c)->name, word = kz_command_word(*c);
        EXPECT_EQ(group ? group->name + (" " + word) : word, name);
        EXPECT_EQ(kz_group_find(name.c_str()), nullptr) << "a command and a group of one name";
    }
    for (const kz_group *g = kz_groups; g->name; g++) {
        EXPECT_EQ(kz_group_find(g->name), g);
        EXPECT_NE(kz_group_command(g, 0), nullptr) << g->name << " is empty";
        int runs = 0; // of neighbours
        for (const kz_command *const *c = kz_commands; *c; c++)
            runs += kz_group_of(*c) == g && (c == kz_commands || kz_group_of(c[-1]) != g);
        EXPECT_EQ(runs, 1) << g->name;
    }
}

TEST(CommandTables, TrainDocumentsItsExitStatuses)
{
    kz_exit exits[KZ_EXITS];
    std::vector<int> statuses;
    int n = kz_command_exits(kz_command_find("train"), exits);
    for (int i = 0; i < n; i++) statuses.push_back(exits[i].status);
    EXPECT_EQ(statuses, (std::vector<int>{0, 1, 2, 65, 66, 69, 70, 73, 75, 76, 78, 130, 143}));
}

struct TextDeleter {
    void operator()(kz_text *t) const
    {
        kz_text_free(t);
        delete t;
    }
};
using Text = std::unique_ptr<kz_text, TextDeleter>;

std::string help_of(const kz_command *command, int width)
{
    Text text(new kz_text{});
    kz_status st = command ? kz_help_command(text.get(), command, width) : kz_help_overview(text.get(), width);
    EXPECT_EQ(st, KZ_OK) << kz_error_message();
    return kz_text_str(text.get());
}

size_t longest_line(const std::string &text)
{
    size_t longest = 0;
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        EXPECT_NE(end, std::string::npos) << "the last line does not end";
        longest = std::max(longest, end - at);
        EXPECT_TRUE(end == at || text[end - 1] != ' ') << "blank at the end of: " << text.substr(at, end - at);
        at = end + 1;
    }
    return longest;
}

TEST(Options, AValueMayBeLeftOutWhereItIsOptional)
{
    const struct {
        std::vector<const char *> words;
        const char *value;
    } cases[] = {
        {{"--resume"}, nullptr},        {{"--resume", "-c", "f"}, nullptr}, {{"--resume", "--out", "d"}, nullptr},
        {{"--resume", "auto"}, "auto"}, {{"--resume=-odd"}, "-odd"},        {{"--resume", "dir", "-q"}, "dir"}};
    for (const auto &c : cases) {
        std::vector<char *> argv;
        for (const char *word : c.words) argv.push_back(const_cast<char *>(word));
        kz_cli cli;
        ASSERT_EQ(kz_cli_parse(&cli, kz_command_find("train"), static_cast<int>(argv.size()), argv.data()), KZ_OK)
            << c.words.back() << ": " << kz_error_message();
        EXPECT_TRUE(kz_cli_has(&cli, "--resume"));
        const char *value = kz_cli_value(&cli, "--resume");
        EXPECT_STREQ(value, c.value);
        kz_cli_free(&cli);
    }
}

TEST(Help, HasEveryOptionAndExampleAndExitStatus)
{
    for (const kz_command *const *c = kz_commands; *c; c++) {
        std::string help = help_of(*c, 80);
        for (int i = 0; kz_command_option(*c, i); i++) {
            const kz_option *o = kz_command_option(*c, i);
            std::string name = std::string(o->letter ? std::string("-") + o->letter + ", " : "    ") + o->name;
            if (o->argument) name += std::string(o->optional ? " [" : " ") + o->argument + (o->optional ? "]" : "");
            EXPECT_NE(help.find("  " + name), std::string::npos) << (*c)->name << " " << name;
        }
        for (const kz_example *e = (*c)->examples; e->line; e++) EXPECT_NE(help.find(e->line), std::string::npos);
        EXPECT_LT(help.find("Examples:"), help.find("Usage:"));
        EXPECT_LT(help.find("Usage:"), help.find("Options:"));
        EXPECT_NE(help.find("\n   73  cannot write output\n"), std::string::npos);
    }
}

TEST(Help, StaysWithinItsWidth)
{
    EXPECT_LE(longest_line(help_of(nullptr, 80)), 80u);
    for (const kz_command *const *c = kz_commands; *c; c++) {
        EXPECT_LE(longest_line(help_of(*c, 80)), 80u) << (*c)->name;
        EXPECT_LE(longest_line(help_of(*c, 500)), 100u) << (*c)->name; // long lines are hard to read
        EXPECT_FALSE(help_of(*c, 1).empty());
    }
}

TEST(Help, OverviewNamesEveryCommand)
{
    std::string help = help_of(nullptr, 80);
    for (const kz_command *const *c = kz_commands; *c; c++)
        EXPECT_NE(help.find(std::string("\n  ") + (*c)->name + " "), std::string::npos) << (*c)->name;
}

TEST(Help, OfAGroupNamesItsCommands)
{
    for (const kz_group *g = kz_groups; g->name; g++) {
        Text text(new kz_text{});
        ASSERT_EQ(kz_help_group(text.get(), g, 80), KZ_OK);
        std::string help = kz_text_str(text.get());
        EXPECT_LE(longest_line(help), 80u);
        for (int i = 0; kz_group_command(g, i); i++)
            EXPECT_NE(help.find(std::string("\n  ") + kz_command_word(kz_group_command(g, i)) + " "),
                      std::string::npos);
    }
}

static int count(const std::string &text, const std::string &part)
{
    int n = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) n++;
    return n;
}

TEST(Completion, TheSecondWordBehindHelpIsOffered)
{
    kz_text zsh = {}, fish = {};
    ASSERT_EQ(kz_completion_script(&zsh, "zsh"), KZ_OK);
    ASSERT_EQ(kz_completion_script(&fish, "fish"), KZ_OK);
    const std::string second = "'2::COMMAND:{[[ $words[2] == data ]] && compadd -- inspect import check}' \\\n";
    const std::string text = zsh.s;
    EXPECT_EQ(count(text, second), 2) << text; /* help and man */
    /* true behind `data` and behind `help data` */
    EXPECT_NE(std::string(fish.s).find("-n '__fish_seen_subcommand_from data; and not __fish_seen_subcommand_from "
                                       "inspect import check' -a inspect"),
              std::string::npos)
        << fish.s;
    kz_text_free(&zsh);
    kz_text_free(&fish);
}

TEST(Completion, EveryShellOffersEveryCommandAndOption)
{
    for (std::string shell : {"bash", "zsh", "fish"}) {
        Text text(new kz_text{});
        ASSERT_EQ(kz_completion_script(text.get(), shell.c_str()), KZ_OK);
        std::string script = kz_text_str(text.get());
        for (const kz_command *const *c = kz_commands; *c; c++) {
            EXPECT_NE(script.find(kz_command_word(*c)), std::string::npos) << shell << " " << (*c)->name;
            for (int i = 0; kz_command_option(*c, i); i++) {
                std::string name = kz_command_option(*c, i)->name;
                std::string form = shell == "fish" ? " -l " + name.substr(2) + " " : name;
                EXPECT_NE(script.find(form), std::string::npos) << shell << " " << (*c)->name << " " << name;
            }
        }
    }
}

TEST(Generated, EveryAllocationMayFail)
{
    using Make = kz_status (*)(kz_text *);
    const Make makers[] = {[](kz_text *t) { return kz_help_command(t, kz_command_find("train"), 80); },
                           [](kz_text *t) { return kz_help_group(t, &kz_groups[0], 80); },
                           [](kz_text *t) { return kz_man_page(t); },
                           [](kz_text *t) { return kz_man_group_page(t, &kz_groups[0]); },
                           [](kz_text *t) { return kz_completion_script(t, "bash"); },
                           [](kz_text *t) { return kz_completion_script(t, "zsh"); },
                           [](kz_text *t) { return kz_completion_script(t, "fish"); }};
    for (Make make : makers) {
        kz_status st = KZ_E_MEM;
        for (int64_t at = 1; st != KZ_OK; at++) {
            ASSERT_LT(at, 1000);
            Text text(new kz_text{});
            kz_calloc_fail_at(at);
            st = make(text.get());
            kz_calloc_fail_at(0);
            ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM);
        }
    }
}

} // namespace
