// training.h — trainings small enough for a test: configs from text, trainers taken apart, whole runs.
#pragma once

#include "oracle.h"
#include "program.h"

#include "kz/config.h"
#include "kz/train.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

extern "C" {
#include "train/trainer.h"
}

namespace training {

struct Config {
    kz_config *cfg = nullptr;

    explicit Config(const std::string &yaml)
    {
        kz_text report = {};
        EXPECT_EQ(kz_config_parse(&cfg, "test.yaml", yaml.c_str(), nullptr, 0, &report), KZ_OK)
            << kz_text_str(&report) << yaml;
        kz_text_free(&report);
    }
    ~Config()
    {
        kz_config_destroy(&cfg);
    }
    Config(const Config &) = delete;
    Config &operator=(const Config &) = delete;
};

// A config for one of the shipped data sets.  The parts are the insides of flow maps: "units: 8, activation: tanh".
struct Recipe {
    std::string data = "iris", data_keys = ""; // "valid: {fraction: 0.2}"
    std::vector<std::string> layers = {"units: 8, activation: tanh", ""};
    std::string model_keys = "", optimizer = "name: sgd, lr: 0.1", train = "epochs: 2, batch: 16", seed = "1";

    std::string yaml() const
    {
        std::string text = "name: test\nseed: " + seed + "\ndata: {path: \"" +
                           program::source_path("datasets/" + data + ".h5") + "\"" + comma(data_keys) +
                           "}\nmodel:\n  layers:\n";
        for (const std::string &l : layers) text += "    - {type: dense" + comma(l) + "}\n";
        return text + model_keys + "optimizer: {" + optimizer + "}\ntrain: {" + train + "}\n";
    }

  private:
    static std::string comma(const std::string &keys)
    {
        return keys.empty() ? "" : ", " + keys;
    }
};

// A trainer after its set-up, to be driven by hand.
class Trainer {
  public:
    explicit Trainer(const std::string &yaml, const char *isa = "plain", int threads = 1) : config_(yaml)
    {
        config_.cfg->device.threads = threads;
        options_.isa = isa, options_.no_record = true;
        t.cfg = config_.cfg, t.options = &options_;
        t.run.diverged_step = -1;
        EXPECT_EQ(trainer_setup(&t), KZ_OK) << kz_error_message();
        kz_tally fresh = {};
        fresh.bad_step = -1;
        upload(t.tally, std::vector<kz_tally>{fresh});
    }
    ~Trainer()
    {
        trainer_release(&t);
    }
    Trainer(const Trainer &) = delete;
    Trainer &operator=(const Trainer &) = delete;

    template <class T> void upload(T *to, const std::vector<T> &x)
    {
        EXPECT_EQ(t.dev->ops->upload(t.dev, to, x.data(), x.size() * sizeof(T)), KZ_OK);
    }
    template <class T> std::vector<T> download(const T *from, int64_t n) const
    {
        std::vector<T> x(static_cast<size_t>(n));
        EXPECT_EQ(t.dev->ops->download(t.dev, x.data(), from, x.size() * sizeof(T)), KZ_OK);
        return x;
    }
    std::vector<float> weights() const
    {
        return download(kz_model_weights(t.model), t.parameters);
    }
    kz_tally tally() const
    {
        return download(t.tally, 1)[0];
    }

    trainer t = {};

  private:
    Config config_;
    kz_train_options options_ = {};
};

inline std::string digest(const float *weights, int64_t n)
{
    kz_sha256 *hash = nullptr;
    uint8_t raw[32];
    char text[KZ_DIGEST_TEXT];
    EXPECT_EQ(kz_sha256_create(&hash), KZ_OK);
    kz_weights_digest(raw, weights, n, hash);
    kz_digest_text(text, raw);
    kz_sha256_destroy(&hash);
    return text;
}

// A whole run, watched.
struct Outcome {
    kz_status status = KZ_OK;
    kz_run run = {};
    std::string weights, message, directory;
    std::vector<kz_epoch> epochs;
    std::vector<std::string> digests; // of the weights after each epoch
    std::vector<int64_t> steps;
    std::vector<std::string> notes, checkpoints;
};

struct Options {
    std::string isa = "", directory = ""; // "": the fastest; "": no record
    int threads = 1;
    bool dry_run = false, resume = false;
    const volatile sig_atomic_t *stop = nullptr;
    volatile sig_atomic_t *save = nullptr;
    std::function<void(int64_t)> on_step = nullptr;
    std::function<kz_status(int64_t)> on_epoch = nullptr;
};

struct Watcher {
    Outcome *run;
    const Options *options;
};

inline void watch_step(void *context, int64_t step)
{
    Watcher *w = static_cast<Watcher *>(context);
    w->run->steps.push_back(step);
    if (w->options->on_step) w->options->on_step(step);
}

inline kz_status watch_epoch(void *context, const kz_epoch *e, const float *weights, int64_t n)
{
    Watcher *w = static_cast<Watcher *>(context);
    w->run->epochs.push_back(*e);
    w->run->digests.push_back(digest(weights, n));
    return w->options->on_epoch ? w->options->on_epoch(e->epoch) : KZ_OK;
}

inline void watch_note(void *context, const char *text)
{
    static_cast<Watcher *>(context)->run->notes.push_back(text);
}

inline void watch_checkpoint(void *context, const char *name, int64_t, int64_t)
{
    static_cast<Watcher *>(context)->run->checkpoints.push_back(name);
}

inline Outcome train(const std::string &yaml, const Options &options = {})
{
    Outcome r;
    Config config(yaml);
    Watcher watcher = {&r, &options};
    kz_train_result result = {};
    kz_train_options o = {};
    config.cfg->device.threads = options.threads;
    o.isa = options.isa.empty() ? nullptr : options.isa.c_str();
    o.no_record = options.directory.empty();
    o.directory = o.no_record ? nullptr : options.directory.c_str();
    o.dry_run = options.dry_run;
    o.stop = options.stop;
    o.save = options.save;
    o.resume = options.resume;
    o.watch.note = watch_note, o.watch.checkpoint = watch_checkpoint;
    o.watch.context = &watcher, o.watch.step = watch_step, o.watch.epoch = watch_epoch;
    kz_error_clear();
    r.status = kz_train(config.cfg, &o, &result);
    r.message = kz_error_message();
    r.run = result.run;
    r.weights = result.weights;
    r.directory = result.directory ? result.directory : "";
    kz_train_result_free(&result);
    return r;
}

// Iris with a validation part, in batches of 16.
inline Recipe iris(const std::string &train_keys, const std::string &optimizer = "name: adam, lr: 0.02")
{
    Recipe r;
    r.data_keys = "valid: {fraction: 0.2}";
    r.optimizer = optimizer;
    r.train = train_keys + ", batch: 16";
    return r;
}

} // namespace training
