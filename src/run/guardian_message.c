/* Messages between run and guardian; descriptors travel beside an order. */
#include "run/guardian_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS (1 + GUARDIAN_LINKS)

/* A short message is the struct without its order. */
static size_t short_size(void)
{
    return offsetof(struct guardian_message, order);
}

bool guardian_say(int socket, enum guardian_word word, uint32_t number)
{
    struct guardian_message m = {.word = word, .number = number};
    ssize_t n;
    do
        n = send(socket, &m, short_size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)short_size();
}

bool guardian_give_order(int socket, uint32_t number, const struct guardian_order *o,
                         const struct guardian_descriptors *d)
{
    struct guardian_message m = {.word = GUARDIAN_ORDER, .number = number, .order = *o};
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    } control = {0};
    int fd[DESCRIPTORS] = {d->log}, n = 1;
    for (int k = 0; k < o->n_links; k++)
        fd[n++] = d->link[k];
    struct iovec part = {.iov_base = &m, .iov_len = sizeof m};
    struct msghdr h = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.space,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), fd, (size_t)n * sizeof(int));
    ssize_t sent;
    do
        sent = sendmsg(socket, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof m;
}

void guardian_close_descriptors(struct guardian_descriptors *d)
{
    if (d->log >= 0)
        close(d->log);
    d->log = -1;
    for (int k = 0; k < GUARDIAN_LINKS; k++) {
        if (d->link[k] >= 0)
            close(d->link[k]);
        d->link[k] = -1;
    }
}

static void take_descriptors(struct msghdr *h, struct guardian_descriptors *d)
{
    *d = (struct guardian_descriptors){-1, {-1, -1}};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        int fd[DESCRIPTORS] = {-1, -1, -1};
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fd, CMSG_DATA(c), (n < DESCRIPTORS ? n : DESCRIPTORS) * sizeof(int));
        d->log = fd[0];
        for (int k = 0; k < GUARDIAN_LINKS; k++)
            d->link[k] = fd[1 + k];
    }
}

/* Whole, with all that it says it has. */
static bool is_message(const struct guardian_message *m, size_t n, const struct guardian_descriptors *d)
{
    if (n < short_size())
        return false;
    if (m->word != GUARDIAN_ORDER)
        return n == short_size() && m->word >= GUARDIAN_BEAT && m->word <= GUARDIAN_ANSWER;
    if (n != sizeof *m || m->order.n_links < 0 || m->order.n_links > GUARDIAN_LINKS || m->order.n_tasks < 0 ||
        m->order.n_tasks > GUARDIAN_ERRANDS)
        return false;
    for (int k = 0; k < m->order.n_links; k++)
        if (d->link[k] < 0)
            return false;
    for (int k = 0; k < m->order.n_tasks; k++)
        if (m->order.task[k].link < 0 || m->order.task[k].link >= m->order.n_links)
            return false;
    return true;
}

enum guardian_heard guardian_hear(int socket, struct guardian_message *m, struct guardian_descriptors *d)
{
    for (;;) {
        union {
            struct cmsghdr head;
            char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
        } control;
        struct iovec part = {.iov_base = m, .iov_len = sizeof *m};
        struct msghdr h = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.space,
                           .msg_controllen = sizeof control.space};
        ssize_t n = recvmsg(socket, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? HEARD_NOTHING : HEARD_END;
        if (n == 0)
            return HEARD_END;
        take_descriptors(&h, d);
        if (!(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && is_message(m, (size_t)n, d))
            return HEARD_MESSAGE;
        guardian_close_descriptors(d);
    }
}
