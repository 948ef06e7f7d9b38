// Config errors about keys, sections and what ties several keys together.
#include "config_text.h"

namespace {

// clang-format off
const ConfigErrorCase cases[] = {
    {"UnknownTopLevelKey", "colour: red", {},
     "run.yaml:5:1: error: unknown key 'colour'\n"
     "    5 | colour: red\n"
     "      | ^~~~~~\n"
     "  help: the keys here are name, seed, data, model, optimizer, train, device, output\n"},
    {"UnknownKeyNearOne", "train: {epoch: 3}", {},
     "run.yaml:5:9: error: unknown key 'train.epoch'\n"
     "    5 | train: {epoch: 3}\n"
     "      |         ^~~~~\n"
     "  help: did you mean 'train.epochs'?\n"},
    {"UnknownKeyOfAnotherSection", "lr: 0.1", {},
     "run.yaml:5:1: error: unknown key 'lr'\n"
     "    5 | lr: 0.1\n"
     "      | ^~\n"
     "  help: did you mean 'optimizer.lr'?\n"},
    {"UnknownKeyOfAnotherTool", "train: {batch_size: 3}", {},
     "run.yaml:5:9: error: unknown key 'train.batch_size'\n"
     "    5 | train: {batch_size: 3}\n"
     "      |         ^~~~~~~~~~\n"
     "  help: did you mean 'train.batch'?\n"},
    {"UnknownKeyOfALayer", "model: {layers: [{type: dense, unit: 3}]}", {},
     "run.yaml:3:32: error: unknown key 'model.layers[0].unit'\n"
     "    3 | model: {layers: [{type: dense, unit: 3}]}\n"
     "      |                                ^~~~\n"
     "  help: did you mean 'model.layers[0].units'?\n"},
    {"CheckpointsThatNoneKeeps", "train: {checkpoint: {keep: 0}}", {},
     "run.yaml:5:28: error: train.checkpoint.keep: 0 is out of range\n"
     "    5 | train: {checkpoint: {keep: 0}}\n"
     "      |                            ^\n"
     "  help: write a whole number from 1 to 1000000, e.g. 2\n"},
    {"CheckpointAsASwitch", "train: {checkpoint: true}", {},
     "run.yaml:5:21: error: train.checkpoint: expected a mapping, found 'true'\n"
     "    5 | train: {checkpoint: true}\n"
     "      |                     ^~~~\n"
     "  help: write {every_epochs: 1, every_steps: 1000, every_minutes: 10, keep: 2} or none\n"},
    {"DuplicateKey", "optimizer: {name: adam, lr: 0.1, lr: 0.2}", {},
     "run.yaml:4:34: error: key 'lr' is here twice\n"
     "    4 | optimizer: {name: adam, lr: 0.1, lr: 0.2}\n"
     "      |                                  ^~\n"
     "  help: it was first given in line 4; remove one of the two\n"},
    {"ListForAValue", "output: [a]", {},
     "run.yaml:5:9: error: output: expected a path, found a list\n"
     "    5 | output: [a]\n"
     "      |         ^~~\n"
     "  help: write a path, e.g. results/runs\n"},
    {"MappingForAValue", "seed: {a: 1}", {},
     "run.yaml:5:7: error: seed: expected a whole number, found a mapping\n"
     "    5 | seed: {a: 1}\n"
     "      |       ^~~~~~\n"
     "  help: write a whole number from 0 to 18446744073709551615, e.g. 1\n"},
    {"ValueForASection", "train: 3", {},
     "run.yaml:5:8: error: train: expected a mapping, found '3'\n"
     "    5 | train: 3\n"
     "      |        ^\n"
     "  help: write a mapping with the keys epochs, batch, micro_batches, shuffle, early_stop, target, checkpoint, max_minutes\n"},
    {"ListForASection", "train: [3]", {},
     "run.yaml:5:8: error: train: expected a mapping, found a list\n"
     "    5 | train: [3]\n"
     "      |        ^~~\n"
     "  help: write a mapping with the keys epochs, batch, micro_batches, shuffle, early_stop, target, checkpoint, max_minutes\n"},
    {"EmptySection", "train:", {},
     "run.yaml:5:1: error: train: has no value\n"
     "    5 | train:\n"
     "      | ^~~~~\n"
     "  help: write a mapping with the keys epochs, batch, micro_batches, shuffle, early_stop, target, checkpoint, max_minutes\n"},
    {"NoneForASection", "data: {path: d.h5, train: none}", {},
     "run.yaml:2:27: error: data.train: expected a mapping, found 'none'\n"
     "    2 | data: {path: d.h5, train: none}\n"
     "      |                           ^~~~\n"
     "  help: write {x: /train/x, y: /train/y}\n"},
    {"MissingKey", "data: {scale: unit}", {},
     "run.yaml:2:1: error: data.path is missing\n"
     "    2 | data: {scale: unit}\n"
     "      | ^~~~\n"
     "  help: add path: a path, e.g. datasets/digits.h5\n"},
    {"MissingOptimizer", "optimizer: {lr: 0.1}", {},
     "run.yaml:4:1: error: optimizer.name is missing\n"
     "    4 | optimizer: {lr: 0.1}\n"
     "      | ^~~~~~~~~\n"
     "  help: add name: one of sgd, adam, adamw\n"},
    {"NoLayers", "model: {layers: []}", {},
     "run.yaml:3:17: error: model.layers: 0 layers, out of range\n"
     "    3 | model: {layers: []}\n"
     "      |                 ^~\n"
     "  help: write 1 to 256 layers\n"},
    {"LayersNotAList", "model: {layers: dense}", {},
     "run.yaml:3:17: error: model.layers: expected a list of layers\n"
     "    3 | model: {layers: dense}\n"
     "      |                 ^~~~~\n"
     "  help: write one, e.g. [{type: dense, units: 64}, {type: dense}]\n"},
    {"LayerNotAMapping", "model: {layers: [dense]}", {},
     "run.yaml:3:18: error: model.layers[0]: expected a mapping, found 'dense'\n"
     "    3 | model: {layers: [dense]}\n"
     "      |                  ^~~~~\n"
     "  help: write {type: dense, units: 64}\n"},
    {"MissingUnits", "model: {layers: [{type: dense}, {type: dense}]}", {},
     "run.yaml:3:18: error: model.layers[0].units is missing\n"
     "    3 | model: {layers: [{type: dense}, {type: dense}]}\n"
     "      |                  ^~~~~~~~~~~~~\n"
     "  help: add units: a whole number, e.g. 64; only the last layer's come from the data\n"},
    {"UnitsOutOfRange", "model: {layers: [{type: dense, units: 0}, {type: dense}]}", {},
     "run.yaml:3:39: error: model.layers[0].units: 0 is out of range\n"
     "    3 | model: {layers: [{type: dense, units: 0}, {type: dense}]}\n"
     "      |                                       ^\n"
     "  help: write a whole number from 1 to 1048576, e.g. 64\n"},
    {"DropoutOfTheLastLayer", "model: {layers: [{type: dense, dropout: 0.5}]}", {},
     "run.yaml:3:41: error: model.layers[0].dropout: the last layer's outputs are the answer, none may be dropped\n"
     "    3 | model: {layers: [{type: dense, dropout: 0.5}]}\n"
     "      |                                         ^~~\n"
     "  help: leave it out, or move it to an earlier layer\n"},
    {"KeyThatAdamDoesNotUse", "optimizer: {name: adam, momentum: 0.9}", {},
     "run.yaml:4:25: error: optimizer.momentum: adam does not use it; sgd does\n"
     "    4 | optimizer: {name: adam, momentum: 0.9}\n"
     "      |                         ^~~~~~~~\n"
     "  help: leave it out\n"},
    {"KeyThatSgdDoesNotUse", "optimizer: {name: sgd, beta1: 0.9}", {},
     "run.yaml:4:24: error: optimizer.beta1: sgd does not use it; adam, adamw do\n"
     "    4 | optimizer: {name: sgd, beta1: 0.9}\n"
     "      |                        ^~~~~\n"
     "  help: leave it out\n"},
    {"KeyThatConstantDoesNotUse", "optimizer: {name: adam, schedule: {final_lr: 0.1}}", {},
     "run.yaml:4:36: error: optimizer.schedule.final_lr: constant does not use it; cosine does\n"
     "    4 | optimizer: {name: adam, schedule: {final_lr: 0.1}}\n"
     "      |                                    ^~~~~~~~\n"
     "  help: leave it out\n"},
    {"TwoForms", "data: {path: d.h5, valid: {fraction: 0.1, x: /valid/x}}", {},
     "run.yaml:2:43: error: data.valid: x does not go with the other keys\n"
     "    2 | data: {path: d.h5, valid: {fraction: 0.1, x: /valid/x}}\n"
     "      |                                           ^\n"
     "  help: write {fraction: 0.1} or {x: /valid/x, y: /valid/y} or none\n"},
    {"NoForm", "data: {path: d.h5, valid: {}}", {},
     "run.yaml:2:20: error: data.valid: incomplete\n"
     "    2 | data: {path: d.h5, valid: {}}\n"
     "      |                    ^~~~~\n"
     "  help: write {fraction: 0.1} or {x: /valid/x, y: /valid/y} or none\n"},
    {"HalfAForm", "data: {path: d.h5, valid: {x: /valid/x}}", {},
     "run.yaml:2:20: error: data.valid.y is missing\n"
     "    2 | data: {path: d.h5, valid: {x: /valid/x}}\n"
     "      |                    ^~~~~\n"
     "  help: add y: a path inside the data file, from /, e.g. /valid/y\n"},
    {"Fraction", "data: {path: d.h5, valid: {fraction: 1}}", {},
     "run.yaml:2:38: error: data.valid.fraction: 1 is out of range\n"
     "    2 | data: {path: d.h5, valid: {fraction: 1}}\n"
     "      |                                      ^\n"
     "  help: write a number greater than 0 and less than 1, e.g. 0.1\n"},
    {"TargetWithoutDirection", "train: {target: {metric: train.loss}}", {},
     "run.yaml:5:9: error: train.target: incomplete\n"
     "    5 | train: {target: {metric: train.loss}}\n"
     "      |         ^~~~~~\n"
     "  help: write {metric: valid.accuracy, at_least: 0.88} or {metric: valid.accuracy, at_most: 0.25} or none\n"},
    {"TargetBothWays", "train: {target: {metric: train.loss, at_least: 0.1, at_most: 0.2}}", {},
     "run.yaml:5:53: error: train.target: at_most does not go with the other keys\n"
     "    5 | train: {target: {metric: train.loss, at_least: 0.1, at_most: 0.2}}\n"
     "      |                                                     ^~~~~~~\n"
     "  help: write {metric: valid.accuracy, at_least: 0.88} or {metric: valid.accuracy, at_most: 0.25} or none\n"},
    {"EarlyStopOnTest", "train: {early_stop: {metric: test.loss}}", {},
     "run.yaml:5:30: error: train.early_stop.metric: 'test.loss' is not one of its choices\n"
     "    5 | train: {early_stop: {metric: test.loss}}\n"
     "      |                              ^~~~~~~~~\n"
     "  help: write one of train.loss, train.accuracy, train.rmse, train.r2, valid.loss, valid.accuracy, valid.rmse, valid.r2\n"},
    {"EarlyStopWithoutMetric", "train: {early_stop: {patience: 3}}", {},
     "run.yaml:5:9: error: train.early_stop.metric is missing\n"
     "    5 | train: {early_stop: {patience: 3}}\n"
     "      |         ^~~~~~~~~~\n"
     "  help: add metric: one of train.loss, train.accuracy, train.rmse, train.r2, valid.loss, valid.accuracy, valid.rmse, valid.r2\n"},
    {"EarlyStopWithoutValidation", "train: {early_stop: {metric: valid.loss}}", {},
     "run.yaml:5:30: error: train.early_stop.metric: valid.loss cannot be computed, data.valid is none\n"
     "    5 | train: {early_stop: {metric: valid.loss}}\n"
     "      |                              ^~~~~~~~~~\n"
     "  help: set data.valid to {fraction: 0.1}, or watch train.loss\n"},
    {"TargetWithoutTest", "train: {target: {metric: test.loss, at_most: 1}}", {"data.test=none"},
     "run.yaml:5:26: error: train.target.metric: test.loss cannot be computed, data.test is none\n"
     "    5 | train: {target: {metric: test.loss, at_most: 1}}\n"
     "      |                          ^~~~~~~~~\n"
     "  help: set data.test to {x: /test/x, y: /test/y}, or watch train.loss\n"},
    {"MicroBatchesBeyondBatch", "train: {batch: 4, micro_batches: 8}", {},
     "run.yaml:5:34: error: train.micro_batches: 8 is more than the batch of 4\n"
     "    5 | train: {batch: 4, micro_batches: 8}\n"
     "      |                                  ^\n"
     "  help: write a whole number from 1 to 4, or raise train.batch\n"},
    {"WindowWithoutItsShuffle", "train: {batch: 4}", {"data.window=64"},
     "--set data.window=64: error: data.window: only with train.shuffle: window\n"
     "  data.window=64\n"
     "              ^~\n"
     "  help: leave it out, or set train.shuffle to window\n"},
    {"WindowThatCutsABlock", "train: {shuffle: window}", {"data.window=1500"},
     "--set data.window=1500: error: data.window: 1500 rows are no multiple of 1024, data.window_block\n"
     "  data.window=1500\n"
     "              ^~~~\n"
     "  help: write 2048\n"},
    {"NesterovWithoutMomentum", "optimizer: {name: sgd, nesterov: true}", {},
     "run.yaml:4:34: error: optimizer.nesterov: needs a momentum greater than 0\n"
     "    4 | optimizer: {name: sgd, nesterov: true}\n"
     "      |                                  ^~~~\n"
     "  help: set optimizer.momentum, e.g. to 0.9\n"},
    {"NesterovWithDampening", "optimizer: {name: sgd, nesterov: true, momentum: 0.9, dampening: 0.5}", {},
     "run.yaml:4:34: error: optimizer.nesterov: needs dampening 0, not 0.5\n"
     "    4 | optimizer: {name: sgd, nesterov: true, momentum: 0.9, dampening: 0.5}\n"
     "      |                                  ^~~~\n"
     "  help: leave optimizer.dampening out\n"},
    {"PrecisionWithoutFast", "device: {precision: tf32}", {},
     "run.yaml:5:21: error: device.precision: only with arithmetic: fast\n"
     "    5 | device: {precision: tf32}\n"
     "      |                     ^~~~\n"
     "  help: leave it out, or set device.arithmetic to fast and give up equal bits\n"},
};
// clang-format on

class ConfigKeyError : public testing::TestWithParam<ConfigErrorCase> {};

TEST_P(ConfigKeyError, IsReported)
{
    expect_report(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, ConfigKeyError, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<ConfigErrorCase> &i) { return i.param.title; });

} // namespace
