/* What libfaketime lacks where a program's clock is to show the chains' time: see dilation.py.

   Compiled twice, since the order in which libraries are loaded matters: with ANCHOR it stands behind libfaketime, is
   initialised before it, and says how far a process that starts now is ahead. Without, it stands before libfaketime and
   has the waits until a moment that libfaketime knows nothing of, or gets wrong. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

static long long ns_of(const struct timespec *t) { return t->tv_sec * NS + t->tv_nsec; }

static long long machine_ns(clockid_t clock)
{
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return ns_of(&now);
}

static double variable(const char *name)
{
    const char *text = getenv(name);
    return text ? atof(text) : 0;
}

#ifdef ANCHOR
/* libfaketime takes the moment at which it is initialised for the start. However late that is on a busy machine, it gets
   the moment that this library reckoned with. */
static struct timespec start;
static int started;

__attribute__((constructor)) static void anchor(void)
{
    double genesis = variable("LAB_CLOCK_GENESIS"), speed = variable("LAB_CLOCK_SPEED");
    char text[80];
    if (speed <= 0) return;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &start);
    snprintf(text, sizeof text, "%+.6f x%.6f", (ns_of(&start) / 1e9 - genesis) * (speed - 1), speed);
    setenv("FAKETIME", text, 1);
}

void lab_clock_started(void) { started = 1; }

static int machine_clock(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!started && clock == CLOCK_REALTIME && start.tv_sec) {
        *now = start;
        return 0;
    }
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, now);
}

/* What libfaketime takes for libc's, under the names by which its releases ask for it. */
int clock_gettime(clockid_t clock, struct timespec *now) { return machine_clock(clock, now); }
int __clock_gettime(clockid_t clock, struct timespec *now) { return machine_clock(clock, now); }
#else
static double speed = 1;

__attribute__((constructor)) static void learn(void)
{
    void (*clock_started)(void) = dlsym(RTLD_DEFAULT, "lab_clock_started");
    if (variable("LAB_CLOCK_SPEED") > 0) speed = variable("LAB_CLOCK_SPEED");
    if (clock_started) clock_started();
}

/* libc's own, whatever stands before it. */
static void *libc(const char *name) { return dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name); }

/* What the machine's clock reads at the moment at which the program's reads `at`. */
static struct timespec machine_time(clockid_t clock, const struct timespec *at)
{
    struct timespec shown;
    clock_gettime(clock, &shown);
    long long left = ns_of(at) - ns_of(&shown);
    long long due = machine_ns(clock) + (left > 0 ? (long long)(left / speed) : 0);
    return (struct timespec){due / NS, due % NS};
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *at)
{
    int (*wait)(sem_t *, clockid_t, const struct timespec *) = libc("sem_clockwait");
    struct timespec due = machine_time(clock, at);
    return wait(semaphore, clock, &due);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *at)
{
    int (*wait)(sem_t *, const struct timespec *) = libc("sem_timedwait");
    struct timespec due = machine_time(CLOCK_REALTIME, at);
    return wait(semaphore, &due);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *at)
{
    int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *) = libc("pthread_cond_clockwait");
    struct timespec due = machine_time(clock, at);
    return wait(condition, mutex, clock, &due);
}

/* libfaketime goes without memory that processes share where it gets none: what is killed would leave it behind. */
sem_t *sem_open(const char *name, int flags, ...)
{
    sem_t *(*open)(const char *, int, mode_t, unsigned) = libc("sem_open");
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, mode_t);
    unsigned value = va_arg(more, unsigned);
    va_end(more);
    if (strncmp(name, "/faketime_sem_", 14) == 0) {
        errno = ENOSYS;
        return SEM_FAILED;
    }
    return open(name, flags, mode, value);
}
#endif
