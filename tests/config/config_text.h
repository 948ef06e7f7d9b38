// Configs for the tests of src/config.
#ifndef KZ_TESTS_CONFIG_TEXT_H
#define KZ_TESTS_CONFIG_TEXT_H

#include "kz/config.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

// A config parsed from text; both the config and the report are gone with it.
struct Parsed {
    kz_config *cfg = nullptr;
    kz_status status;
    std::string report, message;

    explicit Parsed(const std::string &text, const std::vector<const char *> &sets = {})
    {
        kz_text t = {};
        status = kz_config_parse(&cfg, "run.yaml", text.c_str(), sets.data(), static_cast<int64_t>(sets.size()), &t);
        report = kz_text_str(&t);
        if (status != KZ_OK) message = kz_error_message();
        kz_text_free(&t);
    }
    Parsed(const Parsed &) = delete;
    Parsed &operator=(const Parsed &) = delete;
    ~Parsed()
    {
        kz_config_destroy(&cfg);
    }

    std::string yaml() const
    {
        kz_text t = {};
        EXPECT_EQ(kz_config_yaml(&t, cfg), KZ_OK);
        std::string s = kz_text_str(&t);
        kz_text_free(&t);
        return s;
    }
    std::string json() const
    {
        kz_text t = {};
        json_t *j = nullptr;
        EXPECT_EQ(kz_config_json(&j, cfg), KZ_OK);
        EXPECT_EQ(kz_json_dump(&t, j, false), KZ_OK);
        std::string s = kz_text_str(&t);
        json_decref(j);
        kz_text_free(&t);
        return s;
    }
    std::string digest() const
    {
        char text[KZ_DIGEST_TEXT] = "";
        EXPECT_EQ(kz_config_digest(text, cfg), KZ_OK);
        return text;
    }
};

inline std::string first_word(const std::string &line)
{
    return line.substr(0, line.find(':'));
}

// The smallest config, with `line` in place of its line with the same key, or added.
inline std::string small_config_with(const std::string &line = "")
{
    std::string all;
    bool placed = line.empty();
    for (std::string l :
         {"name: t", "data: {path: d.h5}", "model: {layers: [{type: dense}]}", "optimizer: {name: adam}"}) {
        bool same = !line.empty() && first_word(l) == first_word(line);
        all += (same ? line : l) + "\n";
        placed = placed || same;
    }
    return placed ? all : all + line + "\n";
}

struct ConfigErrorCase {
    const char *title;
    const char *line; // takes the place of the small config's line with the same key, or is added to it
    std::vector<const char *> sets;
    const char *report;
};

inline void expect_report(const ConfigErrorCase &c)
{
    Parsed p(small_config_with(c.line), c.sets);
    EXPECT_EQ(p.status, KZ_E_CONFIG);
    EXPECT_EQ(p.cfg, nullptr);
    EXPECT_EQ(p.report, c.report);
}

#endif
