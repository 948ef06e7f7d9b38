// Configs that are right: defaults, --set, round trips, digests; and what is hostile.
#include "config_text.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <unistd.h>

namespace {

const char full[] = R"(name: fashion-mlp              # names the run
seed: 18446744073709551615
data:
  path: "data sets/größe: \"x\"\\y.h5"
  train: {x: /a, y: /b}
  valid: {x: /valid/x, y: /valid/y}
  test: none
  scale: unit
  scale_target: none
  memory: 1.5GB
model:
  layers:
    - {type: dense, units: 512, activation: relu, dropout: 0.2}
    - type: dense
      units: 3
  loss: squared_error
  init: glorot_uniform
optimizer:
  name: sgd
  lr: 0.30000000000000004
  momentum: .9
  nesterov: true
  weight_decay: 1e-8
  clip_norm: 1
  clip_value: 0.5
  schedule: {name: cosine, warmup_steps: 100, final_lr: 0.0}
train:
  epochs: 7
  batch: 128
  micro_batches: 4
  shuffle: none
  early_stop: {metric: valid.loss, patience: 5, min_delta: 0.01}
  target: {metric: valid.rmse, at_most: 0.25}
  checkpoint: {every_epochs: 2, keep: 3}
device: {kind: "cuda:1", arithmetic: fast, precision: bf16, threads: 2}
output: "null"
)";

TEST(Config, DefaultsAreAsDocumented)
{
    Parsed p(small_config_with());
    ASSERT_EQ(p.status, KZ_OK) << p.report;
    EXPECT_EQ(p.cfg->model.layers[0].units, KZ_UNSET);
    EXPECT_EQ(p.cfg->model.loss, nullptr);
    EXPECT_EQ(p.cfg->device.precision, nullptr);
    EXPECT_EQ(p.cfg->file, nullptr);
    EXPECT_EQ(p.yaml(), R"(name: t
seed: 1
data:
  path: d.h5
  train: {x: /train/x, y: /train/y}
  valid: none
  test: {x: /test/x, y: /test/y}
  scale: standard
  scale_target: auto
  memory: 8GiB
  allow_filters: false
model:
  layers:
    - {type: dense, activation: identity, dropout: 0.0}
  init: he_normal
optimizer:
  name: adam
  lr: 0.001
  beta1: 0.9
  beta2: 0.999
  eps: 1.0e-08
  weight_decay: 0.0
  clip_norm: none
  clip_value: none
  schedule: {name: constant, warmup_steps: 0}
train:
  epochs: 10
  batch: 32
  micro_batches: 1
  shuffle: full
  early_stop: none
  target: none
  checkpoint: none
  max_minutes: none
device:
  kind: auto
  arithmetic: reproducible
  threads: 0
output: results/runs
)");
}

TEST(Config, EveryKeyArrives)
{
    Parsed p(full);
    ASSERT_EQ(p.status, KZ_OK) << p.report;
    const kz_config *c = p.cfg;
    EXPECT_EQ(c->seed, UINT64_MAX);
    EXPECT_STREQ(c->data.path, "data sets/größe: \"x\"\\y.h5");
    EXPECT_STREQ(c->data.train.y, "/b");
    EXPECT_STREQ(c->data.valid.x, "/valid/x");
    EXPECT_EQ(c->data.valid.fraction, 0);
    EXPECT_EQ(c->data.test.x, nullptr);
    EXPECT_EQ(c->data.memory, 1500000000);
    ASSERT_EQ(c->model.n_layers, 2);
    EXPECT_EQ(c->model.layers[0].dropout, 0.2);
    EXPECT_EQ(c->model.layers[1].units, 3);
    EXPECT_EQ(c->optimizer.lr, 0.1 + 0.2);
    EXPECT_TRUE(c->optimizer.nesterov);
    EXPECT_EQ(c->optimizer.clip_norm, 1);
    EXPECT_EQ(c->optimizer.schedule.warmup_steps, 100);
    EXPECT_EQ(c->train.early_stop.patience, 5);
    EXPECT_STREQ(c->train.target.metric, "valid.rmse");
    EXPECT_FALSE(c->train.target.at_least);
    EXPECT_EQ(c->train.target.value, 0.25);
    EXPECT_EQ(c->train.checkpoint.every_epochs, 2);
    EXPECT_EQ(c->train.checkpoint.keep, 3);
    EXPECT_STREQ(c->device.precision, "bf16");
    EXPECT_STREQ(c->output, "null");
}

