// The energy meter on a made-up /sys/class/powercap.
#include "energy_text.h"
#include "record_support.h"

class Energy : public RecordTest {
  protected:
    void counter(const std::string &zone, const char *name, const char *joules_millionths,
                 const char *range = "1000000")
    {
        std::filesystem::create_directories(path(zone));
        put(zone + "/name", name);
        put(zone + "/energy_uj", joules_millionths);
        put(zone + "/max_energy_range_uj", range);
    }
    void put(const std::string &file, const std::string &text)
    {
        std::string line = text + "\n";
        ASSERT_EQ(KZ_OK, kz_file_replace(path(file).c_str(), line.data(), static_cast<int64_t>(line.size()), false));
    }
    std::string report() const
    {
        return energy_text(energy);
    }
    kz_energy energy = {};
};

TEST_F(Energy, AddsPackagesAndNothingElse)
{
    counter("intel-rapl:0", "package-0", "100");
    counter("intel-rapl:1", "package-1", "0");
    counter("intel-rapl:2", "psys", "0");
    counter("intel-rapl:0:0", "core", "0");
    kz_energy_start(&energy, folder.c_str());
    put("intel-rapl:0/energy_uj", "500100");
    put("intel-rapl:1/energy_uj", "250000");
    put("intel-rapl:2/energy_uj", "900000");
    put("intel-rapl:0:0/energy_uj", "900000");
    kz_energy_sample(&energy);
    EXPECT_EQ(R"({"cpu_joules":0.75,"gpu_joules":null,"gpu_watts_mean":null,"gpu_watts_limit":null,)"
              R"("reason":"cpu: 2 whole packages by RAPL; gpu: none used"})",
              report());
}

TEST_F(Energy, CounterThatWrapsBetweenSamples)
{
    counter("intel-rapl:0", "package-0", "900000");
    kz_energy_start(&energy, folder.c_str());
    put("intel-rapl:0/energy_uj", "150000");
    kz_energy_sample(&energy);
    EXPECT_NEAR(0.25, energy.joules, 1e-12);
    put("intel-rapl:0/energy_uj", "100000");
    kz_energy_sample(&energy);
    EXPECT_NEAR(1.2, energy.joules, 1e-12);
}

TEST_F(Energy, NoneIsNullWithTheReason)
{
    kz_energy_start(&energy, folder.c_str());
    kz_energy_sample(&energy);
    EXPECT_EQ(R"({"cpu_joules":null,"gpu_joules":null,"gpu_watts_mean":null,"gpu_watts_limit":null,)"
              R"("reason":"cpu: no RAPL counter on this machine; gpu: none used"})",
              report());
}

TEST_F(Energy, OneUnreadablePackageMakesAllUnknown)
{
    counter("intel-rapl:0", "package-0", "1");
    counter("intel-rapl:1", "package-1", "rubbish");
    kz_energy_start(&energy, folder.c_str());
    EXPECT_EQ(0, energy.packages);
    EXPECT_NE(std::string::npos, report().find("intel-rapl:1/energy_uj: holds no count"));
    std::filesystem::remove(path("intel-rapl:1/energy_uj"));
    kz_energy_start(&energy, folder.c_str());
    EXPECT_NE(std::string::npos, report().find("intel-rapl:1/energy_uj: No such file or directory"));
}

TEST_F(Energy, CounterThatVanishes)
{
    counter("intel-rapl:0", "package-0", "1");
    kz_energy_start(&energy, folder.c_str());
    ASSERT_EQ(1, energy.packages);
    std::filesystem::remove(path("intel-rapl:0/energy_uj"));
    kz_energy_sample(&energy);
    EXPECT_EQ(R"({"cpu_joules":null)", report().substr(0, 18));
    EXPECT_NE(std::string::npos, report().find("became unreadable"));
}
