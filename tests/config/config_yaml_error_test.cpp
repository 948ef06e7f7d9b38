// Config errors about YAML itself and about --set.
#include "config_text.h"

namespace {

// clang-format off
const ConfigErrorCase cases[] = {
    {"Anchor", "seed: &a 1", {},
     "run.yaml:5:7: error: YAML anchors (&name) are not allowed\n"
     "    5 | seed: &a 1\n"
     "      |       ^~\n"
     "  help: write the value out\n"},
    {"Alias", "output: *a", {},
     "run.yaml:5:9: error: YAML aliases (*name) are not allowed\n"
     "    5 | output: *a\n"
     "      |         ^~\n"
     "  help: write the value out\n"},
    {"Tag", "seed: !!int 1", {},
     "run.yaml:5:7: error: YAML tags (!name) are not allowed\n"
     "    5 | seed: !!int 1\n"
     "      |       ^~~~~\n"
     "  help: write the plain value\n"},
    {"MergeKey", "train: {<<: {epochs: 1}}", {},
     "run.yaml:5:9: error: YAML merge keys (<<) are not allowed\n"
     "    5 | train: {<<: {epochs: 1}}\n"
     "      |         ^~\n"
     "  help: write the keys out\n"},
    {"KeyThatIsAList", "[a, b]: 1", {},
     "run.yaml:5:1: error: a key must be a plain name\n"
     "    5 | [a, b]: 1\n"
     "      | ^\n"},
    {"SecondDocument", "---", {},
     "run.yaml:5:1: error: a second YAML document starts here\n"
     "    5 | ---\n"
     "      | ^~~\n"
     "  help: keep one document per file\n"},
    {"UnclosedBracket", "train: {epochs: 1", {},
     "run.yaml:5:8: error: YAML: this bracket is not closed\n"
     "    5 | train: {epochs: 1\n"
     "      |        ^\n"},
    {"UnclosedQuote", "output: \"abc", {},
     "run.yaml:5:10: error: YAML: double-quoted scalar without closing quote\n"
     "    5 | output: \"abc\n"
     "      |          ^\n"
     "  help: add the closing quote\n"},
    {"Indentation", "seed: 1\n batch: 2", {},
     "run.yaml:5:7: error: YAML: invalid multiline plain key\n"
     "    5 | seed: 1\n"
     "      |       ^\n"
     "  help: check the indentation: the value above goes on into a line that looks like a key\n"},
    {"ColonInAValue", "output: a: b", {},
     "run.yaml:5:10: error: YAML: invalid nested block mapping on the same line\n"
     "    5 | output: a: b\n"
     "      |          ^\n"
     "  help: put a value with ': ' in it into quotes, or start the mapping on a line of its own\n"},
    {"Tab", "train:\n\tepochs: 1", {},
     "run.yaml:6:1: error: YAML: tab character may not be used as indentation\n"
     "    6 |  epochs: 1\n"
     "      | ^\n"
     "  help: indent with blanks, not with tabs\n"},
    {"BadEscape", "output: \"a\\q\"", {},
     "run.yaml:5:11: error: YAML: invalid escape 'q' in double-quoted string\n"
     "    5 | output: \"a\\q\"\n"
     "      |           ^\n"
     "  help: in double quotes a backslash is written \\\\; single quotes take it as it is\n"},
    {"ReservedCharacter", "output: @a", {},
     "run.yaml:5:9: error: YAML: plain scalar cannot start with '@'\n"
     "    5 | output: @a\n"
     "      |         ^\n"
     "  help: put the value into quotes\n"},
    {"NulEscape", "output: \"a\\0b\"", {},
     "run.yaml:5:9: error: a control character or broken text in a string\n"
     "    5 | output: \"a\\0b\"\n"
     "      |         ^~~~~~\n"},
    {"NotUtf8", "output: a\xff", {},
     "run.yaml:5:10: error: byte 0xff is not text\n"
     "    5 | output: a\\xff\n"
     "      |          ^~~~\n"
     "  help: save the file as UTF-8 without control characters\n"},
    {"ColumnsAreCharacters", "data: {path: größe.h5, scale: größer}", {},
     "run.yaml:2:31: error: data.scale: 'größer' is not one of its choices\n"
     "    2 | data: {path: größe.h5, scale: größer}\n"
     "      |                               ^~~~~~\n"
     "  help: write one of none, unit, standard\n"},
    {"LongLine", "data: {path: pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp, scale: abc, scale_target: qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq}", {},
     "run.yaml:2:173: error: data.scale: 'abc' is not one of its choices\n"
     "    2 | ...ppppppppppppppppppppppppppppppppppppppppppppppppppp, scale: abc, scale_target: qqqqqqqqqqqqqqqqqqqqq...\n"
     "      |                                                                ^~~\n"
     "  help: write one of none, unit, standard\n"
     "run.yaml:2:192: error: data.scale_target: 'qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq...' is not one of its choices\n"
     "    2 | ...pppppppppppppppppppppppppppppppp, scale: abc, scale_target: qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq...\n"
     "      |                                                                ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  help: write one of auto, none, standard\n"},
    {"ControlCharacterInAString", "name: \"a\\tb\"", {},
     "run.yaml:1:7: error: name: 'a b' is not a name\n"
     "    1 | name: \"a\\tb\"\n"
     "      |       ^~~~~~\n"
     "  help: write a name of letters, digits and . _ -, at most 64, a letter or digit first, e.g. digits-mlp\n"},
    {"SetValue", "seed: 1", {"optimizer.lr=abc"},
     "--set optimizer.lr=abc: error: optimizer.lr: 'abc' is not a number\n"
     "  optimizer.lr=abc\n"
     "               ^~~\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"SetUnknownPath", "seed: 1", {"optimzer.lr=1"},
     "--set optimzer.lr=1: error: unknown key 'optimzer'\n"
     "  optimzer.lr=1\n"
     "  ^~~~~~~~\n"
     "  help: did you mean 'optimizer'?\n"},
    {"SetUnknownKey", "seed: 1", {"optimizer.rate=1"},
     "--set optimizer.rate=1: error: unknown key 'optimizer.rate'\n"
     "  optimizer.rate=1\n"
     "            ^~~~\n"
     "  help: did you mean 'optimizer.name'?\n"},
    {"SetNoEquals", "seed: 1", {"optimizer.lr"},
     "--set optimizer.lr: error: there is no '='\n"
     "  optimizer.lr\n"
     "  ^~~~~~~~~~~~\n"
     "  help: write key.path=value, e.g. optimizer.lr=0.01\n"},
    {"SetNoValue", "seed: 1", {"optimizer.lr="},
     "--set optimizer.lr=: error: there is no value after '='\n"
     "  optimizer.lr=\n"
     "               ^\n"},
    {"SetNoPath", "seed: 1", {"=3"},
     "--set =3: error: the path before '=' is not complete\n"
     "  =3\n"
     "  ^\n"
     "  help: write it like optimizer.lr or model.layers[0].units\n"},
    {"SetDoubleDot", "seed: 1", {"train..epochs=3"},
     "--set train..epochs=3: error: the path before '=' is not complete\n"
     "  train..epochs=3\n"
     "       ^\n"
     "  help: write it like optimizer.lr or model.layers[0].units\n"},
    {"SetBadIndex", "seed: 1", {"model.layers[x].units=3"},
     "--set model.layers[x].units=3: error: the path before '=' is not complete\n"
     "  model.layers[x].units=3\n"
     "              ^\n"
     "  help: write it like optimizer.lr or model.layers[0].units\n"},
    {"SetNoSuchElement", "seed: 1", {"model.layers[5].units=3"},
     "--set model.layers[5].units=3: error: the list has no element [5]\n"
     "  model.layers[5].units=3\n"
     "              ^~~\n"
     "  help: it has 1, the last is [0]\n"},
    {"SetElementOfNoList", "seed: 1", {"train.epochs[0]=3"},
     "--set train.epochs[0]=3: error: there is no list here to take an element of\n"
     "  train.epochs[0]=3\n"
     "              ^~~\n"},
    {"SetBelowAValue", "seed: 1", {"seed.x=3"},
     "--set seed.x=3: error: there is no mapping here to take 'x' of\n"
     "  seed.x=3\n"
     "       ^\n"},
    {"SetBelowAList", "seed: 1", {"model.layers.units=3"},
     "--set model.layers.units=3: error: there is no mapping here to take 'units' of\n"
     "  model.layers.units=3\n"
     "               ^~~~~\n"
     "  help: name an element of the list first, e.g. [0]\n"},
    {"SetComment", "seed: 1", {"output=runs #3"},
     "--set output=runs #3: error: YAML takes this for a comment\n"
     "  output=runs #3\n"
     "              ^~\n"
     "  help: put the value into quotes\n"},
    {"SetSyntax", "seed: 1", {"data.valid={fraction: 0.1"},
     "--set data.valid={fraction: 0.1: error: YAML: this bracket is not closed\n"
     "  data.valid={fraction: 0.1\n"
     "             ^\n"},
    {"SetTwoForms", "data: {path: d.h5, valid: {x: /valid/x, y: /valid/y}}", {"data.valid.fraction=0.1"},
     "--set data.valid.fraction=0.1: error: data.valid: fraction does not go with the other keys\n"
     "  data.valid.fraction=0.1\n"
     "             ^~~~~~~~\n"
     "  help: write {fraction: 0.1} or {x: /valid/x, y: /valid/y} or none\n"},
};
// clang-format on

class ConfigYamlError : public testing::TestWithParam<ConfigErrorCase> {};

TEST_P(ConfigYamlError, IsReported)
{
    expect_report(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, ConfigYamlError, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<ConfigErrorCase> &i) { return i.param.title; });

} // namespace
