/* Who may ask the live page what: the address it listens on, the Host and Origin of a request, and the token.
 *
 * Functions of texts, without sockets. The rules:
 *   - It listens on the loopback unless an address is given.
 *   - The Host header must name this machine. A web site that lets its own name point here (DNS rebinding)
 *     sends its own name and is refused.
 *   - What changes something must carry the token in a header, which no other site's form or script can set
 *     without asking first (and that question is refused), and its Origin, if told, must be the page itself.
 */
#ifndef SECCM_CLI_WEB_GATE_H
#define SECCM_CLI_WEB_GATE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/err.h"

struct web_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    bool v6, loopback;
};

/* `8080`, `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`, `0.0.0.0:8080`; a port alone is the loopback's;
 * port 0 is any that is free. ERR_USAGE. Names are not looked up. */
bool web_address_parse(const char *text, struct web_address *out, struct err *e);
/* "127.0.0.1:8080" or "[::1]:8080"; returns text. */
const char *web_address_text(const struct web_address *a, int port, char *text, size_t n);

/* `host`: the request's Host header, NULL if it had none. `own_name`: of this machine. The port is not looked
 * at: a tunnel may have another one at its end. */
bool web_host_is_ours(const struct web_address *a, const char *own_name, const char *host);
/* `origin`, `site`: the request's Origin and Sec-Fetch-Site, NULL if it had none. */
bool web_origin_is_ours(const char *host, const char *origin, const char *site);

/* "12", digits and nothing else, from 1: the number of a site. */
bool web_site_read(const char *text, int *out);

#define WEB_TOKEN 32 /* hexadecimal digits */

/* 128 random bits from the kernel. */
bool web_token_make(char token[WEB_TOKEN + 1], struct err *e);
/* Takes the same time whatever is given. NULL is never right. */
bool web_token_is_right(const char token[WEB_TOKEN + 1], const char *given);

#endif
