// The heap: zeroed, aligned, and failing where a test wants it to.
#include "kz/base.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>

TEST(Memory, IsZeroedAndAligned)
{
    for (int64_t n : {0, 1, 63, 64, 65, 1000}) {
        unsigned char *p = nullptr;
        ASSERT_EQ(KZ_OK, kz_calloc(&p, n, 1, "bytes"));
        ASSERT_NE(nullptr, p);
        EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(p) % 64);
        for (int64_t i = 0; i < n; i++) ASSERT_EQ(0, p[i]);
        kz_free(&p);
        EXPECT_EQ(nullptr, p);
        kz_free(&p); // NULL is fine
    }
}

TEST(Memory, ImpossibleSizesAreRefused)
{
    char mark = 0;
    char *p = &mark;
    EXPECT_EQ(KZ_E_MEM, kz_calloc(&p, -1, 1, "rows"));
    EXPECT_EQ(KZ_E_MEM, kz_calloc(&p, INT64_MAX, 8, "rows"));
    EXPECT_EQ(KZ_E_MEM, kz_calloc(&p, INT64_MAX, 2, "rows"));
    EXPECT_EQ(&mark, p) << "untouched";
    EXPECT_EQ(0u, std::string(kz_error_message()).find("rows: "));
}

TEST(Memory, HookFailsTheNthCallAlone)
{
    kz_calloc_fail_at(2);
    for (int call = 1; call <= 3; call++) {
        int *p = nullptr;
        EXPECT_EQ(call == 2 ? KZ_E_MEM : KZ_OK, kz_calloc(&p, 10, sizeof *p, "numbers")) << call;
        if (call == 2) {
            EXPECT_STREQ("numbers: out of memory, 40 bytes were asked for", kz_error_message());
            EXPECT_EQ(nullptr, p);
        }
        kz_free(&p);
    }
    EXPECT_EQ(3, kz_calloc_fail_at(0));
    EXPECT_EQ(0, kz_calloc_fail_at(0));
}