TEST(Config, WeightDecayDefaultsByOptimizer)
{
    Parsed p(small_config_with("optimizer: {name: adamw}"));
    ASSERT_EQ(p.status, KZ_OK) << p.report;
    EXPECT_EQ(p.cfg->optimizer.weight_decay, 0.01);
}

TEST(Config, CheckpointsAreAMappingOrNone)
{
    for (const char *set : {"train.checkpoint={}", "train.checkpoint.every_epochs=1", "train.checkpoint.keep=2"}) {
        Parsed p(small_config_with(), {set});
        ASSERT_EQ(p.status, KZ_OK) << p.report;
        EXPECT_EQ(p.cfg->train.checkpoint.every_epochs, 1) << set;
        EXPECT_EQ(p.cfg->train.checkpoint.keep, 2) << set;
        EXPECT_FALSE(p.cfg->train.checkpoint.every_steps > 0 || p.cfg->train.checkpoint.every_minutes > 0) << set;
    }
    Parsed steps(small_config_with(), {"train.checkpoint={every_steps: 100}"});
    ASSERT_EQ(steps.status, KZ_OK) << steps.report;
    EXPECT_EQ(steps.cfg->train.checkpoint.every_steps, 100);
    EXPECT_FALSE(steps.cfg->train.checkpoint.every_epochs > 0) << "only as asked";
    Parsed minutes(small_config_with(), {"train.checkpoint={every_minutes: 2.5, every_epochs: 4}"});
    ASSERT_EQ(minutes.status, KZ_OK) << minutes.report;
    EXPECT_EQ(minutes.cfg->train.checkpoint.every_minutes, 2.5);
    EXPECT_EQ(minutes.cfg->train.checkpoint.every_epochs, 4);
    Parsed none(full, {"train.checkpoint=none"});
    ASSERT_EQ(none.status, KZ_OK) << none.report;
    EXPECT_EQ(none.cfg->train.checkpoint.every_epochs, 0);
}

TEST(Config, YamlAndJsonLoadBackToTheSame)
{
    for (const std::string &text :
         {std::string(full), small_config_with(), small_config_with("optimizer: {name: adamw}"),
          small_config_with("data: {path: d.h5, valid: {fraction: 0.1}}")}) {
        Parsed first(text);
        ASSERT_EQ(first.status, KZ_OK) << first.report;
        Parsed yaml(first.yaml()), json(first.json());
        ASSERT_EQ(yaml.status, KZ_OK) << yaml.report;
        ASSERT_EQ(json.status, KZ_OK) << json.report;
        EXPECT_EQ(yaml.yaml(), first.yaml());
        EXPECT_EQ(json.yaml(), first.yaml());
        EXPECT_EQ(yaml.digest(), first.digest());
        EXPECT_EQ(json.digest(), first.digest());
    }
}

TEST(Config, StringsAreQuotedWhereYamlNeedsIt)
{
    for (const char *s : {"a",
                          "no",
                          "True",
                          "~",
                          "1",
                          "1e3",
                          "0x1f",
                          "1_000",
                          "2024-01-01",
                          "a: b",
                          "#a",
                          "a #b",
                          "- a",
                          "[a]",
                          "{a}",
                          "*a",
                          "&a",
                          "!a",
                          "%a",
                          "@a",
                          "`a",
                          "'a'",
                          "\"a\"",
                          " a",
                          "a ",
                          "a\tb",
                          "a\nb",
                          "a\r\nb",
                          "a\\b",
                          "é",
                          "\xc2\x85",
                          "\xe2\x80\xa8",
                          "\xef\xbb\xbf",
                          "none",
                          "8GiB",
                          "-",
                          "..",
                          "/a",
                          "\xf0\x9f\x98\x80",
                          "a,b",
                          "?",
                          "= a",
                          "null"}) {
        Parsed p(small_config_with());
        ASSERT_EQ(p.status, KZ_OK);
        ASSERT_EQ(kz_config_set_string(&p.cfg->output, s), KZ_OK);
        Parsed again(p.yaml());
        ASSERT_EQ(again.status, KZ_OK) << again.report;
        EXPECT_STREQ(again.cfg->output, s);
    }
}

