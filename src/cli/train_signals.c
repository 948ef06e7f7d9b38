/* Signals: handlers set a flag, or end the program. */
#include "train_cli.h"

#include <unistd.h>

static volatile sig_atomic_t stop_signal, save_wanted, begun;

static void on_stop(int number)
{
    if (!begun) _exit(kz_status_exit(KZ_E_INTERRUPTED));
    if (stop_signal) _exit(128 + number);
    stop_signal = number;
}

static void on_save(int number)
{
    (void)number;
    save_wanted = 1;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction before, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask); /* two that come together are a first and a second */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN && number != SIGTERM) return;
    sigaction(number, &action, NULL);
}

void kz_train_signals(kz_train_options *options)
{
    options->stop = &stop_signal;
    options->save = &save_wanted;
    handle(SIGTERM, on_stop);
    handle(SIGINT, on_stop);
    handle(SIGHUP, on_stop);
    handle(SIGUSR1, on_save);
}

void kz_train_signals_begin(void)
{
    begun = 1;
}
