// stand_in.h — for tests that run on the stand-in for a GPU, and in kaizen-gpu-tests on a GPU.
#pragma once

#include "build.h"

#include <gtest/gtest.h>

const bool on_stand_in = *build::cuda_on_cpu != '\0';

// In kaizen-gpu-tests there is no stand-in, and the program takes the module beside it.
#define NEEDS_THE_STAND_IN(why)                                                                                        \
    if (!on_stand_in) GTEST_SKIP() << "on the stand-in alone: " << why
