/* How fast a data set larger than data.memory is read while it is trained on, against reading its file and against
 * undoing its gzip chunks by zlib alone; alternately, in one process, with the file in the page cache.
 *
 *     stream_rate FILE MEMORY WINDOW BLOCK REPEATS    one line of JSON: seconds and bytes of every repeat */
#include "kz/config.h"
#include "kz/data_stream.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER = 4 << 20 };

static int fail(const char *what)
{
    fprintf(stderr, "stream_rate: %s: %s\n", what, kz_error_message());
    return 1;
}

/* Bytes of the file, read in turn. */
static double plain(const char *path, double *seconds)
{
    static char buffer[BUFFER];
    double bytes = 0, start = kz_clock();
    int fd = open(path, O_RDONLY);
    for (ssize_t n; fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0;) bytes += (double)n;
    if (fd >= 0) close(fd);
    *seconds = kz_clock() - start;
    return bytes;
}

/* The same into memory as large as two windows, which no cache holds: what reading costs where the bytes are kept. */
static double into_memory(const char *path, char *memory, size_t room, double *seconds)
{
    double bytes = 0, start = kz_clock();
    size_t at = 0;
    int fd = open(path, O_RDONLY);
    for (ssize_t n; fd >= 0 && (n = read(fd, memory + at, room - at < BUFFER ? room - at : BUFFER)) > 0;) {
        bytes += (double)n;
        at += (size_t)n;
        if (at == room) at = 0;
    }
    if (fd >= 0) close(fd);
    *seconds = kz_clock() - start;
    return bytes;
}

/* Unpacked bytes of the chunks of an array, each fetched and inflated by itself; 0: it is not in gzip chunks. */
static double inflate_array(hid_t file, const char *object)
{
    hsize_t chunks = 0, offset[4], size;
    double bytes = 0;
    hid_t set = H5Dopen2(file, object, H5P_DEFAULT), space = H5Dget_space(set), made = H5Dget_create_plist(set);
    bool packed = H5Pget_layout(made) == H5D_CHUNKED && H5Pget_nfilters(made) > 0;
    hsize_t extent[4] = {1, 1, 1, 1};
    if (packed) {
        H5Pget_chunk(made, 4, extent);
        H5Dget_num_chunks(set, space, &chunks);
    }
    uLong room = (uLong)(extent[0] * extent[1] * extent[2] * extent[3] * 8);
    uint8_t *in = malloc(2 * room + 4096), *out = malloc(room);
    for (hsize_t i = 0; i < chunks; i++) {
        unsigned mask;
        uint32_t filters;
        haddr_t address;
        uLongf n = room;
        H5Dget_chunk_info(set, space, i, offset, &mask, &address, &size);
        H5Dread_chunk(set, H5P_DEFAULT, offset, &filters, in);
        if (uncompress(out, &n, in, (uLong)size) != Z_OK) abort();
        bytes += (double)n;
    }
    free(in);
    free(out);
    H5Pclose(made);
    H5Sclose(space);
    H5Dclose(set);
    return bytes;
}

static double inflate_all(const char *path, double *seconds)
{
    double start = kz_clock();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    double bytes = inflate_array(file, "/train/x") + inflate_array(file, "/train/y");
    H5Fclose(file);
    *seconds = kz_clock() - start;
    return bytes;
}

/* One epoch: every window taken and given back at once. */
static kz_status stream(kz_feed *feed, const kz_data *data, uint32_t epoch, double *seconds, double *bytes)
{
    kz_window w;
    kz_status st = KZ_OK;
    double start = kz_clock(), before = (double)kz_feed_counted(feed).bytes;
    int64_t rows = 0;
    kz_feed_begin(feed, &(kz_pass){.split = &data->train, .epoch = epoch, .batch = 128});
    for (;;) {
        KZ_TRY(kz_feed_next(feed, &w));
        if (w.rows == 0) break;
        rows += w.rows;
    }
    *seconds = kz_clock() - start;
    *bytes = (double)kz_feed_counted(feed).bytes - before;
    if (rows != data->train.rows) st = KZ_FAIL(KZ_E_FAIL, "%lld rows came", (long long)rows);
done:
    return st;
}

static kz_status open_data(kz_data **data, kz_config **cfg, char **argv)
{
    kz_text yaml = {0}, report = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(&yaml,
                       "name: stream\ndata: {path: \"%s\", memory: %s, window: %s, window_block: %s, scale: none, "
                       "test: none}\nmodel: {layers: [{type: dense}]}\noptimizer: {name: sgd, lr: 0.1}\n"
                       "train: {shuffle: window, batch: 128}\n",
                       argv[1], argv[2], argv[3], argv[4]));
    KZ_TRY(kz_config_parse(cfg, "stream.yaml", yaml.s, NULL, 0, &report));
    KZ_TRY(kz_data_open(data, *cfg));
    if (!(*data)->train.streamed) st = KZ_FAIL(KZ_E_FAIL, "%s fits into %s", argv[1], argv[2]);
done:
    fputs(kz_text_str(&report), stderr);
    kz_text_free(&report);
    kz_text_free(&yaml);
    return st;
}

int main(int argc, char **argv)
{
    kz_config *cfg = NULL;
    kz_data *data = NULL;
    kz_feed *feed = NULL;
    double seconds, bytes;
    char *memory = NULL;
    if (argc != 6) return fail("usage: stream_rate FILE MEMORY WINDOW BLOCK REPEATS");
    double start = kz_clock();
    if (open_data(&data, &cfg, argv) != KZ_OK || kz_feed_create(&feed, data, cfg) != KZ_OK) return fail(argv[1]);
    size_t room = 2 * (size_t)strtoll(argv[3], NULL, 10) * (size_t)data->features;
    if (kz_calloc(&memory, (int64_t)room, 1, "memory to read into") != KZ_OK) return fail(argv[1]);
    printf("{\"open_s\": %.4f, \"rows\": %lld, \"repeats\": [", kz_clock() - start, (long long)data->train.rows);
    for (int i = 0; i < atoi(argv[5]); i++) {
        bytes = plain(argv[1], &seconds);
        printf("%s{\"plain_s\": %.5f, \"plain_bytes\": %.0f, ", i ? ", " : "", seconds, bytes);
        bytes = into_memory(argv[1], memory, room, &seconds);
        printf("\"memory_s\": %.5f, \"memory_bytes\": %.0f, ", seconds, bytes);
        bytes = inflate_all(argv[1], &seconds);
        if (bytes > 0) printf("\"inflate_s\": %.5f, \"inflate_bytes\": %.0f, ", seconds, bytes);
        if (stream(feed, data, (uint32_t)i, &seconds, &bytes) != KZ_OK) return fail(argv[1]);
        printf("\"stream_s\": %.5f, \"stream_bytes\": %.0f}", seconds, bytes);
    }
    printf("]}\n");
    kz_free(&memory);
    kz_feed_destroy(&feed);
    kz_data_destroy(&data);
    kz_config_destroy(&cfg);
    return 0;
}
