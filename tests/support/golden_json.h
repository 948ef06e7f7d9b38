// golden_json.h — numbers from the JSON files of tests/golden.
#pragma once

#include "program.h"

#include "kz/base.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace golden {

struct Free {
    void operator()(json_t *j) const
    {
        json_decref(j);
    }
};
using Json = std::unique_ptr<json_t, Free>;

inline Json parse(const std::string &text)
{
    json_error_t error;
    Json j(json_loads(text.c_str(), 0, &error));
    EXPECT_TRUE(j) << error.text << "\n" << text.substr(0, 400);
    return j;
}

inline Json load(const std::string &name)
{
    return parse(program::read_file(program::source_path("tests/golden/" + name)));
}

// A number; `standard` where there is none.
inline double number(const json_t *j, const char *key, double standard = 0)
{
    const json_t *value = json_object_get(j, key);
    return json_is_number(value) ? json_number_value(value) : standard;
}

inline std::string text(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "";
}

inline std::vector<double> numbers(const json_t *array)
{
    std::vector<double> x;
    for (size_t i = 0; i < json_array_size(array); i++) x.push_back(json_number_value(json_array_get(array, i)));
    return x;
}

inline std::vector<double> numbers(const json_t *j, const char *key)
{
    return numbers(json_object_get(j, key));
}

inline std::vector<const json_t *> items(const json_t *j, const char *key)
{
    std::vector<const json_t *> list;
    const json_t *array = json_object_get(j, key);
    for (size_t i = 0; i < json_array_size(array); i++) list.push_back(json_array_get(array, i));
    EXPECT_FALSE(list.empty()) << key;
    return list;
}

} // namespace golden