TEST(Config, NumbersComeBackToTheBit)
{
    for (double x : {0.1, 1.0 / 3, 1e-8, 5e-324 + 2e-38, 3.4e38, 0.30000000000000004, 123456789.0, 1e22}) {
        Parsed p(small_config_with());
        p.cfg->optimizer.lr = x;
        Parsed again(p.yaml());
        ASSERT_EQ(again.status, KZ_OK) << again.report;
        EXPECT_EQ(again.cfg->optimizer.lr, x);
    }
}

TEST(Config, SetWinsOverTheFileAndTheLastOneWins)
{
    Parsed p(full, {"optimizer.lr=0.5", "model.layers[1].units=9", "data.valid=none", "optimizer.lr=0.25", "seed=7",
                    "train.early_stop=none", "train.target={metric: train.loss, at_least: 1}", "data.test.x=/t"});
    ASSERT_EQ(p.status, KZ_OK) << p.report;
    EXPECT_EQ(p.cfg->optimizer.lr, 0.25);
    EXPECT_EQ(p.cfg->model.layers[1].units, 9);
    EXPECT_EQ(p.cfg->data.valid.x, nullptr);
    EXPECT_EQ(p.cfg->seed, 7U);
    EXPECT_EQ(p.cfg->train.early_stop.metric, nullptr);
    EXPECT_TRUE(p.cfg->train.target.at_least);
    EXPECT_STREQ(p.cfg->data.test.x, "/t");
    EXPECT_STREQ(p.cfg->data.test.y, "/test/y");
}

TEST(Config, SetMakesWhatIsNotThere)
{
    Parsed p(small_config_with(), {"train.epochs=3", "data.valid.fraction=0.1", "optimizer.schedule.name=cosine",
                                   "model.layers=[{type: dense, units: 4}, {type: dense}]"});
    ASSERT_EQ(p.status, KZ_OK) << p.report;
    EXPECT_EQ(p.cfg->train.epochs, 3);
    EXPECT_EQ(p.cfg->data.valid.fraction, 0.1);
    EXPECT_STREQ(p.cfg->optimizer.schedule.name, "cosine");
    EXPECT_EQ(p.cfg->model.n_layers, 2);
}

TEST(Config, SetReplacesAWrongValueOfTheFile)
{
    Parsed p(small_config_with("optimizer: {name: adam, lr: abc}"), {"optimizer.lr=0.1"});
    EXPECT_EQ(p.status, KZ_OK) << p.report;
}

TEST(Config, DigestIgnoresWhatCannotChangeBits)
{
    std::string digest = Parsed(small_config_with()).digest();
    for (const char *set :
         {"name=other", "output=elsewhere", "data.path=/x.h5", "data.memory=1MiB", "device.kind=cpu",
          "device.threads=7", "seed=1", "optimizer.lr=1e-3", "optimizer.weight_decay=-0.0",
          "data.test={x: /test/x, y: /test/y}", "optimizer.schedule={name: constant}",
          "train.checkpoint={every_epochs: 3}", "model.layers[0].dropout=0", "train.early_stop=none"}) {
        Parsed p(small_config_with(), {set});
        ASSERT_EQ(p.status, KZ_OK) << p.report;
        EXPECT_EQ(p.digest(), digest) << set;
    }
}

TEST(Config, DigestSeesWhatChangesBits)
{
    std::string digest = Parsed(small_config_with()).digest();
    for (const char *set : {"seed=2", "optimizer.lr=0.0010000000000000002", "data.train.x=/x", "data.scale=none",
                            "data.test=none", "model.layers[0].units=10", "model.loss=cross_entropy", "train.batch=33",
                            "train.micro_batches=2", "train.epochs=11", "device.arithmetic=fast",
                            "train.target={metric: train.loss, at_most: 0.1}", "data.valid={fraction: 0.5}"}) {
        Parsed p(small_config_with(), {set});
        ASSERT_EQ(p.status, KZ_OK) << p.report;
        EXPECT_NE(p.digest(), digest) << set;
    }
}

