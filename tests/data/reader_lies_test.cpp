/* What the reader process says is not believed: every field of an answer is checked. */
#include "tests/support/reader.h"

#include <sys/socket.h>

using namespace kz_test;

namespace {

int lie; /* which one */

bool tell(const kz_request *q, kz_answer *a)
{
    if (q->call != KZ_CALL_ARRAY && q->call != KZ_CALL_TEXTS && q->call != KZ_CALL_READ) return false;
    if (q->call == KZ_CALL_ARRAY) {
        a->stored = KZ_STORED_FLOAT32, a->rank = 2;
        a->extent[0] = 1000, a->extent[1] = 3, a->extent[2] = a->extent[3] = 1;
        a->chunk_rows = 1;
    }
    const int64_t huge = INT64_MAX;
    switch (lie) {
    case 0: a->stored = -1; break;
    case 1: a->stored = KZ_STORED_FLOAT128 + 1; break;
    case 2: a->rank = 0; break;
    case 3: a->rank = KZ_RANK_MAX + 1; break;
    case 4: a->rank = -1; break;
    case 5: a->extent[1] = -3; break;
    case 6: a->extent[0] = 0; break;
    case 7: a->extent[3] = 2; break;
    case 8: a->extent[0] = huge; break;
    case 9: a->extent[1] = (int64_t)1 << 61; break;
    case 10: a->chunk_rows = 0; break;
    case 11: a->chunk_rows = 1001; break;
    case 12: a->chunk_bytes = -1; break;
    case 13: a->bytes = huge; break;
    case 14: a->bytes = -1; break;
    case 15: a->status = KZ_E_INTERRUPTED; break;
    case 16: a->status = 1000000; break;
    case 17: a->status = -1; break;
    case 18: a->serial++; break;
    case 19: a->call = KZ_CALL_READ; break;
    case 20: /* a short answer, then nothing that is due */ send(3, a, 100, MSG_NOSIGNAL); break;
    }
    return true;
}

bool tell_texts(const kz_request *q, kz_answer *a)
{
    if (q->call == KZ_CALL_READ && lie >= 4) {
        a->bytes = lie == 4 ? 11999 : lie == 5 ? INT64_MAX : -12000;
        return true;
    }
    if (q->call != KZ_CALL_TEXTS) return false;
    a->bytes = 40;
    a->n = lie == 0 ? INT64_MAX : lie == 1 ? -1 : lie == 2 ? 11 : 3; /* 3: the numbers lying there are no lengths */
    return true;
}

} // namespace

TEST(DataReader, LiesAboutArraysAreFound)
{
    Folder folder;
    std::string path = sound(folder);
    const char *const found[] = {"has an unknown type",
                                 "has an unknown type",
                                 "has too many dimensions",
                                 "has too many dimensions",
                                 "has too many dimensions",
                                 "has an impossible extent",
                                 "has an impossible extent",
                                 "has an impossible extent",
                                 "claims more values than can be addressed",
                                 "claims more values than can be addressed",
                                 "has impossible chunks",
                                 "has impossible chunks",
                                 "has impossible chunks",
                                 "is longer than it may be",
                                 "is longer than it may be",
                                 "has an unknown status",
                                 "has an unknown status",
                                 "has an unknown status",
                                 "is to another question",
                                 "is to another question",
                                 "has the wrong length"};
    Hook hook(tell);
    for (lie = 0; lie < (int)(sizeof found / sizeof *found); lie++) {
        SCOPED_TRACE(lie);
        File file = open_file(path);
        kz_array a = {};
        a.id = -7;
        EXPECT_EQ(kz_hdf5_array(file.get(), "/train/x", "data.train", &a), KZ_E_DATA);
        EXPECT_EQ(kz_error_message(),
                  path + ": the process that reads it makes no sense: its answer " + found[lie] + harm);
        EXPECT_EQ(a.id, -7); /* untouched */
        expect_no_child();
    }
}

TEST(DataReader, LiesAboutValuesAreFound)
{
    Folder folder;
    std::string path = sound(folder);
    const char *const found[] = {"has an impossible number of parts", "has an impossible number of parts",
                                 "has an impossible number of parts", "has a text cut short",
                                 "has the wrong number of values",    "has the wrong number of values",
                                 "has the wrong number of values"};
    Hook hook(tell_texts);
    for (lie = 0; lie < 7; lie++) {
        SCOPED_TRACE(lie);
        File file = open_file(path);
        char **texts = nullptr;
        int64_t n = 0;
        std::vector<float> x(3000);
        kz_array a;
        ASSERT_EQ(kz_hdf5_array(file.get(), "/train/x", "data.train", &a), KZ_OK);
        if (lie < 4) { /* into the same slot */
            ASSERT_EQ(kz_hdf5_read(file.get(), &a, 0, 1000, x.data()), KZ_OK);
        }
        EXPECT_EQ(lie < 4 ? kz_hdf5_texts(file.get(), "class_names", &texts, &n)
                          : kz_hdf5_read(file.get(), &a, 0, 1000, x.data()),
                  KZ_E_DATA);
        EXPECT_EQ(kz_error_message(),
                  path + ": the process that reads it makes no sense: its answer " + found[lie] + harm);
        EXPECT_EQ(texts, nullptr);
        EXPECT_EQ(n, 0);
    }
}

/* What it writes to people is made safe for a terminal. */
TEST(DataReader, ItsMessagesAreCleaned)
{
    Folder folder;
    std::string path = sound(folder);
    Hook hook([](const kz_request *, kz_answer *a) {
        a->status = KZ_E_DATA;
        std::memset(a->message, 'x', sizeof a->message); /* no end */
        std::memcpy(a->message, "\x1b[31mred\xff", 9);
        return true;
    });
    kz_hdf5 *file = nullptr;
    EXPECT_EQ(kz_hdf5_open(&file, path.c_str()), KZ_E_DATA);
    EXPECT_EQ(std::string(kz_error_message()).substr(0, 12), "?[31mred?xxx");
    EXPECT_EQ(std::strlen(kz_error_message()), sizeof(kz_answer::message) - 1);
}
