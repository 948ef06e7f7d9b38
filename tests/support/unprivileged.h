// unprivileged.h — gives up root's rights for a while, so that tests of permissions mean something as root too.
#pragma once

#include <cstdlib>
#include <sys/prctl.h>
#include <unistd.h>

// Without root's rights while it lives.  Where files lie in folders of root's own, let others in first.
class Unprivileged {
  public:
    Unprivileged() : was_root_(geteuid() == 0), given_up_(was_root_ && seteuid(65534) == 0)
    {
        stay_visible();
    }
    ~Unprivileged()
    {
        if (given_up_ && seteuid(0) != 0) abort();
        stay_visible();
    }
    Unprivileged(const Unprivileged &) = delete;
    Unprivileged &operator=(const Unprivileged &) = delete;
    explicit operator bool() const // false: still root
    {
        return !was_root_ || given_up_;
    }

  private:
    // A new user makes /proc/self unreadable, which counting open files and the leak sanitizer need.
    void stay_visible() const
    {
        if (given_up_) prctl(PR_SET_DUMPABLE, 1);
    }
    bool was_root_, given_up_;
};
