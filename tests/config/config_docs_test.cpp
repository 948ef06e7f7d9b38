// The generated documents: the committed ones are up to date, the example works, the JSON Schema says what the parser says.
#include "build.h"
#include "config_text.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace {

std::string committed(const std::string &name)
{
    const char *source = std::getenv("KAIZEN_SOURCE_DIR");
    std::ifstream file(std::string(source ? source : build::sources) + "/docs/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string made(kz_status (*make)(kz_text *))
{
    kz_text t = {};
    EXPECT_EQ(make(&t), KZ_OK);
    std::string s = kz_text_str(&t);
    kz_text_free(&t);
    return s;
}

TEST(ConfigDocs, ReferenceIsUpToDate)
{
    EXPECT_EQ(committed("config.md"), made(kz_config_reference));
}

TEST(ConfigDocs, JsonSchemaIsUpToDate)
{
    EXPECT_EQ(committed("config.schema.json"), made(kz_config_json_schema));
}

std::string example()
{
    std::string text = made(kz_config_reference), fence = "```yaml\n";
    size_t begin = text.find(fence) + fence.size();
    return text.substr(begin, text.find("```", begin) - begin);
}

TEST(ConfigDocs, ExampleIsAccepted)
{
    Parsed p(example());
    EXPECT_EQ(p.status, KZ_OK) << p.report;
}

TEST(ConfigDocs, EachAllocationFailsCleanly)
{
    for (auto make : {kz_config_reference, kz_config_json_schema}) {
        kz_status st = KZ_E_MEM;
        for (int64_t n = 1; st != KZ_OK; n++) {
            kz_text t = {};
            kz_calloc_fail_at(n);
            st = make(&t);
            kz_calloc_fail_at(0);
            kz_text_free(&t);
            ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM);
        }
    }
}

// Parser and schema agree on these, each put into the small config.
const char *const lines[] = {
    "seed: 0",
    "seed: 18446744073709551615",
    "seed: -1",
    "seed: 1.5",
    "seed: \"18446744073709551615\"",
    "name: a/b",
    "name: 7",
    "colour: red",
    "data: {path: d.h5, valid: none, test: none}",
    "data: {path: d.h5, valid: {fraction: 0.1}}",
    "data: {path: d.h5, valid: {fraction: 1}}",
    "data: {path: d.h5, valid: {x: /x, y: /y}}",
    "data: {path: d.h5, valid: {x: /x}}",
    "data: {path: d.h5, valid: {fraction: 0.1, x: /x}}",
    "data: {path: d.h5, valid: {}}",
    "data: {path: d.h5, train: none}",
    "data: {path: d.h5, test: {y: /y}}",
    "data: {path: d.h5, test: {y: y}}",
    "data: {path: d.h5, memory: 8GiB}",
    "data: {path: d.h5, memory: 4096}",
    "data: {path: d.h5, memory: 8Gb}",
    "data: {}",
    "model: {layers: []}",
    "model: {layers: [{}]}",
    "model: {layers: [{type: dense, units: 0}]}",
    "model: {layers: [{type: dense, units: 4, activation: relu, dropout: 0.5}, {type: dense}], loss: cross_entropy}",
    "model: {layers: [{type: dense, width: 4}]}",
    "optimizer: {name: adam, lr: 0}",
    "optimizer: {name: adam, lr: abc}",
    "optimizer: {name: adam, momentum: 0.9}",
    "optimizer: {name: sgd, momentum: 0.9, nesterov: true}",
    "optimizer: {name: sgd, momentum: 1}",
    "optimizer: {name: sgd, clip_norm: none, clip_value: 1}",
    "optimizer: {name: sgd, clip_norm: 0}",
    "optimizer: {lr: 0.1}",
    "optimizer: {name: adam, schedule: {final_lr: 0.1}}",
    "optimizer: {name: adam, schedule: {name: cosine, final_lr: 0.1}}",
    "optimizer: {name: adam, schedule: {warmup_steps: 3}}",
    "train: {epochs: 0}",
    "train: {shuffle: window}",
    "train: {early_stop: {metric: train.loss}}",
    "train: {early_stop: {metric: test.loss}}",
    "train: {early_stop: {patience: 3}}",
    "train: {target: {metric: test.loss, at_most: 1}}",
    "train: {target: {metric: test.loss}}",
    "train: {target: {metric: test.loss, at_most: 1, at_least: 0}}",
    "train: {target: none}",
    "train: {checkpoint: none}",
    "train: {checkpoint: {}}",
    "train: {checkpoint: {every_epochs: 5, keep: 1}}",
    "train: {checkpoint: {keep: 0}}",
    "train: {checkpoint: {every_steps: 10}}",
    "train: {checkpoint: {every_minutes: 0.5}}",
    "train: {checkpoint: {every_minutes: 0}}",
    "train: {max_minutes: 55}",
    "train: {max_minutes: none}",
    "device: {kind: auto, threads: 1024}",
    "device: {kind: \"cuda:1\"}",
    "device: {kind: gpu}",
    "device: {threads: 1025}",
    "output: \"\"",
};

const char validate[] = R"(
import json, sys
from jsonschema import Draft202012Validator as V
import yaml
schema = json.load(open(sys.argv[1]))
V.check_schema(schema)
configs = open(sys.argv[2]).read().split("\0")[:-1]
print(" ".join(str(int(V(schema).is_valid(yaml.safe_load(c)))) for c in configs))
)";

TEST(ConfigDocs, JsonSchemaAgreesWithTheParser)
{
    if (std::system("python3 -W ignore -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null") != 0)
        GTEST_SKIP() << "needs Python with jsonschema 4 and yaml (requirements.txt)";
    char folder[] = "/tmp/kz-schema-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    std::string at = folder;
    std::vector<std::string> texts = {example()};
    for (const char *line : lines) texts.push_back(small_config_with(line));
    std::ofstream(at + "/schema.json") << made(kz_config_json_schema);
    std::ofstream(at + "/validate.py") << validate;
    std::ofstream configs(at + "/configs");
    for (const std::string &t : texts) configs << t << '\0';
    configs.close();

    std::string command = "python3 " + at + "/validate.py " + at + "/schema.json " + at + "/configs > " + at + "/valid";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream answers(at + "/valid");
    for (const std::string &t : texts) {
        int valid = -1;
        answers >> valid;
        EXPECT_EQ(valid, Parsed(t).status == KZ_OK) << t;
    }
    EXPECT_EQ(std::system(("rm -r " + at).c_str()), 0);
}

} // namespace
