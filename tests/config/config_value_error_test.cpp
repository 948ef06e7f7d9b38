// Config errors about single values, with the whole of what is printed.
#include "config_text.h"

namespace {

// clang-format off
const ConfigErrorCase cases[] = {
    {"NoSuchShuffle", "train: {shuffle: windows}", {},
     "run.yaml:5:18: error: train.shuffle: 'windows' is not one of its choices\n"
     "    5 | train: {shuffle: windows}\n"
     "      |                  ^~~~~~~\n"
     "  help: did you mean 'window'? write one of full, window, none\n"},
    {"NotANumber", "optimizer: {name: adam, lr: abc}", {},
     "run.yaml:4:29: error: optimizer.lr: 'abc' is not a number\n"
     "    4 | optimizer: {name: adam, lr: abc}\n"
     "      |                             ^~~\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"RestAfterANumber", "optimizer: {name: adam, lr: 0.01abc}", {},
     "run.yaml:4:29: error: optimizer.lr: '0.01abc' is not a number\n"
     "    4 | optimizer: {name: adam, lr: 0.01abc}\n"
     "      |                             ^~~~~~~\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"QuotedNumber", "optimizer: {name: adam, lr: \"0.01\"}", {},
     "run.yaml:4:29: error: optimizer.lr: \"0.01\" in quotes is text, not a number\n"
     "    4 | optimizer: {name: adam, lr: \"0.01\"}\n"
     "      |                             ^~~~~~\n"
     "  help: remove the quotes\n"},
    {"NotFinite", "optimizer: {name: adam, lr: .nan}", {},
     "run.yaml:4:29: error: optimizer.lr: '.nan' is not a number\n"
     "    4 | optimizer: {name: adam, lr: .nan}\n"
     "      |                             ^~~~\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"Infinite", "optimizer: {name: adam, lr: inf}", {},
     "run.yaml:4:29: error: optimizer.lr: 'inf' is not a number\n"
     "    4 | optimizer: {name: adam, lr: inf}\n"
     "      |                             ^~~\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"TooLargeForBinary64", "optimizer: {name: adam, lr: 1e400}", {},
     "run.yaml:4:29: error: optimizer.lr: 1e400 is out of range\n"
     "    4 | optimizer: {name: adam, lr: 1e400}\n"
     "      |                             ^~~~~\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"TooSmallForBinary32", "optimizer: {name: adam, eps: 1e-60}", {},
     "run.yaml:4:30: error: optimizer.eps: 1e-60 is too small: in single precision it would be 0\n"
     "    4 | optimizer: {name: adam, eps: 1e-60}\n"
     "      |                              ^~~~~\n"
     "  help: write a number greater than 0, e.g. 1e-8\n"},
    {"UnderflowToZero", "optimizer: {name: adam, weight_decay: 1e-400}", {},
     "run.yaml:4:39: error: optimizer.weight_decay: 1e-400 is too small: in single precision it would be 0\n"
     "    4 | optimizer: {name: adam, weight_decay: 1e-400}\n"
     "      |                                       ^~~~~~\n"
     "  help: write a number of at least 0\n"},
    {"OpenRange", "optimizer: {name: adam, lr: 0}", {},
     "run.yaml:4:29: error: optimizer.lr: 0 is out of range\n"
     "    4 | optimizer: {name: adam, lr: 0}\n"
     "      |                             ^\n"
     "  help: write a number greater than 0, e.g. 0.001\n"},
    {"HalfOpenRange", "optimizer: {name: adam, beta1: 1.0}", {},
     "run.yaml:4:32: error: optimizer.beta1: 1.0 is out of range\n"
     "    4 | optimizer: {name: adam, beta1: 1.0}\n"
     "      |                                ^~~\n"
     "  help: write a number of at least 0 and less than 1\n"},
    {"NumberOrNone", "optimizer: {name: adam, clip_norm: -1}", {},
     "run.yaml:4:36: error: optimizer.clip_norm: -1 is out of range\n"
     "    4 | optimizer: {name: adam, clip_norm: -1}\n"
     "      |                                    ^~\n"
     "  help: write a number greater than 0, or none, e.g. 1.0\n"},
    {"LeadingZero", "train: {epochs: 010}", {},
     "run.yaml:5:17: error: train.epochs: '010' is not a whole number\n"
     "    5 | train: {epochs: 010}\n"
     "      |                 ^~~\n"
     "  help: write 10\n"},
    {"WholeNumberInExponentForm", "train: {epochs: 1e3}", {},
     "run.yaml:5:17: error: train.epochs: '1e3' is not a whole number\n"
     "    5 | train: {epochs: 1e3}\n"
     "      |                 ^~~\n"
     "  help: write 1000\n"},
    {"WholeNumberWithPoint", "train: {epochs: 10.0}", {},
     "run.yaml:5:17: error: train.epochs: '10.0' is not a whole number\n"
     "    5 | train: {epochs: 10.0}\n"
     "      |                 ^~~~\n"
     "  help: write 10\n"},
    {"FractionForWholeNumber", "train: {epochs: 1.5}", {},
     "run.yaml:5:17: error: train.epochs: '1.5' is not a whole number\n"
     "    5 | train: {epochs: 1.5}\n"
     "      |                 ^~~\n"
     "  help: write a whole number from 1 to 1000000, e.g. 10\n"},
    {"WholeNumberOutOfRange", "train: {epochs: 0}", {},
     "run.yaml:5:17: error: train.epochs: 0 is out of range\n"
     "    5 | train: {epochs: 0}\n"
     "      |                 ^\n"
     "  help: write a whole number from 1 to 1000000, e.g. 10\n"},
    {"WholeNumberBeyondInt64", "train: {epochs: 99999999999999999999}", {},
     "run.yaml:5:17: error: train.epochs: 99999999999999999999 is out of range\n"
     "    5 | train: {epochs: 99999999999999999999}\n"
     "      |                 ^~~~~~~~~~~~~~~~~~~~\n"
     "  help: write a whole number from 1 to 1000000, e.g. 10\n"},
    {"NegativeSeed", "seed: -1", {},
     "run.yaml:5:7: error: seed: -1 is out of range\n"
     "    5 | seed: -1\n"
     "      |       ^~\n"
     "  help: write a whole number from 0 to 18446744073709551615, e.g. 1\n"},
    {"SeedBeyondUint64", "seed: 18446744073709551616", {},
     "run.yaml:5:7: error: seed: 18446744073709551616 is out of range\n"
     "    5 | seed: 18446744073709551616\n"
     "      |       ^~~~~~~~~~~~~~~~~~~~\n"
     "  help: write a whole number from 0 to 18446744073709551615, e.g. 1\n"},
    {"BooleanYes", "optimizer: {name: sgd, momentum: 0.9, nesterov: yes}", {},
     "run.yaml:4:49: error: optimizer.nesterov: 'yes' is not true or false\n"
     "    4 | optimizer: {name: sgd, momentum: 0.9, nesterov: yes}\n"
     "      |                                                 ^~~\n"
     "  help: use true or false\n"},
    {"BooleanCapital", "optimizer: {name: sgd, momentum: 0.9, nesterov: True}", {},
     "run.yaml:4:49: error: optimizer.nesterov: 'True' is not true or false\n"
     "    4 | optimizer: {name: sgd, momentum: 0.9, nesterov: True}\n"
     "      |                                                 ^~~~\n"
     "  help: use true or false\n"},
    {"BooleanOther", "optimizer: {name: sgd, momentum: 0.9, nesterov: maybe}", {},
     "run.yaml:4:49: error: optimizer.nesterov: 'maybe' is not true or false\n"
     "    4 | optimizer: {name: sgd, momentum: 0.9, nesterov: maybe}\n"
     "      |                                                 ^~~~~\n"
     "  help: write true or false\n"},
    {"ChoiceNearOne", "optimizer: {name: adm}", {},
     "run.yaml:4:19: error: optimizer.name: 'adm' is not one of its choices\n"
     "    4 | optimizer: {name: adm}\n"
     "      |                   ^~~\n"
     "  help: did you mean 'adam'? write one of sgd, adam, adamw\n"},
    {"ChoiceNearNone", "model: {layers: [{type: dense}], loss: hinge_or_so}", {},
     "run.yaml:3:40: error: model.loss: 'hinge_or_so' is not one of its choices\n"
     "    3 | model: {layers: [{type: dense}], loss: hinge_or_so}\n"
     "      |                                        ^~~~~~~~~~~\n"
     "  help: write one of cross_entropy, binary_cross_entropy, squared_error\n"},
    {"LayerType", "model: {layers: [{type: conv}]}", {},
     "run.yaml:3:25: error: model.layers[0].type: 'conv' is not one of its choices\n"
     "    3 | model: {layers: [{type: conv}]}\n"
     "      |                         ^~~~\n"
     "  help: write dense\n"},
    {"Size", "data: {path: d.h5, memory: 8Gb}", {},
     "run.yaml:2:28: error: data.memory: '8Gb' is not a size\n"
     "    2 | data: {path: d.h5, memory: 8Gb}\n"
     "      |                            ^~~\n"
     "  help: write a size in bytes, KiB, MiB or GiB, e.g. 8GiB\n"},
    {"NoValue", "seed:", {},
     "run.yaml:5:1: error: seed: has no value\n"
     "    5 | seed:\n"
     "      | ^~~~\n"
     "  help: write a whole number from 0 to 18446744073709551615, e.g. 1\n"},
    {"NullValue", "seed: ~", {},
     "run.yaml:5:7: error: seed: has no value\n"
     "    5 | seed: ~\n"
     "      |       ^\n"
     "  help: write a whole number from 0 to 18446744073709551615, e.g. 1\n"},
    {"NumberForText", "name: 2024", {},
     "run.yaml:1:7: error: name: 2024 is a number, expected text\n"
     "    1 | name: 2024\n"
     "      |       ^~~~\n"
     "  help: put it into quotes: \"2024\"\n"},
    {"BadName", "name: a/b", {},
     "run.yaml:1:7: error: name: 'a/b' is not a name\n"
     "    1 | name: a/b\n"
     "      |       ^~~\n"
     "  help: write a name of letters, digits and . _ -, at most 64, a letter or digit first, e.g. digits-mlp\n"},
    {"LongName", "name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", {},
     "run.yaml:1:7: error: name: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 64 characters\n"
     "    1 | name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
     "      |       ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  help: write a name of letters, digits and . _ -, at most 64, a letter or digit first, e.g. digits-mlp\n"},
    {"PathInsideTheFile", "data: {path: d.h5, train: {x: train/x}}", {},
     "run.yaml:2:31: error: data.train.x: 'train/x' is not a path inside the data file\n"
     "    2 | data: {path: d.h5, train: {x: train/x}}\n"
     "      |                               ^~~~~~~\n"
     "  help: write /train/x\n"},
    {"Device", "device: {kind: gpu}", {},
     "run.yaml:5:16: error: device.kind: 'gpu' is not a device\n"
     "    5 | device: {kind: gpu}\n"
     "      |                ^~~\n"
     "  help: write auto, cpu, cuda, or cuda:1 for a certain GPU, e.g. cpu\n"},
    {"DeviceNumber", "device: {kind: cuda:x}", {},
     "run.yaml:5:16: error: device.kind: 'cuda:x' is not a device\n"
     "    5 | device: {kind: cuda:x}\n"
     "      |                ^~~~~~\n"
     "  help: write auto, cpu, cuda, or cuda:1 for a certain GPU, e.g. cpu\n"},
};
// clang-format on

class ConfigValueError : public testing::TestWithParam<ConfigErrorCase> {};

TEST_P(ConfigValueError, IsReported)
{
    expect_report(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, ConfigValueError, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<ConfigErrorCase> &i) { return i.param.title; });

} // namespace
