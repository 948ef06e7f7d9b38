/* nvml_made_up.h — a library that answers as NVIDIA's NVML does, for tests: it knows one GPU, whose counter moves by `step`
 * with each look at it. */
#ifndef KZ_TESTS_NVML_MADE_UP_H
#define KZ_TESTS_NVML_MADE_UP_H

#define NVML_MADE_UP_BUS "0000:41:00.0"
enum { NVML_NOT_SUPPORTED = 3, NVML_NO_PERMISSION = 4, NVML_NOT_FOUND = 6 };

typedef struct {
    unsigned long long millijoules, step;
    unsigned limit;                                /* milliwatts */
    int start_status, energy_status, limit_status; /* 0: it can be done */
    int started, looks;                            /* starts less stops; calls for the counter */
} nvml_made_up;

#endif