TEST(Config, DigestIsOfThisText)
{
    Parsed p(small_config_with());
    const char text[] =
        R"({"seed":1,"data":{"train":{"x":"/train/x","y":"/train/y"},"valid":"none","test":{"x":"/test/x","y":"/test/y"},)"
        R"("scale":"standard","scale_target":"auto"},"model":{"layers":[{"type":"dense","units":null,)"
        R"("activation":"identity","dropout":0.0}],"loss":null,"init":"he_normal"},"optimizer":{"name":"adam","lr":0.001,)"
        R"("beta1":0.90000000000000002,"beta2":0.999,"eps":1e-8,"weight_decay":0.0,"clip_norm":"none",)"
        R"("clip_value":"none","schedule":{"name":"constant","warmup_steps":0}},"train":{"epochs":10,"batch":32,)"
        R"("micro_batches":1,"shuffle":"full","early_stop":"none","target":"none"},)"
        R"("device":{"arithmetic":"reproducible","precision":null}})";
    kz_sha256 *hash = nullptr;
    uint8_t bytes[32];
    char digest[KZ_DIGEST_TEXT];
    ASSERT_EQ(kz_sha256_create(&hash), KZ_OK);
    kz_sha256_add(hash, text, strlen(text));
    kz_sha256_end(hash, bytes);
    kz_sha256_destroy(&hash);
    kz_digest_text(digest, bytes);
    EXPECT_EQ(p.digest(), digest);
}

// ---- several errors, and texts that are hostile ----

TEST(Config, AllErrorsComeAtOnceInOrder)
{
    Parsed p("nam: t\ndata:\n  memory: 1\n  path: d.h5\nmodel: {layers: [{type: dense, units: x}, dense]}\n"
             "optimizer:\n  lr: abc\n  name: adam\n  momentum: 1\n",
             {"train.epochs=0", "seed=x"});
    std::vector<std::string> heads;
    for (size_t at = 0; (at = p.report.find(": error: ", at)) != std::string::npos; at++) {
        size_t begin = p.report.rfind('\n', at) + 1;
        heads.push_back(p.report.substr(begin, p.report.find('\n', at) - begin));
    }
    EXPECT_EQ(heads, (std::vector<std::string>{
                         "run.yaml:1:1: error: name is missing",
                         "run.yaml:1:1: error: unknown key 'nam'",
                         "run.yaml:5:39: error: model.layers[0].units: 'x' is not a whole number",
                         "run.yaml:5:43: error: model.layers[1]: expected a mapping, found 'dense'",
                         "run.yaml:7:7: error: optimizer.lr: 'abc' is not a number",
                         "run.yaml:9:3: error: optimizer.momentum: adam does not use it; sgd does",
                         "--set train.epochs=0: error: train.epochs: 0 is out of range",
                         "--set seed=x: error: seed: 'x' is not a whole number",
                     }));
    EXPECT_EQ(p.message, "run.yaml: 8 errors");
}

TEST(Config, AtMostFiftyErrorsArePrinted)
{
    std::string text = small_config_with();
    for (int i = 0; i < 60; i++) text += "colour" + std::to_string(i) + ": 1\n";
    Parsed p(text);
    EXPECT_NE(p.report.find("\nand 10 more\n"), std::string::npos);
    EXPECT_EQ(p.report.find("colour50"), std::string::npos);
    EXPECT_EQ(p.message, "run.yaml: 60 errors");
}

void expect_error(const std::string &text, const std::string &error)
{
    Parsed p(text);
    EXPECT_EQ(p.status, KZ_E_CONFIG);
    EXPECT_EQ(p.report.substr(0, p.report.find('\n')), error);
}

TEST(Config, WhatIsNoMappingIsRefused)
{
    expect_error("", "run.yaml:1:1: error: the config is empty");
    expect_error("# nothing\n---\n", "run.yaml:1:1: error: a config is a mapping of keys, this is a single value");
    expect_error("- a\n", "run.yaml:1:1: error: a config is a mapping of keys, this is a list");
    expect_error("abc", "run.yaml:1:1: error: a config is a mapping of keys, this is a single value");
}

TEST(Config, DepthSizeAndNumberOfValuesAreLimited)
{
    std::string commas = "a: [";
    for (int i = 0; i < 100000; i++) commas += "1,";
    expect_error(std::string(100000, '['), "run.yaml:1:33: error: nested more than 32 deep");
    expect_error(std::string(100000, '{'), "run.yaml:1:2: error: a key must be a plain name");
    expect_error(commas + "]", "run.yaml:1:19999: error: more than 10000 values");
    expect_error(std::string((1 << 20) + 1, '#'), "run.yaml:1:1: error: larger than 1 MiB, too large for a config");
    EXPECT_EQ(Parsed(small_config_with() + std::string(1 << 19, '#') + "\n").status, KZ_OK);
}

