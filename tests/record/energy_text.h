// What a meter would write into run.json.
#ifndef KZ_TESTS_ENERGY_TEXT_H
#define KZ_TESTS_ENERGY_TEXT_H

#include "record/record_impl.h"

#include <gtest/gtest.h>
#include <string>

inline std::string energy_text(const kz_energy &energy)
{
    kz_text t = {};
    json_t *j = kz_energy_json(&energy);
    EXPECT_EQ(KZ_OK, kz_json_dump(&t, j, false));
    std::string s = kz_text_str(&t);
    kz_text_free(&t);
    json_decref(j);
    return s;
}

#endif
