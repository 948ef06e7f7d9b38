// program.h — runs the real program as a user does, and makes folders for it to work in.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace program {

struct Result {
    int status = -1;        // exit status; 128 + signal if one ended it
    bool timed_out = false; // it was killed by us
    std::string out, err;   // with a terminal, both are in `out`, and lines end with \r\n
};

struct Options {
    std::map<std::string, std::string>
        env;                 // put over the environment, which is without NO_COLOR, COLUMNS, KAIZEN_DEBUG
    std::string directory;   // to run in; empty: this one
    std::string input;       // its standard input
    double seconds = 60;     // then it is killed
    int columns = 0;         // > 0: stdout and stderr are a terminal this wide, TERM=xterm
    std::string out_path;    // stdout is this file, such as /dev/full
    bool out_closed = false; // stdout is closed
    bool out_broken = false; // stdout is a pipe that nobody reads
    int interrupt = 0;       // this signal is sent once, when stderr or stdout first says something
};

// argv[0] is the file to run.
Result run(const std::vector<std::string> &argv, const Options &options = {});
Result kaizen(const std::vector<std::string> &arguments, const Options &options = {});

std::string kaizen_path();                        // KAIZEN_BIN of the environment, else the one built with the tests
std::string source_path(const std::string &name); // "datasets/digits.h5" in the source tree, absolute
std::string read_file(const std::string &path);   // "" and a test failure if it cannot be read
bool exists(const std::string &path);
bool has_program(const std::string &name);                   // it is on the PATH
int count(const std::string &text, const std::string &part); // how often

// A new folder, removed with all that is in it when this goes.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    std::string path() const
    {
        return path_;
    }
    std::string path(const std::string &name) const
    {
        return path_ + "/" + name;
    }
    std::string write(const std::string &name, const std::string &text) const; // its path

  private:
    std::string path_;
};

} // namespace program