TEST(Config, WindowsLineEndsAndByteOrderMark)
{
    std::string text = small_config_with("optimizer: {name: adm}"), crlf = "\xef\xbb\xbf";
    for (char c : text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
    EXPECT_EQ(Parsed(crlf).report, Parsed(text).report);
    EXPECT_EQ(Parsed(crlf, {"optimizer.name=sgd"}).status, KZ_OK);
}

TEST(Config, SetIsTextToo)
{
    EXPECT_EQ(Parsed(small_config_with(), {"output=\xff"}).report,
              "--set output=\\xff: error: byte 0xff is not text\n  output=\\xff\n         ^~~~\n"
              "  help: save the file as UTF-8 without control characters\n");
}

// ---- files ----

struct TemporaryFile {
    char path[32] = "/tmp/kz-config-XXXXXX";
    explicit TemporaryFile(const std::string &text)
    {
        close(mkstemp(path));
        std::ofstream(path, std::ios::binary) << text;
    }
    ~TemporaryFile()
    {
        unlink(path);
    }
};

TEST(Config, LoadKeepsTheFileName)
{
    TemporaryFile file(small_config_with());
    kz_config *cfg = nullptr;
    kz_text report = {};
    ASSERT_EQ(kz_config_load(&cfg, file.path, nullptr, 0, &report), KZ_OK) << kz_text_str(&report);
    EXPECT_STREQ(cfg->file, file.path);
    EXPECT_EQ(report.n, 0);
    kz_config_destroy(&cfg);
    EXPECT_EQ(cfg, nullptr);
}

TEST(Config, LoadRefusesNulMissingAndHugeFiles)
{
    TemporaryFile nul(std::string("name: a\0b\n", 10)), huge(std::string(2 << 20, '#'));
    kz_config *cfg = nullptr;
    kz_text report = {};
    EXPECT_EQ(kz_config_load(&cfg, nul.path, nullptr, 0, &report), KZ_E_CONFIG);
    EXPECT_NE(strstr(kz_text_str(&report), ":1:8: error: byte 0x00 is not text\n"), nullptr);
    EXPECT_EQ(kz_config_load(&cfg, huge.path, nullptr, 0, &report), KZ_E_CONFIG);
    EXPECT_NE(strstr(kz_text_str(&report), ":1:1: error: larger than 1 MiB"), nullptr);
    EXPECT_EQ(kz_config_load(&cfg, "/nowhere/run.yaml", nullptr, 0, &report), KZ_E_INPUT);
    EXPECT_EQ(cfg, nullptr);
    kz_text_free(&report);
}

// ---- memory ----

// Each allocation fails in turn; what is left then shows under the address sanitizer.
void fail_everywhere(const std::string &text, kz_status last)
{
    const char *const sets[] = {"optimizer.lr=0.5", "train.epochs=3"};
    kz_status st = KZ_E_MEM;
    for (int64_t n = 1; st == KZ_E_MEM; n++) {
        kz_config *cfg = nullptr;
        kz_text report = {}, yaml = {};
        json_t *json = nullptr;
        char digest[KZ_DIGEST_TEXT];
        kz_calloc_fail_at(n);
        st = kz_config_parse(&cfg, "run.yaml", text.c_str(), sets, 2, &report);
        if (st == KZ_OK) st = kz_config_yaml(&yaml, cfg);
        if (st == KZ_OK) st = kz_config_json(&json, cfg);
        if (st == KZ_OK) st = kz_config_digest(digest, cfg);
        if (st == KZ_OK) st = kz_config_set_string(&cfg->output, "x");
        kz_calloc_fail_at(0);
        kz_config_destroy(&cfg);
        json_decref(json);
        kz_text_free(&yaml);
        kz_text_free(&report);
        ASSERT_LT(n, 10000);
    }
    EXPECT_EQ(st, last);
}

TEST(Config, EachAllocationFailsCleanly)
{
    fail_everywhere(full, KZ_OK);
    fail_everywhere("nam: t\ndata: {valid: {x: 1}}\nmodel: {layers: [{units: x}, dense]}\na: &b 1\na: 1\n",
                    KZ_E_CONFIG);
    fail_everywhere("a: [", KZ_E_CONFIG);
}

} // namespace
