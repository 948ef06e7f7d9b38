// How a failure is printed: for people on stderr, for programs on stdout.
#include "cli/cli.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace {

struct Printed {
    std::string out, err;
};

Printed print_error(kz_cli *cli, kz_status st)
{
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    kz_cli_print_error(cli, st);
    fflush(stdout);
    kz_cli_free(cli);
    return {testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

struct JsonDeleter {
    void operator()(json_t *j) const
    {
        json_decref(j);
    }
};

TEST(PrintError, AReportBecomesALocatedErrorEach)
{
    kz_cli cli = {};
    cli.json = true;
    kz_cli_report(&cli, "a:b.yaml:3:7: error: lr is -1, must be > 0\n  lr: -1\n      ^~\n"
                        "a:b.yaml:4:1: error: unknown key 'epohcs'; did you mean 'epochs'?\n");
    Printed p = print_error(&cli, KZ_FAIL(KZ_E_CONFIG, "a:b.yaml: 2 errors"));
    EXPECT_EQ(p.err.find("a:b.yaml:3:7: error: lr is -1"), 0u);
    EXPECT_NE(p.err.find("\nkaizen: error: a:b.yaml: 2 errors\n"), std::string::npos);
    std::unique_ptr<json_t, JsonDeleter> j(json_loads(p.out.c_str(), 0, nullptr));
    const char *code, *file, *message;
    int exit_status, line, column, second_line;
    ASSERT_EQ(json_unpack(j.get(), "{s:{s:s, s:i, s:[{s:s, s:i, s:i, s:s}, {s:i}]}}", "error", "code", &code, "exit",
                          &exit_status, "errors", "file", &file, "line", &line, "column", &column, "message", &message,
                          "line", &second_line),
              0)
        << p.out;
    EXPECT_STREQ(code, "KZ_E_CONFIG");
    EXPECT_EQ(exit_status, 78);
    EXPECT_STREQ(file, "a:b.yaml");
    EXPECT_EQ(line, 3);
    EXPECT_EQ(column, 7);
    EXPECT_STREQ(message, "lr is -1, must be > 0");
    EXPECT_EQ(second_line, 4);
}

TEST(PrintError, AStrangersTextCommandsNoTerminalAndBreaksNoJson)
{
    kz_cli cli = {};
    cli.json = true;
    Printed p = print_error(&cli, KZ_FAIL(KZ_E_DATA, "evil\033[2J\xff\a.h5"));
    EXPECT_EQ(p.err, "kaizen: error: evil?[2J\xff?.h5\n");
    EXPECT_NE(p.out.find("evil\\u001B[2J?\\u0007.h5"), std::string::npos) << p.out;
}

TEST(PrintError, AResultOnStdoutStaysTheOnlyDocument)
{
    kz_cli cli = {};
    cli.json = true;
    testing::internal::CaptureStdout();
    json_t *result = json_pack("{s:s}", "status", "diverged");
    ASSERT_EQ(kz_cli_print_json(&cli, result), KZ_OK);
    json_decref(result);
    fflush(stdout);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "{\n  \"status\": \"diverged\"\n}\n");
    Printed p = print_error(&cli, KZ_FAIL(KZ_E_DIVERGED, "the loss is not finite"));
    EXPECT_EQ(p.out, "");
    EXPECT_EQ(p.err, "kaizen: error: the loss is not finite\n");
}

TEST(PrintError, AnInternalErrorAsksForAReport)
{
    kz_cli cli = {};
    Printed p = print_error(&cli, KZ_FAIL(KZ_E_ARG, "n is -1"));
    EXPECT_EQ(p.err, "kaizen: error: n is -1\n"
                     "  this is a bug in kaizen: please report it with the output of KAIZEN_DEBUG=1\n");
    EXPECT_EQ(p.out, "");
}

TEST(PrintError, WithoutAMessageItIsTheMeaning)
{
    kz_cli cli = {};
    kz_error_clear();
    EXPECT_EQ(print_error(&cli, KZ_E_DIFFERENT).err, "kaizen: error: different bits\n");
}

TEST(Note, IsSilentWhenQuiet)
{
    kz_cli cli = {};
    testing::internal::CaptureStderr();
    kz_cli_note(&cli, "writing %s", "a");
    cli.quiet = true;
    kz_cli_note(&cli, "writing %s", "b");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "writing a\n");
}

} // namespace
