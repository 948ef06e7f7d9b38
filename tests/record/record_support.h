/* record_support.h — small configs, data sets and folders for the tests of src/record. */
#ifndef KZ_TESTS_RECORD_SUPPORT_H
#define KZ_TESTS_RECORD_SUPPORT_H

#include "kz/record.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

class RecordTest : public testing::Test {
  protected:
    void SetUp() override
    {
        std::string pattern = testing::TempDir() + "kaizen-record-XXXXXX";
        ASSERT_NE(nullptr, mkdtemp(pattern.data()));
        folder = pattern;
        set_config();
        set_data();
        tensors[0] = tensor("0.weight", 2, 2, 3, 0);
        tensors[1] = tensor("0.bias", 1, 2, 0, 6);
    }
    void TearDown() override
    {
        kz_record_destroy(&rec);
        kz_calloc_fail_at(0);
        for (char *s : owned) free(s);
        std::filesystem::remove_all(folder);
    }

    kz_status create(const char *directory = nullptr)
    {
        return kz_record_create(&rec, &cfg, &data, directory, tensors, 2);
    }

    /* A run of `epochs` epochs whose weights all are the epoch's number, finished with those of the last. */
    kz_status run_all(int epochs)
    {
        kz_status st = create(path("run").c_str());
        for (int e = 1; st == KZ_OK && e <= epochs; e++) st = epoch(e, std::vector<float>(8, static_cast<float>(e)));
        std::vector<float> last(8, static_cast<float>(epochs));
        return st == KZ_OK ? kz_record_finish(rec, &run, last.data(), 8) : st;
    }

    kz_status epoch(int64_t number, const std::vector<float> &weights)
    {
        kz_epoch e = {};
        e.epoch = number;
        e.step = 10 * number;
        e.train = metrics(0.5);
        e.valid = metrics(0.25);
        e.lr = 0.1;
        e.samples_per_s = 1234.5;
        e.seconds = 0.125;
        return kz_record_epoch(rec, &e, weights.data(), static_cast<int64_t>(weights.size()));
    }

    kz_metrics metrics(double value) const
    {
        const double none = static_cast<double>(NAN);
        if (data.classification) return {100, value, value / 2, none, none};
        return {100, value, none, value / 4, none};
    }

    std::string path(const std::string &name) const
    {
        return folder + "/" + name;
    }

    char *own(const char *s)
    {
        owned.push_back(strdup(s));
        return owned.back();
    }

    static std::string content(const std::string &file)
    {
        kz_text t = {};
        EXPECT_EQ(KZ_OK, kz_file_read(&t, file.c_str(), 1 << 24)) << kz_error_message();
        std::string s(kz_text_str(&t), static_cast<size_t>(t.n));
        kz_text_free(&t);
        return s;
    }

    static std::vector<std::string> lines(const std::string &text)
    {
        std::vector<std::string> all;
        size_t begin = 0, end;
        while ((end = text.find('\n', begin)) != std::string::npos) {
            all.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
        EXPECT_EQ(begin, text.size()) << "the last line is not whole";
        return all;
    }

    static std::vector<std::string> entries(const std::string &directory)
    {
        std::vector<std::string> all;
        for (const auto &entry : std::filesystem::directory_iterator(directory))
            all.push_back(entry.path().filename().string());
        std::sort(all.begin(), all.end());
        return all;
    }

    std::string folder;
    kz_config cfg = {};
    kz_config_layer layer = {};
    kz_data data = {};
    kz_run run = {};
    kz_tensor tensors[2];
    kz_record *rec = nullptr;

  private:
    static kz_tensor tensor(const char *name, int rank, int64_t rows, int64_t columns, int64_t offset)
    {
        kz_tensor t = {};
        snprintf(t.name, sizeof t.name, "%s", name);
        t.rank = rank;
        t.shape[0] = rows;
        t.shape[1] = columns;
        t.offset = offset;
        t.n = rank == 2 ? rows * columns : rows;
        return t;
    }

    void set_config()
    {
        layer = {"dense", 2, "identity", 0};
        cfg.name = own("tiny");
        cfg.seed = 7;
        cfg.data.path = own("tiny.h5");
        cfg.data.train = {own("/train/x"), own("/train/y"), 0, false};
        cfg.data.valid.fraction = 0.1;
        cfg.data.test = {own("/test/x"), own("/test/y"), 0, false};
        cfg.data.scale = "none";
        cfg.data.scale_target = "auto";
        cfg.data.memory = int64_t{8} << 30;
        cfg.model = {&layer, 1, "cross_entropy", "he_normal"};
        cfg.optimizer.name = "sgd";
        cfg.optimizer.lr = 0.1;
        cfg.optimizer.clip_norm = cfg.optimizer.clip_value = KZ_UNSET;
        cfg.optimizer.schedule.name = "constant";
        cfg.train.epochs = 3;
        cfg.train.batch = 10;
        cfg.train.micro_batches = 1;
        cfg.train.shuffle = "full";
        cfg.device = {own("cpu"), "reproducible", nullptr, 1};
        cfg.output = own((folder + "/runs").c_str());
    }

    void set_data()
    {
        static char no[] = "no", yes[] = "yes";
        static char *names[2] = {no, yes};
        data.path = own("/data/tiny.h5");
        data.classification = true;
        data.features = 3;
        data.shape[0] = 3;
        data.rank = 1;
        data.classes = 2;
        data.class_names = names;
        data.scale_x.kind = "none";
        data.scale_y.kind = "none";
        snprintf(data.digest, sizeof data.digest, "sha256:%064d", 5);
        run.status = "completed";
        run.stopped_by = "epochs";
        run.train = run.test = metrics(0.5);
        run.epochs = 3;
        run.steps = 30;
        run.samples = 300;
        run.diverged_step = -1;
        run.target_seconds = static_cast<double>(NAN);
        run.seconds_total = 2;
        run.seconds_train = 1.5;
        run.seconds_eval = 0.25;
        run.seconds_data = 0.125;
        run.device = "cpu";
        run.isa = "avx2";
        run.threads = 2;
    }

    std::vector<char *> owned;
};

/* A JSON value by its path; parse errors and missing keys give null pointers, which fail the comparison. */
class Json {
  public:
    explicit Json(const std::string &text)
        : root(json_loads(text.c_str(), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, nullptr))
    {
    }
    ~Json()
    {
        json_decref(root);
    }
    Json(const Json &) = delete;
    Json &operator=(const Json &) = delete;

    const json_t *at(std::initializer_list<const char *> keys) const
    {
        const json_t *j = root;
        for (const char *key : keys) j = json_object_get(j, key);
        return j;
    }
    std::string text(std::initializer_list<const char *> keys) const
    {
        const char *s = json_string_value(at(keys));
        return s ? s : "(no string)";
    }
    double number(std::initializer_list<const char *> keys) const
    {
        const json_t *j = at(keys);
        return json_is_number(j) ? json_number_value(j) : static_cast<double>(NAN);
    }
    bool null(std::initializer_list<const char *> keys) const
    {
        return json_is_null(at(keys));
    }
    /* The keys of an object, in order: "a b c". */
    std::string keys(std::initializer_list<const char *> where) const
    {
        std::string all;
        const char *key;
        json_t *value;
        json_object_foreach(const_cast<json_t *>(at(where)), key, value) all +=
            std::string(all.empty() ? "" : " ") + key;
        return all;
    }

  private:
    json_t *root;
};

#endif
