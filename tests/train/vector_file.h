// vector_file.h — reads tests/golden/arithmetic_vectors.json; its format is told in make_arithmetic_vectors.py.
#pragma once

#include "cursors.h"
#include "oracle.h"
#include "program.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <jansson.h>
#include <map>
#include <sstream>

namespace vectors {

inline const json_t *file()
{
    static json_t *root = [] {
        json_error_t error;
        std::string path = program::source_path("tests/golden/arithmetic_vectors.json");
        json_t *j = json_load_file(path.c_str(), JSON_REJECT_DUPLICATES, &error);
        if (!j) ADD_FAILURE() << path << ":" << error.line << ": " << error.text;
        return j;
    }();
    return root;
}

inline const json_t *field(const json_t *v, const char *key)
{
    const json_t *j = json_object_get(v, key);
    if (!j) ADD_FAILURE() << "a vector of " << json_string_value(json_object_get(v, "of")) << " has no " << key;
    return j;
}

inline std::string text(const json_t *v, const char *key)
{
    const char *s = json_string_value(field(v, key));
    return s ? s : "";
}

inline int64_t integer(const json_t *v, const char *key)
{
    return json_integer_value(field(v, key));
}

inline std::vector<int64_t> integers(const json_t *v, const char *key)
{
    std::vector<int64_t> out;
    const json_t *list = field(v, key);
    for (size_t i = 0; i < json_array_size(list); i++) out.push_back(json_integer_value(json_array_get(list, i)));
    return out;
}

// Hexadecimal words with blanks between.
template <class Word> std::vector<Word> words(const std::string &hex)
{
    std::vector<Word> out;
    std::istringstream in(hex);
    for (std::string word; in >> word;) out.push_back(static_cast<Word>(std::stoull(word, nullptr, 16)));
    return out;
}

// {"lcg": s, "n": n, "type": ..., "spread": k}
template <class T> std::vector<T> draws(const json_t *spec)
{
    auto state = static_cast<uint32_t>(integer(spec, "lcg"));
    auto next = [&state] {
        state = state * 1664525u + 1013904223u;
        return (static_cast<double>((state >> 8) & 0xffffu) - 32768) / 32768;
    };
    std::vector<T> out(static_cast<size_t>(integer(spec, "n")));
    for (size_t i = 0; i < out.size(); i++) {
        double x = next();
        if (sizeof(T) == 8) x *= next(), x *= next();
        out[i] = static_cast<T>(std::ldexp(x, -static_cast<int>(i % static_cast<size_t>(integer(spec, "spread")))));
    }
    return out;
}

inline std::vector<float> f32s(const json_t *v, const char *key)
{
    const json_t *j = field(v, key);
    if (json_is_object(j)) return draws<float>(j);
    std::vector<uint32_t> bits = words<uint32_t>(text(v, key));
    std::vector<float> out(bits.size());
    if (!bits.empty()) std::memcpy(out.data(), bits.data(), 4 * bits.size());
    return out;
}

inline std::vector<double> f64s(const json_t *v, const char *key)
{
    const json_t *j = field(v, key);
    if (json_is_object(j)) return draws<double>(j);
    std::vector<uint64_t> bits = words<uint64_t>(text(v, key));
    std::vector<double> out(bits.size());
    if (!bits.empty()) std::memcpy(out.data(), bits.data(), 8 * bits.size());
    return out;
}

inline float f32(const json_t *v, const char *key)
{
    return f32s(v, key).at(0);
}

inline double f64(const json_t *v, const char *key)
{
    return f64s(v, key).at(0);
}

inline uint64_t seed(const json_t *v)
{
    return words<uint64_t>(text(v, "seed")).at(0);
}

// Every element has the bits wanted; NaNs are all alike.
template <class T> void expect_same(const std::vector<T> &got, const std::vector<T> &wanted, const std::string &what)
{
    int64_t at = oracle::first_difference(got, wanted);
    if (at < 0) return;
    auto i = static_cast<size_t>(at);
    if (got.size() != wanted.size()) ADD_FAILURE() << what << ": " << got.size() << " values, wanted " << wanted.size();
    else
        ADD_FAILURE() << what << "[" << at << "] is " << got[i] << ", wanted " << wanted[i] << std::hex << " (bits "
                      << oracle::bits(got[i]) << ", wanted " << oracle::bits(wanted[i]) << ")";
}

// A device for each instruction set, on three threads.
template <class Check> void on_every_device(Check check)
{
    for (const char *const *isa = kz_device_isas(); *isa; isa++) {
        kz_config_device cfg = {};
        kz_device *dev = nullptr;
        char kind[] = "cpu";
        cfg.kind = kind;
        cfg.arithmetic = "reproducible";
        cfg.threads = 3;
        ASSERT_EQ(KZ_OK, kz_device_create(&dev, &cfg, *isa)) << kz_error_message();
        SCOPED_TRACE(*isa);
        check(dev);
        kz_device_destroy(&dev);
    }
}

// The smallest config with these layers and this optimiser; to be destroyed.
inline kz_config *config_with(const std::string &layers, const json_t *optimizer)
{
    kz_config *cfg = nullptr;
    kz_text report = {};
    char *rest = optimizer ? json_dumps(optimizer, JSON_COMPACT) : nullptr;
    std::string whole = R"({"name": "v", "data": {"path": "v.h5"}, "model": {"layers": [)" + layers +
                        R"(]}, "optimizer": )" + (rest ? rest : R"({"name": "sgd"})") + "}";
    EXPECT_EQ(KZ_OK, kz_config_parse(&cfg, "vector", whole.c_str(), nullptr, 0, &report)) << kz_text_str(&report);
    kz_text_free(&report);
    free(rest);
    return cfg;
}

inline kz_dropout dropout_of(double p, uint64_t seed, int64_t layer, int64_t step, int64_t first)
{
    kz_dropout d = {};
    d.threshold = (uint32_t)(p * 0x1p32);
    d.factor = (float)(1.0 / (1.0 - p));
    d.seed = seed, d.layer = (uint32_t)layer, d.at = at_step(step), d.first = (uint64_t)first;
    return d;
}

using Checks = std::map<std::string, std::function<void(const json_t *)>>; // by what a vector is "of"

// All vectors of a rule.
inline void check_rule(const char *rule, const Checks &checks)
{
    const json_t *list = json_object_get(json_object_get(file(), "rules"), rule);
    ASSERT_GT(json_array_size(list), 0u) << "no vectors for rule " << rule;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        std::string of = text(v, "of");
        SCOPED_TRACE("rule " + std::string(rule) + ", vector " + std::to_string(i) + ": " + of);
        if (checks.count(of)) checks.at(of)(v);
        else ADD_FAILURE() << "nothing checks it";
    }
}

} // namespace vectors
